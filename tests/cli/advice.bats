# What is said before a build, after a failure, and after a build.
load helpers

prepare() {
	make_repository
	cd "$CONFIG" || return
	mkdir modules
	echo base >modules/a.nix
	commit_all . "modules"
	printf '[guard]\nundo = off\n' >>"$SAFE_REBUILD_SETTINGS"
}

by() {
	run "$SAFE_REBUILD" --agent "$1" "${@:2}" --flake .
}

@test "this very tree has failed before: whose, how" {
	# shellcheck disable=SC2016
	DOUBLE='echo "error: undefined variable '"'nginx'"'" >&2
		echo "       at /nix/store/0123-source/modules/a.nix:1:3:" >&2; exit 1' by alpha switch
	assert_equal "$status" 1
	by beta switch
	assert_like "$output" "warning: this same configuration has failed: build 1 by alpha: switch failed, * \"undefined variable 'nginx'\" at modules/a.nix:1"
	run sr --agent beta switch --flake .#other
	refute_contains "$output" "has failed" # another machine of the flake
	by beta switch # it has succeeded since
	refute_contains "$output" "has failed"
}

@test "files that git does not track, and a merge that is not finished" {
	echo new >modules/new.nix
	echo ignored >modules/ignored.nix
	echo ignored.nix >.gitignore
	echo text >modules/notes.txt
	git add .gitignore
	by a switch
	assert_contains "$output" "warning: Nix will not see what git does not track: modules/new.nix (git add -N)"
	git add -N modules/new.nix
	by a switch
	refute_contains "$output" "does not track"
	git add -A
	git commit -qm "ours"
	git checkout -q -b side HEAD~1
	echo theirs >modules/a.nix
	commit_all . "theirs"
	git checkout -q main
	echo ours >modules/a.nix
	commit_all . "ours too"
	git merge -q side 2>/dev/null || true
	by a switch
	assert_contains "$output" "warning: the configuration's repository has an unfinished merge"
	git merge --abort
	by a switch
	refute_contains "$output" "not finished"
}

# fails_at PLACE: the next build fails with Nix's message about this place.
fails_at() {
	DOUBLE="echo 'error: syntax error' >&2; echo '       at $1:' >&2; exit 1" by "${2:-b}" switch
	assert_equal "$status" 1
}

@test "whose error it is" {
	by alpha switch
	fails_at /nix/store/0123456789abcdef0123456789abcdef-source/modules/a.nix:1:3
	assert_contains "$output" "the error is in modules/a.nix:1: as it is since build 1 by alpha"
	echo edited >>modules/a.nix
	touch -d "20 seconds ago" modules/a.nix
	fails_at "$CONFIG/modules/a.nix:2:1"
	assert_like "$output" "the error is in modules/a.nix:2: uncommitted, saved 2* s ago, changed since build 2 by b"
	assert_equal "$(field last nix_error)" "syntax error"
	assert_equal "$(field last nix_error_at)" "modules/a.nix:2"
	fails_at "«git+file://$CONFIG?dir=.»/modules/a.nix:1:1"
	assert_contains "$output" "the error is in modules/a.nix:1: uncommitted"
	assert_contains "$output" "as it is since build 3 by b"
	fails_at /nix/store/0123-source/lib/modules.nix:100:1
	refute_contains "$output" "the error is in"
	# an input's file of the same name
	fails_at "«github:NixOS/nixpkgs/0123456»/modules/a.nix:1:1"
	refute_contains "$output" "the error is in"
	mkdir -p "$ROOT/store/0123-source/modules"
	echo different >"$ROOT/store/0123-source/modules/a.nix"
	fails_at "$ROOT/store/0123-source/modules/a.nix:1:1"
	refute_contains "$output" "the error is in"
	fails_at /nix/store/0123-source/modules/a.nix:99:1
	refute_contains "$output" "the error is in"
}

@test "an error deep in nixpkgs: the nearest place of ours on the way" {
	DOUBLE='cat >&2 <<-END
		error:
		       … while evaluating the attribute x
		         at /nix/store/0123-source/flake.nix:5:3:
		       … while calling f
		         at /nix/store/0123-source/modules/a.nix:2:3:
		       … in a library
		         at /nix/store/4567-source/lib/attrsets.nix:100:3:
		       error: attribute missing
		       at /nix/store/4567-source/lib/modules.nix:200:3:
		END
		exit 1' by b switch
	assert_contains "$output" "the error is in modules/a.nix:2: new in this build"
}

@test "the next boot takes another system" {
	# shellcheck disable=SC2016
	export DOUBLE='mkdir -p "$ROOT/$1" "$ROOT/nix/var/nix/profiles"
		[ "$1" = test ] || ln -sfn "$ROOT/$1" "$ROOT/nix/var/nix/profiles/system"
		[ "$1" = boot ] || ln -sfn "$ROOT/$1" "$ROOT/run/current-system"'
	by a switch
	refute_contains "$output" "boot"
	by a test
	assert_contains "$output" "the next boot starts another system than the running one"
	by a boot
	assert_contains "$output" "it takes effect at the next boot"
}

@test "files of a user that now belong to root" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	# whose owner can get there
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	chown -R 12345 "$CONFIG"
	# shellcheck disable=SC2016
	DOUBLE='echo x >flake.lock; touch .git/index2; mv .git/index2 .git/index3; cp .git/index .git/new; mv .git/new .git/index; rm .git/index3' \
		by a switch
	assert_contains "$output" "warning: files in this checkout of user 12345 now belong to root: chown 12345 $CONFIG/.git/index $CONFIG/flake.lock"
}
