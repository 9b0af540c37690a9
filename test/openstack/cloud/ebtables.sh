#!/bin/sh
# Stands before ebtables in the path of Neutron's agent. ebtables-nft 1.8.9 refuses to delete a rule with --among-src by
# its words ("Invalid argument"), which the agent does whenever a port that it has wired is wired again, and then does
# nothing else for ever. Such a rule is deleted by its number here.
real=/usr/sbin/ebtables-nft
case " $* " in
*" -D "*" --among-src "*) ;;
*) exec "$real" "$@" ;;
esac
table=filter
while [ "$#" -gt 0 ]; do
	case $1 in
	-t)
		table=$2
		shift 2
		;;
	-D)
		chain=$2
		shift 2
		break
		;;
	*) shift ;;
	esac
done
# Lines of the listing are "<number>. <rule>".
number=$("$real" -t "$table" -L "$chain" --Ln | sed -n 's/^ *\([0-9]*\)[.]\{0,1\} *\(.*[^ ]\) *$/\1 \2/p' | while read -r number rule; do
	if [ "$rule" = "$*" ]; then
		echo "$number"
		break
	fi
done)
if [ -z "$number" ]; then exit 0; fi
exec "$real" -t "$table" --concurrent -D "$chain" "$number"
