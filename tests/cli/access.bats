# Who may queue and record: root, members of [access] group, and nobody else.
load helpers
load members

# Of other tests' rebuilds on this machine a call may tell.
refute_warning() {
	refute_contains "$(grep -v 'runs outside safe-rebuild' <<<"$output")" warning
}

@test "root and members in turn, whatever their umask" {
	umask 022
	sr --agent root1 switch --flake .
	for mask in 022 077 002 000; do
		umask $mask
		run as 12345 --agent "m$mask" switch --flake .
		assert_equal "$status" 0
		refute_warning
		run as 12346 --agent "n$mask" switch --flake .
		assert_equal "$status" 0
		refute_warning
		run sr --agent "r$mask" switch --flake .
		assert_equal "$status" 0
		refute_warning
		# each with something new, so that objects and directories are made by all
		(umask 022; echo "$mask" >"file$mask"; git add -A)
	done
	assert_equal "$(sr log | wc -l)" 13
	assert_equal "$(as 12345 log -n 50 | wc -l)" 13
	assert_equal "$(as 12345 show last --json | jq_get agent)" r000
	# nothing that one of them made is closed to the others, or open to the rest
	assert_equal "$(find "$STATE" "$ROOT/run/safe-rebuild" "$ROOT/var/log/safe-rebuild" ! -type l \
		-not -group users -not -path "$ROOT/run/safe-rebuild" -not -path "$STATE")" ""
	assert_equal "$(find "$STATE" "$ROOT/var/log/safe-rebuild" -type f ! -perm -040 ! -name '*.stat')" ""
	assert_equal "$(find "$STATE/cache" -type f ! -perm 600)" ""
	# what root made by a run of its own is the system user's: root has put its rights down
	assert_equal "$(find "$LEDGER/objects" "$STATE/cache" "$ROOT/var/log/safe-rebuild" -type f -user root)" ""
	assert_equal "$(find "$LEDGER" "$ROOT/var/log/safe-rebuild" -perm /07)" ""
	assert_equal "$(find "$LEDGER/objects" "$LEDGER/refs" -type d ! -perm -2070 ! -name info)" ""
}

@test "a member plants nothing that root's git obeys" {
	sr --agent root1 switch --flake .
	for file in config HEAD info/attributes hooks/post-checkout description; do
		run setpriv --reuid 12345 --regid 12345 --groups users sh -c "echo x >>'$LEDGER/$file'"
		[ "$status" -ne 0 ]
	done
}

@test "one queue for root and members, in order of arrival" {
	sr --agent first switch --flake .
	HOLD=1 as 12345 --agent member switch --flake . 2>"$ROOT/member.err" &
	wait_for test -e "$ROOT/started"
	sr --agent rooty switch --flake . --show-trace 2>"$ROOT/root.err" &
	wait_for grep -q "waiting for build 2 by member" "$ROOT/root.err"
	as 12346 --agent another switch --flake . 2>"$ROOT/another.err" &
	wait_for grep -q "place 2 in the queue" "$ROOT/another.err"
	run as 12346 --agent x --no-wait switch --flake .
	assert_equal "$status" 75
	assert_contains "$(as 12345 status)" "waiting:  rooty"
	touch "$ROOT/go"
	wait
	assert_equal "$(field 3 agent) $(field 4 agent)" "rooty another"
}

@test "a member's killed runner is recorded by the next one, who is another" {
	sr --agent first switch --flake .
	HOLD=1 as 12345 --agent member switch --flake . 2>/dev/null &
	wait_for test -e "$ROOT/started"
	kill -KILL "$(sed -n 's/^Runner: \([0-9]*\) .*/\1/p' "$ROOT"/run/safe-rebuild/queue/*)"
	touch "$ROOT/go"
	run as 12346 --agent other switch --flake .
	assert_equal "$status" 0
	assert_contains "$output" "build 2 by member was interrupted"
	assert_equal "$(field 2 outcome)" interrupted
	wait
}

@test "a member cancels what is its own, and root's as a person" {
	sr --agent first switch --flake .
	HOLD=1 sr --agent rooty switch --flake . 2>"$ROOT/root.err" &
	wait_for test -e "$ROOT/started"
	as 12345 --agent member switch --flake . 2>"$ROOT/member.err" &
	wait_for grep -q "waiting for" "$ROOT/member.err"
	run as 12346 --agent member cancel
	assert_equal "$status" 0
	run as 12346 --agent rooty cancel
	assert_equal "$status" 0
	wait
	assert_equal "$(field 2 outcome)" cancelled
}

@test "one who is no member gets 77 and what to do, and can tell why" {
	sr --agent first switch --flake .
	run as other switch --flake .
	assert_equal "$status" 77
	assert_equal "${lines[-1]}" "safe-rebuild: no permission to queue in '$ROOT/run/safe-rebuild': use sudo, or become a member of group 'users' ([access] group)"
	run as other --agent x status
	assert_equal "$status" 0
	assert_contains "$output" "building: unknown, the queue cannot be read"
	run as other cancel 1
	assert_equal "$status" 77
	assert_contains "$output" "cannot see who runs or waits"
	run as other log
	assert_equal "$status" 125
	assert_contains "$output" "cannot read the ledger '$LEDGER' (use sudo, or become a member of its group)"
	chmod 700 "$ROOT/run/safe-rebuild"
	run as other confirm 1
	assert_equal "$status" 77
	assert_contains "$output" "cannot see in '$ROOT/run/safe-rebuild' what is waiting to be confirmed (use sudo)"
}

@test "in a sandbox: said so, and how to leave it" {
	sr --agent first switch --flake .
	run setpriv --reuid 12399 --regid 12399 --clear-groups --no-new-privs "$SAFE_REBUILD" switch --flake .
	assert_equal "$status" 77
	assert_contains "${lines[-1]}" "(Permission denied): this is a sandbox: run it outside (Claude Code: dangerouslyDisableSandbox"
	unshare --mount true 2>/dev/null || skip "no mount namespaces here"
	run unshare --mount sh -c 'mount -t tmpfs -o ro none "$ROOT/run" && exec "$SAFE_REBUILD" --agent x switch --flake .'
	assert_equal "$status" 77
	assert_contains "${lines[-1]}" "(Read-only file system): this is a sandbox"
	# A person has none.
	run unshare --mount sh -c 'mount -t tmpfs -o ro none "$ROOT/run" && exec "$SAFE_REBUILD" switch --flake .'
	assert_equal "$status" 77
	assert_contains "${lines[-1]}" "cannot queue in '$ROOT/run/safe-rebuild': Read-only file system"
	refute_contains "$output" sandbox
	# the rest works there as long as it only reads
	run unshare --mount sh -c 'mount --bind "$ROOT" "$ROOT" && mount -o remount,ro,bind "$ROOT" && exec "$SAFE_REBUILD" --agent x status'
	assert_equal "$status" 0
	assert_contains "$output" "last:"
}

# fake_sudo STATUS: a sudo in PATH that notes its words and exits so.
fake_sudo() {
	printf '#!/bin/sh\necho "sudo $@" >>"%s/sudo"\nexit %s\n' "$ROOT" "$1" >"$ROOT/bin/sudo"
	chmod 755 "$ROOT/bin/sudo"
	: >"$ROOT/sudo"
	chmod 666 "$ROOT/sudo"
}

@test "--sudo that will fail after building fails before" {
	sr --agent first switch --flake .
	fake_sudo 1
	for words in "--sudo" "--elevate=sudo" "--elevate sudo" "--use-remote-sudo"; do
		# shellcheck disable=SC2086
		run as 12345 --agent m switch --flake . $words
		assert_equal "$status" 77
		assert_contains "$output" "nixos-rebuild would fail after building: sudo wants a password"
		assert_contains "$output" "sudo safe-rebuild switch"
	done
	assert_equal "$(sort -u "$ROOT/sudo" | tr '\n' ' ')" "sudo -n -l sudo -n true "
	run setpriv --reuid 12345 --regid 12345 --groups users --no-new-privs "$SAFE_REBUILD" \
		--agent m switch --flake . --sudo
	assert_equal "$status" 77
	assert_contains "$output" "sudo cannot work here (no_new_privs)"
	assert_equal "$(sr log | wc -l)" 1
}

@test "and otherwise goes on: sudo works, is not wanted, or gets its password elsewhere" {
	sr --agent first switch --flake .
	fake_sudo 0
	run as 12345 --agent m switch --flake . --sudo
	assert_equal "$status" 0
	assert_equal "$(cat "$ROOT/sudo")" "sudo -n true"
	fake_sudo 1
	for words in "" "--elevate=none" "--sudo --elevate=run0" "--ask-sudo-password --sudo" "--sudo -S" \
		"--sudo --target-host server"; do
		# shellcheck disable=SC2086
		run as 12345 --agent m switch --flake . $words
		assert_equal "$status" 0
	done
	run as 12345 --agent m build --flake . --sudo
	assert_equal "$status" 0
	NIX_SUDOOPTS=-A run as 12345 --agent m switch --flake . --sudo
	assert_equal "$status" 0
	run sr --agent r switch --flake . --sudo # root needs none
	assert_equal "$status" 0
	assert_equal "$(cat "$ROOT/sudo")" ""
}

@test "a sudo that allows some commands, or hangs, is a warning" {
	sr --agent first switch --flake .
	printf '#!/bin/sh\n[ "$2" = -l ]\n' >"$ROOT/bin/sudo"
	chmod 755 "$ROOT/bin/sudo"
	run as 12345 --agent m switch --flake . --sudo
	assert_equal "$status" 0
	assert_contains "$output" "warning: sudo may not work after building: sudo -n true fails"
	printf '#!/bin/sh\nexec sleep 60\n' >"$ROOT/bin/sudo"
	run timeout 20 setpriv --reuid 12345 --regid 12345 --groups users "$SAFE_REBUILD" --agent m switch --flake . --sudo
	assert_equal "$status" 0
	assert_contains "$output" "sudo -n true does not end"
}

@test "a user who is not root works alone in directories of his own" {
	[ "$(id -u)" = 0 ] || skip "the other tests are that, then"
	local home=$BATS_TEST_TMPDIR/alone
	mkdir -p "$home/config"
	make_repository "$home/config"
	sed "s,$ROOT/run/safe-rebuild,$home/run/mine,; s,$STATE,$home/state,; s,$ROOT/var/log/safe-rebuild,$home/log," \
		"$ROOT/etc/safe-rebuild.ini" >"$home/ini"
	chown -R 12345:12345 "$home"
	chmod 755 "$BATS_TEST_TMPDIR"
	cd "$home/config"
	SAFE_REBUILD_SETTINGS=$home/ini run setpriv --reuid 12345 --regid 12345 --clear-groups \
		"$SAFE_REBUILD" --agent me switch --flake .
	assert_equal "$status" 0
	assert_like "$output" "switch succeeded: build 1, *"
	assert_equal "$(stat -c '%a %u' "$home/run/mine" "$home/state" "$home/log" | sort -u)" "700 12345"
	SAFE_REBUILD_SETTINGS=$home/ini run setpriv --reuid 12345 --regid 12345 --clear-groups "$SAFE_REBUILD" log
	assert_like "$output" "build 1 by me: switch succeeded*"
	git -c safe.directory='*' --git-dir "$home/state/ledger.git" fsck --strict --no-dangling --no-progress
}

@test "a member's file cannot speak for root, stand last for ever, or take hold of a directory" {
	# Directories that a member has made are not root's queue.
	run as 12345 --agent first switch --flake .
	run sr --agent first switch --flake .
	assert_equal "$status" 77
	assert_contains "$output" "cannot queue in '$ROOT/run/safe-rebuild' (Permission denied): it must belong to root"
	rm -rf "$ROOT/run/safe-rebuild" "$STATE"
	sr --agent first switch --flake . >/dev/null 2>&1
	local queue=$ROOT/run/safe-rebuild/queue
	# A ticket of the far future that its maker keeps locked.
	cp /dev/null "$queue/9000000000000000000"
	chown 12345 "$queue/9000000000000000000"
	exec 8>>"$queue/9000000000000000000"
	flock 8
	run timeout 20 "$SAFE_REBUILD" --agent root --no-wait switch --flake .
	assert_equal "$status" 0
	exec 8>&-
	# A request that says it is root's.
	HOLD=1 sr --agent root switch --flake . >"$ROOT/root.out" 2>"$ROOT/root.err" &
	wait_for test -e "$ROOT/started"
	local ticket
	ticket=$(basename "$(ls "$queue"/[0-8]*)")
	setpriv --reuid 12345 --regid 12345 --groups users \
		sh -c 'printf "By: root\nMessage: \"mine\"\nTicket: %s\n" "$(basename "$1")" >"$1.new" && mv "$1.new" "$1.cancel"' - "$queue/$ticket"
	wait
	assert_contains "$(cat "$ROOT/root.err")" "cancelled by root (user 12345)"
	# A directory that is somebody's stays as it is.
	mkdir -p "$ROOT/theirs"
	touch "$ROOT/theirs/file"
	chmod 711 "$ROOT/theirs"
	sed "s,^state = .*,state = $ROOT/theirs," "$SAFE_REBUILD_SETTINGS" >"$ROOT/etc/other.ini"
	sr --settings "$ROOT/etc/other.ini" --agent root switch --flake . >/dev/null 2>&1
	assert_equal "$(stat -c '%a %U' "$ROOT/theirs")" "711 root"
}

@test "root waits for no process that a member names in a dead ticket, and believes no outcome in it" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	sr --agent first switch --flake . >/dev/null 2>&1
	local queue=$ROOT/run/safe-rebuild/queue ticket=0000000000000000001
	sleep 600 3>&- &
	local sleeper=$!
	ticks=$(cut -d' ' -f22 "/proc/$sleeper/stat")
	printf 'Build: 1\nAgent: first\nTarget: system\nAction: switch\nChild: %s %s\n' "$sleeper" "$ticks" >"$ROOT/forged"
	chmod 644 "$ROOT/forged"
	setpriv --reuid 12345 --regid 12345 --groups users cp "$ROOT/forged" "$queue/$ticket"
	run timeout 20 "$SAFE_REBUILD" --agent root switch --flake .
	assert_equal "$status" 0
	refute_contains "$output" "waiting for nixos-rebuild"
	# The same in a ticket of root's is waited for.
	cp "$ROOT/forged" "$queue/$ticket"
	run "$SAFE_REBUILD" --agent root --wait 1s switch --flake .
	assert_equal "$status" 75
	assert_contains "$output" "waiting for nixos-rebuild (pid $sleeper) of build 1, whose runner was killed"
	kill "$sleeper"
	rm -f "$queue"/*
	# An outcome of root's killed build.
	HOLD=1 sr --agent root switch --flake . >/dev/null 2>&1 &
	wait_for test -e "$ROOT/started"
	ticket=$(basename "$(ls "$queue"/*)")
	number=$(sed -n 's/^Build: //p' "$queue/$ticket")
	kill -KILL "$(sed -n 's/^Runner: \([0-9]*\) .*/\1/p' "$queue/$ticket")"
	touch "$ROOT/go"
	wait
	sed 's/^Outcome: .*/Outcome: succeeded/; s/^Child: .*//' "$queue/$ticket" >"$ROOT/forged"
	setpriv --reuid 12345 --regid 12345 --groups users \
		sh -c '! rm -f "$1"' - "$queue/$ticket" 2>/dev/null
	rm "$queue/$ticket"
	setpriv --reuid 12345 --regid 12345 --groups users cp "$ROOT/forged" "$queue/$ticket"
	sr --agent other switch --flake . >/dev/null 2>&1
	assert_equal "$(field "$number" outcome)" interrupted
}

@test "a member's links lead root nowhere" {
	sr --agent first switch --flake . >/dev/null 2>&1
	local secret=$ROOT/secret queue=$ROOT/run/safe-rebuild/queue
	mkdir -m 700 "$secret"
	echo kept >"$secret/file"
	echo kept >"$secret/file.lock"
	# in the place of what root's next run writes: a ref, its directory, objects, a cache, a log
	as_member ln -sfn "$secret/made" "$LEDGER/refs/agents/system/second"
	as_member sh -c 'mv "$1/refs/running" "$1/refs/heads/running" && ln -s "$2" "$1/refs/running"' - "$LEDGER" "$secret"
	as_member ln -s "$secret/file" "$LEDGER/refs/heads/file"
	as_member ln -s "$secret/made.log" "$ROOT/var/log/safe-rebuild/2.log"
	local directory
	for directory in "$LEDGER"/objects/??; do
		run as_member mv "$directory" "$directory.old"
		assert_equal "$status" 1
	done
	run as_member mv "$LEDGER/objects/info" "$LEDGER/objects/old"
	assert_equal "$status" 1
	local cache
	cache=$(echo "$STATE"/cache/*.stat)
	refute as_member rm -f "$cache"
	rm "$cache"
	as_member ln -s "$secret/file" "$cache"
	echo new >new.nix && git add -A
	run sr --agent second switch --flake .
	assert_equal "$status" 0
	run sr --agent third switch --flake .
	assert_equal "$status" 0
	assert_equal "$(ls "$secret" | xargs)" "file file.lock"
	assert_equal "$(cat "$secret/file" "$secret/file.lock" | xargs)" "kept kept"
	assert_equal "$(stat -c '%a %U' "$secret" "$secret/file" | xargs)" "700 root 644 root"
	LEDGER_IS_BROKEN=1
}

@test "a cache that a member has written does not blind root" {
	sr --agent first switch --flake .
	as 12345 --agent member switch --flake .
	local cache id
	cache=$(echo "$STATE"/cache/*-12345.stat)
	id=${cache##*/}
	# root's, replaced by the member's
	rm "$STATE/cache/${id%-*}-65534.stat"
	setpriv --reuid 12345 --regid 12345 --groups users sh -c \
		'cp "$2" "$1"; chmod 600 "$1"' - "$STATE/cache/${id%-*}-65534.stat" "$cache"
	sr --agent first switch --flake .
	assert_equal "$(stat -c %u "$STATE/cache/${id%-*}-65534.stat")" 65534
}

@test "root reads a configuration with its owner's rights" {
	local home=$ROOT/home/alice
	mkdir -m 700 "$home" && chown 12346 "$home"
	mkdir -m 700 "$ROOT/secret"
	echo "a secret of root" >"$ROOT/secret/key"
	as_alice() { setpriv --reuid 12346 --regid 12346 --clear-groups "$@"; }
	as_alice git init -q -b main "$home/nixos"
	cd "$home/nixos"
	as_alice sh -c 'echo "{ outputs = _: { }; }" >flake.nix; git add -A; git -c user.name=a -c user.email=a@b commit -qm one'
	sr --agent first switch --flake . 2>&1
	as_alice sh -c 'echo "# mine" >>flake.nix'
	run sr --agent second switch --flake .
	assert_equal "$status" 0
	assert_contains "$output" "M flake.nix"
	run sr status
	assert_equal "$status" 0
	assert_contains "$output" "M flake.nix (saved "
	# alternates, links and a file that only root may read show nothing
	as_alice sh -c 'echo "$1/objects" >.git/objects/info/alternates; ln -s "$1/key" link; git add link 2>/dev/null' - "$ROOT/secret"
	cp "$ROOT/secret/key" only-root && chmod 600 only-root
	as_alice git update-index --add --cacheinfo 100644,"$(git -c safe.directory='*' hash-object flake.nix)",only-root
	run sr --agent third switch --flake .
	assert_equal "$status" 0
	assert_contains "$output" "the record lacks 1 file: only-root"
	run git --git-dir "$LEDGER" grep -c "a secret of root" refs/heads/builds
	assert_equal "$output" ""
}

@test "a tracked file that only root can read: the verdict is not known, and it is not called missing" {
	# shellcheck disable=SC2016
	export DOUBLE='mkdir -p "$ROOT/systems/$N"; ln -sfn "$ROOT/systems/$N" "$ROOT/run/current-system"'
	echo 'a = 1;' >secret.nix
	git add -A
	chown -R 12345 "$CONFIG"
	N=1 sr --agent a switch --flake . 2>/dev/null
	chmod 000 secret.nix
	run sr --agent b diff
	assert_equal "$status" 0
	assert_contains "$output" "it is not known whether a switch now would take away what is live"
	refute_contains "$output" "git does not track"
	N=2 run sr --agent b switch --flake .
	assert_equal "$status" 0
	assert_contains "$output" "the record lacks 1 file: secret.nix: Permission denied"
	refute_contains "$output" "missing"
}
