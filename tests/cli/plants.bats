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
	assert_contains "$output" "switch succeeded: build $2,"
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
	refute as_member sh -c 'mv "$1/2.log" "$1/999999999.log"' - "$ROOT/var/log/safe-rebuild"
	as_member sh -c ': >"$1/999999999.log"' - "$ROOT/var/log/safe-rebuild"
	builds b 3
	builds c 4
}

@test "a huge file in the place of a reference, or alternates, are taken away" {
	begin
	as_member truncate -s 3G "$LEDGER/refs/running/5" "$LEDGER/refs/agents/system/b"
	run timeout 10 "$SAFE_REBUILD" status
	assert_equal "$status" 0
	assert_contains "$output" "removed 'refs/agents/system/b', 'refs/running/5' from the ledger: they do not belong there"
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

# Every directory that objects can lie in, shut: or a file in its place.
shut_fan_out() {
	as_member sh -c 'cd "$1" || exit; for a in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do
		for b in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do
			case $b in [0-7]) mkdir -m 700 $a$b ;; *) : >$a$b ;; esac
		done; done 2>"$2"' - "$LEDGER/objects" "$ROOT/there-already" || true
}

@test "a member shuts nobody out of the ledger" {
	begin
	shut_fan_out
	as_member sh -c 'cd "$1" && mv running away && mkdir -m 700 running && rmdir bridges && mkdir -m 700 bridges agents/profile-x' \
		- "$LEDGER/refs"
	builds a 2
	refute_contains "$output" "not recorded"
	as_member sh -c 'cd "$1" && rmdir running && : >running && chmod 0 heads/builds' - "$LEDGER/refs" || true
	as_member sh -c 'cp "$1/builds" "$1/new" && chmod 600 "$1/new" && mv "$1/new" "$1/mine"' - "$LEDGER/refs/heads"
	builds b 3
	refute_contains "$output" "not recorded"
	refute test -e "$LEDGER/refs/heads/mine"
	run as 12346 --agent c switch --flake .
	assert_equal "$status" 0
	assert_contains "$(sr log -n 1)" "build 4 by c: switch succeeded"
	git -c safe.directory='*' --git-dir "$LEDGER" fsck --strict
}

@test "what root's word looks like, in a file that members may write into, is not believed" {
	sr --agent x switch -p other --flake .
	begin
	HOLD=1 sr --agent holder switch --flake . 2>"$ROOT/err" 3>&- &
	wait_for test -e "$ROOT/started"
	local ticket
	ticket=$(basename "$ROOT/$QUEUE"/*)
	as_member sh -c 'printf "By: root\nTicket: %s\n" "$2" >"$3/refs/agents/profile-other/x" &&
		mv "$3/refs/agents/profile-other/x" "$1/queue/$2.cancel"' - "$ROOT/run/safe-rebuild" "$ticket" "$LEDGER"
	assert_equal "$(stat -c %U "$ROOT/$QUEUE/$ticket.cancel")" nobody
	sleep 0.5
	touch "$ROOT/go"
	wait
	assert_contains "$(cat "$ROOT/err")" "switch succeeded"
	# nor one that was made for another ticket
	rm -f "$ROOT/go" "$ROOT/started" "$ROOT/$QUEUE"/*
	HOLD=1 sr --agent holder switch --flake . 2>"$ROOT/err" 3>&- &
	wait_for test -e "$ROOT/started"
	ticket=$(basename "$ROOT/$QUEUE"/*)
	printf 'By: root\nTicket: 0000000000000000001\n' >"$ROOT/$QUEUE/$ticket.cancel"
	chmod 640 "$ROOT/$QUEUE/$ticket.cancel"
	sleep 0.5
	touch "$ROOT/go"
	wait
	assert_contains "$(cat "$ROOT/err")" "switch succeeded"
}

@test "a member's notes of edits say nothing of root's agents" {
	seq 20 | sed 's/.*/  line& = &;/' >big.nix
	git add -A
	# shellcheck disable=SC2016
	export DOUBLE='mkdir -p "$ROOT/systems/$N"; ln -sfn "$ROOT/systems/$N" "$ROOT/run/current-system"'
	N=1 sr --agent beta switch --flake .
	cp big.nix "$ROOT/old"
	sleep 1.1
	sed -i '3s/$/ alpha/' big.nix
	as_member sh -c 'echo "$(date +%s) beta $2/big.nix" >"$1/12345"' - "$STATE/edits" "$CONFIG"
	as_member sh -c 'cp "$1/12345" "$1/0" && cp "$1/12345" "$1/4711"' - "$STATE/edits" "$CONFIG"
	N=2 sr --agent alpha switch --flake . 2>/dev/null
	cp "$ROOT/old" big.nix
	run sr --agent beta switch --flake .
	assert_equal "$status" 65
	assert_contains "$output" "by alpha"
	# the same, noted by root, counts
	cp "$STATE/edits/12345" "$ROOT/noted"
	rm "$STATE"/edits/*
	cp "$ROOT/noted" "$STATE/edits/0"
	run sr --agent beta switch --flake .
	assert_equal "$status" 0
}

@test "a target that a member has made, or shut, becomes the system user's" {
	begin
	local targets=$ROOT/run/safe-rebuild/targets name
	as_member sh -c 'cd "$1" && mkdir -m 700 profile-a && mkdir -m 2770 profile-b profile-c profile-d &&
		: >profile-b/queue && mkdir profile-c/queue profile-c/lock && : >profile-e &&
		mkdir -m 2770 profile-d/queue && touch profile-d/lock && chmod 600 profile-d/lock' - "$targets"
	for name in a b c d e; do
		run timeout 20 "$SAFE_REBUILD" --agent x --wait 5s switch -p $name --flake .
		assert_equal "$status" 0
		assert_equal "$(stat -c '%a %U %G' "$targets/profile-$name" "$targets/profile-$name/queue" | sort -u)" "3770 nobody users"
		assert_equal "$(stat -c '%a %U %G' "$targets/profile-$name/lock")" "660 nobody users"
		run timeout 20 "$SAFE_REBUILD" --agent x --wait 5s switch -p $name --flake .
		assert_equal "$status" 0
		refute_contains "$output" "removed"
	done
	run sr status
	assert_equal "$status" 0
	# renamed under those who use it, two would build at once
	refute as_member mv "$targets/profile-a" "$targets/profile-x"
	refute as_member mv "$targets/profile-a/lock" "$targets/profile-a/lock2"
	as_member mkdir -m 2770 "$targets/profile-m"
	HOLD=1 sr --agent x switch -p m --flake . 2>"$ROOT/err" 3>&- &
	wait_for test -e "$ROOT/started"
	refute as_member mv "$targets/profile-m" "$targets/profile-x"
	refute as_member mv "$targets/profile-m/lock" "$targets/profile-m/lock2"
	run timeout 20 "$SAFE_REBUILD" --agent y --no-wait switch -p m --flake .
	assert_equal "$status" 75
	touch "$ROOT/go"
	wait
}

@test "a member takes no ticket, log or note of another away" {
	begin
	HOLD=1 sr --agent holder switch --flake . 2>"$ROOT/err" 3>&- &
	wait_for test -e "$ROOT/started"
	refute as_member mv "$ROOT/$QUEUE"/0* "$ROOT/$QUEUE/x"
	refute as_member rm -f "$ROOT/$QUEUE"/0*
	refute as_member mv "$ROOT/var/log/safe-rebuild/1.log" "$STATE/edits/0"
	touch "$ROOT/go"
	wait
	# what stands where another's notes belong is taken away by root
	as_member sh -c ': >"$1/12346"' - "$STATE/edits"
	builds a 3
	refute test -e "$STATE/edits/12346"
	# root's runner was killed, and its nixos-rebuild goes on: nobody builds beside it
	rm -f "$ROOT/go" "$ROOT/started"
	HOLD=1 sr --agent holder switch --flake . 2>"$ROOT/err" 3>&- &
	wait_for test -e "$ROOT/started"
	kill -KILL "$(sed -n 's/^Runner: \([0-9]*\).*/\1/p' "$ROOT/$QUEUE"/0*)"
	refute as_member rm -f "$ROOT/$QUEUE"/0*
	run timeout 3 "$SAFE_REBUILD" --agent b --no-wait switch --flake .
	assert_equal "$status" 75
	touch "$ROOT/go"
	builds b 5
}

@test "an outcome that a member tells in a ticket is not told on as root's" {
	begin
	HOLD=1 sr --agent holder switch --flake . 2>"$ROOT/err" 3>&- &
	wait_for test -e "$ROOT/started"
	timeout 60 "$SAFE_REBUILD" --agent victim switch --flake . 2>"$ROOT/victim" 3>&- &
	local victim=$! name tree commit
	wait_for grep -q "waiting for" "$ROOT/victim"
	name=$(printf %019d $(($(date +%s%N) / 1000)))
	forge() { as_member git -c safe.directory='*' -c user.name=b -c user.email=b@l --git-dir "$LEDGER" "$@"; }
	tree=$(forge rev-parse refs/running/2^{tree})
	forge log -1 --format=%B refs/running/2 | sed "s,^Build: .*,Build: 3,; s,^Agent: .*,Agent: other,; s,^User: .*,User: uid-12345,; s,^Ticket: .*,Ticket: $name," >"$ROOT/message"
	{ sed '1,2d' "$ROOT/message" | grep -v "^Outcome"; printf 'Outcome: succeeded\nExit-Status: 0\nFinished: %s\n' "$(date +%s)"; } >"$ROOT/ticket"
	chmod 644 "$ROOT/message" "$ROOT/ticket"
	as_member sh -c 'cat "$1" >"$2"; chmod 640 "$2"' - "$ROOT/ticket" "$ROOT/$QUEUE/$name"
	commit=$(forge commit-tree "$tree" -F "$ROOT/message")
	as_member sh -c 'echo "$1" >"$2"' - "$commit" "$LEDGER/refs/running/3"
	unset HOLD
	touch "$ROOT/go"
	wait "$victim"
	refute_contains "$(cat "$ROOT/victim")" "not built again: same configuration and command, begun after you asked: build 3"
	assert_contains "$(cat "$ROOT/victim")" "switch succeeded: build 4"
	LEDGER_IS_BROKEN=1
}

@test "links and huge files deep in the ledger keep nobody waiting" {
	begin
	as_member sh -c 'cd "$1" && mkdir -p running/a/b/c/d/e/f/g/h/i/j && cd running/a/b/c/d/e/f/g/h/i/j &&
		mkfifo fifo && ln -s fifo link && truncate -s 3G huge' - "$LEDGER/refs"
	run timeout 20 "$SAFE_REBUILD" log
	assert_contains "$output" "cannot remove 'refs/running/a', a trap for git, from the ledger"
	builds a 2
	refute test -e "$LEDGER/refs/running/a"
	as_member sh -c 'cd "$1" && mkdir running/.h && mkfifo running/.h/9 && mkdir -p running/4/x agents/system/b/x &&
		mv heads/builds heads/b && mkdir -m 2770 heads/builds && mv heads/b heads/builds/b' - "$LEDGER/refs"
	run timeout 20 "$SAFE_REBUILD" --agent b switch --flake .
	assert_equal "$status" 0
	assert_contains "$output" "the newest build that is left is build 2"
	builds b 4
	assert_contains "$(sr log)" "build 3 by b: switch succeeded"
}

@test "an object that its owner has shut makes room for root's" {
	begin
	local id
	id=$(git write-tree)
	as_member sh -c 'mkdir -p "$1/objects/$2"; echo x >"$1/objects/$2/$3"; chmod 600 "$1/objects/$2/$3"' - \
		"$LEDGER" "${id:0:2}" "${id:2}"
	builds a 2
	refute_contains "$output" "not recorded"
	assert_contains "$(sr show 2 new.nix)" new
}

@test "a planted record of the build that runs takes nothing of its outcome" {
	begin
	HOLD=1 sr --agent holder switch --flake . 2>"$ROOT/err" 3>&- &
	wait_for test -e "$ROOT/started"
	forge() { as_member git -c safe.directory='*' -c user.name=b -c user.email=b@l --git-dir "$LEDGER" "$@"; }
	local tip
	tip=$(forge rev-parse refs/heads/builds)
	forge log -1 --format=%B "$tip" | sed "s,^Build: .*,Build: 2," >"$ROOT/message"
	as_member sh -c 'echo "$1" >"$2.new" && mv "$2.new" "$2"' - \
		"$(forge commit-tree "$tip^{tree}" -p "$tip" -F "$ROOT/message")" "$LEDGER/refs/heads/builds"
	touch "$ROOT/go"
	wait
	assert_contains "$(cat "$ROOT/err")" "another record of build 2, by first: both are kept"
	assert_contains "$(sr show 2)" "Agent                  holder"
	builds b 3
}

@test "root repairs the modes of run, state and log" {
	begin
	local path
	chmod 777 "$ROOT/run/safe-rebuild"
	chmod 700 "$STATE" "$ROOT/var/log/safe-rebuild"
	builds a 2
	assert_equal "$(stat -c '%a %U' "$ROOT/run/safe-rebuild")" "755 root"
	assert_equal "$(stat -c '%a %U %G' "$STATE")" "2750 root users"
	assert_equal "$(stat -c '%a %U %G' "$ROOT/var/log/safe-rebuild")" "3770 nobody users"
	run as 12345 --agent m switch --flake .
	assert_equal "$status" 0
	refute_contains "$output" "not recorded"
	# what is not known to be ours stays as it is
	mkdir -m 775 "$ROOT/elsewhere"
	touch "$ROOT/elsewhere/file"
	sed -i "s,^run = .*,run = $ROOT/elsewhere," "$SAFE_REBUILD_SETTINGS"
	run sr --agent b switch --flake .
	assert_equal "$(stat -c %a "$ROOT/elsewhere")" 775
}

# forge ARGUMENTS ...: git in the ledger, as a member.
forge() {
	as_member git -c safe.directory='*' -c user.name=b -c user.email=b@l --git-dir "$LEDGER" "$@"
}

@test "a planted build that runs becomes no word of root's" {
	begin
	forge log -1 --format=%B refs/heads/builds | sed "s,^Build: .*,Build: 5,; s,^Agent: .*,Agent: rooty,; s,^Outcome: .*,Outcome: running,
		s,^System-Before: .*,System-Before: $ROOT/evil,; /^Finished/d; /^Exit-Status/d; /^Ticket/d; s,^Started: .*,Started: 2020-01-01T00:00:00+00:00," >"$ROOT/message"
	echo "System-Before: $ROOT/evil" >>"$ROOT/message"
	local planted=$ROOT/planted
	as_member sh -c 'echo "$1" >"$2"' - "$(forge commit-tree 'refs/heads/builds^{tree}' -F "$ROOT/message")" "$LEDGER/refs/running/5"
	run sr --agent a switch --flake .
	assert_equal "$status" 0
	assert_contains "$output" "build 5 by rooty was interrupted"
	assert_equal "$(field 5 user)" uid-12345
	assert_equal "$(sr show 5 | grep -c '^System-')" 0
	# nor is one that stands under another's number counted, or kept
	as_member sh -c 'for n in $(seq 100 160); do cp "$1/heads/builds" "$1/running/$n"; done' - "$LEDGER/refs"
	builds b 7
	assert_equal "$(ls "$LEDGER/refs/running")" ""
}

@test "root follows no build that a member calls root's own" {
	begin
	HOLD=1 sr --agent rooty switch --flake . 2>/dev/null 3>&- &
	wait_for test -e "$ROOT/started"
	local ticket
	ticket=$(echo "$ROOT/$QUEUE"/0*)
	cp "$ticket" "$ROOT/ticket"
	touch "$ROOT/go"
	wait
	chmod 644 "$ROOT/ticket"
	rm "$ROOT/go"
	as_member sh -c 'umask 027; cp "$1" "$2"; flock "$2" sleep 20' - "$ROOT/ticket" "$ROOT/$QUEUE/$(basename "$ticket")b" 3>&- &
	wait_for test -e "$ROOT/$QUEUE/$(basename "$ticket")b"
	sleep 0.3
	run timeout 15 "$SAFE_REBUILD" --agent rooty --no-wait switch --flake .
	refute_contains "$output" "following it"
	assert_contains "$output" "switch succeeded: build 3"
	kill "$!"
	wait || true
}

@test "where the group's name is gone root still has no more rights than before" {
	begin
	sed -i 's/^group = .*/group = nosuchgroup/' "$SAFE_REBUILD_SETTINGS"
	run sr --agent a switch --flake .
	assert_equal "$status" 0
	assert_contains "$output" "there is no group 'nosuchgroup'"
	assert_equal "$(find "$LEDGER/objects" "$LEDGER/refs" "$ROOT/var/log/safe-rebuild" -type f -user root)" ""
	assert_contains "$(sr log)" "build 2 by a: switch succeeded"
}

@test "root changes nothing of another's that a member has moved into the ledger" {
	begin
	local place
	for place in stuff running agents heads/x; do
		mkdir "$ROOT/theirs"
		chown 12345 "$ROOT/theirs"
		mkdir -m 700 "$ROOT/theirs/system" "$ROOT/theirs/bobs"
		touch "$ROOT/theirs/system/marker" "$ROOT/theirs/bobs/marker"
		chown 12346 "$ROOT/theirs/bobs"
		as_member sh -c 'cd "$1" && { [ ! -e "$2" ] || mv "$2" "away-${2%%/*}"; } && mv "$3" "$2"' - \
			"$LEDGER/refs" "$place" "$ROOT/theirs"
		run timeout 20 "$SAFE_REBUILD" --agent r switch --flake .
		assert_equal "$status" 0
		assert_equal "$(find "$STATE" -name marker -printf '%h\n' | xargs stat -c '%a %u %G' | sort -u | xargs)" \
			"700 0 root 700 12346 root"
		rm -rf "$STATE"/ledger.git.shut.* "$LEDGER/refs/stuff"
	done
	LEDGER_IS_BROKEN=1
}

@test "another [access] group does not lose what was recorded" {
	begin
	as 12345 --agent mm switch --flake . 2>/dev/null
	sed -i 's/^group = .*/group = audio/' "$SAFE_REBUILD_SETTINGS"
	run sr --agent r switch --flake .
	assert_equal "$status" 0
	assert_contains "$output" "and stays so (for 'audio': move it away)"
	refute_contains "$output" "removed"
	assert_equal "$(sr log | wc -l)" 3
	as 12345 --agent mm switch --flake . 2>/dev/null
	assert_equal "$(sr log | wc -l)" 4
}

@test "packs that only root can read are not taken for a loss" {
	begin
	(umask 077 && git --git-dir "$LEDGER" gc -q)
	run sr --agent a switch --flake .
	assert_equal "$status" 0
	assert_contains "$output" "which git gc may have made (chgrp and chmod g+r it)"
	assert_contains "$output" "not recorded"
	chgrp users "$LEDGER"/objects/pack/*
	chmod g+r "$LEDGER"/objects/pack/*
	builds a 2
	assert_equal "$(sr log | wc -l)" 2
}

@test "what stands in the place of a request, a log or notes keeps root's from none" {
	begin
	local ticket plant
	# shellcheck disable=SC2016
	for plant in 'echo x >"$1"' 'mkdir -p "$1/x/y"'; do
		rm -f "$ROOT/started" "$ROOT/go"
		HOLD=1 sr --agent holder switch --flake . 2>"$ROOT/err" 3>&- &
		wait_for test -e "$ROOT/started"
		ticket=$(basename "$ROOT/$QUEUE"/0*[0-9])
		as_member sh -c "$plant" - "$ROOT/$QUEUE/$ticket.cancel"
		run timeout 20 "$SAFE_REBUILD" --agent holder cancel
		touch "$ROOT/go"
		wait || true
		assert_equal "$status" 0
	done
	as_member mkdir -p "$ROOT/var/log/safe-rebuild/4.log/x/y" "$STATE/edits/0/x/y"
	builds a 4
	test -f "$ROOT/var/log/safe-rebuild/4.log"
	printf '{"hook_event_name": "PostToolUse", "session_id": "x", "tool_name": "Edit", "tool_input": {"file_path": "%s"}}' \
		"$CONFIG/flake.nix" | timeout 10 "$SAFE_REBUILD" hook claude
	grep -q flake.nix "$STATE/edits/0"
}

@test "a full /run at the very first call: the reason is told" {
	run unshare --mount sh -c 'mount -t tmpfs -o nr_inodes=2 none "$ROOT/run"
		exec timeout 10 "$SAFE_REBUILD" --agent a switch --flake .'
	assert_equal "$status" 125
	assert_contains "$output" "cannot queue in '$ROOT/run/safe-rebuild': No space left on device"
}
