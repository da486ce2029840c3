# The main job on real input: real Nix builds and activates a small system in a private root.
load helpers

prepare() {
	use_nix
	cd "$ROOT"
}

running() {
	basename "$(readlink "$ROOT/run/current-system")"
}

@test "two agents and one flake: each is told what the other made live" {
	show_all_output
	"$tests/system/make-configuration.sh" flake "$CONFIG"
	cd "$CONFIG"
	run --separate-stderr sr --agent alpha switch --flake '.#box'
	assert_equal "$status" 0
	# stdout is the result's path alone, as nixos-rebuild prints it
	assert_equal "$output" "$(readlink "$ROOT/run/current-system")"
	assert_contains "$stderr" "building test"

	echo '{ services = [ "nginx" ]; }' >modules/web.nix
	git add modules/web.nix
	git commit -qm "serve the web"
	sr --agent beta --message "nginx for the wiki" switch --flake '.#box' 2>/dev/null
	assert_contains "$(cat "$ROOT/run/current-system/services")" nginx

	echo '{ services = [ "postgresql" ]; }' >modules/db.nix
	git add modules/db.nix
	run --separate-stderr sr --agent alpha switch --flake '.#box'
	assert_contains "$stderr" "since your build 1"
	assert_contains "$stderr" "build 2 by beta: switch succeeded, generation 2"
	assert_contains "$stderr" '"nginx for the wiki"'
	assert_contains "$stderr" "A modules/web.nix +1"
	assert_contains "$stderr" "A modules/db.nix +1"
	assert_contains "$stderr" "switch succeeded: build 3, generation 3"

	assert_equal "$(field 3 generation)" 3
	assert_equal "$(field 3 generation_before)" 2
	assert_equal "$(field 3 system_before)" "$(field 2 system_after)"
	assert_equal "$(field 3 system_after)" "$(readlink "$ROOT/run/current-system")"
	assert_equal "$(field 3 config_state)" dirty
	assert_equal "$(field 2 config_state)" clean
	assert_equal "$(field 2 config_commit)" "$(git rev-parse HEAD)"
	assert_equal "$(field gen:2 build)" 2
	assert_equal "$(field live build)" 3
}

@test "a configuration without flakes" {
	"$tests/system/make-configuration.sh" classic "$CONFIG"
	export NIXOS_CONFIG=$CONFIG/configuration.nix
	sr --agent alpha switch 2>/dev/null
	assert_contains "$(cat "$ROOT/run/current-system/services")" nginx
	assert_equal "$(field 1 config)" "$CONFIG/configuration.nix"
	assert_equal "$(field 1 config_state)" plain
	sed -i s/nginx/caddy/ "$CONFIG/web.nix"
	run --separate-stderr sr --agent beta switch -f "$CONFIG/configuration.nix"
	assert_contains "$stderr" "1 file not built yet: M web.nix"
	assert_contains "$(cat "$ROOT/run/current-system/services")" caddy
}

@test "boot, test, build, rollback: what the record says of each" {
	"$tests/system/make-configuration.sh" flake "$CONFIG"
	cd "$CONFIG"
	sr --agent a switch --flake '.#box' 2>/dev/null
	first=$(running)
	sed -i 's/sshd/sshd2/' modules/base.nix
	sr --agent a build --flake '.#box' 2>/dev/null
	assert_equal "$(running)" "$first"
	run --separate-stderr sr --agent a boot --flake '.#box'
	assert_contains "$stderr" "boot succeeded: build 3, generation 2"
	assert_equal "$(running)" "$first"
	assert_contains "$(sr status)" "live:     build 1 by a"
	assert_contains "$(sr status)" "boots:    build 3 by a: boot succeeded, generation 2"
	sr --agent a test --flake '.#box' 2>/dev/null
	assert_equal "$(field 4 generation)" 2
	assert_contains "$(sr status)" "live:     build 4 by a: test succeeded"
	run --separate-stderr sr --agent a switch --rollback
	assert_equal "$status" 0
	assert_equal "$(running)" "$first"
	assert_contains "$stderr" "generation 1"
}

@test "a build that fails, an evaluation that fails, an activation that fails" {
	"$tests/system/make-configuration.sh" flake "$CONFIG"
	cd "$CONFIG"
	sr --agent a switch --flake '.#box' 2>/dev/null
	echo '{ services = [ ' >modules/base.nix
	run --separate-stderr sr --agent a switch --flake '.#box'
	assert_equal "$status" 1
	assert_contains "$stderr" "syntax error"
	assert_contains "$stderr" "switch failed: build 2"
	assert_equal "$(field 2 outcome)" failed
	assert_equal "$(field live build)" 1

	echo '{ services = [ "sshd" "new" ]; exit = 4; }' >modules/base.nix
	run --separate-stderr sr --agent a switch --flake '.#box'
	assert_equal "$status" 4
	assert_contains "$stderr" "switch partly succeeded: build 3, generation 2"
	assert_equal "$(field 3 outcome)" partly
	assert_equal "$(field live build)" 3
}

@test "an agent's call is killed in the middle: the build goes on, attach ends with it" {
	show_all_output
	"$tests/system/make-configuration.sh" flake "$CONFIG"
	cd "$CONFIG"
	echo '{ services = [ "slow" ]; seconds = 2; }' >modules/base.nix
	setsid "$SAFE_REBUILD" --agent a switch --flake '.#box' >/dev/null 2>"$ROOT/err" &
	front=$!
	wait_for grep -q "building test" "$ROOT/err"
	kill -KILL -- -$front
	wait $front || true
	run sr attach
	assert_equal "$status" 0
	assert_contains "$output" "starting the following units: slow.service"
	assert_contains "$output" "switch succeeded: build 1"
	assert_contains "$(cat "$ROOT/run/current-system/services")" slow
}

@test "two switches at once: one after the other, none is lost" {
	"$tests/system/make-configuration.sh" flake "$CONFIG"
	printf '[guard]\nundo = off\n' >>"$SAFE_REBUILD_SETTINGS"
	cp -r "$CONFIG" "$ROOT/other"
	echo '{ services = [ "other" ]; seconds = 1; }' >"$ROOT/other/modules/base.nix"
	"$SAFE_REBUILD" --agent a switch --flake "$CONFIG#box" >"$ROOT/a" 2>&1 &
	"$SAFE_REBUILD" --agent b switch --flake "$ROOT/other#box" >"$ROOT/b" 2>&1 &
	wait
	assert_equal "$(sr log | grep -c 'switch succeeded')" 2
	assert_equal "$(field 2 system_before)" "$(field 1 system_after)"
}

@test "Nix's own error, mapped to whose file it is" {
	"$tests/system/make-configuration.sh" flake "$CONFIG"
	cd "$CONFIG"
	run --separate-stderr sr --agent a switch --flake '.#box'
	assert_equal "$status" 0
	printf '{\n  services = [ nginx ];\n}\n' >modules/base.nix
	run --separate-stderr sr --agent b switch --flake '.#box'
	assert_equal "$status" 1
	assert_like "$stderr" "the error is in modules/base.nix:2: uncommitted, saved *, changed since build 1 by a"
	assert_contains "$(field last nix_error)" "undefined variable 'nginx'"
}

@test "a person's terminal: Nix' own progress bar lives, and the log can be read" {
	"$tests/system/make-configuration.sh" flake "$CONFIG"
	cd "$CONFIG"
	session <<-'PY'
		s = Session(columns=100)
		text, status = s.command(f"{program} switch --flake .#box")
		assert status == 0, text
		assert "\x1b[K" in text and " built" in text, repr(text)
		last = text.replace("\r", "\n").split("safe-rebuild: ")[-1]
		assert last.startswith("switch succeeded: build 1, generation 1"), repr(text)
		assert s.is_sane()
	PY
	local log
	log=$(sr show 1 --output)
	refute_contains "$log" $'\e'
	assert_contains "$log" "nixos-system-test> building test"
	assert_contains "$log" "activating the configuration"
}
