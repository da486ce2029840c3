#!/usr/bin/env bash
# make-root.sh ROOT: a private root for one test: Nix' directories, the settings of
# safe-rebuild, and the double of nixos-rebuild as the only one in PATH.
set -euo pipefail

ROOT=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$ROOT"/{etc/nix,nix/var/nix/profiles,run,home,bin}
cat >"$ROOT/etc/nix/nix.conf" <<-CONF
	experimental-features = nix-command flakes
	substituters =
	build-users-group =
	sandbox = false
	flake-registry =
	warn-dirty = false
CONF
cat >"$ROOT/etc/safe-rebuild.ini" <<-INI
	[paths]
	run = $ROOT/run/safe-rebuild
	state = $ROOT/var/lib/safe-rebuild
	log = $ROOT/var/log/safe-rebuild
	profiles = $ROOT/nix/var/nix/profiles
	current-system = $ROOT/run/current-system
	activation-lock = $ROOT/run/nixos/switch-to-configuration.lock
	system-slice = $ROOT/sys/system.slice
INI
chmod 644 "$ROOT/etc/safe-rebuild.ini"
ln -sf "$here/nixos-rebuild" "$ROOT/bin/nixos-rebuild"
