load helpers

prepare() {
	make_repository
	cd "$CONFIG"
}

@test "40 processes recording at once lose nothing and share no number" {
	export DOUBLE='sleep 0.1'
	for i in $(seq 1 40); do
		# "build" does not queue: these really run side by side
		"$SAFE_REBUILD" --agent "agent-$i" build 2>"$ROOT/err.$i" &
	done
	wait
	cat "$ROOT"/err.*
	sr log -n 100 --json | python3 -c '
import json, sys
builds = json.load(sys.stdin)["builds"]
assert sorted(b["build"] for b in builds) == list(range(1, 41)), builds
assert len({b["agent"] for b in builds}) == 40
assert all(b["outcome"] == "succeeded" for b in builds)'
	assert_equal "$(git for-each-ref refs/running --format=x | wc -l)" 0
	assert_equal "$(git --git-dir "$LEDGER" for-each-ref refs/agents --format=x | wc -l)" 40
}

@test "a number is never given twice, even while older builds still run" {
	DOUBLE='while [ ! -e "$ROOT/go" ]; do sleep 0.05; done' "$SAFE_REBUILD" --agent slow build &
	wait_for git --git-dir "$LEDGER" rev-parse -q --verify refs/running/1
	sr --agent fast build
	sr --agent fast build
	touch "$ROOT/go"
	wait
	sr --agent fast build
	assert_equal "$(sr log --json | python3 -c 'import json,sys; print([b["build"] for b in json.load(sys.stdin)["builds"]])')" \
		"[4, 1, 3, 2]"
}

@test "a build that gets no number is not recorded, at its end either" {
	sr --agent a build
	sr --agent a build
	git --git-dir "$LEDGER" log -1 --format=%B builds | sed 's/^Numbers-Given: .*/Numbers-Given: 1000000000/' >"$ROOT/record"
	assert_contains "$(cat "$ROOT/record")" "Numbers-Given: 1000000000"
	git --git-dir "$LEDGER" update-ref refs/heads/builds \
		"$(GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@localhost GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@localhost \
			git --git-dir "$LEDGER" commit-tree -p builds~1 -F "$ROOT/record" 'builds^{tree}')"
	run -0 sr --agent b build
	assert_contains "$output" "has no build numbers left"
	assert_contains "$output" "this build by b is not recorded"
	assert_contains "${lines[-1]}" "build succeeded: not recorded"
	refute_contains "$(sr log)" "by b"
}

@test "git reads it: one commit per build, authored by the agent" {
	sr --agent alpha --message $'two\nlines\nBuild: 99' switch
	assert_equal "$(git --git-dir "$LEDGER" log --format='%an %s' refs/heads/builds)" \
		"alpha switch: succeeded"
	assert_equal "$(git --git-dir "$LEDGER" log -1 --format='%(trailers:key=Build,valueonly)' \
		refs/heads/builds | head -n1)" 1
	assert_equal "$(field 1 message)" $'two\nlines\nBuild: 99'
	assert_equal "$(git --git-dir "$LEDGER" symbolic-ref HEAD)" refs/heads/builds
}

@test "the modes let members add objects and refs, and nothing else" {
	[ "$(id -u)" = 0 ] || skip "about what root shares"
	umask 022
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	printf '[access]\ngroup = users\n' >>"$SAFE_REBUILD_SETTINGS"
	sr --agent a switch
	assert_equal "$(stat -c %a "$STATE")" 2750
	assert_equal "$(stat -c %a "$LEDGER")" 2750
	assert_equal "$(stat -c %a "$LEDGER/objects" "$LEDGER/refs" | xargs)" "3770 2770"
	assert_equal "$(find "$LEDGER/objects/" "$LEDGER/refs" -mindepth 1 -type d ! -perm 2770)" "$LEDGER/objects/info"
	assert_equal "$(find "$LEDGER" -maxdepth 1 -type f -perm /022)" ""
	assert_equal "$(find "$LEDGER/info" "$LEDGER/hooks" -perm /022)" ""
	assert_equal "$(find "$LEDGER" -perm /007)" ""
	assert_equal "$(stat -c %a "$ROOT/run/safe-rebuild")" 755
	assert_equal "$(stat -c %a "$ROOT/run/safe-rebuild/lock")" 660
	assert_equal "$(stat -c %a "$ROOT/run/safe-rebuild/queue")" 3770
	assert_equal "$(stat -c %a "$ROOT/var/log/safe-rebuild/1.log")" 640
}

@test "what root does not share nobody else can enter" {
	[ "$(id -u)" = 0 ] || skip "about what root shares"
	umask 022
	printf '[access]\ngroup = no-such-group\n' >>"$SAFE_REBUILD_SETTINGS"
	run sr --agent a switch
	assert_equal "$status" 0
	assert_contains "$output" "warning: [access] group: there is no group 'no-such-group', only root can queue"
	assert_equal "$(stat -c '%a %U' "$STATE" "$ROOT/run/safe-rebuild" "$ROOT/var/log/safe-rebuild" | sort -u)" "700 root"
	# shared later: it stays as it was made, and says so
	sed -i 's/no-such-group/users/' "$SAFE_REBUILD_SETTINGS"
	run sr --agent a switch
	assert_equal "$status" 0
	assert_contains "$output" "warning: '$STATE' was made for root alone and stays that way (to share it: move it away)"
	assert_contains "$output" "switch succeeded: build 2"
}

@test "a .lock of git is waited for, and one from before this boot does not stop the ledger" {
	sr --agent a switch
	local locks=("$LEDGER/refs/heads/builds.lock" "$LEDGER/refs/agents/system/a.lock")
	touch "${locks[@]}"
	(sleep 1; rm "${locks[@]}") &
	run sr --agent a switch
	wait
	assert_contains "$output" "switch succeeded: build 2"
	assert_equal "$(field 2 outcome)" succeeded
	[ "$(id -u)" = 0 ] || return 0
	# A machine that has just booted: CLOCK_BOOTTIME in a namespace of its own.
	touch "${locks[@]}"
	sleep 4
	run unshare --time --boottime=-"$(($(cut -d. -f1 /proc/uptime) - 1))" --fork "$SAFE_REBUILD" --agent a switch
	assert_contains "$output" "switch succeeded: build 3"
	assert_equal "$(field 3 outcome)" succeeded
}

@test "git gc and pack-refs by an administrator change nothing" {
	sr --agent a switch --flake .
	echo '# x' >>flake.nix
	sr --agent a switch --flake .
	git --git-dir "$LEDGER" gc -q
	run sr --agent a switch --flake .
	assert_contains "$output" "since your build 2"
	assert_equal "$(field 3 outcome)" succeeded
	assert_equal "$(field 1 agent)" a
}

@test "a broken ledger costs the record, loudly, and never the rebuild" {
	sr --agent a switch
	rm -rf "$LEDGER/objects"
	echo no directory >"$LEDGER/objects"
	LEDGER_IS_BROKEN=1
	export DOUBLE='echo built'
	run --separate-stderr sr --agent a switch
	assert_equal "$status" 0
	assert_equal "$output" built
	assert_contains "$stderr" "cannot"
	assert_contains "$stderr" "is not recorded"
}

@test "a ledger that has lost all its objects begins anew, under a new number" {
	sr --agent a switch
	rm -rf "$LEDGER/objects/"*
	LEDGER_IS_BROKEN=1
	run sr --agent a switch
	assert_equal "$status" 0
	assert_contains "$output" "no build is left"
	assert_contains "$output" "switch succeeded: build 2"
	assert_contains "$(sr log)" "build 2 by a: switch succeeded"
}

@test "an agent whose reference is lost still has its builds" {
	sr --agent a switch
	sr --agent b switch
	rm "$LEDGER/refs/agents/system/a"
	assert_contains "$(sr --agent a status)" "yours:    build 1 by a"
}

@test "a broken chain stays bridged when the agent that leads on builds again" {
	sr --agent a switch
	sr --agent b switch
	sr --agent c switch
	lost=$(git --git-dir "$LEDGER" rev-parse refs/agents/system/b)
	rm -f "$LEDGER/objects/${lost:0:2}/${lost:2}"
	LEDGER_IS_BROKEN=1
	sr --agent a switch
	assert_contains "$(sr log)" "build 1 by a"
}

@test "a state directory that cannot be made costs the record only" {
	sed -i "s|^state = .*|state = /proc/none|" "$SAFE_REBUILD_SETTINGS"
	run sr --agent a switch
	assert_equal "$status" 0
	assert_like "$output" "cannot * '/proc/none"
	assert_contains "$output" "switch succeeded: not recorded"
}

@test "a full disk costs log and record, and the output still arrives" {
	show_all_output
	[ "$(id -u)" = 0 ] || skip "needs root"
	mkdir -p "$ROOT/var"
	mount -t tmpfs -o size=400k tmpfs "$ROOT/var" || skip "cannot mount"
	export DOUBLE='seq 1 100000 >&2; echo result'
	run --separate-stderr sr --agent a switch
	umount "$ROOT/var" || umount -l "$ROOT/var"
	assert_equal "$status" 0
	assert_equal "$output" result
	assert_contains "$stderr" "cannot write the log, its rest is lost: No space left on device"
	assert_equal "$(grep -c '^[0-9]*$' <<<"$stderr")" 100000
}

@test "a command cannot forge a record, nor can it drive a terminal" {
	export DOUBLE='exit 2'
	sr --agent a exec -- false $'switch\n\nBuild: 99\nAgent: root\nNumbers-Given: 7\e[31m' || true
	assert_equal "$(field last build)" 1
	assert_equal "$(field last agent)" a
	refute_contains "$(sr log)$(sr status)" $'\e'
	DOUBLE='' sr --agent a switch
	assert_equal "$(field last build)" 2
}

@test "one who keeps the ledger locked costs the record, not the rebuild" {
	sr --agent a switch
	flock "$STATE/ledger.lock" sleep 150 3>&- &
	keeper=$!
	sleep 0.2
	run timeout 120 "$SAFE_REBUILD" --agent b build
	kill $keeper
	pkill -P $keeper || true
	assert_equal "$status" 0
	assert_contains "$output" "another process kept '$STATE/ledger.lock' locked for 10 s"
	assert_contains "$output" "build succeeded: not recorded"
}

@test "a missing ledger.lock is made again by root" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	sr --agent a switch
	rm "$STATE/ledger.lock"
	sr --agent a switch
	assert_equal "$(field last build)" 2
}

@test "a ref without content, as a crash leaves it, is written anew" {
	sr --agent a switch
	: >"$LEDGER/refs/agents/system/a"
	sr --agent a switch
	assert_equal "$(field @a build)" 2
}

@test "a planted running number does not use up the numbers" {
	sr --agent a switch
	mkdir -p "$LEDGER/refs/running"
	git --git-dir "$LEDGER" rev-parse refs/heads/builds >"$LEDGER/refs/running/18446744073709551615"
	sr --agent a build
	assert_equal "$(field last build)" 2
}

@test "a member's finished build stays recorded where root has packed the refs" {
	# shellcheck disable=SC2016
	export DOUBLE='git --git-dir "$LEDGER" pack-refs --all'
	export LEDGER
	sr --agent a switch
	run sr --agent a switch
	assert_contains "$output" "switch succeeded: build 2"
	assert_equal "$(git --git-dir "$LEDGER" for-each-ref refs/running)" ""
}

@test "a build beside a switch does not pass for what is live" {
	# shellcheck disable=SC2016
	DOUBLE='touch "$ROOT/started"; while [ ! -e "$ROOT/go" ]; do sleep 0.02; done' \
		"$SAFE_REBUILD" --agent builder build &
	wait_for test -e "$ROOT/started"
	DOUBLE='ln -sfn /nix/store/new "$ROOT/run/current-system"' sr --agent switcher switch
	touch "$ROOT/go"
	wait
	assert_equal "$(field last agent)" builder
	assert_equal "$(field live agent)" switcher
}

@test "a full /run costs the ticket, not the rebuild" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	sr --agent a switch
	mount -t tmpfs -o size=4k,nr_inodes=2 tmpfs "$ROOT/run/safe-rebuild/queue" || skip "cannot mount"
	head -c 4096 /dev/zero >"$ROOT/run/safe-rebuild/queue/full" || true
	run timeout 20 "$SAFE_REBUILD" --agent a switch
	umount "$ROOT/run/safe-rebuild/queue"
	assert_equal "$status" 0
	assert_contains "$output" "going on with the lock alone"
	assert_equal "$(field last build)" 2
}

@test "a remote target's record says nothing about this machine" {
	ln -sfn /nix/store/here "$ROOT/run/current-system"
	sr --agent a switch --target-host server
	run field last system_after
	[ "$status" != 0 ]
}

@test "status with a damaged ledger claims nothing" {
	sr --agent a switch
	rm -rf "$LEDGER/objects/"*
	LEDGER_IS_BROKEN=1
	run sr --agent a status
	assert_equal "$status" 0
	assert_contains "$output" "not known, the ledger cannot be read"
	refute_contains "$output" "no build by a yet"
	refute_contains "$output" "made outside"
}

# after_damage NUMBERS COMMAND...: something happens to the ledger after four builds of three
# agents. What is left is found, numbers go on, and what is recorded from then on joins it.
after_damage() {
	local expected=$1
	shift
	LEDGER_IS_BROKEN=1
	for agent in a b c a; do
		echo "# $agent" >>flake.nix
		sr --agent "$agent" switch --flake . 2>/dev/null
	done
	"$@"
	run timeout 60 "$SAFE_REBUILD" --agent d switch --flake .
	echo "$output"
	assert_equal "$status" 0
	assert_contains "$output" "switch succeeded: build 5"
	refute_contains "$output" "not recorded"
	run sr log --json
	assert_equal "$(jq_get 'builds' <<<"$output" | grep -o "'build': [0-9]*" | tr -dc '0-9\n' | tr '\n' ' ')" "$expected"
	sr --agent d switch --flake . 2>/dev/null
	assert_equal "$(git --git-dir "$LEDGER" log -1 --format='%(trailers:key=Build,valueonly)' builds)" 6
}

@test "a chain whose reference is lost is found again by the agents' references" {
	after_damage "5 4 3 2 1 " rm "$LEDGER/refs/heads/builds"
}

@test "a chain whose reference is empty, or no reference, likewise" {
	rubbish() { echo rubbish >"$LEDGER/refs/heads/builds"; }
	after_damage "5 4 3 2 1 " rubbish
	: >"$LEDGER/refs/heads/builds"
	sr --agent d switch --flake . 2>/dev/null
	assert_equal "$(field last build)" 7
}

object_of() {
	local id
	id=$(git --git-dir "$LEDGER" rev-parse "$1")
	echo "$LEDGER/objects/${id:0:2}/${id:2}"
}

@test "a chain whose newest build is lost goes on from the one before, under a new number" {
	lose() { rm "$(object_of builds)"; }
	after_damage "5 3 2 1 " lose
}

@test "a chain in which a build is lost is bridged" {
	# Build 2 is gone; another agent's reference leads to what was before it.
	sr --agent z switch --flake . 2>/dev/null
	LEDGER_IS_BROKEN=1
	for agent in a b c a; do
		echo "# $agent" >>flake.nix
		sr --agent "$agent" switch --flake . 2>/dev/null
	done
	rm "$(object_of builds~3)"
	assert_contains "$(sr log 2>&1)" "is damaged: the newest build that is left further back is build 1"
	run sr --agent d switch --flake .
	assert_contains "$output" "switch succeeded: build 6"
	assert_equal "$(sr log 2>/dev/null | grep -o '^build [0-9]*' | tr -dc '0-9\n' | tr '\n' ' ')" "6 5 4 3 1 "
}

@test "without HEAD, config or refs the ledger is made whole again by root" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	sr --agent a switch --flake . 2>/dev/null
	for part in HEAD config; do
		rm "$LEDGER/$part"
		sr --agent a switch --flake .
		: >"$LEDGER/$part"
		sr --agent a switch --flake .
	done
	assert_equal "$(field last build)" 5
	assert_equal "$(git --git-dir "$LEDGER" config gc.pruneExpire)" never
	rm -r "$LEDGER/refs"
	run sr --agent a switch --flake .
	assert_contains "$output" "switch succeeded: build 6"
}

@test "what a killed first run has left of a ledger is removed" {
	mkdir -p "$STATE/ledger.git.new.abcdef/objects/info"
	: >"$STATE/ledger.git.new.abcdef/HEAD"
	sr --agent a switch --flake . 2>/dev/null
	assert_equal "$(find "$STATE" -maxdepth 1 -name '*.new.*')" ""
	assert_equal "$(field last build)" 1
}

@test "a ledger that is gone: numbers go on from the logs" {
	sr --agent a switch --flake . 2>/dev/null
	sr --agent a switch --flake . 2>/dev/null
	rm -r "$STATE"
	run sr --agent a switch --flake .
	assert_contains "$output" "switch succeeded: build 3"
}

@test "FIFOs and links in the ledger are removed, and nobody waits for them" {
	sr --agent a switch --flake . 2>/dev/null
	mkdir -p "$LEDGER/refs/heads/deep"
	for path in refs/heads/builds refs/agents/system/a refs/running/7 refs/refused refs/heads/deep/x \
		objects/pack/pack-0123456789012345678901234567890123456789.idx packed-refs; do
		rm -f "$LEDGER/$path"
		mkfifo "$LEDGER/$path"
		run timeout 10 "$SAFE_REBUILD" status
		assert_contains "$output" "removed '$path' from the ledger: it does not belong there"
	done
	ln -s /etc/passwd "$LEDGER/refs/heads/link"
	export DOUBLE='rm -f "$LEDGER/refs/running/"*; mkfifo "$LEDGER/refs/running/2" "$LEDGER/refs/heads/other"'
	export LEDGER
	run timeout 20 "$SAFE_REBUILD" --agent b switch --flake .
	assert_equal "$status" 0
	assert_contains "$output" "removed 'refs/heads/link' from the ledger"
	assert_contains "$output" "'refs/heads/other'"
	assert_equal "$(field last build)" 2
}

@test "FIFOs in the place of objects likewise" {
	LEDGER_IS_BROKEN=1
	sr --agent a switch --flake . 2>/dev/null
	echo '# b' >>flake.nix
	sr --agent b switch --flake . 2>/dev/null
	for name in builds 'builds~1^{tree}' builds:flake.nix; do
		path=$(object_of "$name")
		cp -f "$path" "$ROOT/kept"
		rm -f "$path"
		mkfifo "$path"
		run timeout 20 "$SAFE_REBUILD" --agent a diff --flake .
		assert_contains "$output" "removed '$path' from the ledger: it does not belong there"
		[ -e "$path" ] || cp "$ROOT/kept" "$path"
	done
	run timeout 20 "$SAFE_REBUILD" --agent c switch --flake .
	assert_contains "$output" "switch succeeded: build 3"
}

@test "what a killed writer has locked is open to the next one, whatever it was" {
	sr --agent a switch --flake . 2>/dev/null
	printf w >"$STATE/ledger.lock"
	mkdir -p "$LEDGER/refs/agents/system"
	for name in heads/builds agents/system/a agents/system/b running/2; do
		: >"$LEDGER/refs/$name.lock"
	done
	: >"$LEDGER/packed-refs.lock"
	# Others that come first have no use for them.
	sr status >/dev/null
	run sr --agent b switch --flake .
	assert_contains "$output" "switch succeeded: build 2"
	refute_contains "$output" "not recorded"
	assert_equal "$(find "$LEDGER" -name '*.lock')" ""
	assert_equal "$(stat -c %s "$STATE/ledger.lock")" 0
}

@test "an outcome that could not be recorded is said to be so, and recorded by the next run" {
	export LEDGER
	export DOUBLE='mkdir "$LEDGER/refs/heads/builds.lock"; exit ${EXIT:-0}'
	run sr --agent a switch --flake .
	assert_equal "$status" 0
	assert_like "${lines[-1]}" "safe-rebuild: switch succeeded: build 1, *; the outcome could not be recorded, the next run will do that"
	# Who only looks is told the truth, too.
	assert_contains "$(sr log)" "build 1 by a: switch succeeded"
	rmdir "$LEDGER/refs/heads/builds.lock"
	run sr --agent b switch --flake .
	assert_contains "$output" "recorded only now: build 1 by a: switch succeeded"
	rmdir "$LEDGER/refs/heads/builds.lock"
	EXIT=3 run sr --agent b switch --flake .
	rmdir "$LEDGER/refs/heads/builds.lock"
	DOUBLE='' run sr --agent c switch --flake .
	assert_contains "$output" "recorded only now: build 3 by b: switch failed"
	assert_equal "$(field 1 outcome) $(field 2 outcome) $(field 3 outcome) $(field 3 exit_status)" \
		"succeeded succeeded failed 3"
	assert_equal "$(ls "$ROOT/run/safe-rebuild/queue")" ""
}

@test "a build that is recorded and listed as running, too, is so no more after the next run" {
	sr --agent a build --flake . 2>/dev/null
	git --git-dir "$LEDGER" update-ref refs/running/1 refs/heads/builds
	sr --agent b switch --flake . 2>/dev/null
	assert_equal "$(git --git-dir "$LEDGER" for-each-ref refs/running)" ""
}

@test "a runner that was killed after recording leaves a ticket: the next run removes it" {
	local queue=$ROOT/run/safe-rebuild/queue
	# shellcheck disable=SC2016
	DOUBLE='cp "$ROOT"/run/safe-rebuild/queue/*b "$ROOT/kept"; basename "$ROOT"/run/safe-rebuild/queue/*b >"$ROOT/name"' \
		sr --agent a build --flake . 2>/dev/null
	cp "$ROOT/kept" "$queue/$(cat "$ROOT/name")"
	sr --agent b switch --flake . 2>/dev/null
	assert_equal "$(ls "$queue")" ""
	assert_equal "$(field 1 outcome)" succeeded
}
