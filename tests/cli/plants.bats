# What a member of the group may plant, and what root makes of it: it executes, makes, waits for and
# believes nothing that a member could not.
load helpers
load members

QUEUE=run/safe-rebuild/queue

# A secret directory, and a change to build.
begin() {
	sr --agent first switch --flake . 2>/dev/null
	mkdir -m 700 "$ROOT/secret"
	touch -d '1 year ago' "$ROOT/secret/old"
	echo new >new.nix
	git add -A
}

# builds AGENT NUMBER: the agent's switch is recorded as build NUMBER.
builds() {
	run timeout 30 "$SAFE_REBUILD" --agent "$1" switch --flake .
	assert_equal "$status" 0
	assert_contains "${lines[-1]}" "switch succeeded: build $2,"
	assert_contains "$(sr log)" "build $2 by $1: switch succeeded"
}

@test "a record does not name what root executes on the way back" {
	# shellcheck disable=SC2016
	export DOUBLE='ln -sfn "$ROOT/systems/$N" "$ROOT/nix/var/nix/profiles/system-$N-link"
		ln -sfn "system-$N-link" "$ROOT/nix/var/nix/profiles/system"
		ln -sfn "$ROOT/systems/$N" "$ROOT/run/current-system"'
	mkdir -p "$ROOT/evil/bin" "$ROOT"/systems/{1,2}/bin
	printf '#!/bin/sh\ntouch "$ROOT/ran"\n' | tee "$ROOT/evil/bin/switch-to-configuration" \
		"$ROOT"/systems/{1,2}/bin/switch-to-configuration >/dev/null
	chmod -R 755 "$ROOT/evil" "$ROOT/systems"
	chown -R 12345 "$ROOT/evil"
	N=1 sr --agent a switch --flake .
	echo new >new.nix
	git add -A
	N=2 sr --agent b switch --flake .
	forge() { as_member git -c safe.directory='*' -c user.name=b -c user.email=b@l --git-dir "$LEDGER" "$@"; }
	local tip
	tip=$(forge rev-parse refs/heads/builds)
	forge log -1 --format=%B "$tip" | sed "s,^System-Before: .*,System-Before: $ROOT/evil," >"$ROOT/message"
	as_member sh -c 'echo "$1" >"$2.new" && mv "$2.new" "$2"' - \
		"$(forge commit-tree "$tip^{tree}" -p "$tip^" -F "$ROOT/message")" "$LEDGER/refs/heads/builds"
	run sr rollback
	assert_equal "$status" 125
	assert_contains "$output" "is no generation of"
	refute test -e "$ROOT/ran"
}

@test "a number that somebody has planted is not gone on from" {
	begin
	as_member sh -c 'cp "$1" "$2"' - "$LEDGER/refs/heads/builds" "$LEDGER/refs/running/1000000000"
	builds a 2
	as_member sh -c 'mv "$1/2.log" "$1/999999999.log"' - "$ROOT/var/log/safe-rebuild"
	builds b 3
	builds c 4
}

@test "a huge file in the place of a reference, or alternates, are taken away" {
	begin
	as_member truncate -s 3G "$LEDGER/refs/running/5" "$LEDGER/refs/agents/system/b"
	run timeout 10 "$SAFE_REBUILD" status
	assert_equal "$status" 0
	assert_contains "$output" "removed 'refs/running/5' from the ledger"
	builds b 2
	mkfifo "$LEDGER/objects/info/alternates"
	run timeout 10 "$SAFE_REBUILD" log
	assert_equal "$status" 0
	builds c 3
}

@test "a hook waits for no file of another in the place of its own, and follows no link out of a home" {
	begin
	mkdir -p "$ROOT/home/.cache"
	as_member mkfifo -m 666 "$STATE/edits/0"
	printf '{"hook_event_name": "PostToolUse", "session_id": "x", "tool_name": "Edit", "tool_input": {"file_path": "%s"}}' \
		"$CONFIG/flake.nix" >"$ROOT/event"
	timeout 10 "$SAFE_REBUILD" hook claude <"$ROOT/event"
	ln -s "$ROOT/secret" "$ROOT/home/.cache/safe-rebuild"
	chown -h -R 12345 "$ROOT/home"
	echo '{"hook_event_name": "SessionStart", "session_id": "x"}' >"$ROOT/event"
	HOME=$ROOT/home timeout 10 "$SAFE_REBUILD" hook claude <"$ROOT/event"
	assert_equal "$(ls "$ROOT/secret")" old
}

@test "tickets of the near future, one after another, keep nobody from arriving" {
	begin
	cat >"$ROOT/arrive.py" <<-'PY'
		import fcntl, os, sys, time
		kept = []
		while True:
		    name = "%s/%019d" % (sys.argv[1], time.clock_gettime_ns(time.CLOCK_BOOTTIME) + 900_000_000)
		    file = os.open(sys.argv[1] + "/new", os.O_CREAT | os.O_RDWR, 0o660)
		    os.write(file, b"Agent: x\nTarget: system\nAction: switch\nPhase: waiting\n")
		    fcntl.flock(file, fcntl.LOCK_EX)
		    os.rename(sys.argv[1] + "/new", name)
		    kept.append(name)
		    if len(kept) > 30:
		        os.unlink(kept.pop(0))
		    time.sleep(0.1)
	PY
	PATH=/usr/bin:$PATH as_member timeout 30 python3 "$ROOT/arrive.py" "$ROOT/$QUEUE" 3>&- &
	wait_for grep -rq Phase "$ROOT/$QUEUE"
	run timeout 20 "$SAFE_REBUILD" --agent a --no-wait switch --flake .
	kill "$!"
	local ended=0
	wait "$!" || ended=$?
	assert_equal "$ended" 143
	refute [ "$status" = 124 ]
}

@test "nobody writes into another's ticket" {
	begin
	HOLD=1 sr --agent holder switch --flake . 2>/dev/null 3>&- &
	wait_for test -e "$ROOT/started"
	assert_equal "$(stat -c %a "$ROOT/$QUEUE"/*)" 640
	touch "$ROOT/go"
	wait
}

@test "what is not absolute in PATH leads nowhere" {
	begin
	printf '#!/bin/sh\ntouch "$ROOT/ran"\n' | tee env nix notifier systemctl >/dev/null
	chmod 755 env nix notifier systemctl
	printf '[notify]\ncommand = notifier\n[show]\npackages = yes\n' >>"$SAFE_REBUILD_SETTINGS"
	PATH=:$PATH:. run sr --agent a switch --flake .
	assert_equal "$status" 0
	refute test -e "$ROOT/ran"
}
