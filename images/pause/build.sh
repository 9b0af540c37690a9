#!/bin/sh
# Builds pause for every architecture that a compiler is installed for: pause-amd64 and pause-arm64 in the given
# folder (by default this one, where the binaries are kept under version control, so that nobody needs a compiler to
# use them). Prints what was built and what was left out.
#
#   images/pause/build.sh [folder]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${1:-$here}
machine=$(uname -m)

# No libc, no unwind tables, no build id, no section that tells where or by which compiler it was built.
flags="-std=c11 -Os -Wall -Wextra -Werror -ffreestanding -fno-builtin -fno-stack-protector -fno-pic -fno-asynchronous-unwind-tables
	-fno-ident -fcf-protection=none -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noseparate-code -Wl,-z,noexecstack -s"

# build <architecture> <name of it in uname> <cross compiler>
build() {
	compiler=$3
	if [ "$machine" = "$2" ]; then compiler=${CC:-gcc}; fi
	if ! command -v "$compiler" >/dev/null 2>&1; then
		echo "pause-$1: left out, $compiler is not installed"
		return 0
	fi
	options=$flags
	if [ "$1" = arm64 ]; then options=$(echo "$flags" | sed 's/-fcf-protection=none/-mbranch-protection=none -mno-outline-atomics/'); fi
	# shellcheck disable=SC2086 # the options are a list
	"$compiler" $options -o "$target/pause-$1" "$here/pause.c"
	chmod 755 "$target/pause-$1"
	echo "pause-$1: $(wc -c <"$target/pause-$1") bytes"
}

build amd64 x86_64 x86_64-linux-gnu-gcc
build arm64 aarch64 aarch64-linux-gnu-gcc
