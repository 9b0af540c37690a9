# shellcheck shell=sh
# What `npm start` and `npm test` need on a machine that has only Node.js 20 or newer, npm and root: functions to be
# sourced. Each looks first, with no network and no package manager, and does nothing where nothing is missing.
#
# $root is the checkout; set it before this file is read.

node_bin=${root:?}/node_modules/node/bin/node

say() {
	printf 'zunbox: %s\n' "$*"
}

stop_with() {
	printf 'zunbox: %s\n' "$*" >&2
	exit 1
}

# The npm packages as package-lock.json wants them, and Node.js 24 among them. npm writes its own record of what it
# installed after everything else: one that is older than package-lock.json is stale.
ensure_npm_packages() {
	record=$root/node_modules/.package-lock.json
	if [ -x "$node_bin" ] && [ -f "$record" ] && [ -z "$(find "$root/package-lock.json" -newer "$record")" ]; then return 0; fi
	# npm puts this checkout's own Node.js first, which is about to be replaced: work with the machine's.
	PATH=$(printf %s "$PATH" | tr ':' '\n' | grep -v '/node_modules/' | paste -s -d ':')
	command -v npm >/dev/null 2>&1 || stop_with "npm is missing: install Node.js 20 or newer with npm, then try again"
	say "installing the npm packages (npm ci)"
	(cd "$root" && npm ci --no-audit --no-fund --loglevel=error) || stop_with "npm ci failed; its own words are above"
	if [ ! -x "$node_bin" ]; then
		# An npm that runs no install scripts leaves the package that holds Node.js 24 empty. Its script is called by hand.
		say "fetching Node.js 24 (npm did not run the install script of its package)"
		(cd "$root/node_modules/node" && node installArchSpecificPackage.js) || true
		[ -x "$node_bin" ] || stop_with "Node.js 24 could not be installed into node_modules/node"
	fi
}

# Whether a program, or the file of a path, is there. Programs for administrators are in folders that a plain user's PATH lacks.
has_program() {
	case $1 in /*) [ -e "$1" ] && return 0 || return 1 ;; esac
	PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1
}

# missing_packages <program>=<package> ...: prints the packages whose program is not there.
missing_packages() {
	for pair in "$@"; do
		if ! has_program "${pair%%=*}"; then printf '%s\n' "${pair#*=}"; fi
	done | sort -u | tr '\n' ' '
}

# Images are made of a static busybox; the package named busybox may hold one that is not.
busybox_package() {
	if [ ! -x /bin/busybox ] || grep -Eqa '/lib(64)?/ld-(linux|musl)' /bin/busybox; then echo busybox-static; fi
}

# ensure_system_packages <program>=<package> ...: installs what is missing from apt.
ensure_system_packages() {
	missing=$(missing_packages "$@")$(busybox_package)
	missing=${missing% }
	if [ -z "$missing" ]; then return 0; fi
	[ "$(id -u)" = 0 ] || stop_with "these are missing and only root may install them: $missing (as root: apt-get install $missing)"
	has_program apt-get || stop_with "these are missing and there is no apt to install them: $missing (install what your distribution calls them)"
	say "installing from apt: $missing"
	log=$(mktemp)
	# shellcheck disable=SC2086 # the packages are a list
	if ! apt_get install $missing >"$log" 2>&1; then
		# Package lists that are missing or old are the usual reason.
		say "reading apt's package lists (apt-get update)"
		# shellcheck disable=SC2086
		if ! { apt_get update && apt_get install $missing; } >"$log" 2>&1; then
			tail -n 20 "$log" >&2
			rm -f "$log"
			stop_with "apt could not install them: $missing; its own words are above"
		fi
	fi
	rm -f "$log"
	still=$(missing_packages "$@")
	[ -z "$still" ] || stop_with "apt installed them, but their programs are still missing: $still"
}

apt_get() {
	DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 --no-install-recommends "$@" </dev/null
}

# The packages that the service itself works with.
ensure_service_packages() {
	ensure_system_packages dockerd=docker.io ip=iproute2 nft=nftables conntrack=conntrack mkfs.ext4=e2fsprogs "$@"
}

# What the OpenStack of npm run test:openstack consists of. It starts all of it by itself, so the packages must not.
ensure_openstack_packages() {
	ensure_without_starting \
		mariadbd=mariadb-server-core mariadb=mariadb-client-core /usr/lib/rabbitmq/bin/rabbitmq-server=rabbitmq-server \
		memcached=memcached uwsgi-core=uwsgi-core /usr/lib/uwsgi/plugins/python3_plugin.so=uwsgi-plugin-python3 \
		/usr/lib/python3/dist-packages/pymysql/__init__.py=python3-pymysql keystone-manage=python3-keystone \
		placement-manage=python3-placement glance-manage=glance-common neutron-server=neutron-common \
		nova-manage=nova-common cinder-manage=cinder-common openstack=python3-openstackclient zun=python3-zunclient \
		iptables=iptables ipset=ipset conntrack=conntrack dnsmasq=dnsmasq-base dhcp_release=dnsmasq-utils \
		arping=iputils-arping sudo=sudo unshare=util-linux losetup=mount
}

# As ensure_system_packages, but no package starts a daemon: Debian's way to say so is a program that says no.
ensure_without_starting() {
	policy=/usr/sbin/policy-rc.d
	if [ -z "$(missing_packages "$@")" ] || [ -e "$policy" ] || [ "$(id -u)" != 0 ]; then
		ensure_system_packages "$@"
		return
	fi
	trap 'rm -f "$policy"' EXIT
	trap 'exit 130' INT TERM HUP
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
	ensure_system_packages "$@"
	rm -f "$policy"
	trap - EXIT INT TERM HUP
}

docker_socket=/var/run/docker.sock

# Whether an Engine answers on the socket within two seconds.
docker_answers() {
	[ -S "$docker_socket" ] && "$node_bin" -e '
		const request = require("node:http").get({ socketPath: process.argv[1], path: "/_ping", timeout: 2000 }, (answer) => process.exit(answer.statusCode === 200 ? 0 : 1));
		request.on("timeout", () => process.exit(1)).on("error", () => process.exit(1));
	' "$docker_socket"
}

# Starts the Docker Engine where it does not run: by systemd where that is the init system, else by hand.
ensure_docker() {
	if docker_answers; then return 0; fi
	[ "$(id -u)" = 0 ] || stop_with "the Docker Engine does not answer on $docker_socket for this user: start it, or run this as root"
	if [ -d /run/systemd/system ]; then
		say "starting the Docker Engine (systemctl start docker)"
		systemctl start docker || stop_with "systemctl start docker failed; see: journalctl -u docker"
		engine_log="journalctl -u docker"
	else
		engine_log=/var/log/dockerd.log
		say "starting the Docker Engine (dockerd; its log is $engine_log)"
		mount_control_groups
		# One that was killed leaves its pid behind, and the next refuses to start when that number is in use again.
		if [ -f /var/run/docker.pid ] && [ "$(cat "/proc/$(cat /var/run/docker.pid)/comm" 2>/dev/null)" != dockerd ]; then
			rm -f /var/run/docker.pid
		fi
		setsid nohup dockerd >>"$engine_log" 2>&1 </dev/null &
	fi
	deadline=$(($(date +%s) + 60))
	until docker_answers; do
		[ "$(date +%s)" -lt "$deadline" ] || stop_with "the Docker Engine did not answer within 60 s; see $engine_log"
		sleep 0.2
	done
}

# Without an init system nobody may have mounted the control groups, and the Engine cannot start a container then.
mount_control_groups() {
	if grep -q '^[^ ]* /sys/fs/cgroup' /proc/self/mounts; then return 0; fi
	mkdir -p /sys/fs/cgroup
	mount -t cgroup2 cgroup2 /sys/fs/cgroup || say "the control groups could not be mounted at /sys/fs/cgroup"
}
