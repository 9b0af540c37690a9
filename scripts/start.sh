#!/bin/sh
# npm start: brings what is missing on this machine, starts the service, and on an empty database shows the main job
# once. Ctrl-C stops the service; containers go on running.
#
# Settings of the service come from its own configuration; ZUNBOX_DATA_DIRECTORY is where it keeps everything.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/set-up.sh
. "$root/scripts/set-up.sh"

export ZUNBOX_DATA_DIRECTORY="${ZUNBOX_DATA_DIRECTORY:-/var/lib/zunbox}"

ensure_npm_packages
# shellcheck disable=SC2119 # it needs no more packages than its own
ensure_service_packages
ensure_docker
[ "$(id -u)" = 0 ] || stop_with "the service makes network interfaces, rules and mounts, which only root may: run this as root"

mkdir -p "$ZUNBOX_DATA_DIRECTORY"
log=$ZUNBOX_DATA_DIRECTORY/zunbox.log
if [ -f "$log" ] && [ "$(wc -c <"$log")" -gt 10000000 ]; then mv -f "$log" "$log.1"; fi

say "starting the service; data in $ZUNBOX_DATA_DIRECTORY, log in $log"
touch "$log"
log_start=$(($(wc -c <"$log") + 1))
# In a session of its own: Ctrl-C reaches this script alone, which asks the service once to end.
setsid "$root/bin/zunbox" serve >>"$log" 2>&1 </dev/null &
service=$!
stopping=no
# hello.ts waits until the service answers, and ends by itself when it does not live any more.
"$node_bin" "$root/scripts/hello.ts" "$service" &
hello=$!

# A signal may come twice, from the terminal and by npm: the service is asked once.
# shellcheck disable=SC2317 # the trap calls it
stop() {
	if [ "$stopping" = no ]; then kill -TERM "$service" "$hello" 2>/dev/null || true; fi
	stopping=yes
}
trap stop INT TERM HUP

wait "$hello" || [ "$stopping" = yes ] || say "the service runs, but the first sandbox did not come up; see $log"

# A trapped signal ends `wait` early: wait until the service has really ended.
while :; do
	code=0
	wait "$service" || code=$?
	kill -0 "$service" 2>/dev/null || break
done
if [ "$stopping" = yes ]; then
	say "the service has stopped; containers go on running, and 'npm start' takes them over again"
	exit 0
fi
tail -c "+$log_start" "$log" | tail -n 20 >&2
stop_with "the service ended by itself (status $code); the end of its log is above"
