# Going back, with real Nix and real generations; systemd and the boot loader are doubles.
load helpers

prepare() {
	use_nix
	"$tests/system/make-configuration.sh" flake "$CONFIG"
	cd "$CONFIG" || return
}

# serve AGENT SERVICE: one more module with it, committed and switched to.
serve() {
	echo "{ services = [ \"$2\" ]; }" >"modules/$2.nix"
	git add -A && git commit -qm "serve $2"
	sr --agent "$1" switch --flake '.#box' >"$ROOT/serve.out" 2>&1
}

running() {
	grep -v sshd "$ROOT/run/current-system/services" | sort | xargs
}

links() {
	echo "$(readlink -f "$ROOT/run/current-system") $(readlink -f "$ROOT/nix/var/nix/profiles/system")"
}

@test "a person goes back to what ran before; the redo guard holds, and the advice works as typed" {
	serve alpha nginx
	local good
	good=$(readlink -f "$ROOT/run/current-system")
	serve beta caddy
	assert_equal "$(running)" "caddy nginx"
	person sr rollback
	assert_equal "$status" 0
	assert_contains "$output" "goes back to build 1"
	assert_contains "$output" "takes out build 2 by beta: switch succeeded"
	assert_like "${output##*$'\n'}" "safe-rebuild: rollback succeeded: build 3, generation 3, *"
	assert_equal "$(links)" "$good $good"
	assert_equal "$(field 3 back_to) $(field 3 rolled_back)" "1 2"
	assert_equal "$(git --git-dir "$LEDGER" rev-parse "refs/heads/builds^{tree}")" \
		"$(git --git-dir "$LEDGER" rev-parse "refs/heads/builds~2^{tree}")"
	assert_contains "$output" "a plain nixos-rebuild --rollback would now lead to generation 2, which was taken out"
	assert_like "$(sr log | tail -2 | head -1)" "build 2 by beta: switch succeeded, *; rolled back by build 3"
	assert_equal "$(sr log --json | jq_get builds | grep -o "'rolled_back_by': 3")" "'rolled_back_by': 3"
	assert_contains "$(sr status)" "build 3 by $(id -un): rollback to 1 succeeded, took out 2"
	# those whose work it took hear of it
	run sr --agent beta diff
	assert_contains "$output" "rollback to 1 succeeded, took out 2"
	# it comes back only if somebody says so
	run sr --agent gamma switch --flake '.#box'
	assert_equal "$status" 65
	assert_contains "$output" "refused: this switch would bring back what was rolled back: build 2 by beta"
	# and the way out of the configuration, as printed
	local advice
	advice=$(sed -n 's/.*if the configuration still has it ([^)]*): //p' "$ROOT/person.err")
	# nor by the one who took it out
	person sr switch --flake '.#box'
	assert_equal "$status" 65
	# shellcheck disable=SC2154
	PATH="$(dirname "$SAFE_REBUILD"):$PATH" bash -c "$advice"
	run sr --agent gamma switch --flake '.#box'
	assert_equal "$status" 0
	assert_equal "$(running)" "nginx"
}

@test "rollback to a build, an agent's last good one, a generation, a store path" {
	serve alpha one
	serve beta two
	serve gamma three
	local first second
	first=$(field 1 system_after)
	second=$(field 2 system_after)
	person sr rollback 1
	assert_equal "$status" 0
	assert_equal "$(links)" "$first $first"
	assert_equal "$(field 4 rolled_back)" "2,3"
	person sr rollback @beta
	assert_equal "$(links)" "$second $second"
	person sr rollback gen:1
	assert_equal "$(links)" "$first $first"
	assert_equal "$(field 6 back_to)" 1
	person sr rollback "$second"
	assert_equal "$(links)" "$second $second"
	person sr rollback 2
	assert_equal "$status" 0
	assert_contains "$output" "2 is what runs and boots already"
	assert_equal "$(sr log | wc -l)" 7
	# rollback twice goes on back, not forth
	person sr rollback
	assert_equal "$(links)" "$first $first"
	person sr rollback 9
	assert_equal "$status" 125
	assert_contains "$output" "there is no build '9'"
	person sr rollback gen:77
	assert_contains "$output" "there is no generation 77"
}

@test "an agent takes back its own, and another's only if it says so" {
	serve alpha one
	serve beta two
	run sr --agent alpha rollback
	assert_equal "$status" 65
	assert_contains "$output" "refused: this rollback would take back what others have made live"
	assert_contains "$output" "build 2 by beta"
	assert_contains "$output" "safe-rebuild --allow-undo 2 --agent alpha rollback 1"
	run sr --agent alpha --allow-undo 2 rollback 1
	assert_equal "$status" 0
	serve alpha three || sr --agent alpha --allow-redo 2 switch --flake '.#box' 2>/dev/null
	run sr --agent alpha rollback
	assert_equal "$status" 0
	assert_equal "$(running)" "one"
}

@test "before all who wait; what still builds is cancelled" {
	serve alpha one
	serve beta two
	echo '{ seconds = 30; services = [ "slow" ]; }' >modules/slow.nix
	git add -A
	# One that builds beside the queue is older, and nobody's turn.
	sr --agent epsilon build --flake '.#box' 2>"$ROOT/epsilon.err" &
	wait_for grep -q "building test" "$ROOT/var/log/safe-rebuild/3.log"
	sr --agent gamma switch --flake '.#box' 2>"$ROOT/gamma.err" &
	wait_for test -e "$ROOT/var/log/safe-rebuild/4.log"
	sr --agent delta switch --flake '.#box' --show-trace 2>"$ROOT/delta.err" &
	wait_for grep -q "waiting for build 4" "$ROOT/delta.err"
	person sr rollback
	assert_equal "$status" 0
	assert_contains "$output" "asked build 4 by gamma to end"
	assert_equal "$(field 5 action)" rollback
	assert_equal "$(running)" "one"
	assert_equal "$(field 4 outcome)" cancelled
	sr cancel @delta || true
	sr cancel @epsilon || true
	wait
}

@test "a system that was garbage-collected is said, and how to have its configuration again" {
	serve alpha one
	serve beta two
	local first
	first=$(field 1 system_after)
	chmod -R u+w "$first" && mv "$first" "$first.gone"
	person sr rollback
	assert_equal "$status" 125
	assert_contains "$output" "the system of build 1 is gone ('$first'): No such file or directory"
	assert_contains "$output" "safe-rebuild show 1 --patch --since live | git apply --whitespace=nowarn"
	assert_equal "$(sr log | wc -l)" 2
	mv "$first.gone" "$first"
}

@test "on the way back exit 4 is normal, a full boot partition stops nothing" {
	serve alpha one
	echo '{ exit = 4; }' >modules/exit.nix
	serve beta units || true
	git rm -q modules/exit.nix modules/units.nix
	serve beta three
	person sr rollback 2
	assert_equal "$status" 0
	assert_equal "$(field 4 outcome)" succeeded
	assert_contains "$(sr show 3)$(sr show 2)" "rolled back by build 4"
	assert_equal "$(sr show 3 --json | jq_get rolled_back_by)" 4
	# 100: only a restart would make it whole
	local second
	second=$(field 2 system_after)
	chmod -R u+w "$second"
	sed -i 's/exit 4/exit 100/' "$second/bin/switch-to-configuration"
	grep -q 'exit 100' "$second/bin/switch-to-configuration"
	serve beta four || sr --agent beta switch --flake '.#box' --allow-redo 3 2>/dev/null
	person sr rollback 2
	assert_equal "$status" 0
	# the boot loader of the old system cannot be installed
	local first
	first=$(field 1 system_after)
	chmod -R u+w "$first"
	sed -i 's/boot) exit 0/boot) echo "Failed to install bootloader" >\&2; exit 1/' "$first/bin/switch-to-configuration"
	person sr rollback 1
	assert_equal "$status" 1
	assert_equal "$(running)" "one"
	assert_equal "$(field 7 outcome)" partly
	assert_contains "$output" "the old system runs, but could not be set to boot"
}

@test "with systemd the activation is a unit of its own" {
	serve alpha one
	serve beta two
	mkdir -p "$ROOT/sys/system.slice"
	cat >"$ROOT/bin/systemd-run" <<-'SH'
		#!/bin/sh
		printf '%s\n' "$*" >>"$ROOT/systemd-run"
		while [ "${1#/}" = "$1" ]; do shift; done
		exec "$@"
	SH
	chmod +x "$ROOT/bin/systemd-run"
	person sr rollback
	assert_equal "$status" 0
	assert_contains "$(head -1 "$ROOT/systemd-run")" "-E NIXOS_NO_CHECK=1 --collect --no-ask-password --pipe --quiet --service-type=exec --unit=nixos-rebuild-switch-to-configuration $(field 1 system_after)/bin/switch-to-configuration test"
	assert_contains "$(tail -1 "$ROOT/systemd-run")" "/bin/switch-to-configuration boot"
}

@test "nothing to go back to, nobody who may" {
	serve alpha one
	person sr rollback
	assert_equal "$status" 125
	assert_contains "$output" "there is nothing to go back to"
	[ "$(id -u)" = 0 ] || return 0
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	cp "$SAFE_REBUILD" "$ROOT/safe-rebuild"
	run setpriv --reuid 12345 --regid 12345 --clear-groups "$ROOT/safe-rebuild" rollback 1
	assert_equal "$status" 77
	assert_contains "$output" "no permission to change what boots"
}

@test "a rollback that was killed took nothing out; a boot that is pending is what goes" {
	serve alpha one
	echo '{ activation = 3; services = [ "slow" ]; }' >modules/slow.nix
	git add -A && git commit -qm slow
	sr --agent beta switch --flake '.#box' >/dev/null 2>&1
	git rm -q modules/slow.nix && git commit -qm quick
	sr --agent beta switch --flake '.#box' >/dev/null 2>&1
	sr --agent beta rollback >"$ROOT/rollback.out" 2>&1 &
	wait_for grep -q "activating the configuration" "$ROOT/var/log/safe-rebuild/4.log"
	kill_runs
	wait || true
	assert_contains "$(sr log)" "build 4 by beta: rollback to 2 running"
	sleep 3
	echo "{ services = [ \"two\" ]; }" >modules/two.nix
	git add -A
	run sr --agent gamma boot --flake '.#box'
	assert_equal "$status" 0
	assert_like "$(sr log | tail -4 | head -1)" "build 4 by beta: rollback to 2 interrupted, *"
	refute_contains "$(sr log)" "rolled back by build 4"
	assert_equal "$(running)" "one slow"
	person sr rollback
	assert_equal "$status" 0
	assert_contains "$output" "takes out build 5 by gamma: boot succeeded"
	assert_equal "$(running)" "one slow"
	assert_equal "$(readlink -f "$ROOT/nix/var/nix/profiles/system")" "$(readlink -f "$ROOT/run/current-system")"
}

@test "rollback is no way round: an agent's does not undo a person's, nor does a second one go forth" {
	serve alpha one
	serve alpha two
	person sr rollback
	assert_equal "$(running)" "one"
	person sr rollback
	assert_equal "$status" 125
	assert_contains "$output" "there is nothing to go back to"
	run sr --agent alpha rollback
	assert_equal "$(running)" "one"
	run sr --agent alpha rollback 2
	assert_equal "$status" 65
	assert_contains "$output" "refused: this rollback would bring back build 2, which was rolled back: build 3 by"
	assert_contains "$output" "if it is meant to come back: safe-rebuild --allow-redo 2 --agent alpha rollback 2"
	run sr --agent alpha --allow-redo 2 rollback 2
	assert_equal "$status" 0
	assert_contains "$output" "this brings back what was rolled back: build 3 by"
	refute_contains "$output" "takes out build 1"
	assert_equal "$(running)" "one two"
	# what is live again is not marked, however it came back
	refute_contains "$(sr log)" "rolled back by"
}

@test "from what was to boot: what runs stays, and it is no rollback outside" {
	serve alpha one
	echo '{ services = [ "two" ]; }' >modules/two.nix
	git add -A
	sr --agent beta boot --flake '.#box' 2>/dev/null
	person sr rollback
	assert_equal "$status" 0
	assert_contains "$(sr log)" "rolled back by build 3"
	refute_contains "$(sr log)$(sr status)" "outside safe-rebuild"
	# forward again: nothing is taken out
	person sr rollback 2
	assert_contains "$output" "the configuration may lack what is live again: see safe-rebuild diff"
}

@test "the advice means the configuration of the build that was taken out, wherever it is typed" {
	serve alpha nginx
	git clone -q . "$ROOT/clone"
	cd "$ROOT/clone" || return
	git config user.name t
	git config user.email t@t
	serve beta caddy
	cd / || return
	person sr rollback
	assert_equal "$status" 0
	assert_contains "$output" "cd $ROOT/clone && safe-rebuild diff --restore --flake 'git+file://$ROOT/clone#box' | git apply"
	eval "$(sed -n 's/.*has it ([^)]*): //p' <<<"$output")"
	refute test -e "$ROOT/clone/modules/caddy.nix"
}

@test "what one has built without committing it is taken out of the configuration as printed" {
	serve alpha nginx
	echo '{ services = [ "caddy" ]; }' >modules/caddy.nix
	git add -N modules/caddy.nix
	sr --agent alpha switch --flake '.#box'
	run sr --agent alpha rollback
	assert_equal "$status" 0
	eval "$(sed -n 's/.*has it ([^)]*): //p' <<<"$output")"
	refute test -e modules/caddy.nix
	# and no more than that: what was built before without committing it stays
	echo '{ services = [ "mail" ]; }' >modules/mail.nix
	git add -N modules/mail.nix
	sr --agent alpha switch --flake '.#box'
	echo '{ services = [ "mail" "more" ]; }' >modules/mail.nix
	sr --agent alpha switch --flake '.#box'
	run sr --agent alpha rollback
	assert_equal "$status" 0
	eval "$(sed -n 's/.*has it ([^)]*): //p' <<<"$output")"
	assert_equal "$(cat modules/mail.nix)" '{ services = [ "mail" ]; }'
}

@test "a rollback from within a build would wait for itself: it is refused" {
	run sr --agent alpha exec -- sh -c '"$SAFE_REBUILD" --agent alpha rollback gen:1'
	assert_equal "$status" 75
	assert_contains "$output" "a rollback cannot run within a build"
}

@test "log names the rollback that took a build out, and none where its system was made again" {
	serve alpha one
	serve beta two
	serve gamma three
	person sr rollback
	person sr rollback 1
	assert_equal "$status" 0
	assert_like "$(sr log)" "*build 3 by gamma: *; rolled back by build 4*build 2 by beta: *; rolled back by build 5*"
	git reset -q --hard HEAD~1
	run -0 sr --agent beta --allow-redo 2 switch --flake '.#box'
	refute_contains "$(sr log | grep "build 2 by beta")" "rolled back"
}
