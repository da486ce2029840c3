load helpers

write_settings() {
	printf '%s\n' "$@" >"$ROOT/etc/test.ini"
	chmod 644 "$ROOT/etc/test.ini"
}

# assert_refused LINE REASON: the settings file is refused with this one line.
assert_refused() {
	run sr --settings "$ROOT/etc/test.ini" status
	assert_equal "$status" 78
	assert_equal "$output" "safe-rebuild: $ROOT/etc/test.ini:$1: $2"
}

@test "every key is taken" {
	write_settings '; a comment' '[rebuild]' 'command = nixos-rebuild' '[queue]' 'wait = 10m' 'builds = yes' \
		'[guard]' 'undo = warn' 'ignore = *.md docs/*' 'ignore = LICENSE' '[show]' 'changes = names' \
		'lines = 50' 'output = all' '[log]' 'keep = 7' '[access]' 'group = root' '[paths]' \
		"run = $ROOT/run/sr" "state = $ROOT/state" "log = $ROOT/log" "profiles = $ROOT/p" \
		"current-system = $ROOT/cs"
	run sr --settings "$ROOT/etc/test.ini" status
	assert_equal "$status" 0
}

@test "an unknown key is refused with its line" {
	write_settings '[queue]' 'wait = 1m' 'colour = red'
	assert_refused 3 "[queue] colour: unknown key"
}

@test "an unknown section is refused" {
	write_settings '[quue]' 'wait = 1m'
	assert_refused 1 "[quue]: unknown section"
}

@test "bad values say what is wanted" {
	write_settings '[queue]' 'wait = soon'
	assert_refused 2 "[queue] wait: wants a duration such as 90s, 10m, 2h, 0 or forever"
	write_settings '[queue]' 'builds = perhaps'
	assert_refused 2 "[queue] builds: wants yes or no"
	write_settings '[guard]' 'undo = maybe'
	assert_refused 2 "[guard] undo: wants one of refuse|warn|off"
	write_settings '[log]' 'keep = -1'
	assert_refused 2 "[log] keep: wants a number from 0 to 1000000"
	write_settings '[paths]' 'run = here'
	assert_refused 2 "[paths] run: wants an absolute path"
}

@test "a key given twice is refused, a list may be" {
	write_settings '[log]' 'keep = 1' 'keep = 2'
	assert_refused 3 "[log] keep: is given twice"
}

@test "an overlong line is refused, not read as two" {
	write_settings '[guard]' "ignore = $(printf 'x%.0s' {1..200})" '[log]' 'keep = 1'
	assert_refused 2 "line is longer than 198 bytes (a long command can be a script)"
	write_settings "; $(printf 'x%.0s' {1..300})"
	assert_refused 1 "line is longer than 198 bytes (a long command can be a script)"
}

@test "an indented line, a NUL byte, a line that is nothing are refused" {
	write_settings '[log]' 'keep = 1' '  more'
	assert_refused 3 "line begins with a blank"
	printf '[log]\nkeep = 1\0\n' >"$ROOT/etc/test.ini"
	assert_refused 2 "line contains a NUL byte"
	write_settings '[log]' 'keep'
	assert_refused 2 "neither a [section] nor key = value"
}

@test "a file that others can write is refused" {
	write_settings '[log]' 'keep = 1'
	chmod 666 "$ROOT/etc/test.ini"
	run sr --settings "$ROOT/etc/test.ini" status
	assert_equal "$status" 78
	assert_contains "$output" "test.ini:1: others can write this file"
	chmod 664 "$ROOT/etc/test.ini"
	run sr --settings "$ROOT/etc/test.ini" status
	assert_equal "$status" 78
}

@test "root refuses a settings file of another user" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	write_settings '[log]' 'keep = 1'
	chown nobody "$ROOT/etc/test.ini"
	run sr --settings "$ROOT/etc/test.ini" status
	assert_equal "$status" 78
}

@test "a symlink to a good file is followed, as NixOS makes them" {
	write_settings '[paths]' "state = $ROOT/state" "run = $ROOT/run"
	ln -s test.ini "$ROOT/etc/link.ini"
	run sr --settings "$ROOT/etc/link.ini" status
	assert_equal "$status" 0
}

@test "a settings file that was asked for must be there" {
	run sr --settings "$ROOT/etc/none.ini" status
	assert_equal "$status" 78
	assert_equal "$output" \
		"safe-rebuild: cannot open '$ROOT/etc/none.ini': No such file or directory"
}

@test "a file that only root may read is not printed" {
	printf '[root password]\nhunter2 = x\n' >"$ROOT/etc/secret"
	chmod 600 "$ROOT/etc/secret"
	run sr --settings "$ROOT/etc/secret" status
	assert_equal "$status" 78
	assert_equal "$output" "safe-rebuild: $ROOT/etc/secret:1: unknown section"
	printf '[queue]\nhunter2 = x\n' >"$ROOT/etc/secret"
	run sr --settings "$ROOT/etc/secret" status
	assert_equal "$output" "safe-rebuild: $ROOT/etc/secret:2: unknown key"
}
