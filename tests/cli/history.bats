# What one who comes back finds: status, log, show.
load helpers

prepare() {
	make_repository
	cd "$CONFIG" || return
	printf '[guard]\nundo = off\n' >>"$SAFE_REBUILD_SETTINGS"
	# shellcheck disable=SC2016
	export DOUBLE='made=$ROOT/systems/$(cat flake.nix *.txt 2>/dev/null | sha1sum | cut -c1-12)
		mkdir -p "$made" "$ROOT/nix/var/nix/profiles"; echo "building the system..." >&2
		case $1 in switch) ln -sfn "$made" "$ROOT/nix/var/nix/profiles/system"; ln -sfn "$made" "$ROOT/run/current-system" ;; esac
		exit ${EXIT:-0}'
}

build() {
	"$SAFE_REBUILD" --agent "$1" "${@:2}" --flake . >/dev/null 2>&1
}

numbers() {
	run "$SAFE_REBUILD" log --json "$@"
	assert_equal "$status" 0
	output=$(python3 -c 'import json, sys; print(*[b["build"] for b in json.load(sys.stdin)["builds"]])' <<<"$output")
}

@test "log: by agent, action, outcome, time and path" {
	build a switch
	echo one >one.txt
	git add -A
	build b switch
	EXIT=3 build b build || true
	echo two >>one.txt
	build a boot
	rm one.txt
	build c switch
	numbers
	assert_equal "$output" "5 4 3 2 1"
	numbers --agent b
	assert_equal "$output" "3 2"
	SAFE_REBUILD_AGENT=c numbers
	assert_equal "$output" "5 4 3 2 1"
	numbers --action boot
	assert_equal "$output" "4"
	numbers --outcome failed
	assert_equal "$output" "3"
	numbers --agent b --outcome succeeded
	assert_equal "$output" "2"
	numbers --path one.txt
	assert_equal "$output" "5 4 2"
	numbers -n 1 --path one.txt
	assert_equal "$output" "5"
	numbers --since 1h
	assert_equal "$output" "5 4 3 2 1"
	numbers --since 2040-01-01
	assert_equal "$output" ""
	numbers --since 2020-01-01
	assert_equal "$output" "5 4 3 2 1"
	run sr log --since yesterday
	assert_equal "$status" 64
	assert_contains "$output" "'yesterday' is neither a duration such as 2h nor a day"
}

@test "log: the commit's subject, or that it was not committed" {
	build a switch
	echo one >one.txt
	commit_all . 'web: open "port" 80'
	build b switch
	echo two >>one.txt
	build b switch
	run sr log
	assert_like "${lines[0]}" "build 3 by b: switch succeeded*, 1 file, uncommitted"
	assert_like "${lines[1]}" 'build 2 by b: switch succeeded*, 1 file, "web: open \\"port\\" 80"'
	assert_equal "$(field 2 config_subject)" 'web: open "port" 80'
	as_person script -qec "stty cols 140; $SAFE_REBUILD log" "$ROOT/typed"
	wait_for test -s "$ROOT/person.status"
	assert_like "$(cat "$ROOT/typed")" '*3  * b *, 1 file, uncommitted*'
	assert_like "$(cat "$ROOT/typed")" '*2  * b *, 1 file, "web: open \\"port\\" 80"*'
}

@test "log: a table with colours for a person, without for NO_COLOR, none for agents and pipes" {
	build a switch --message "add nginx"
	EXIT=1 build b switch || true
	in_terminal() {
		rm -f "$ROOT/typed"
		as_person script -qec "stty cols 120; $*" "$ROOT/typed"
		wait_for test -s "$ROOT/person.status"
	}
	export TERM=xterm
	in_terminal "$SAFE_REBUILD log"
	assert_contains "$(cat "$ROOT/typed")" $'\e[1mbuild'
	assert_like "$(cat "$ROOT/typed")" $'2  * b * switch * \e\\[31mfailed'
	assert_like "$(cat "$ROOT/typed")" $'1  * a * switch * \e\\[32msucceeded* "add nginx"'
	NO_COLOR=1 in_terminal "$SAFE_REBUILD log"
	assert_like "$(cat "$ROOT/typed")" 'build  when * agent'
	refute_contains "$(sed 1d "$ROOT/typed")" $'\e['
	OPENCODE=1 in_terminal "$SAFE_REBUILD log"
	assert_like "$(cat "$ROOT/typed")" "build 1 by a: switch succeeded, *: \"add nginx\""
	run sr log
	assert_like "${lines[1]}" "build 1 by a: switch succeeded*"
}

@test "log: on a narrow terminal no row is wider than it, and nothing is lost" {
	build claude-code-3f2a9c1e-subagent-7 switch --message "add the wiki and its certificates"
	sr --agent b dry-activate
	table() { # COLUMNS
		rm -f "$ROOT/typed"
		NO_COLOR=1 as_person script -qec "stty cols $1; $SAFE_REBUILD log" "$ROOT/typed"
		wait_for test -s "$ROOT/person.status"
		sed '1d;$d' "$ROOT/typed" | tr -d '\r' >"$ROOT/table"
		[ "$(wc -L <"$ROOT/table")" -le "$1" ]
	}
	table 80
	assert_like "$(cat "$ROOT/table")" '*    2  * b                    dry-activate succeeded*'
	assert_like "$(cat "$ROOT/table")" '*       claude-code-3f2a9c1e-subagent-7; took *; "add the wiki *'
	table 60
	assert_contains "$(cat "$ROOT/table")" ' claude-cod... switch       succeeded'
	table 200
	assert_equal "$(grep -c . "$ROOT/table")" 3
}

@test "status: an unfinished merge" {
	build a switch
	git checkout -qb side
	echo side >one.txt
	commit_all . side
	git checkout -q -
	echo main >one.txt
	commit_all . main
	git merge side >/dev/null 2>&1 || true
	assert_contains "$(sr status)" "          an unfinished merge: see git status"
	assert_equal "$(sr status --json | jq_get unfinished)" merge
}

@test "status: the check-in before an edit" {
	build a switch
	assert_contains "$(sr --agent a status)" "since:    nobody has built since your build"
	echo one >one.txt
	git add -A
	build b switch --message "add one"
	echo three >three.txt
	git add -A
	run sr --agent a status
	assert_contains "$output" "live:     build 2 by b: switch succeeded"
	assert_contains "$output" "yours:    build 1 by a: switch succeeded"
	assert_contains "$output" "since:    1 build since yours (what changed: safe-rebuild diff)"
	assert_like "$output" '  build 2 by b: switch succeeded, * "add one"'
	assert_like "$output" "edited:   not committed: A one.txt (saved *), A three.txt (saved *)"
	commit_all . "all"
	assert_contains "$(sr --agent a status)" "edited:   nothing, all is committed ($CONFIG)"
	run sr --agent a status --json
	assert_equal "$(jq_get uncommitted <<<"$output")" "[]"
	assert_equal "$(jq_get builds_since_yours <<<"$output")" 1
	cd /
	refute_contains "$(sr --agent a status)" "edited:"
}

@test "status: under 1,500 bytes, whatever happens" {
	long=$(head -c 300 /dev/zero | tr '\0' m)
	build a switch
	for i in 1 2 3 4 5 6; do
		echo $i >"a-file-with-a-name-that-is-longer-than-anybody-needs-$i.txt"
		git add -A
		build "agent-with-a-long-name-$i" switch --message "$long" || true
	done
	for i in $(seq 50); do echo $i >"another-file-with-quite-a-long-name-$i.txt"; done
	git add -A
	DOUBLE='touch "$ROOT/held"; while [ ! -e "$ROOT/go" ]; do sleep 0.02; done' \
		build holder-of-the-lock switch --message "$long" &
	wait_for test -e "$ROOT/held"
	for i in 1 2 3 4 5 6; do build "waiter-$i" boot --message "$long" & done
	wait_for sh -c '[ "$("$SAFE_REBUILD" --agent a status --json | grep -c "\"phase\": \"waiting\"")" = 6 ]'
	run sr --agent a status
	touch "$ROOT/go"
	wait
	echo "$output"
	echo "${#output} bytes"
	[ "${#output}" -lt 1500 ]
	assert_contains "$output" "...; place 2"
	assert_contains "$output" "waiting:  and 4 more"
	assert_contains "$output" "edited:   56 files, not committed (safe-rebuild diff):"
}

@test "show: a file as it was built, a directory, the output" {
	mkdir sub
	printf 'never\ncommitted\n' >sub/one.txt
	git add -A
	build a switch
	git rm -qrf sub
	assert_equal "$(sr show 1 sub/one.txt)" "$(printf 'never\ncommitted')"
	assert_equal "$(sr show 1 sub)" "one.txt"
	assert_equal "$(sr show 1 .gitignore 2>&1)" "safe-rebuild: build 1 has no '.gitignore'"
	assert_contains "$(sr show last --output)" "building the system..."
	assert_equal "$(sr show 1 sub/one.txt | sha1sum)" "$(printf 'never\ncommitted\n' | sha1sum)"
	run sr show 1 --output file
	assert_equal "$status" 64
}

@test "show names as many files as is said, and --json all of them" {
	build a switch
	for i in $(seq 250); do echo "$i" >"f$i.nix"; done
	commit_all . many
	build a switch
	run -0 sr show last
	assert_contains "${lines[-1]}" "and 50 more: safe-rebuild show 2 --json"
	assert_equal "$(sr show last --json | jq_get changes | grep -o "'path'" | wc -l)" 250
}

@test "show --patch: what git applies, with modes, tabs, binary files and bytes that are no text" {
	printf 'a\tb\n' >tabs
	printf '\xe9t\xe9\n' >latin
	head -c 5000 /dev/urandom >blob
	echo '#!/bin/sh' >script
	commit_all . "files"
	build a switch
	printf 'a\tb\nc\td\n' >tabs
	printf '\xe9t\xe9\nd\xe9j\xe0\n' >latin
	head -c 5000 /dev/urandom >blob
	chmod +x script
	echo new >new.txt
	ln -s new.txt link
	printf 'no newline at the end' >flake.nix
	git add -A
	build b switch
	tree=$(git write-tree)
	git reset -q --hard
	sr show 2 --patch | git apply --3way
	assert_equal "$(git write-tree)" "$tree"
	git reset -q --hard
	sr show 2 --patch tabs new.txt | git apply --3way
	assert_equal "$(git diff --cached --name-only | tr '\n' ' ')" "new.txt tabs "
	# of a clean build: since the build before
	git reset -q --hard
	echo more >more.txt
	commit_all . "more"
	build c switch
	assert_contains "$(sr show 3 --patch more.txt)" "+more"
	# the record outlives the repository, and a gc of the ledger
	rm -rf .git
	git --git-dir "$LEDGER" gc -q --prune=now
	assert_contains "$(sr show 2 --patch tabs)" "$(printf '+c\td')"
	refute_contains "$(sr show 2 --patch)" "more.txt"
}

@test "on a terminal control characters are shown, not obeyed" {
	printf 'x\e[31mred\n' >esc.txt
	git add -A
	build a switch
	as_person script -qec "$SAFE_REBUILD show 1 esc.txt; $SAFE_REBUILD show 1 --patch esc.txt" "$ROOT/typed"
	wait_for test -s "$ROOT/person.status"
	assert_contains "$(cat "$ROOT/typed")" 'x\x1b[31mred'
	refute_contains "$(sed 1d "$ROOT/typed")" $'\e[31m'
}

@test "a message cannot drive the terminal" {
	DOUBLE='' sr --agent a --message $'x\e]0;PWN\a\e[31m' switch >/dev/null 2>&1
	export TERM=xterm NO_COLOR=1
	as_person script -qec "$SAFE_REBUILD log; $SAFE_REBUILD status" "$ROOT/typed"
	wait_for test -s "$ROOT/person.status"
	assert_contains "$(cat "$ROOT/typed")" 'x\x1b]0;PWN'
	refute_contains "$(sed 1d "$ROOT/typed")" $'\e]0'
}

@test "status: what git does not track, and builds of other targets" {
	build a switch
	DOUBLE='' sr --agent a switch --flake . --target-host web >/dev/null 2>&1
	echo new >new.nix
	run sr --agent a status
	assert_contains "$output" "since:    nobody has built since your build"
	assert_contains "$output" "not tracked by git, so not seen by Nix: new.nix"
	mkdir a c
	touch a/x c/y b.txt d.txt
	git add a c b.txt d.txt
	assert_contains "$(sr --agent a status)" "not seen by Nix: new.nix"
	refute_contains "$(sr --agent a status)" "new.nix, new.nix"
}

@test "a diff that is killed leaves nothing behind" {
	build a switch
	mkdir "$ROOT/tmp"
	for i in $(seq 3000); do echo "$i" >"f$i.txt"; done
	git add -A
	for signal in INT TERM KILL; do
		for after in 0.05 0.1 0.2; do
			TMPDIR=$ROOT/tmp timeout -s "$signal" "$after" "$SAFE_REBUILD" diff >/dev/null 2>&1 || true
		done
	done
	wait_for sh -c '[ -z "$(ls "$ROOT/tmp")" ]'
}

@test "errors as JSON too" {
	build a switch
	run --separate-stderr sr show 99 --json
	assert_equal "$status" 125
	assert_equal "$(jq_get error <<<"$output")" "there is no build '99'"
	assert_equal "$(jq_get exit_status <<<"$output")" 125
	assert_equal "$(jq_get schema <<<"$output")" 1
	run --separate-stderr sr log --json --since never
	assert_contains "$(jq_get error <<<"$output")" "'never' is neither"
	run --separate-stderr sr status --json extra
	assert_equal "$(jq_get exit_status <<<"$output")" 64
}
