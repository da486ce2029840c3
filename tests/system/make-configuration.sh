#!/usr/bin/env bash
# make-configuration.sh KIND DIRECTORY: a configuration of its own, KIND flake (a git
# repository with one commit) or classic (a plain directory).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$2"
cp -r "$here/$1/." "$2"
cp "$here/system.nix" "$2"
if [ "$1" = flake ]; then
	git -C "$2" init -q -b main
	git -C "$2" config user.name tester
	git -C "$2" config user.email tester@localhost
	git -C "$2" add -A
	git -C "$2" commit -qm "a small system"
fi
