# shellcheck shell=bash
# Loaded by every .bats file. Each test has a private root (see system/make-root.sh), in which
# the executable under test, $SAFE_REBUILD, runs against a scripted double of nixos-rebuild
# (use_double) or the one that really builds with Nix (use_nix).

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${SAFE_REBUILD:=$tests/../build-dev/src/safe-rebuild}"
export SAFE_REBUILD

bats_require_minimum_version 1.5.0

setup() {
	ROOT=$BATS_TEST_TMPDIR/root
	CONFIG=$ROOT/config
	STATE=$ROOT/var/lib/safe-rebuild
	LEDGER=$STATE/ledger.git
	forget_agents
	export TZ=UTC LC_ALL=C.UTF-8 GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
	"$tests/system/make-root.sh" "$ROOT"
	export SAFE_REBUILD_SETTINGS=$ROOT/etc/safe-rebuild.ini HOME=$ROOT/home
	mkdir -p "$CONFIG"
	ln -s "$SAFE_REBUILD" "$ROOT/bin/safe-rebuild"
	use_double
	if declare -F prepare >/dev/null; then prepare; fi
}

teardown() {
	if declare -F cleanup >/dev/null; then cleanup; fi
	# What a test that failed has left running would be a stranger's rebuild to the others.
	pids_of nixos-rebuild | xargs -r kill
	# Directories of a Nix store are read-only, which stops everybody but root from removing them.
	[ "$(id -u)" = 0 ] || chmod -R u+w "$ROOT"
	# Whatever a test did, git finds nothing wrong with the ledger.
	if [ -d "$LEDGER" ] && [ -z "${LEDGER_IS_BROKEN:-}" ]; then
		timeout 60 git --git-dir "$LEDGER" fsck --strict --no-dangling --no-progress
	fi
}

# Tests are often run by an agent, whose variables must not decide what they see.
forget_agents() {
	local name
	for name in $(compgen -e); do
		case $name in
		CLAUDE* | CODEX* | AI_AGENT | AGENT | AGENT_* | OPENCODE* | GEMINI_* | COPILOT_* | CURSOR_* | \
			AMP_* | GOOSE_* | SAFE_REBUILD_* | SUDO_* | DOAS_USER | PKEXEC_UID | NIX_* | NIXOS_*)
			unset "$name" ;;
		esac
	done
}

# nixos-rebuild is a script that notes its arguments in $ROOT/arguments (NUL-separated) and
# then runs the shell code in $DOUBLE.
use_double() {
	cat >"$ROOT/double" <<-'SH'
		#!/bin/sh
		printf '%s\0' "$@" >"$ROOT/arguments"
		eval "${DOUBLE:-:}"
	SH
	chmod +x "$ROOT/double"
	ln -sfn "$ROOT/double" "$ROOT/bin/nixos-rebuild"
	export ROOT PATH="$ROOT/bin:$PATH"
}

use_nix() {
	# shellcheck source=/dev/null
	. "$tests/system/nix-env.sh"
	ln -sfn "$tests/system/nixos-rebuild" "$ROOT/bin/nixos-rebuild"
}

# A git repository with a flake.nix and one commit in $CONFIG (or $1).
make_repository() {
	local directory=${1:-$CONFIG}
	mkdir -p "$directory"
	git -C "$directory" init -q -b main
	git -C "$directory" config user.name tester
	git -C "$directory" config user.email tester@localhost
	echo '{ outputs = _: { }; }' >"$directory/flake.nix"
	commit_all "$directory" "first"
}

commit_all() {
	git -C "$1" add -A
	git -C "$1" commit -q -m "$2"
}

sr() {
	"$SAFE_REBUILD" "$@"
}

# Runs a command with no agent among its ancestors, as a person's shell would; its outputs go
# to $ROOT/person.out and .err, its exit status to .status, its pid to .pid.
as_person() {
	rm -f "$ROOT"/person.*
	(
		(
			"$@" >"$ROOT/person.out" 2>"$ROOT/person.err" </dev/null &
			echo $! >"$ROOT/person.pid"
			wait $! && status=0 || status=$?
			echo "$status" >"$ROOT/person.status"
		) &
	)
	wait_for test -s "$ROOT/person.pid"
}

# pids_of NAME: every process of that name that belongs to this test: others run beside it.
pids_of() {
	local pid
	for pid in $(pgrep -x "$1"); do
		if grep -qzFx "ROOT=$ROOT" "/proc/$pid/environ" 2>/dev/null; then echo "$pid"; fi
	done
}

# A dying process has lost its environment before it lets go of its locks.
has_ended() {
	refute grep -qs '^State:.[^Z]' "/proc/$1/status"
}

# kill_runs [SIGNAL]: of which they die.
kill_runs() {
	local pid pids
	pids=$(pids_of safe-rebuild)
	for pid in $pids; do kill -s "${1:-KILL}" "$pid"; done
	for pid in $pids; do wait_for has_ended "$pid"; done
}

# person COMMAND ...: as_person, to its end; its words come to $output, its exit status to $status.
person() {
	as_person "$@"
	wait_for_long test -s "$ROOT/person.status"
	output=$(cat "$ROOT/person.out" "$ROOT/person.err")
	status=$(cat "$ROOT/person.status")
	echo "$output"
}

# Repeats a command until it succeeds, for ten seconds at most.
wait_for() {
	local i
	for ((i = 0; i < 200; i++)); do
		if "$@" >/dev/null 2>&1; then return 0; fi
		sleep 0.05
	done
	echo "waited in vain for: $*" >&2
	return 1
}

# session: a person's shell on a terminal, driven by the Python on stdin; see session.py. It has
# no agent among its ancestors.
session() {
	local script
	script=$(cat)
	export PYTHONPATH=$tests/cli PYTHONDONTWRITEBYTECODE=1
	as_person python3 -c "import os, time
from session import Session
root, program = os.environ['ROOT'], os.environ['SAFE_REBUILD']
$script"
	wait_for_long test -s "$ROOT/person.status"
	cat "$ROOT/person.err" >&2
	assert_equal "$(cat "$ROOT/person.status")" 0
}

wait_for_long() {
	wait_for "$@" || wait_for "$@" || wait_for "$@"
}

# Agents see nixos-rebuild's whole output, too.
show_all_output() {
	printf '[show]\noutput = all\n' >>"$ROOT/etc/safe-rebuild.ini"
}

# field BUILD KEY: what the ledger has recorded.
field() {
	sr show "$1" --json | jq_get "$2"
}

# A value out of JSON on stdin by a Python expression on "j", without needing jq.
jq_get() {
	python3 -c 'import json, sys; j = json.load(sys.stdin); v = j["'"$1"'"]; print("null" if v is None else v)'
}

assert_contains() {
	case $1 in
	*"$2"*) ;;
	*)
		printf 'expected to find:\n  %s\nin:\n%s\n' "$2" "$1" >&2
		return 1
		;;
	esac
}

# assert_like TEXT PATTERN: somewhere in TEXT the shell pattern matches; for lines with a
# duration or an age in them.
assert_like() {
	# shellcheck disable=SC2254
	case $1 in
	*$2*) ;;
	*)
		printf 'expected something like:\n  %s\nin:\n%s\n' "$2" "$1" >&2
		return 1
		;;
	esac
}

# refute COMMAND ...: it must fail. A bare "! command" decides nothing in the middle of a test.
refute() {
	if "$@"; then
		echo "expected to fail: $*" >&2
		return 1
	fi
}

refute_contains() {
	case $1 in
	*"$2"*)
		printf 'expected not to find:\n  %s\nin:\n%s\n' "$2" "$1" >&2
		return 1
		;;
	esac
}

assert_equal() {
	[ "$1" = "$2" ] || {
		printf 'expected: %s\nactual:   %s\n' "$2" "$1" >&2
		return 1
	}
}
