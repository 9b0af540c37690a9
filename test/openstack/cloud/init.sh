#!/bin/sh
# First process of the test cloud's world: `init.sh <folder> <command> ...`, started with a network, mounts and process
# numbers of its own. Makes a machine of them, runs the command and ends with its status; all that still runs then ends
# with this process. Also ends when its standard input does: whoever started it is gone then, even by SIGKILL.
set -eu
folder=$1
shift

mount --make-rprivate /
mount -t proc proc /proc
# What /sys tells of links is what was true of the network in which it was mounted. Control groups are the machine's.
mkdir -p "$folder/control-groups"
mount --rbind /sys/fs/cgroup "$folder/control-groups"
mount -t sysfs sysfs /sys
mount --rbind "$folder/control-groups" /sys/fs/cgroup
umount -l "$folder/control-groups"
# Sockets, locks and network namespaces of the machine's own daemons are not to be found.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/netns
ip link set lo up
for file in /proc/sys/net/bridge/bridge-nf-call-iptables /proc/sys/net/bridge/bridge-nf-call-ip6tables; do
	if [ -e "$file" ]; then echo 1 >"$file"; fi
done
# More open files than a desktop's default; as many as are allowed where that is less.
# shellcheck disable=SC3045 # every shell that is /bin/sh somewhere has it
ulimit -n 20000 2>/dev/null || true

exec 3<&0
"$@" </dev/null 3<&- &
main=$!
trap 'kill -TERM "$main" 2>/dev/null || true' TERM INT HUP
(
	cat >/dev/null
	kill -TERM "$main"
	sleep 5
	kill -KILL "$main"
) <&3 3<&- 2>/dev/null &
# A signal that is trapped ends the wait, not the command.
while :; do
	status=0
	wait "$main" || status=$?
	if ! kill -0 "$main" 2>/dev/null; then exit "$status"; fi
done
