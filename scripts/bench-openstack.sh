#!/bin/sh
# npm run bench:openstack: brings what is missing on this machine, then measures in an OpenStack of its own.
#
#   scripts/bench-openstack.sh [measurement ...]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/set-up.sh
. "$root/scripts/set-up.sh"

ensure_npm_packages
ensure_service_packages python3=python3
ensure_openstack_packages

exec "$node_bin" "$root/test/openstack/cloud/enter.ts" "$node_bin" "$root/bench/openstack/run.ts" "$@"
