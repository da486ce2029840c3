# A switch on trial: health checks and confirmation. Real Nix and real generations; systemd
# is a double whose timers really run.
load helpers

prepare() {
	use_nix
	"$tests/system/make-configuration.sh" flake "$CONFIG"
	cd "$CONFIG" || return
	use_systemd
	serve alpha one
}

# systemd-run with timers, systemctl that stops them and knows units from $ROOT/failed and jobs.
use_systemd() {
	mkdir -p "$ROOT/sys/system.slice"
	cat >"$ROOT/bin/systemd-run" <<-'SH'
		#!/bin/sh
		printf '%s\n' "$*" >>"$ROOT/systemd-run"
		unit= after=
		while :; do
			case $1 in
			--unit=*) unit=${1#--unit=} ;;
			--on-active=*) after=${1#--on-active=} ;;
			-E) shift ;;
			-*) ;;
			*) break ;;
			esac
			shift
		done
		[ -n "$after" ] || exec "$@"
		(
			exec </dev/null >>"$ROOT/timer.out" 2>&1 3>&-
			sleep "$(awk "BEGIN { print ${after%ms} / 1000 }")"
			exec "$@"
		) &
		echo $! >"$ROOT/$unit.timer"
	SH
	cat >"$ROOT/bin/systemctl" <<-'SH'
		#!/bin/sh
		printf '%s\n' "$*" >>"$ROOT/systemctl"
		case $1 in
		stop)
			for unit; do :; done
			[ ! -e "$ROOT/$unit" ] || kill "$(cat "$ROOT/$unit")"
			rm -f "$ROOT/$unit" ;;
		show)
			look=$(($(cat "$ROOT/looks" 2>/dev/null || echo 0) + 1))
			echo "$look" >"$ROOT/looks"
			cat "$ROOT/restarts.$look" 2>/dev/null ;;
		list-jobs) cat "$ROOT/jobs" 2>/dev/null ;;
		list-units)
			case $* in *failed*) cat "$ROOT/failed" 2>/dev/null ;; *) cat "$ROOT/between" 2>/dev/null ;; esac
			[ ! -e "$ROOT/failing" ] || cat "$ROOT/failing" >>"$ROOT/failed" ;;
		esac
	SH
	chmod +x "$ROOT/bin/systemd-run" "$ROOT/bin/systemctl"
}

cleanup() {
	local timer
	for timer in "$ROOT"/*.timer; do
		[ ! -e "$timer" ] || kill "$(cat "$timer")" 2>/dev/null || true
	done
}

serve() {
	echo "{ services = [ \"$2\" ]; }" >"modules/$2.nix"
	git add -A && git commit -qm "serve $2"
	sr --agent "$1" switch --flake '.#box' >"$ROOT/serve.out" 2>&1
}

add() {
	echo "{ services = [ \"$1\" ]; }" >"modules/$1.nix"
	git add -A
}

running() {
	grep -v sshd "$ROOT/run/current-system/services" | sort | xargs
}

runs() {
	[ "$(running)" = "$1" ]
}

boots() {
	grep -v sshd "$ROOT/nix/var/nix/profiles/system/services" | sort | xargs
}

health() {
	printf '[health]\n%s\n' "$1" >>"$SAFE_REBUILD_SETTINGS"
}

ended() {
	[ "$(field "$1" outcome)" != running ]
}

@test "a check that passes: the new system is kept, as a switch would have done" {
	health "check = grep -q two $ROOT/run/current-system/services"
	add two
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 0
	assert_contains "${lines[-1]}" "switch succeeded: build 2, generation 2"
	assert_equal "$(running) / $(boots)" "one two / one two"
	assert_equal "$(field 2 command)" "switch --flake '.#box'"
}

@test "what a check prints begins a line, also behind nixos-rebuild's last words" {
	show_all_output
	printf '#!/bin/sh\necho "the check speaks" >&2\n' >"$ROOT/check"
	chmod +x "$ROOT/check"
	health "check = $ROOT/check"
	add two
	run --separate-stderr sr --agent beta switch --flake '.#box'
	assert_equal "$status" 0
	assert_contains "$stderr" $'Done. The new configuration is \nthe check speaks'
}

@test "a check that fails, hangs, forks or floods: 70, and neither profile nor boot menu was touched" {
	cat >"$ROOT/check" <<-'SH'
		#!/bin/sh
		echo "asked about $SAFE_REBUILD_BUILD, before it $SAFE_REBUILD_OLD_SYSTEM"
		eval "$(cat "$ROOT/check.how")"
	SH
	chmod +x "$ROOT/check"
	health "check = $ROOT/check"$'\n'"timeout = 2s"
	echo 'echo "no answer from the wiki"; exit 3' >"$ROOT/check.how"
	add two
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 70
	assert_contains "$output" "its check failed with exit status 3: taking the new system back"
	assert_contains "$output" "no answer from the wiki"
	assert_contains "$output" "asked about 2, before it $(field 1 system_after)"
	assert_contains "${lines[-1]}" "switch rolled-back (its check failed with exit status 3): build 2, generation 1 (unchanged)"
	assert_equal "$(running) / $(boots)" "one / one"
	assert_equal "$(field 2 outcome) $(field 2 exit_status)" "rolled-back 70"
	assert_contains "$(field 2 check_output)" "no answer from the wiki"
	echo 'sleep 60 & sleep 60' >"$ROOT/check.how"
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 70
	assert_contains "$output" "its check took longer than 2 s"
	echo 'yes flood; exit 1' >"$ROOT/check.how"
	sed -i 's/^timeout = 2s/timeout = 2m/' "$SAFE_REBUILD_SETTINGS"
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 70
	assert_contains "$output" "its check printed more than 4 MB"
	[ "${#output}" -lt 10000 ]
	assert_equal "$(running) / $(boots)" "one / one"
	# and with a check that is content again it goes through
	echo 'true' >"$ROOT/check.how"
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 0
	assert_equal "$(running) / $(boots)" "one two / one two"
}

@test "a check that is not there is said before anything is built" {
	health "check = $ROOT/missing"
	add two
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 70
	assert_contains "${lines[0]}" "[health] check: '$ROOT/missing' cannot be run now"
}

@test "a check without a time limit" {
	health $'check = true\ntimeout = forever\nunits = no'
	add two
	run sr --agent beta switch --flake '.#box' --confirm 10m
	assert_equal "$status" 0
	assert_contains "$output" "unconfirmed: build 2"
	sr --agent beta confirm 2 2>/dev/null
}

@test "a way back that fails is said in the clearest words" {
	health "check = false"
	add two
	local old
	old=$(field 1 system_after)
	chmod -R u+w "$old"
	sed -i 's/^set -e/set -e; exit 2/' "$old/bin/switch-to-configuration"
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 125
	assert_contains "$output" "THE WAY BACK FAILED AS WELL"
	assert_equal "$(boots)" "one"
}

@test "units = yes: what has failed newly counts, what had failed before or is ignored does not" {
	health $'units = yes\ntimeout = 3s\nignore = flaky-*'
	echo "old.service loaded failed failed Old" >"$ROOT/failed"
	add two
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 0
	add three
	# they fail once systemctl has been asked: after the look before the activation
	printf '%s\n' "new.service loaded failed failed New" "flaky-1.service loaded failed failed F" >"$ROOT/failing"
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 70
	assert_contains "$output" "units have failed: new.service"
	assert_equal "$(running)" "one two"
}

# restarts LOOK UNIT COUNT ...: what systemctl says when it is asked for the LOOK-th time.
restarts() {
	printf 'Id=%s.service\nNRestarts=%s\n\n' "${@:2}" >"$ROOT/restarts.$1"
}

@test "units = yes: a service that is started again and again counts, one that was before does not" {
	health $'units = yes\ntimeout = 3s\nignore = flaky-*'
	# before the activation, when its jobs have ended, ten seconds later
	restarts 1 old 7 quiet 0 new 0
	restarts 2 old 8 quiet 0 new 3 flaky-1 1
	restarts 3 old 9 quiet 0 new 3 flaky-1 2
	add two
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 0
	restarts 4 old 7 quiet 0
	restarts 5 old 8 quiet 0 new 3
	restarts 6 old 9 quiet 0 new 4
	add three
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 70
	assert_contains "$output" "units are started again and again: new.service: taking the new system back"
	assert_equal "$(running)" "one two"
	# one that had once died loops now; one that went on all the time does as before
	restarts 7 once 1 slow 1
	restarts 8 once 0 slow 2
	restarts 9 once 1 slow 3
	run sr --agent beta switch --flake '.#box'
	assert_contains "$output" "again and again: once.service: taking"
	# between two starts at the moment of the look: new, and as before
	restarts 10 old 5
	echo "old.service loaded activating auto-restart Old" >"$ROOT/between"
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 0
	add four
	echo "slow.service loaded activating auto-restart Slow" >>"$ROOT/between"
	restarts 13 old 5
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 70
	assert_contains "$output" "units have failed: slow.service: taking"
}

@test "--confirm: not confirmed, it goes back by itself" {
	add two
	run sr --agent beta switch --flake '.#box' --confirm 3s
	assert_equal "$status" 0
	assert_contains "$output" "unconfirmed: build 2 goes back in 3 s unless confirmed: safe-rebuild confirm 2"
	assert_contains "$(cat "$ROOT/systemd-run")" "--on-active=3000ms"
	wait_for_long ended 2
	assert_equal "$(running) / $(boots)" "one / one"
	assert_equal "$(field 2 outcome)" rolled-back
	run sr --agent beta confirm 2
	assert_equal "$status" 70
	assert_contains "$output" "too late: build 2 by beta: switch rolled-back (not confirmed)"
}

@test "--confirm: while it is tried the turn is kept, and whoever comes is told" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 10m 2>/dev/null
	assert_equal "$(running) / $(boots)" "one two / one"
	assert_equal "$(readlink "$ROOT/nix/var/nix/gcroots/safe-rebuild-trial")" "$(field 1 system_after)"
	assert_contains "$(sr status)" "trial:    build 2 goes back in"
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 75
	assert_contains "$output" "your build 2 waits to be confirmed"
	run sr --agent gamma --no-wait switch --flake '.#box'
	assert_equal "$status" 75
	assert_contains "$output" "unconfirmed"
	run sr --agent beta confirm 2
	assert_equal "$status" 0
}

@test "--confirm, confirmed: kept, and the timer is gone" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 10m 2>/dev/null
	run sr --agent beta confirm
	assert_equal "$status" 64
	assert_contains "$output" "name the build"
	run sr --agent beta confirm 7
	assert_contains "$output" "build 7 is not waiting to be confirmed, build 2 does"
	# whose it is, as others see it
	assert_contains "$(sr status)" "live:     build 2 by beta: switch running"
	run sr --agent gamma confirm 2
	assert_equal "$status" 77
	assert_contains "$output" "build 2 is by beta: only beta or a person can confirm it"
	run sr --agent beta confirm 2
	assert_equal "$status" 0
	assert_contains "$output" "build 2 by beta: switch succeeded (confirmed by beta), generation 2"
	assert_equal "$(field 2 confirmed_by)" beta
	run sr --agent beta confirm 2
	assert_equal "$status" 0
	assert_contains "$output" "no build is waiting to be confirmed: build 2 by beta: switch succeeded"
	assert_equal "$(running) / $(boots)" "one two / one two"
	[ ! -e "$ROOT/safe-rebuild-trial-2.timer" ]
	run sr --agent gamma switch --flake '.#box'
	assert_equal "$status" 0
}

@test "--confirm and everything of ours killed: the timer takes it back" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 8s 2>/dev/null
	kill_runs
	assert_equal "$(running)" "one two"
	wait_for_long runs one
	assert_equal "$(boots)" "one"
	wait_for test -e "$ROOT/run/safe-rebuild/trial.taken-back"
	assert_contains "$(sr log -n 1)" "build 2 by beta: switch rolled-back (its runner was killed)"
	run sr --agent beta confirm 2
	assert_equal "$status" 70
	assert_contains "$output" "too late: build 2 by beta: switch rolled-back"
	run sr --agent gamma switch --flake '.#box'
	assert_equal "$status" 0
	assert_equal "$(field 2 outcome) ($(field 2 taken_back))" "rolled-back (its runner was killed)"
}

@test "--confirm and its runner killed: whoever comes next takes it back first, and the timer nothing" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 5s 2>/dev/null
	kill_runs
	git rm -qf modules/two.nix
	serve_three() { add three && sr --agent gamma switch --flake '.#box'; }
	run serve_three
	assert_equal "$status" 0
	assert_contains "$output" "build 2 was on trial, and its runner was killed: taking it back"
	assert_contains "$output" "build 2 by beta was taken back: its runner was killed"
	assert_equal "$(running) / $(boots)" "one three / one three"
	assert_contains "$(cat "$ROOT/systemctl")" "stop --quiet safe-rebuild-trial-2.timer"
	# as it would come all the same
	run sr confirm --take-back 2
	assert_equal "$status" 0
	assert_equal "$(running) / $(boots)" "one three / one three"
	# a way back that was killed is gone again
	mv "$ROOT/run/safe-rebuild/trial.taken-back" "$ROOT/run/safe-rebuild/trial.expired"
	person sr rollback 3
	assert_contains "$output" "build 2 was on trial, and its runner was killed: taking it back"
	assert_equal "$(running) / $(boots)" "one three / one three"
}

@test "a runner that is told to end leaves its trial to the timer, at once" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 8s 2>/dev/null
	local start=$SECONDS
	kill_runs TERM
	[ $((SECONDS - start)) -lt 5 ]
	assert_contains "$(cat "$ROOT/var/log/safe-rebuild/2.log")" "told to end: nobody can keep build 2 any more"
	wait_for_long runs one
	sr --agent beta switch --flake '.#box' --allow-redo 2 2>/dev/null
	assert_equal "$(field 2 outcome)" rolled-back
}

@test "confirm while it is being taken back comes too late" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 10m 2>/dev/null
	mv "$ROOT/run/safe-rebuild/trial" "$ROOT/run/safe-rebuild/trial.expired"
	run sr --agent beta confirm 2
	assert_equal "$status" 70
	assert_contains "$output" "too late: build 2 is being taken back"
	mv "$ROOT/run/safe-rebuild/trial.expired" "$ROOT/run/safe-rebuild/trial.taken-back"
	wait_for_long ended 2
	assert_equal "$(running)" "one"
}

@test "a person at a terminal is asked" {
	session <<-'PY'
		def begin(module):
		    with open(f"modules/{module}.nix", "w") as file:
		        file.write('{ services = [ "%s" ]; }' % module)
		    os.system("git add -A")
		    s.run(f"{program} switch --flake .#box --confirm 10m; echo status=$?=")
		    s.expect(r"keep build \d \(y\), or go back now \(n\)\? ", 30)
		s = Session()
		begin("two")
		s.send("what\n")
		s.expect(r"keep build 2 \(y\), or go back now \(n\)\? ")
		s.send("y\n")
		s.expect(r"build 2 by \w+: switch succeeded \(confirmed by \w+\), generation 2")
		s.expect(r"status=0=")
		begin("three")
		s.send("N\n")
		s.expect(r"build 3 by \w+: switch rolled-back \(by \w+: .not confirmed.\)")
		s.expect(r"status=70=")
		begin("four")
		s.send("\x03")
		s.expect(r"build 4 goes back in \d+ min( \d+ s)? unless confirmed: safe-rebuild confirm 4")
		s.expect(r"status=130=")
		assert s.is_sane()
		s.command(f"{program} confirm 4")
		begin("five")
		s2 = Session()
		s2.command(f"{program} confirm 5")
		s.expect(r"build 5 by \w+: switch succeeded")
		s.expect(r"status=0=")
		assert s.is_sane()
	PY
	assert_equal "$(running) / $(boots)" "five four one three two / five four one three two"
	assert_equal "$(field 2 confirmed_by)" "$(field 2 agent)"
	assert_contains "$(sr log)" "rolled-back (by $(field 2 agent): \"not confirmed\")"
}

@test "--confirm and an activation that hangs: stopped, and taken back" {
	echo '{ activation = 30; services = [ "two" ]; }' >modules/two.nix
	git add -A
	local start=$SECONDS
	run sr --agent beta switch --flake '.#box' --confirm 2s
	[ $((SECONDS - start)) -lt 40 ]
	assert_contains "$(cat "$ROOT/systemctl")" "stop nixos-rebuild-switch-to-configuration.service"
	wait_for_long ended 2
	assert_equal "$(boots)" "one"
}

@test "a person's rollback ends a trial" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 10m 2>/dev/null
	as_person sr rollback
	wait_for_long test -s "$ROOT/person.status"
	assert_equal "$(cat "$ROOT/person.status")" 0
	assert_contains "$(cat "$ROOT/person.err")" "build 2 was still unconfirmed and has been taken back"
	assert_equal "$(running) / $(boots)" "one / one"
	assert_equal "$(field 2 outcome)" rolled-back
}

@test "shared with a group: a trial is root's word alone" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	printf '[access]\ngroup = users\n' >>"$SAFE_REBUILD_SETTINGS"
	rm -rf "$STATE" "$ROOT/run/safe-rebuild" "$ROOT/var/log/safe-rebuild"
	cp "$SAFE_REBUILD" "$ROOT/safe-rebuild"
	SAFE_REBUILD=$ROOT/safe-rebuild
	add two
	sr --agent beta switch --flake '.#box' --confirm 10m 2>/dev/null
	run setpriv --reuid 12345 --regid 12345 --groups users "$SAFE_REBUILD" --agent beta confirm 1
	assert_equal "$status" 77
	assert_contains "$output" "cannot confirm build 1 (use sudo)"
	run sr --agent beta confirm 1
	assert_equal "$status" 0
	assert_equal "$(running) / $(boots)" "one two / one two"
	add three
	sr --agent beta switch --flake '.#box' --confirm 2s 2>/dev/null
	wait_for_long ended 2
	assert_equal "$(running) / $(boots)" "one two / one two"
	assert_equal "$(field 2 outcome)" rolled-back
	as_person sr rollback 1
	wait_for_long test -s "$ROOT/person.status"
	assert_contains "$(cat "$ROOT/person.err")" "1 is what runs and boots already"
}

@test "an agent ends its own trial; one in which nothing changes waits for nobody" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 10m 2>/dev/null
	run sr --agent beta rollback
	assert_equal "$status" 0
	assert_contains "$output" "build 2 was still unconfirmed and has been taken back"
	assert_equal "$(running) / $(boots)" "one / one"
	git rm -qf modules/two.nix
	run sr --agent beta switch --flake '.#box' --confirm 10m
	assert_equal "$status" 0
	refute_contains "$output" unconfirmed
	[ ! -e "$ROOT/run/safe-rebuild/trial" ]
	assert_equal "$(field 3 outcome)" succeeded
	# as a default it means switches alone
	run env SAFE_REBUILD_CONFIRM=4s "$SAFE_REBUILD" --agent beta build --flake '.#box'
	assert_equal "$status" 0
}

@test "--confirm where it cannot be: 64 and why" {
	run sr --agent beta boot --flake '.#box' --confirm 2m
	assert_equal "$status" 64
	assert_contains "$output" "--confirm: that works only with switch"
	run sr --agent beta switch --flake '.#box' --confirm 2m --specialisation x
	assert_equal "$status" 64
	run sr --agent beta switch --flake '.#box' --confirm 2m --target-host other
	assert_equal "$status" 64
	run sr --agent beta switch --flake '.#box' --confirm soon
	assert_equal "$status" 64
	rm -rf "$ROOT/sys/system.slice"
	run sr --agent beta switch --flake '.#box' --confirm 2m
	assert_equal "$status" 64
	assert_contains "$output" "there is no systemd"
}

@test "[notify] hears of everything, and is never in the way" {
	# shellcheck disable=SC2016
	printf '#!/bin/sh\ncat >>"$ROOT/notices"; echo >>"$ROOT/notices"; yes | head -c 1000000; sleep 30\n' >"$ROOT/notify"
	chmod +x "$ROOT/notify"
	printf '[notify]\ncommand = %s\n' "$ROOT/notify" >>"$SAFE_REBUILD_SETTINGS"
	add two
	local start=$SECONDS
	sr --agent beta switch --flake '.#box' 2>/dev/null
	[ $((SECONDS - start)) -lt 10 ]
	wait_for grep -q '"finished"' "$ROOT/notices"
	assert_equal "$(python3 -c 'import json, sys; print(*sorted(json.loads(l)["event"] for l in open(sys.argv[1]) if l.strip()))' "$ROOT/notices")" "finished started"
	assert_contains "$(cat "$ROOT/notices")" '"schema":1'
	git rm -qf modules/two.nix
	run sr --agent gamma switch --flake '.#box'
	assert_equal "$status" 65
	wait_for grep -q '"refused"' "$ROOT/notices"
	sed -i "s,^command = .*,command = $ROOT/missing," "$SAFE_REBUILD_SETTINGS"
	add two
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 0
	pkill -f "$ROOT/notify" || true
}

@test "[show] packages: in few lines, the outcome last" {
	cat >"$ROOT/diff" <<-'SH'
		#!/bin/sh
		[ -d "$1" ] && [ -d "$2" ] && [ "$1" != "$2" ] || exit 1
		seq -f 'package-%g: 1.0 -> 1.1, +2.3 KiB' 1 20
	SH
	chmod +x "$ROOT/diff"
	printf '[show]\npackages = %s\n' "$ROOT/diff" >>"$SAFE_REBUILD_SETTINGS"
	add two
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 0
	assert_contains "$output" "package-9: 1.0 -> 1.1, +2.3 KiB"
	refute_contains "$output" "package-10:"
	assert_contains "$output" "and 11 more"
	assert_contains "${lines[-1]}" "switch succeeded: build 2"
	assert_contains "$(sr show 2 --output)" "package-9"
	# real diff-closures on real systems
	sed -i "s,^packages = .*,packages = nix store diff-closures," "$SAFE_REBUILD_SETTINGS"
	add three
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 0
	refute_contains "$output" "is not known"
}

@test "a word left over from a trial whose runner was killed says nothing about the next" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 10m 2>/dev/null
	kill_runs
	run sr --agent beta confirm 2
	assert_equal "$status" 70
	assert_contains "$output" "build 2 cannot be kept, because its runner was killed"
	touch "$ROOT/run/safe-rebuild/trial.confirmed"
	person sr rollback 1
	add three
	sr --agent beta switch --flake '.#box' --confirm 3s 2>/dev/null
	wait_for_long ended 3
	assert_equal "$(running) / $(boots)" "one / one"
	assert_equal "$(field 3 outcome)" rolled-back
}

@test "units = yes and a systemctl that is silent: not known is not well" {
	printf '[health]\nunits = yes\ntimeout = 2s\n' >>"$SAFE_REBUILD_SETTINGS"
	touch "$ROOT/silent"
	add two
	sed -i 's/^case \$1 in$/[ ! -e "$ROOT\/silent" ] || exit 1\n&/' "$ROOT/bin/systemctl"
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 70
	assert_contains "$output" "systemctl does not answer"
	assert_equal "$(running)" "one"
}

@test "one whose runner was killed cannot be confirmed, and goes back all the same" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 6s 2>/dev/null
	kill_runs
	assert_contains "$(sr status)" "and cannot be kept: its runner was killed"
	assert_contains "$(sr status)" "live:     build 2 by beta"
	run sr --agent beta confirm 2
	assert_equal "$status" 70
	assert_contains "$output" "build 2 cannot be kept, because its runner was killed"
	wait_for_long runs one
	assert_equal "$(boots)" "one"
}

@test "a trial that a person ends does not come back unseen, and says by whom and why" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 10m 2>/dev/null
	assert_contains "$(sr --agent gamma status)" "verdict:  a switch now waits until build 2 is confirmed or has gone back"
	person sr rollback --message "broke ssh"
	assert_equal "$status" 0
	assert_contains "$(sr log -n 1)" 'build 2 by beta: switch rolled-back (by '"$(id -un)"': "broke ssh")'
	assert_equal "$(field 2 taken_back_by)" root
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 65
	assert_contains "$output" "would bring back what was rolled back: build 2 by beta"
	assert_contains "$output" 'rolled back: build 2 by beta: switch rolled-back (by '"$(id -un)"': "broke ssh")'
	assert_contains "$output" "modules/two.nix: the file is back that a rollback had removed (build 2 by beta, uncommitted)"
	# another one too, and with more in it
	add three
	run sr --agent gamma switch --flake '.#box'
	assert_equal "$status" 65
	run sr --agent beta --allow-redo 2 switch --flake '.#box'
	assert_equal "$status" 0
	assert_equal "$(running) / $(boots)" "one three two / one three two"
	run sr --agent gamma switch --flake '.#box'
	assert_equal "$status" 0
}

@test "cancel ends a trial and says so; one's own is one's own to try again" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 10m 2>/dev/null
	run sr --agent beta cancel --message "wrong branch"
	assert_equal "$status" 0
	assert_contains "$output" 'cancelled: build 2 by beta: switch rolled-back (by beta: "wrong branch")'
	assert_equal "$(running) / $(boots)" "one / one"
	run sr --agent beta switch --flake '.#box'
	assert_equal "$status" 0
	assert_contains "$output" "this same configuration was taken back: build 2 by beta"
}

@test "who follows a trial is told to confirm it, and let go" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 10m 2>/dev/null
	run timeout 20 "$SAFE_REBUILD" --agent beta attach 2
	assert_equal "$status" 0
	assert_contains "$output" "unconfirmed: build 2 goes back in 10 min unless confirmed: safe-rebuild confirm 2"
	(sr --agent gamma switch --flake '.#box' >"$ROOT/gamma.out" 2>&1 || true) 3>&- &
	wait_for grep -q "unconfirmed for" "$ROOT/gamma.out"
	assert_like "$(cat "$ROOT/gamma.out")" "about * min"
	sr --agent beta confirm 2
	wait
}

@test "what was typed before the question is no answer to it" {
	session <<-'PY'
		with open("modules/two.nix", "w") as file:
		    file.write('{ services = [ "two" ]; seconds = 2; }')
		os.system("git add -A")
		s = Session()
		s.run(f"{program} switch --flake .#box --confirm 10m; echo status=$?=")
		s.expect("building")
		s.send("y\n")
		s.expect(r"keep build 2 \(y\), or go back now \(n\)\? ", 30)
		time.sleep(1)
		assert os.path.exists(f"{root}/run/safe-rebuild/trial")
		s.send("n\n")
		s.expect(r"status=70=")
		assert s.is_sane()
	PY
}

@test "--confirm is part of the way out that a refusal prints, and nothing for a rollback" {
	serve beta two
	git rm -qf modules/two.nix
	run sr --agent gamma switch --flake '.#box' --confirm 2m
	assert_equal "$status" 65
	assert_contains "$output" "--allow-undo 2 --agent gamma --confirm 120s switch"
	run sr --agent beta rollback 1 --confirm 2m
	assert_equal "$status" 64
	assert_contains "$output" "--confirm: that works only with switch"
	assert_equal "$(boots)" "one two"
}

@test "what somebody else makes live during a trial is left as it is" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 4s 2>/dev/null
	add three
	nixos-rebuild switch --flake '.#box' >/dev/null 2>&1
	wait_for_long ended 2
	assert_equal "$(running) / $(boots)" "one three two / one three two"
	assert_equal "$(field 2 outcome) $(field 2 exit_status)" "failed 125"
	assert_equal "$(field 2 profile_after 2>/dev/null || echo none)" none
	assert_contains "$(sr log -n 1 --json | jq_get builds)" "'outcome': 'failed'"
	refute grep -q "stop nixos-rebuild-switch" "$ROOT/systemctl"
}

@test "a way back that is killed is gone by the runner" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 10m 2>/dev/null
	mv "$ROOT/run/safe-rebuild/trial" "$ROOT/run/safe-rebuild/trial.expired"
	wait_for_long ended 2
	assert_equal "$(running) / $(boots)" "one / one"
	assert_equal "$(field 2 outcome)" rolled-back
}

@test "a relative --settings reaches the timer, and the timer's call is for nobody else" {
	add two
	(cd "$ROOT" && sr --settings etc/safe-rebuild.ini --agent beta switch --flake "$CONFIG#box" --confirm 10m 2>/dev/null)
	assert_contains "$(cat "$ROOT/systemd-run")" "--settings $ROOT/etc/safe-rebuild.ini confirm --take-back 2"
	run sr --agent gamma confirm --take-back 2
	assert_equal "$status" 77
	sr --agent beta confirm 2 2>/dev/null
	assert_equal "$(boots)" "one two"
}

@test "an activation that is stopped by hand is no success" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	echo '{ activation = 30; services = [ "two" ]; }' >modules/two.nix
	git add -A
	(sr --agent beta switch --flake '.#box' --confirm 10m >"$ROOT/beta.out" 2>&1 || true) 3>&- &
	wait_for_long grep -q "activating the configuration" "$ROOT/beta.out"
	kill "$(pids_of switch-to-confi)"
	wait
	wait_for_long ended 2
	[ "$(field 2 outcome)" != succeeded ]
	assert_equal "$(running) / $(boots)" "one / one"
}

@test "[show] packages: nobody waits for it, and who follows reads it" {
	cat >"$ROOT/diff" <<-'SH'
		#!/bin/sh
		touch "$ROOT/comparing"
		while [ ! -e "$ROOT/compared" ]; do sleep 0.05; done
		echo 'package: 1.0 -> 1.1'
	SH
	chmod +x "$ROOT/diff"
	printf '[show]\npackages = %s\n' "$ROOT/diff" >>"$SAFE_REBUILD_SETTINGS"
	add two
	(sr --agent beta switch --flake '.#box' >"$ROOT/beta.out" 2>&1 || true) 3>&- &
	wait_for grep -q "build 2 by beta" "$ROOT/beta.out"
	(sr --agent gamma attach 2 >"$ROOT/gamma.out" 2>&1 || true) 3>&- &
	wait_for test -e "$ROOT/comparing"
	sed -i '/packages/d' "$SAFE_REBUILD_SETTINGS"
	run sr --agent alpha --no-wait switch --flake '.#box'
	assert_equal "$status" 0
	touch "$ROOT/compared"
	wait
	assert_contains "$(tail -n 1 "$ROOT/beta.out")" "switch succeeded: build 2"
	assert_contains "$(cat "$ROOT/gamma.out")" "package: 1.0 -> 1.1"
	assert_contains "$(tail -n 1 "$ROOT/gamma.out")" "switch succeeded: build 2"
}

@test "confirmed at the moment when its time is over: one of both wins" {
	local i live=one build
	for i in 1 2 3; do
		add "t$i"
		sr --agent beta switch --flake '.#box' --confirm 1s 2>/dev/null
		build=$(sr log -n 1 --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["builds"][0]["build"])')
		sleep "0.$((5 + i))"
		run sr --agent beta confirm "$build"
		wait_for_long ended "$build"
		case $status in
		0) live=$(running) ;;
		70) git rm -qf "modules/t$i.nix" ;;
		*) false ;;
		esac
		assert_equal "$(running) / $(boots)" "$live / $live"
		assert_equal "$(field "$build" outcome)" "$([ "$status" = 0 ] && echo succeeded || echo rolled-back)"
	done
}

@test "what is kept is what was tried, whatever the tree has become" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 10m 2>/dev/null
	local tried
	tried=$(readlink "$ROOT/run/current-system")
	echo '{ services = [ "other" ]; }' >modules/two.nix
	git add -A
	sr --agent beta confirm 2 2>/dev/null
	assert_equal "$(readlink -f "$ROOT/nix/var/nix/profiles/system")" "$tried"
	assert_equal "$(running) / $(boots)" "one two / one two"
}

@test "a restart of the machine ends a trial with the old system" {
	add two
	sr --agent beta switch --flake '.#box' --confirm 10m 2>/dev/null
	assert_contains "$(printf '{"hook_event_name": "UserPromptSubmit", "session_id": "s"}' | sr hook claude)" "Build 2 is on trial"
	# processes and /run are gone, and the boot loader has started what boots
	kill_runs
	find "$ROOT/run/safe-rebuild" -mindepth 1 -delete
	ln -sfn "$(readlink -f "$ROOT/nix/var/nix/profiles/system")" "$ROOT/run/current-system"
	refute_contains "$(sr status)" "trial:"
	assert_contains "$(sr log -n 1)" "build 2 by beta: switch interrupted"
	run sr --agent gamma switch --flake '.#box'
	assert_equal "$status" 0
	assert_equal "$(running) / $(boots)" "one two / one two"
}

@test "a runner that is killed in the check: the next call takes the new system back" {
	health "check = sleep 300"$'\n'"timeout = 10m"
	add two
	(sr --agent beta switch --flake '.#box' >/dev/null 2>&1 || true) 3>&- &
	wait_for_long runs "one two"
	is_checking() { sr status | grep -q checking; }
	wait_for is_checking
	kill_runs
	kill "$(pids_of sleep)" || true
	assert_contains "$(sr status)" "trial:    build 2 goes back when the next call begins: its runner was killed"
	sed -i '/^\[health\]/,$d' "$SAFE_REBUILD_SETTINGS"
	git rm -qf modules/two.nix
	add three
	run sr --agent gamma switch --flake '.#box'
	assert_equal "$status" 0
	assert_contains "$output" "build 2 was on trial, and its runner was killed: taking it back"
	assert_equal "$(running) / $(boots)" "one three / one three"
	assert_equal "$(field 2 outcome) ($(field 2 taken_back))" "rolled-back (its runner was killed)"
}

@test "where nothing can be tried SAFE_REBUILD_CONFIRM stops nothing, and says so" {
	sr --agent alpha switch --flake '.#box' 2>/dev/null
	for words in '--target-host web' '-p other' '--specialisation s'; do
		# shellcheck disable=SC2086
		run env SAFE_REBUILD_CONFIRM=4s "$SAFE_REBUILD" --agent beta switch --flake '.#box' $words
		assert_contains "$output" "warning: SAFE_REBUILD_CONFIRM is ignored, the new system stays without it: "
		refute_contains "$output" "--confirm:"
	done
}
