load helpers

# The tree that git would store for the tracked files with their present content.
git_tree() {
	(
		cd "$1"
		cp "$(git rev-parse --git-path index)" "$ROOT/index.copy"
		export GIT_INDEX_FILE=$ROOT/index.copy
		git add -u
		git write-tree
	)
}

recorded_tree() {
	git --git-dir "$LEDGER" rev-parse 'refs/heads/builds^{tree}'
}

# assert_snapshot [DIRECTORY]: a build's recorded tree is git's, the first time and again.
assert_snapshot() {
	local directory=${1:-$CONFIG} expected
	expected=$(git_tree "$directory")
	sr --agent a switch --flake "$directory"
	assert_equal "$(recorded_tree)" "$expected"
	sr --agent a switch --flake "$directory"
	assert_equal "$(recorded_tree)" "$expected"
}

recorded_files() {
	git --git-dir "$LEDGER" ls-tree -r --name-only refs/heads/builds
}

@test "git flake: clean, then every kind of change" {
	make_repository
	cd "$CONFIG"
	mkdir -p a/b 'with space' a.b
	echo one >a/b/one.nix
	echo two >'with space/two words.nix'
	echo three >$'new\nline.nix'
	echo four >$'not-utf8-\xff.nix'
	echo dot >a.b/c
	echo dash >a-b
	echo run >run.sh
	ln -s flake.nix link
	ln -s /etc/shadow outside
	commit_all . "files"
	assert_snapshot
	assert_equal "$(field last config_state)" clean

	echo changed >>a/b/one.nix
	rm a-b
	chmod +x run.sh
	ln -sf run.sh link
	rm 'with space/two words.nix'
	mkdir 'with space/two words.nix'
	echo x >'with space/two words.nix/x'
	echo untracked >untracked.nix
	echo staged >staged.nix
	git add staged.nix
	echo intended >intended.nix
	git add -N intended.nix
	assert_snapshot
	assert_equal "$(field last config_state)" dirty
	refute_contains "$(recorded_files)" untracked.nix
	assert_contains "$(recorded_files)" intended.nix
}

@test "a directory replaced by a link outside is gone, not followed" {
	make_repository
	cd "$CONFIG"
	mkdir dir
	echo mine >dir/passwd
	commit_all . "dir"
	rm -r dir
	ln -s /etc dir
	assert_snapshot
	refute_contains "$(recorded_files)" dir
}

@test "same size, same second: a change is never missed" {
	make_repository
	cd "$CONFIG"
	for i in 1 2 3 4 5 6 7 8; do
		echo "content $i" >flake.nix
		sr --agent a switch --flake . 2>/dev/null
		assert_equal "$(git --git-dir "$LEDGER" show refs/heads/builds:flake.nix)" "content $i"
	done
}

@test "unborn HEAD" {
	git init -q "$CONFIG"
	cd "$CONFIG"
	echo '{ }' >flake.nix
	git add flake.nix
	assert_snapshot
	assert_equal "$(field last config_state)" unborn
}

@test "a worktree, and a flake in a subdirectory" {
	make_repository
	mkdir "$CONFIG/hosts"
	mv "$CONFIG/flake.nix" "$CONFIG/hosts"
	commit_all "$CONFIG" "move"
	git -C "$CONFIG" worktree add -q "$ROOT/worktree"
	echo '# x' >>"$ROOT/worktree/hosts/flake.nix"
	sr --agent a switch --flake "$ROOT/worktree/hosts#box"
	assert_equal "$(recorded_tree)" "$(git_tree "$ROOT/worktree")"
	assert_equal "$(field last config)" "git+file://$ROOT/worktree?dir=hosts#box"
}

@test "merge conflicts" {
	make_repository
	cd "$CONFIG"
	git checkout -q -b other
	echo other >flake.nix
	git commit -qam other
	git checkout -q main
	echo main >flake.nix
	git commit -qam main
	git merge -q other || true
	assert_snapshot
}

@test "submodules: their commit, or with ?submodules=1 their files" {
	make_repository "$ROOT/sub"
	make_repository
	cd "$CONFIG"
	git -c protocol.file.allow=always submodule add -q "$ROOT/sub" sub
	commit_all . "submodule"
	assert_snapshot
	git -C sub -c user.name=t -c user.email=t@localhost commit -q --allow-empty -m more
	echo dirty >>sub/flake.nix
	assert_snapshot
	assert_equal "$(field last config_state)" dirty
	sr --agent a switch --flake "git+file://$CONFIG?submodules=1"
	assert_contains "$(git --git-dir "$LEDGER" show refs/heads/builds:sub/flake.nix)" dirty
	git submodule --quiet deinit -f sub
	assert_snapshot
}

@test "submodules: their files where flake.nix asks for them itself" {
	asks() { # WANTED TEXT: 1 where Nix would read them
		printf '%s\n' "$2" >flake.nix
		sr --agent a switch --flake "$CONFIG" 2>/dev/null
		assert_equal "$(recorded_files | grep -c '^sub/flake.nix$')" "$1"
	}
	make_repository "$ROOT/sub"
	make_repository
	cd "$CONFIG"
	git -c protocol.file.allow=always submodule add -q "$ROOT/sub" sub
	commit_all . "submodule"
	asks 0 '{ outputs = _: { }; }'
	asks 1 '{ inputs.self.submodules = true; outputs = _: { }; }'
	asks 1 '{ inputs = { self = { lfs = true; submodules = true; }; }; }'
	asks 0 $'{\n  # inputs.self.submodules = true;\n  /* self.submodules = true; */ }'
	asks 0 '{ inputs.self.submodules = false; inputs.x = { submodules = true; }; }'
}

@test "a flake pinned to a commit is that commit, whatever lies in the directory" {
	make_repository
	cd "$CONFIG"
	first=$(git rev-parse HEAD)
	echo second >>flake.nix
	git commit -qam second
	sr --agent a switch --flake "git+file://$CONFIG?rev=$first"
	assert_equal "$(recorded_tree)" "$(git rev-parse "$first^{tree}")"
	assert_equal "$(field last config_commit)" "$first"
	sr --agent a switch --flake "git+file://$CONFIG?ref=main"
	assert_equal "$(recorded_tree)" "$(git rev-parse "main^{tree}")"
}

@test "the record outlives the repository" {
	make_repository
	sr --agent a switch --flake "$CONFIG"
	expected=$(cat "$CONFIG/flake.nix")
	rm -rf "$CONFIG"
	assert_equal "$(git --git-dir "$LEDGER" show refs/heads/builds:flake.nix)" "$expected"
}

@test "a checkout without flakes: untracked files count, ignored ones do not" {
	make_repository
	cd "$CONFIG"
	git rm -q flake.nix
	mkdir -p out secrets/deep tracked-out
	echo '{ }' >configuration.nix
	echo out >out/result
	echo secret >secrets/deep/key
	echo kept >tracked-out/kept
	printf 'out/\nsecrets\ntracked-out\n' >.gitignore
	git add -f tracked-out/kept configuration.nix
	git commit -qm classic
	echo other >tracked-out/other
	echo untracked >untracked.nix
	NIXOS_CONFIG=$CONFIG/configuration.nix sr --agent a switch
	assert_equal "$(recorded_files)" \
		"$(printf '%s\n' .gitignore configuration.nix tracked-out/kept untracked.nix)"
}

@test "a directory without git, odd files in it" {
	cd "$CONFIG"
	echo '{ }' >configuration.nix
	mkdir -p sub/.git
	echo nested >sub/file
	echo hidden >sub/.git/config
	mkfifo fifo
	printf 'x%.0s' {1..2000} >readable
	head -c 1100000 /dev/zero >large
	echo secret >secret
	chmod 600 secret
	ln -s /etc/shadow link
	run sr --agent a switch --no-flake -I "nixos-config=$CONFIG/configuration.nix"
	assert_contains "$output" "the record lacks 1 file: fifo: not a regular file"
	assert_equal "$(field last config_state)" plain
	assert_equal "$(recorded_files)" \
		"$(printf '%s\n' configuration.nix large link readable secret sub/file)"
	assert_contains "$(git --git-dir "$LEDGER" show refs/heads/builds:large)" "Size: 1100000"
	refute_contains "$(git --git-dir "$LEDGER" show refs/heads/builds:secret)" secret
	assert_equal "$(git --git-dir "$LEDGER" show refs/heads/builds:link)" /etc/shadow
}

@test "a home directory is never taken whole" {
	echo '{ }' >"$HOME/configuration.nix"
	NIXOS_CONFIG=$HOME/configuration.nix run sr --agent a switch
	assert_equal "$status" 0
	assert_contains "$output" "is or contains home directories"
	assert_equal "$(field last config_state)" none
}

@test "nothing is written into the user's repository" {
	make_repository
	cd "$CONFIG"
	touch -d '1 hour ago' flake.nix
	before=$(find . -printf '%p %T@ %u %s\n' | sort)
	sr --agent a switch --flake .
	sr --agent a diff --flake . >/dev/null
	assert_equal "$(find . -printf '%p %T@ %u %s\n' | sort)" "$before"
}

@test "no program of the repository is run" {
	make_repository
	cd "$CONFIG"
	git config core.fsmonitor "touch $ROOT/ran"
	git config filter.evil.clean "touch $ROOT/ran; cat"
	echo '*.nix filter=evil' >.gitattributes
	touch flake.nix
	sr --agent a switch --flake .
	sr --agent a diff --patch --flake .
	[ ! -e "$ROOT/ran" ]
}

@test "a repository that points elsewhere is not read, and the rebuild goes on" {
	make_repository
	make_repository "$ROOT/other"
	git -C "$CONFIG" config core.worktree "$ROOT/other"
	run sr --agent a switch --flake "$CONFIG"
	assert_equal "$status" 0
	assert_contains "$output" "its working directory is elsewhere (core.worktree)"
	assert_contains "$output" "going on without a snapshot"
	assert_equal "$(field last outcome)" succeeded
}

@test "root does not read a git directory that another user pointed to" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	make_repository "$ROOT/roots"
	make_repository
	chown -R nobody "$CONFIG"
	rm -r "$CONFIG/.git"
	echo "gitdir: $ROOT/roots/.git" >"$CONFIG/.git"
	run sr --agent a switch --flake "$CONFIG"
	assert_equal "$status" 0
	assert_contains "$output" "not reading the repository"
}

@test "a 4,000-file first record is whole" {
	mkdir "$CONFIG/files"
	(
		cd "$CONFIG/files"
		seq 1 4000 | awk '{ d = "d" int($1 / 100); if (d != last) { system("mkdir " d); last = d }
			f = d "/" $1 ".nix"; print "{ x = " $1 "; }" > f; close(f) }'
	)
	make_repository
	expected=$(git_tree "$CONFIG")
	"$SAFE_REBUILD" --agent a switch --flake "$CONFIG"
	assert_equal "$(recorded_tree)" "$expected"
	# many objects go into one pack, not into as many files
	[ "$(find "$LEDGER/objects" -type f | wc -l)" -lt 20 ]
}

@test "?submodules=1: files stand in git's order, and new ones are seen" {
	make_repository "$ROOT/sub"
	make_repository
	cd "$CONFIG"
	git -c protocol.file.allow=always submodule add -q "$ROOT/sub" secrets
	echo x >secrets.nix
	commit_all . "submodule"
	sr --agent a switch --flake "git+file://$CONFIG?submodules=1"
	assert_equal "$(recorded_files)" \
		"$(printf '%s\n' .gitmodules flake.nix secrets.nix secrets/flake.nix)"
	echo new >secrets/new.nix
	git -C secrets add new.nix
	sr --agent a switch --flake "git+file://$CONFIG?submodules=1"
	assert_contains "$(recorded_files)" secrets/new.nix
}

@test "?submodules=1: clean is what is committed, in them too, whatever is nested in them" {
	clean_or_dirty() {
		sr --agent a switch --flake "git+file://$CONFIG?submodules=1#box"
		assert_equal "$(field last config_state)" "$1"
	}
	export GIT_{AUTHOR,COMMITTER}_NAME=t GIT_{AUTHOR,COMMITTER}_EMAIL=t@localhost
	make_repository "$ROOT/inner"
	make_repository "$ROOT/sub"
	git -C "$ROOT/sub" -c protocol.file.allow=always submodule add -q "$ROOT/inner" deep
	commit_all "$ROOT/sub" "inner"
	make_repository
	cd "$CONFIG"
	mkdir modules
	git -c protocol.file.allow=always submodule add -q "$ROOT/sub" modules/sub
	git -c protocol.file.allow=always submodule --quiet update --init --recursive
	echo x >modules/sub.nix
	echo x >modules/sub-x
	commit_all . "submodule"
	clean_or_dirty clean
	assert_equal "$(field last config)" "git+file://$CONFIG?submodules=1#box"
	assert_contains "$(recorded_files)" modules/sub/deep/flake.nix
	echo more >>modules/sub/deep/flake.nix
	clean_or_dirty dirty
	commit_all modules/sub/deep "more"
	clean_or_dirty dirty
	commit_all modules/sub "more"
	clean_or_dirty dirty
	commit_all . "more"
	clean_or_dirty clean
	echo new >modules/sub/new.nix
	git -C modules/sub add new.nix
	clean_or_dirty dirty
	git -C modules/sub rm -qf new.nix
	rm modules/sub.nix
	clean_or_dirty dirty
}

@test "what a build leaves behind is no change of a plain configuration" {
	cd "$CONFIG"
	echo '{ }' >configuration.nix
	ln -s nowhere result-of-mine
	export DOUBLE='ln -sfn /nix/store/x result; ln -sfn /nix/store/y result-doc'
	NIXOS_CONFIG=$CONFIG/configuration.nix run sr --agent a build
	refute_contains "$output" "changed while building"
	NIXOS_CONFIG=$CONFIG/configuration.nix run sr --agent a build
	assert_contains "$output" "nothing has changed"
	assert_equal "$(recorded_files)" "$(printf '%s\n' configuration.nix result-of-mine)"
}

@test "a configuration is named as it was asked for" {
	named() {
		sr --agent a switch "${@:2}" || true
		assert_equal "$(field last config)" "$1"
	}
	make_repository
	cd "$CONFIG"
	git branch -M main
	named "git+file://$CONFIG?ref=main#box" --flake "git+file://$CONFIG?ref=main#box"
	assert_equal "$(field last config_commit) $(field last config_state)" "$(git rev-parse main) clean"
	named "git+file://$CONFIG?dir=x&ref=main&rev=$(git rev-parse main)#box" \
		--flake "git+file://$CONFIG?dir=x&ref=main&rev=$(git rev-parse main)#box"
	# Which host that is only the other machine knows.
	named "git+file://$CONFIG" --flake . --target-host root@web1
	named "git+file://$CONFIG#web" --flake .#web --target-host root@web1
	mkdir both one
	touch both/system.nix both/default.nix one/system.nix
	named "$CONFIG/one/system.nix" --file one
	named "$CONFIG/both" --file both
}

@test "what lies in a directory that others cannot enter is recorded as a stub" {
	cd "$CONFIG"
	echo '{ }' >configuration.nix
	mkdir -m 700 private
	echo secret >private/key
	chmod 644 private/key
	NIXOS_CONFIG=$CONFIG/configuration.nix sr --agent a switch
	assert_contains "$(git --git-dir "$LEDGER" show refs/heads/builds:private/key)" "is not recorded"
	# the same directory as a flake is another matter, and no cache mixes them up
	echo '{ }' >flake.nix
	sr --agent a switch --flake "path:$CONFIG"
	assert_equal "$(git --git-dir "$LEDGER" show refs/heads/builds:private/key)" secret
}

@test "a FIFO for an index is not waited for" {
	make_repository
	rm "$CONFIG/.git/index"
	mkfifo "$CONFIG/.git/index"
	run timeout 20 "$SAFE_REBUILD" --agent a switch --flake "$CONFIG"
	assert_equal "$status" 0
	assert_contains "$output" "is not a regular file"
}

@test "a new directory that git does not know is named, in diff and status, too" {
	make_repository
	cd "$CONFIG"
	mkdir -p modules/wiki notes modules/own
	echo '{ }' >modules/known.nix
	commit_all . "modules"
	echo '{ }' >modules/wiki/default.nix
	echo text >notes/todo.txt
	git init -q modules/own
	echo '{ }' >modules/own/default.nix
	run sr --agent a switch --flake .
	assert_contains "$output" "Nix will not see what git does not track: modules/wiki/ (git add -N)"
	assert_contains "$(sr --agent a status)" "not tracked by git, so not seen by Nix: modules/wiki/"
	run sr --agent a diff --flake .
	assert_contains "$output" "Nix will not see what git does not track: modules/wiki/"
	echo 'modules/wiki/' >.gitignore
	refute_contains "$(sr --agent a status)" "modules/wiki"
}
