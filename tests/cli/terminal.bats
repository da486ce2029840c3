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

@test "nixos-rebuild's output is a terminal of the same size, and the terminal is sane afterwards" {
	export DOUBLE='[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all three
		stty size; printf "\r\033[K\033[32m[1/2 built]\033[0m" >&2; sleep 0.2
		printf "\r\033[K[2/2 built]" >&2; printf "\r\033[K" >&2; echo plain text'
	session <<-'PY'
		s = Session(columns=97)
		text, status = s.command(f"{program} switch --flake .")
		assert status == 0, text
		assert "all three" in text and "24 97" in text, text
		assert "\x1b[32m[1/2 built]\x1b[0m" in text, text
		assert "\r\x1b[Kplain text\r\nsafe-rebuild: switch succeeded: build 1" in text, repr(text)
		assert s.is_sane()
	PY
	# What is kept can be read: what the terminal showed in the end.
	assert_contains "$(sr show 1 --output)" $'24 97\nplain text\n'
	refute_contains "$(cat "$ROOT/var/log/safe-rebuild/1.log")" $'\e'
}

@test "a file for one of them stays a file" {
	export DOUBLE='[ -t 1 ] || echo "out is none"; [ -t 2 ] && echo "err is one" >&2; tty </dev/tty >/dev/null && echo has one >&2'
	session <<-'PY'
		s = Session()
		text, status = s.command(f"{program} switch --flake . >{root}/out")
		assert status == 0 and "err is one" in text and "has one" in text, text
		assert open(f"{root}/out").read() == "out is none\n"
		text, status = s.command(f"{program} switch --flake . 2>&1 | cat")
		assert "out is none" in text and "has one" in text and "err is one" not in text, text
		assert s.is_sane()
	PY
}

@test "Ctrl-C ends nixos-rebuild once, and the record says interrupted" {
	export DOUBLE='trap "echo got INT >>$ROOT/ints; exit 130" INT; echo ready; i=0
		while [ $i -lt 200 ]; do sleep 0.1; i=$((i + 1)); done'
	session <<-'PY'
		s = Session()
		s.run(f"{program} switch --flake .; echo status=$?=")
		s.expect("ready")
		s.send("\x03")
		text = s.expect(r"status=\d+=")
		assert "status=130=" in text and "switch interrupted: build 1" in text, text
		assert s.is_sane()
	PY
	assert_equal "$(cat "$ROOT/ints")" "got INT"
	assert_equal "$(field 1 outcome)" interrupted
}

@test "Ctrl-Z and fg; bg and what reads the terminal" {
	export DOUBLE='echo ready; read -r word; echo "read $word"'
	session <<-'PY'
		s = Session()
		s.run(f"{program} switch --flake .")
		s.expect("ready")
		s.send("\x1a")
		s.expect(r"Stopped[^$]*\$ $")
		# A read(2) that has not noticed the stop yet would take the first key.
		time.sleep(0.5)
		assert s.is_sane()
		s.run("fg")
		s.expect("switch --flake")
		time.sleep(0.3)
		s.send("hello\n")
		s.expect("read hello")
		s.expect("switch succeeded: build 1")
		s.expect(r"\$ $")
		# In the background: it stops when it wants to read.
		s.run(f"{program} switch --flake . &")
		time.sleep(1.5)
		s.run("")
		s.expect(r"Stopped[^$]*\$ $")
		s.run("fg")
		time.sleep(0.3)
		s.send("again\n")
		s.expect("read again")
		s.expect("switch succeeded: build 2")
		assert s.is_sane()
	PY
}

@test "a window's new size reaches nixos-rebuild" {
	export DOUBLE='trap "stty size" WINCH; echo ready; i=0; while [ $i -lt 30 ]; do sleep 0.1; i=$((i + 1)); done'
	session <<-'PY'
		s = Session(columns=80)
		s.run(f"{program} switch --flake .")
		s.expect("ready")
		s.resize(123)
		s.expect("24 123")
		s.expect("switch succeeded")
		assert s.is_sane()
	PY
}

@test "a password is asked for on the terminal and leaves no trace" {
	cat >"$ROOT/ask.py" <<-'PY'
		import getpass
		print("got", len(getpass.getpass("Password: ")))
	PY
	export DOUBLE='python3 "$ROOT/ask.py"'
	session <<-'PY'
		s = Session()
		s.run(f"{program} switch --flake .")
		s.expect("Password: ")
		time.sleep(0.2)
		s.send("s3cret-word\n")
		text = s.expect("switch succeeded")
		assert "got 11" in text and "s3cret" not in text, text
		assert s.is_sane()
	PY
	refute grep -rq s3cret-word "$ROOT/var" "$ROOT/run"
}

@test "KILL of the front, of the runner, and of both: the shell has its terminal" {
	# shellcheck disable=SC2016
	export DOUBLE='echo "ready $$"; while [ ! -e "$ROOT/go" ]; do sleep 0.05; done; echo more; echo done >>"$ROOT/finished"'
	session <<-'PY'
		import glob, re
		def runner():
		    text = "".join(open(p).read() for p in glob.glob(f"{root}/run/safe-rebuild/queue/*"))
		    return re.findall(r"^Runner: (\d+)", text, re.M)[-1]
		for who in "front", "runner", "both":
		    if os.path.exists(f"{root}/go"):
		        os.remove(f"{root}/go")
		    s = Session()
		    s.run(f"{program} switch --flake .")
		    s.expect("ready")
		    front = os.popen(f"pgrep -P {s.pid} -x safe-rebuild").read().strip()
		    for pid in {"front": [front], "runner": [runner()], "both": [runner(), front]}[who]:
		        os.kill(int(pid), 9)
		    if who != "runner":
		        s.expect("Killed")
		    open(f"{root}/go", "w").close()
		    if who == "runner":
		        s.expect("more")
		    assert s.is_sane(), who
		    for _ in range(100):
		        if os.path.exists(f"{root}/finished"):
		            break
		        time.sleep(0.05)
		    os.remove(f"{root}/finished")
		    time.sleep(0.2)
	PY
}

@test "a hangup does not end an activation" {
	# shellcheck disable=SC2016
	export DOUBLE='echo ready; while [ ! -e "$ROOT/go" ]; do sleep 0.05; done; echo "activating" >&2 && echo done >"$ROOT/finished"'
	session <<-'PY'
		s = Session()
		s.run(f"{program} switch --flake .")
		s.expect("ready")
		s.hang_up()
		time.sleep(0.5)
		open(f"{root}/go", "w").close()
	PY
	wait_for test -s "$ROOT/finished"
	wait_for sr show 1 --json
	wait_for test "$(field 1 outcome)" = succeeded
}

@test "Ctrl-C in the first moments ends it, too" {
	export DOUBLE='sleep 3; echo too late'
	session <<-'PY'
		for i in range(6):
		    s = Session()
		    s.run(f"{program} switch --flake .; echo status=$?=")
		    s.expect("log: ")
		    time.sleep(i * 0.01)
		    s.send("\x03")
		    text = s.expect(r"status=\d+=")
		    assert "status=130=" in text and "too late" not in text, (i, text)
		    assert s.is_sane()
	PY
}

@test "nothing of a burst at the end is lost" {
	seq -f "line %06g of something that is long enough to fill a buffer" 1 1400 >"$ROOT/blob"
	export DOUBLE='cat "$ROOT/blob" >&2'
	session <<-'PY'
		for i in range(8):
		    s = Session()
		    text, status = s.command(f"{program} switch --flake .")
		    assert status == 0 and "line 001400 of" in text, text[-300:]
	PY
	assert_equal "$(grep -c '^line' "$ROOT/var/log/safe-rebuild/8.log")" 1400
}

@test "all three redirected: a password is asked for on the terminal all the same" {
	cat >"$ROOT/ask.py" <<-'PY'
		import getpass
		print("got", len(getpass.getpass("Password: ")))
	PY
	export DOUBLE='python3 "$ROOT/ask.py"'
	session <<-'PY'
		s = Session()
		s.run(f"{program} switch --flake . </dev/null >{root}/log 2>&1")
		s.expect("Password: ")
		time.sleep(0.2)
		s.send("s3cret-word\n")
		s.expect(r"\$ $")
		s.run(f"tail -n 1 {root}/log")
		s.expect("switch succeeded")
		assert s.is_sane()
	PY
}
