#!/usr/bin/env bash
# plain-user.sh PROGRAM FILE.bats ...: root runs these tests as a user who is not (nobody), from a
# copy that everybody can read.
set -euo pipefail

program=$1
shift
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP they run as a plain user anyway"
	exit
fi
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r "$here" "$copy/tests"
cp "$program" "$copy/safe-rebuild"
mkdir "$copy/tmp"
chmod -R a+rX "$copy"
chown nobody "$copy/tmp"
cd "$copy/tests/cli"
SAFE_REBUILD=$copy/safe-rebuild TMPDIR=$copy/tmp HOME=$copy/tmp \
	setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups bats --tap "$@"
