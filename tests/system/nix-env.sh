# shellcheck shell=bash
# Sourced with ROOT set: Nix with store, state and profiles below ROOT, no daemon, no
# sandbox, no substituters, no registry. Nothing outside ROOT is read or written.

export NIX_STORE_DIR=$ROOT/nix/store
export NIX_STATE_DIR=$ROOT/nix/var/nix
export NIX_LOG_DIR=$ROOT/nix/var/log/nix
export NIX_CONF_DIR=$ROOT/etc/nix
export XDG_CACHE_HOME=$ROOT/cache
export HOME=$ROOT/home
export NIX_REMOTE=local
# Where the double of nixos-rebuild sets the profile and activates.
export TEST_PROFILES=$NIX_STATE_DIR/profiles
export TEST_CURRENT_SYSTEM=$ROOT/run/current-system
