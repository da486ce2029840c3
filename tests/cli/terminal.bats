# What a person sees on a terminal.
load helpers

prepare() {
	make_repository
	cd "$CONFIG"
	# shellcheck disable=SC2016
	export DOUBLE='touch "$ROOT/started"; while [ ! -e "$ROOT/go" ]; do sleep 0.05; done'
}

# on_terminal COLUMNS WORDS ...: a person's call, on a terminal of its own; see terminal.py.
on_terminal() {
	as_person python3 "$tests/cli/terminal.py" "$1" "$ROOT/screen" "$SAFE_REBUILD" "${@:2}"
}

@test "the waiting line is rewritten in place, cut to the width, and gone at the end" {
	"$SAFE_REBUILD" --agent holder --message "größere Änderungen an vielen Diensten" switch \
		--flake . >/dev/null 2>&1 &
	wait_for test -e "$ROOT/started"
	on_terminal 60 switch --flake .
	wait_for grep -q "waiting for build 1 by holder" "$ROOT/screen"
	sleep 2.5
	touch "$ROOT/go"
	wait_for test -s "$ROOT/person.status"
	assert_equal "$(cat "$ROOT/person.status")" 0
	python3 - "$ROOT/screen" <<-'PY'
		import sys
		text = open(sys.argv[1], "rb").read().decode()
		start = text.index("safe-rebuild: waiting")
		waiting = text[start:text.index("\n", start)].split("\r\x1b[K")
		lines = [line for line in waiting if line.startswith("safe-rebuild: waiting")]
		assert len(lines) >= 2, waiting           # more than once ...
		assert len(set(lines)) >= 1
		for line in lines:
		    assert len(line.encode()) < 60, line  # ... and never wrapped
		assert "\r\x1b[Ksafe-rebuild: " in text   # the next line takes its place
	PY
}

@test "log is a table there" {
	touch "$ROOT/go"
	sr --agent holder --message "add nginx" switch --flake . 2>/dev/null
	TERM=xterm on_terminal 120 log
	wait_for test -s "$ROOT/person.status"
	assert_contains "$(cat "$ROOT/screen")" $'\e[32msucceeded'
	assert_like "$(cat "$ROOT/screen")" '1 * holder * switch * "add nginx"'
	TERM=xterm NO_COLOR=1 on_terminal 120 log
	wait_for test -s "$ROOT/person.status"
	refute_contains "$(cat "$ROOT/screen")" $'\e['
	assert_contains "$(cat "$ROOT/screen")" "build  when"
}

@test "what a file holds cannot drive the terminal" {
	touch "$ROOT/go"
	printf '# \e[31mred\e]0;title\a\n' >evil.nix
	git add evil.nix
	sr --agent holder switch --flake . 2>/dev/null
	on_terminal 80 show last evil.nix
	wait_for test -s "$ROOT/person.status"
	assert_contains "$(cat "$ROOT/screen")" '# \x1b[31mred\x1b]0;title\x07'
	refute_contains "$(cat "$ROOT/screen")" $'\e'
}
