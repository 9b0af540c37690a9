#!/bin/sh
# npm test and npm run test:<suite>: brings what is missing on this machine, then runs the suites (scripts/test.ts).
#
#   scripts/test.sh [suite ...]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/set-up.sh
. "$root/scripts/set-up.sh"

ensure_npm_packages

# Only these need neither root nor Docker.
need_machine=no
if [ "$#" = 0 ]; then need_machine=yes; fi
for suite in "$@"; do
	case $suite in
	lint | types | quick) ;;
	*) need_machine=yes ;;
	esac
done
if [ "$need_machine" = yes ]; then
	ensure_service_packages docker-registry=docker-registry gcc=gcc qemu-aarch64-static=qemu-user-static python3=python3
	# Newer releases have the client in a package of its own, which older ones do not know.
	ensure_system_packages docker=docker-cli
	# One test completes words in it, and is skipped where it cannot be had.
	(ensure_system_packages zsh=zsh) || say "going on without zsh"
	ensure_docker
fi
case " $* " in
*" clients "*) ensure_system_packages zun=python3-zunclient openstack=python3-openstackclient ;;
esac
case " $* " in
*" openstack "*) ensure_openstack_packages ;;
esac
case " $* " in
*" fresh "*) ensure_system_packages debootstrap=debootstrap git=git ;;
esac

exec "$node_bin" "$root/scripts/test.ts" "$@"
