load helpers

prepare() {
	make_repository
	cd "$CONFIG"
	# shellcheck disable=SC2016
	export DOUBLE='[ -z "$SYSTEM" ] || ln -sfn "/nix/store/$SYSTEM" "$ROOT/run/current-system"
		echo output'
}

build() {
	sr --agent "$1" switch --flake . >/dev/null 2>&1
}

@test "help, version, usage" {
	run sr --help
	assert_equal "$status" 0
	[ "${#output}" -lt 2048 ]
	[ "$(awk '{ if (length > n) n = length } END { print n }' <<<"$output")" -le 80 ]
	run sr --version
	assert_equal "$output" "safe-rebuild 0.1.0"
	for words in "status x" "log x" "log -n" "show" "show 1 2 3" "show 1 --output --patch" "show 1 file --output" "status --no-such" "log -n x"; do
		# shellcheck disable=SC2086
		run sr $words
		assert_equal "$status" 64
		[ "${#lines[@]}" = 1 ]
	done
}

@test "before anything is recorded" {
	run sr --agent a status
	assert_equal "$status" 0
	assert_equal "$output" "$(printf '%s\n' "building: nobody" "live:     unknown, there is no link to the running system" \
		"yours:    no build by a yet")"
	run sr log
	assert_equal "$status" 0
	run sr log --json
	assert_equal "$(python3 -c 'import json,sys; print(json.load(sys.stdin))' <<<"$output")" \
		"{'schema': 1, 'builds': []}"
	run sr show last
	assert_equal "$status" 125
}

@test "status: live, mine, the last ones" {
	SYSTEM=one build a
	SYSTEM=two build b
	run sr --agent a status
	assert_contains "$output" "live:     build 2 by b: switch succeeded"
	assert_contains "$output" "yours:    build 1 by a: switch succeeded"
	assert_equal "$(sr --agent a status --json | python3 -c '
import json, sys
j = json.load(sys.stdin)
print(j["schema"], j["agent"], j["live"]["build"], j["yours"]["build"], j["system"]["running"],
      [b["build"] for b in j["last"]], j["building"], j["waiting"])')" \
		"1 a 2 1 /nix/store/two [2] [] []"
}

@test "status: a build that failed before it changed anything is not what is live" {
	SYSTEM=one build a
	DOUBLE='exit 1' build b || true
	assert_contains "$(sr status)" "live:     build 1 by a"
	ln -sfn /nix/store/other "$ROOT/run/current-system"
	assert_contains "$(sr status)" "live:     a system made outside safe-rebuild: /nix/store/other"
}

@test "status works for one who may not read the ledger" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	build a
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	cp "$SAFE_REBUILD" "$ROOT/safe-rebuild"
	run setpriv --reuid=nobody --regid=nogroup --clear-groups "$ROOT/safe-rebuild" status
	assert_equal "$status" 0
	assert_contains "$output" "cannot"
	assert_contains "$output" "live:"
}

@test "log: newest first, -n, --json" {
	for i in 1 2 3; do build "a$i"; done
	assert_equal "$(sr log | cut -d: -f1)" "$(printf '%s\n' "build 3 by a3" "build 2 by a2" "build 1 by a1")"
	assert_equal "$(sr log -n 1 | wc -l)" 1
	assert_equal "$(sr log -n 2 --json | python3 -c '
import json, sys
b = json.load(sys.stdin)["builds"]
print(len(b), b[0]["build"], b[0]["agent"], b[0]["exit_status"], b[0]["duration"] < 5)')" "2 3 a3 0 True"
}

@test "show: record and changes, by every kind of reference" {
	mkdir -p "$ROOT/nix/var/nix/profiles"
	ln -sfn /nix/store/one "$ROOT/nix/var/nix/profiles/system-7-link"
	mkdir -p "$ROOT/store"
	SYSTEM=one build a
	echo '# x' >>flake.nix
	SYSTEM=two build b
	for reference in 2 last live @b /nix/store/two; do
		assert_equal "$(field $reference build)" 2
	done
	run sr show 2
	assert_contains "$output" "changed since build 1:"
	assert_contains "$output" "M flake.nix +1"
	assert_contains "$(sr show 2 --patch)" "+# x"
	assert_equal "$(sr show 2 --json | jq_get changes)" "[{'path': 'flake.nix', 'status': 'M'}]"
	run sr show gen:99
	assert_equal "$status" 125
	assert_equal "$output" "safe-rebuild: there is no build 'gen:99'"
}

@test "show gen:N finds the build that made a generation" {
	mkdir -p "$ROOT/real-system"
	# shellcheck disable=SC2016
	DOUBLE='ln -sfn "$ROOT/real-system" "$ROOT/nix/var/nix/profiles/system-3-link"
		ln -sfn system-3-link "$ROOT/nix/var/nix/profiles/system"
		ln -sfn "$ROOT/real-system" "$ROOT/run/current-system"' build a
	assert_equal "$(field gen:3 build)" 1
	assert_equal "$(field 1 generation)" 3
	assert_equal "$(field 1 system_after)" "$ROOT/real-system"
}

@test "diff: what is not built yet, without touching ledger or lock" {
	build a
	echo '# x' >>flake.nix
	before=$(find "$STATE" "$ROOT/run" -printf '%p %T@\n' | sort)
	run sr --agent a diff --flake .
	assert_equal "$status" 0
	assert_like "${lines[2]}" "    M flake.nix +1, uncommitted, saved *"
	assert_contains "$(sr --agent a diff --patch --flake .)" "+# x"
	assert_equal "$(sr --agent a diff --json --flake . | sed '/"note"/d; s/"status": "M",/"status": "M"/' | jq_get not_built_yet)" \
		"[{'path': 'flake.nix', 'status': 'M'}]"
	assert_equal "$(find "$STATE" "$ROOT/run" -printf '%p %T@\n' | sort)" "$before"
	assert_equal "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'safe-rebuild.*')" ""
}

@test "diff goes on while another builds" {
	build a
	# shellcheck disable=SC2016
	DOUBLE='touch "$ROOT/started"; while [ ! -e "$ROOT/go" ]; do sleep 0.05; done' \
		"$SAFE_REBUILD" --agent b switch --flake . &
	wait_for test -e "$ROOT/started"
	run timeout 5 "$SAFE_REBUILD" --agent a diff --flake .
	assert_equal "$status" 0
	touch "$ROOT/go"
	wait
}

@test "an answer that cannot be written is a failure" {
	build a
	for words in log status "show 1" "log --json"; do
		# shellcheck disable=SC2086
		run sh -c '"$@" >/dev/full' sh "$SAFE_REBUILD" $words
		assert_equal "$status" 125
	done
}

@test "each command has --help" {
	for name in status diff log show attach; do
		run sr $name --help
		assert_equal "$status" 0
		assert_contains "$output" "safe-rebuild $name"
	done
}

@test "log shows what is running, first" {
	build a
	# shellcheck disable=SC2016
	DOUBLE='touch "$ROOT/started"; while [ ! -e "$ROOT/go" ]; do sleep 0.05; done' \
		"$SAFE_REBUILD" --agent b switch --flake . &
	wait_for test -e "$ROOT/started"
	assert_like "$(sr log | head -n 1)" "build 2 by b: switch running for * s"
	touch "$ROOT/go"
	wait
}

@test "another profile: status and @AGENT know of it" {
	# shellcheck disable=SC2016
	DOUBLE='mkdir -p "$ROOT/made" "$ROOT/nix/var/nix/profiles/system-profiles"
		ln -sfn "$ROOT/made" "$ROOT/nix/var/nix/profiles/system-profiles/games-1-link"
		ln -sfn games-1-link "$ROOT/nix/var/nix/profiles/system-profiles/games"
		ln -sfn "$ROOT/made" "$ROOT/run/current-system"' \
		sr --agent gamer -p games switch --flake . 2>/dev/null
	assert_equal "$(field @gamer build)" 1
	assert_equal "$(field 1 target)" profile-games
	assert_equal "$(field 1 generation)" 1
	assert_equal "$(field live build)" 1
	run sr --agent gamer status
	assert_contains "$output" "live:     build 1 by gamer: switch of profile games succeeded, generation 1"
	assert_contains "$output" "yours:    build 1 by gamer"
}

@test "what a command does not have is named" {
	run sr status --jsn
	assert_equal "$status" 64
	assert_contains "$output" "status has no option '--jsn' (usage: safe-rebuild status [--json])"
	run sr log --patch
	assert_equal "$status" 64
	assert_contains "$output" "log has no option '--patch'"
	run sr log -n
	assert_equal "$status" 64
	assert_contains "$output" "-n wants COUNT"
	run sr log -nx
	assert_contains "$output" "-n: 'x' is not a number"
	run sr attach 1 2
	assert_contains "$output" "usage: safe-rebuild attach [BUILD]"
}

@test "what diff does not know is no good news" {
	cd "$CONFIG"
	sr --agent alpha switch --flake . 2>/dev/null
	for option in --bogus --exit-cod --restor; do
		run sr diff --flake . "$option"
		assert_equal "$status" 64
		assert_contains "$output" "diff has no option '$option'"
	done
	run sr diff --flake . --impure flake.nix
	assert_equal "$status" 0
	run sr diff --flake . flake.nxi
	assert_equal "$status" 64
	assert_contains "$output" "there is no 'flake.nxi' here, and it has not changed"
	git rm -q flake.nix
	run sr diff --flake path:. flake.nix
	assert_equal "$status" 0
}

@test "a mistyped command is no build" {
	for words in "statsu status" "sttaus status" "dif diff" "swich switch" "help --help" "testt test"; do
		run sr "${words% *}"
		assert_equal "$status" 64
		assert_contains "$output" "'${words% *}' is neither an action nor a command: did you mean '${words#* }'?"
	done
	run sr log
	assert_contains "$output" "nothing is recorded yet"
	# what nixos-rebuild may know and we do not is its own to refuse
	sr frobnicate --flake . 2>/dev/null
	assert_equal "$(tr '\0' ' ' <"$ROOT/arguments")" "frobnicate --flake . "
	run sr log
	assert_contains "$output" "nothing is recorded yet"
}

@test "bash completion offers commands, options, builds and agents" {
	sr --agent alpha switch --flake . 2>/dev/null
	complete_words() {
		bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _safe_rebuild; echo "${COMPREPLY[*]}"' \
			- "$tests/../src/completions/safe-rebuild.bash" "$@"
	}
	assert_equal "$(complete_words safe-rebuild sta)" status
	assert_equal "$(complete_words safe-rebuild --agent '')" alpha
	assert_equal "$(complete_words safe-rebuild attach '' | tr ' ' '\n' | grep -v -- -- | tr '\n' ' ')" "1 @alpha last live "
	assert_equal "$(complete_words safe-rebuild diff --exit)" --exit-code
	assert_equal "$(complete_words safe-rebuild switch --targ)" --target-host
}

@test "zsh completion offers commands, options, builds and agents" {
	sr --agent alpha switch --flake . 2>/dev/null
	cat >"$ROOT/.zshrc" <<-E
		zmodload zsh/zle && unset zle_bracketed_paste
		unsetopt beep prompt_cr prompt_sp
		fpath=($tests/../src/completions \$fpath)
		autoload -U compinit
		compinit -u -D
	E
	run -0 python3 - "$tests" "$ROOT" <<-'E'
		import sys
		sys.path.insert(0, sys.argv[1] + "/cli")
		from session import Session
		shell = Session(("env", "TERM=dumb", "ZDOTDIR=" + sys.argv[2], "zsh", "-d", "-i"))
		for typed, seen in {"sta": "status ", "switch --targ": "--target-host ", "diff --exit": "--exit-code ",
		                    "--agent al": "alpha ", "attach la": "last ", "agents --install cl": "claude "}.items():
		    shell.send(f"\x15safe-rebuild {typed}\t")
		    shell.expect("safe-rebuild [^\n]*" + seen)
		shell.hang_up()
	E
}

@test "fish completion offers commands, options, builds and agents" {
	sr --agent alpha switch --flake . 2>/dev/null
	complete_line() {
		HOME=$ROOT fish --no-config -c "source $tests/../src/completions/safe-rebuild.fish; complete -C 'safe-rebuild $1'" | cut -f1
	}
	assert_equal "$(complete_line sta)" status
	assert_equal "$(complete_line '--agent al')" alpha
	assert_contains "$(complete_line 'attach ')" last
	assert_equal "$(complete_line 'diff --exit')" --exit-code
	assert_equal "$(complete_line 'switch --targ')" --target-host
}
