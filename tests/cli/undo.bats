# What agents do every day: nothing is taken away or brought back unseen.
load helpers

# One checkout, and a file of ten options that alpha has made live.
prepare() {
	make_repository
	cd "$CONFIG" || return
	for i in 1 2 3 4 5 6 7 8 9 10; do echo "option$i = \"root$i\";"; done >big.nix
	printf '{\n  a.enable = true;\n  b.enable = true;\n}\n' >other.nix
	commit_all . "options"
	# shellcheck disable=SC2016
	export DOUBLE='made=$ROOT/systems/$(cat flake.nix flake.lock *.nix 2>/dev/null | sha1sum | cut -c1-12)
		mkdir -p "$made" "$ROOT/nix/var/nix/profiles"
		case $* in
		*--rollback*) made=$(cat "$ROOT/before") ;;
		*) readlink "$ROOT/run/current-system" >"$ROOT/before" ;;
		esac
		case $* in *switch* | *boot*) ln -sfn "$made" "$ROOT/nix/var/nix/profiles/system" ;; esac
		case $* in *switch* | *test*) ln -sfn "$made" "$ROOT/run/current-system" ;; esac'
	passes root switch
}

by() {
	run "$SAFE_REBUILD" --agent "$1" "$2" --flake . "${@:3}"
}

passes() {
	by "$@"
	echo "$output"
	assert_equal "$status" 0
	refute_contains "$output" "refused"
}

refused() {
	by "$@"
	assert_equal "$status" 65
}

# What the agent's hook notes of an edit of big.nix, here.
note_edit() {
	mkdir -p "$STATE/edits"
	printf '%s %s %s\n' "$(date +%s)" "$1" "$PWD/big.nix" >>"$STATE/edits/$(id -u)"
}

# alpha changes line 3, commits and switches; beta has read the file before.
alpha_changes_line_3() {
	cp big.nix "$ROOT/old"
	sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
	commit_all . "alpha's option"
	passes alpha switch
}

tells_alphas_loss() {
	assert_contains "$output" "would take away what is live: build 2 by alpha"
	assert_contains "$output" 'big.nix: lacks 1 line (line 3: "option3 = \"alpha\";"), has 1 line back that had been removed (line 3: "option3 = \"root3\";") (build 2 by alpha)'
	assert_contains "$output" "if it is meant to go: safe-rebuild --allow-undo 2 --agent beta switch --flake ."
}

@test "an old copy with a line of one's own, written back" {
	alpha_changes_line_3
	cp "$ROOT/old" big.nix
	sed -i 's/^option9 = .*/option9 = "beta";/' big.nix
	refused beta switch
	tells_alphas_loss
	refused beta switch
	# beforehand too
	run sr --agent beta diff --flake . --exit-code
	assert_equal "$status" 65
	assert_contains "$output" "a switch now would be refused: it would take away what is live: build 2 by alpha"
	assert_equal "$(sr --agent beta diff --flake . --json | jq_get verdict)" refused
	assert_contains "$(sr --agent beta status)" "verdict:  a switch now would be refused: it would take away what is live: build 2 by alpha"
	assert_equal "$(sr --agent alpha diff --flake . --json | jq_get verdict)" passes
	# and committed
	git commit -qam "beta's option"
	refused beta switch
	tells_alphas_loss
	# the way in, as printed
	mkdir "$ROOT/shim"
	ln -s "$SAFE_REBUILD" "$ROOT/shim/safe-rebuild"
	PATH="$ROOT/shim:$PATH" bash -c "$(sed -n 's/^safe-rebuild: bring it in: //p' <<<"$output")"
	assert_equal "$(sed -n '3p;9p' big.nix)" $'option3 = "alpha";\noption9 = "beta";'
	passes beta switch
}

@test "git checkout HEAD~1 -- ., git rm, merge -s ours, reset --soft" {
	alpha_changes_line_3
	git checkout -q HEAD~1 -- .
	refused beta switch
	tells_alphas_loss
	git reset -q --hard
	git rm -q big.nix
	refused beta switch
	assert_contains "$output" "big.nix: the file is missing"
	git reset -q --hard
	git checkout -q -b side HEAD~1
	echo '# side' >>other.nix
	git commit -qam "side"
	git merge -q -s ours main
	refused beta switch
	tells_alphas_loss
	git checkout -q main
	git reset -q --soft HEAD~1
	git checkout -q HEAD -- big.nix
	git commit -q --allow-empty -m "again"
	refused beta switch
	tells_alphas_loss
	# on purpose
	git reset -q --hard side
	git reset -q --hard HEAD^2
	git revert --no-edit HEAD >/dev/null
	by beta switch
	assert_equal "$status" 0
	assert_contains "$output" "reverted by a commit: big.nix"
}

@test "what was rolled back comes back only when that is said" {
	alpha_changes_line_3
	as_person "$SAFE_REBUILD" switch --rollback
	wait_for test -s "$ROOT/person.status"
	assert_equal "$(cat "$ROOT/person.status")" 0
	refused beta switch
	assert_contains "$output" "would bring back what was rolled back: build 2 by alpha"
	assert_contains "$output" "rolled back: build 3 by $(id -un)"
	assert_contains "$output" "if it is meant to come back: safe-rebuild --allow-redo 2 --agent beta switch --flake ."
	assert_contains "$output" 'has 1 line back that a rollback had removed (line 3: "option3 = \"alpha\";") (build 2 by alpha)'
	refused beta switch --allow-redo 1
	assert_contains "$output" "--allow-redo 1 does not match: this would now bring back 2"
	passes beta switch --allow-redo 2
	assert_equal "$(field last allowed_redo)" 2
	# live again: no word is needed any more
	echo '# more' >>other.nix
	passes gamma switch
}

@test "after a rollback: a branch without what is live" {
	alpha_changes_line_3
	echo 'more = true;' >>other.nix
	git commit -qam "beta's"
	passes beta switch
	as_person "$SAFE_REBUILD" switch --rollback
	wait_for test -s "$ROOT/person.status"
	git checkout -q -b side HEAD~2
	refused gamma switch
	assert_contains "$output" 'big.nix: lacks 1 line (line 3: "option3 = \"alpha\";")'
}

@test "lines that beta removed are back from an old copy" {
	cp big.nix "$ROOT/old"
	sed -i '/option5/d; /option6/d' big.nix
	git commit -qam "beta takes two out"
	passes beta switch
	cp "$ROOT/old" big.nix
	sed -i 's/^option7 = .*/option7 = "alpha";/' big.nix
	refused alpha switch
	assert_contains "$output" 'big.nix: has 2 lines back that had been removed (line 5: "option5 = \"root5\";"; line 6: "option6 = \"root6\";") (build 2 by beta)'
}

@test "another machine's configuration" {
	run sr --agent alpha switch --flake .#a --allow-undo 1
	assert_equal "$status" 0
	run sr --agent beta switch --flake .#b
	assert_equal "$status" 65
	assert_contains "$output" "would replace 'git+file://$CONFIG#a' by another machine's configuration: build 2 by alpha"
	assert_contains "$output" "if it is meant to go: safe-rebuild --allow-undo 2 --agent beta switch --flake '.#b'"
	run sr --agent beta switch --flake .#b --allow-undo 2
	assert_equal "$status" 0
}

@test "the running system comes from another profile" {
	# shellcheck disable=SC2016
	alpha_changes_line_3
	echo 'games = true;' >>other.nix
	git commit -qam "games"
	DOUBLE='mkdir -p "$ROOT/systems/games"; ln -sfn "$ROOT/systems/games" "$ROOT/run/current-system"' \
		by gamma test -p games
	assert_equal "$status" 0
	git checkout -q -b side HEAD~1
	refused beta test
	assert_contains "$output" "would take away what is live: build 3 by gamma"
}

@test "one's own line in a file where others have theirs" {
	alpha_changes_line_3
	sed -i 's/^option9 = .*/option9 = "beta";/' big.nix
	passes beta switch
	sed -i 's/^option9 = .*/option9 = "root9";/' big.nix
	passes beta switch
	# with conflict markers around it
	printf '<<<<<<< HEAD\n=======\n>>>>>>> x\n' >>big.nix
	passes beta switch
}

@test "the author amends or rebases a live commit in another checkout" {
	git clone -q . "$ROOT/clone"
	cd "$ROOT/clone"
	git config user.name tester
	git config user.email tester@localhost
	sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
	commit_all . "alpha's option"
	passes alpha switch
	sed -i 's/^option3 = .*/option3 = "alpha, better";/' big.nix
	# The committer's time tells which of the two is the newer one.
	GIT_COMMITTER_DATE="@$(($(date +%s) + 1)) +0000" \
		git commit -q --amend -am "alpha's option"
	cd "$CONFIG"
	git pull -q "$ROOT/clone" main
	passes beta switch
}

@test "moved to another file, sorted, indented anew, renamed" {
	alpha_changes_line_3
	sort -r big.nix | sed 's/^/    /' >moved.nix
	git rm -q --cached big.nix
	rm big.nix
	git add -A
	git commit -qm "moved"
	passes beta switch
}

@test "another's boot is pending and I test; another's boot is pending and I switch" {
	sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
	git commit -qam "alpha's option"
	passes alpha boot
	git checkout -q -b side HEAD~1
	echo '# side' >>other.nix
	passes beta test
	refused beta switch
}

@test "a common line is judged with its hunk" {
	printf '{\n  services.web = {\n    enable = false;\n  };\n  services.db = {\n    enable = true;\n  };\n}\n' >common.nix
	commit_all . "two services"
	passes root switch
	cp common.nix "$ROOT/old"
	sed -i '3s/false/true/' common.nix
	git commit -qam "web on"
	passes alpha switch
	# an old copy, with a service more
	sed '7a\  services.mine = {\n    enable = true;\n  };' "$ROOT/old" >common.nix
	refused beta switch
	assert_contains "$output" 'common.nix: lacks 1 line (line 3: "    enable = true;")'
	# one's own service goes, enable and all
	git checkout -q common.nix
	sed -i '7a\  services.mine = {\n    enable = true;\n  };' common.nix
	passes beta switch
	git checkout -q common.nix
	passes beta switch
}

@test "new text in the place of the old is a warning that shows both" {
	alpha_changes_line_3
	sed -i 's/^option3 = .*/option3 = "beta, never seen before";/' big.nix
	by beta switch
	assert_equal "$status" 0
	assert_contains "$output" 'warning: big.nix: lacks 1 line (line 3: "option3 = \"alpha\";", it becomes "option3 = \"beta, never seen before\";") (build 2 by alpha)'
}

@test "a copy that has what others built later was fresh: a warning" {
	alpha_changes_line_3
	sed -i 's/^option8 = .*/option8 = "gamma";/' big.nix
	git commit -qam "gamma's"
	passes gamma switch
	sed -i '/option3/d' big.nix
	by beta switch
	assert_equal "$status" 0
	assert_contains "$output" 'warning: big.nix: lacks 1 line (line 3: "option3 = \"alpha\";") (build 2 by alpha)'
}

@test "a build by another than the author: the first record that has a line has brought it" {
	cp big.nix "$ROOT/old"
	sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
	DOUBLE='exit 1' by alpha switch
	assert_equal "$status" 1
	passes beta switch
	cp "$ROOT/old" big.nix
	refused gamma switch
	assert_contains "$output" "(build 2 by alpha"
	refused beta switch
	# alpha's own draft
	passes alpha switch
}

@test "who edited what, as hooks note it, comes before who built it" {
	mkdir -p "$STATE/edits"
	cp big.nix "$ROOT/old"
	sleep 1.1
	sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
	echo "$(date +%s) alpha $CONFIG/big.nix" >"$STATE/edits/0"
	sleep 1.1
	passes beta switch
	# alpha takes its own draft back, although beta has built it
	cp "$ROOT/old" big.nix
	passes alpha switch
	# and beta, who only built it, may not
	sed -i 's/^option4 = .*/option4 = "alpha";/' big.nix
	sleep 1.1
	echo "$(date +%s) alpha $CONFIG/big.nix" >>"$STATE/edits/0"
	passes gamma switch
	sleep 1.1
	cp "$ROOT/old" big.nix
	echo "$(date +%s) gamma $CONFIG/big.nix" >>"$STATE/edits/0"
	refused gamma switch
	assert_contains "$output" 'big.nix: lacks 1 line (line 4: "option4 = \"alpha\";")'
}

@test "a plain directory without git: the advice works there, too" {
	mkdir "$ROOT/plain"
	cp ./*.nix "$ROOT/plain"
	cd "$ROOT/plain"
	by root switch
	run sr --agent root switch --flake "path:$PWD"
	cp big.nix "$ROOT/old"
	sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
	run sr --agent alpha switch --flake "path:$PWD"
	assert_equal "$status" 0
	cp "$ROOT/old" big.nix
	run sr --agent beta switch --flake "path:$PWD"
	assert_equal "$status" 65
	mkdir -p "$ROOT/shim"
	ln -s "$SAFE_REBUILD" "$ROOT/shim/safe-rebuild"
	PATH="$ROOT/shim:$PATH" bash -c "$(sed -n 's/^safe-rebuild: bring it in: //p' <<<"$output")"
	run sr --agent beta switch --flake "path:$PWD"
	assert_equal "$status" 0
}

@test "refused before it waits, against what is being built" {
	cp -r . "$ROOT/other"
	sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
	git commit -qam "alpha's option"
	# shellcheck disable=SC2016
	DOUBLE='touch "$ROOT/started"; while [ ! -e "$ROOT/go" ]; do sleep 0.05; done' \
		"$SAFE_REBUILD" --agent alpha switch --flake . >/dev/null 2>&1 &
	wait_for test -e "$ROOT/started"
	cd "$ROOT/other"
	echo '# mine' >>other.nix
	run timeout 20 "$SAFE_REBUILD" --agent beta switch --flake .
	assert_equal "$status" 65
	assert_contains "$output" "would take away what is being built: build 2 by alpha"
	refute_contains "$output" "waiting"
	touch "$ROOT/go"
	wait
}

@test "the one whose work was taken back reads it first thing" {
	alpha_changes_line_3
	cp "$ROOT/old" big.nix
	passes beta switch --allow-undo 2
	git checkout -q big.nix
	run sr --agent alpha diff --flake .
	assert_contains "${lines[1]}" "build 3 by beta took back your build 2 (--allow-undo): big.nix"
	by alpha switch
	assert_contains "$output" "build 3 by beta took back your build 2 (--allow-undo): big.nix"
}

# What the refusal printed, run word for word.
do_as_printed() {
	mkdir -p "$ROOT/shim"
	ln -sfn "$SAFE_REBUILD" "$ROOT/shim/safe-rebuild"
	PATH="$ROOT/shim:$PATH" bash -c "$(sed -n 's/^safe-rebuild: \(bring it in\|take it out\): //p' <<<"$output")"
}

@test "what is brought in stands where it stood, and no name is there twice" {
	alpha_changes_line_3
	cp "$ROOT/old" big.nix
	sed -i '2s/root2/b/; 4s/root4/b/' big.nix
	refused beta switch
	do_as_printed
	assert_equal "$(sed -n '2,4p' big.nix)" \
		$'option2 = "b";\noption3 = "alpha";\noption4 = "b";'
	assert_equal "$(wc -l <big.nix)" 10
	passes beta switch
}

@test "an old value of mine gives way to the live one, not to none" {
	alpha_changes_line_3
	sed -i '9s/root9/b/' big.nix
	commit_all . "beta's"
	passes beta switch
	sed -i 's/"alpha"/"root3"/' big.nix
	refused gamma switch
	do_as_printed
	assert_equal "$(sed -n '3p' big.nix)" 'option3 = "alpha";'
	passes gamma switch
}

@test "no file goes with lines of one's own in it: by hand" {
	cp big.nix "$ROOT/old"
	git rm -q big.nix
	commit_all . "no options any more"
	passes alpha switch
	cp "$ROOT/old" big.nix
	echo 'mine = "precious";' >>big.nix
	git add big.nix
	refused beta switch
	assert_contains "$output" "remove big.nix by hand, and put your own lines elsewhere"
	refute_contains "$output" "git apply"
	run sr --agent beta diff --flake . --restore
	assert_equal "$status" 65
	assert_contains "$(cat big.nix)" precious
}

@test "blocks that are interwoven are not put together from their lines" {
	cp other.nix "$ROOT/old"
	sed -i '2i services.web = {\n  enable = true;\n  port = 80;\n};' other.nix
	commit_all . "web"
	passes alpha switch
	cp "$ROOT/old" other.nix
	sed -i '2i services.db = {\n  enable = true;\n  port = 5432;\n};' other.nix
	refused beta switch
	assert_contains "$output" "edit by hand, because your lines and theirs are mixed: other.nix"
	refute_contains "$output" "git apply"
}

@test "a commit says that it reverts, and does not; or was reverted in its turn" {
	alpha_changes_line_3
	git commit -q --allow-empty -m "note

This reverts commit $(git rev-parse HEAD)."
	cp "$ROOT/old" big.nix
	refused beta switch
	git reset -q --hard HEAD~1
	git revert --no-edit HEAD >/dev/null
	passes beta build
	git revert --no-edit HEAD >/dev/null
	cp "$ROOT/old" big.nix
	refused beta switch
	tells_alphas_loss
}

@test "the commit before an amend is not the commit after it" {
	git clone -q . "$ROOT/alphas"
	cd "$ROOT/alphas"
	git config user.name tester
	git config user.email tester@localhost
	sed -i '3s/root3/alpha/' big.nix
	commit_all . "alpha's"
	git clone -q . "$ROOT/betas"
	sed -i '7s/root7/alpha/' big.nix
	git commit -q --amend -am "alpha's"
	passes alpha switch
	cd "$ROOT/betas"
	git config user.name tester
	git config user.email tester@localhost
	sed -i '10s/root10/b/' big.nix
	commit_all . "beta's"
	refused beta switch
	assert_contains "$output" 'lacks 1 line (line 7: "option7 = \"alpha\";")'
}

@test "a commit that was picked without its change" {
	git clone -q . "$ROOT/betas"
	alpha_changes_line_3
	cd "$ROOT/betas"
	git config user.name beta
	git config user.email beta@localhost
	sed -i '4s/root4/b/' big.nix
	commit_all . "beta's"
	git fetch -q "$CONFIG" main
	git commit -q --allow-empty -C FETCH_HEAD
	refused beta switch
	assert_contains "$output" 'lacks 1 line (line 3: "option3 = \"alpha\";")'
}

@test "an empty file is a file, and blanks are no change" {
	: >empty.nix
	git add empty.nix
	printf '{\n  users = [ "ann" "bob" ];\n}\n' >list.nix
	git add list.nix
	commit_all . "empty"
	passes alpha switch
	git rm -q empty.nix
	refused beta switch
	assert_contains "$output" "empty.nix: the file is missing"
	git checkout -q HEAD -- empty.nix
	printf '{\n  users = [\n    "ann"\n    "bob"\n  ];\n}\n' >list.nix
	passes beta switch
	refute_contains "$output" "warning: list.nix"
	printf '{\n  users = [ "ann" "bob" ];\n}\n' >list.nix
	passes gamma switch
}

@test "one short line of a file that was rolled back" {
	echo 'n = 1;' >n.nix
	git add n.nix
	commit_all . "n"
	passes alpha switch
	run sr --agent root --allow-undo 2 switch --rollback
	assert_equal "$status" 0
	echo 'mine = "precious";' >>n.nix
	refused beta switch
	assert_contains "$output" "n.nix"
}

# What nix-env --rollback or another front leaves behind.
goes_back_outside() {
	ln -sfn "$(cat "$ROOT/before")" "$ROOT/nix/var/nix/profiles/system"
	ln -sfn "$(cat "$ROOT/before")" "$ROOT/run/current-system"
}

@test "somebody goes back outside safe-rebuild: it is told, and does not come back unseen" {
	alpha_changes_line_3
	goes_back_outside
	assert_contains "$(sr --agent alpha status)" "somebody went back to it outside safe-rebuild"
	assert_contains "$(sr log)" "rolled back outside safe-rebuild"
	run sr --agent gamma diff --flake . --exit-code
	assert_equal "$status" 65
	for agent in alpha gamma; do
		refused "$agent" switch
		assert_contains "$output" "would bring back what was rolled back: build 2 by alpha"
		assert_contains "$output" "rolled back: somebody went back outside safe-rebuild"
	done
	passes gamma switch --allow-redo 2
	refute_contains "$(sr log)" "rolled back"
	refute_contains "$(sr status)" "went back"
	assert_contains "$(sr log)" "brought back 2 (--allow-redo)"
}

@test "a test that a restart ended was not taken back by anybody" {
	cp big.nix "$ROOT/old"
	sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
	commit_all . "alpha's option"
	passes alpha test
	ln -sfn "$(readlink "$ROOT/nix/var/nix/profiles/system")" "$ROOT/run/current-system"
	refute_contains "$(sr status)" "went back"
	passes gamma switch
}

@test "nixos-rebuild's own --rollback is recorded as one" {
	alpha_changes_line_3
	as_person "$SAFE_REBUILD" switch --rollback
	wait_for test -s "$ROOT/person.status"
	assert_contains "$(sr log)" "switch --rollback to 1 succeeded, took out 2"
	assert_contains "$(sr log | tail -2 | head -1)" "; rolled back by build 3"
	assert_equal "$(field 3 back_to) $(field 3 rolled_back)" "1 2"
}

@test "log tells a person who took whose work back" {
	alpha_changes_line_3
	cp "$ROOT/old" big.nix
	passes beta switch --allow-undo 2
	assert_contains "$(sr log)" "build 3 by beta: switch succeeded, took back 2 (--allow-undo)"
	assert_contains "$(sr log)" "; undone by build 3"
	assert_equal "$(sr log --json | jq_get builds | grep -o "'undone_by': 3")" "'undone_by': 3"
	# a word that fits nothing is no answer
	run sr log --outcome sucess
	assert_equal "$status" 64
	run sr log --action swich
	assert_equal "$status" 64
	run sr log --agent nobody
	assert_contains "$output" "no such build by nobody is recorded"
}

@test "diff says the way out, and its JSON is one document also where it is refused" {
	alpha_changes_line_3
	cp "$ROOT/old" big.nix
	run sr --agent beta diff --flake .
	assert_contains "$output" "bring it in: safe-rebuild --agent beta diff --restore --flake . | git apply"
	sr --agent beta diff --flake . --json --exit-code >"$ROOT/answer" 2>/dev/null || assert_equal $? 65
	assert_equal "$(jq_get verdict <"$ROOT/answer")" refused
	git rm -qf other.nix
	run sr --agent beta diff --flake .
	# never "nothing has changed" while what is live is not here
	refute_contains "$output" "nothing has changed"
}

@test "the first update of flake.lock on a machine goes forward" {
	input() { printf '{"nodes":{"nixpkgs":{"locked":{"lastModified":%s,"narHash":"sha256-%s","type":"github"}},"root":{"inputs":{"nixpkgs":"nixpkgs"}}},"root":"root","version":7}\n' "$1" "$1"; }
	input 1700000000 >flake.lock
	commit_all . lock
	passes root switch
	input 1760000000 >flake.lock
	by root switch
	refute_contains "$output" "goes back"
}

# The files of two modules with options of the same names.
make_modules() {
	mkdir -p hosts
	printf '{\n  services.web = {\n    enable = false;\n    port = 80;\n  };\n  services.db = {\n    enable = false;\n    port = 5432;\n  };\n}\n' >web.nix
	printf '{\n  services.openssh.enable = true;\n  networking.hostName = "b";\n}\n' >hosts/b.nix
	printf '{\n  networking.hostName = "a";\n}\n' >hosts/a.nix
	commit_all . "modules"
	export DOUBLE=${DOUBLE/'*.nix'/'*.nix hosts/*'}
	passes root switch
}

@test "two switches of one name in one file do not cancel out" {
	make_modules
	cp web.nix "$ROOT/old"
	sed -i '3s/false/true/' web.nix
	passes alpha switch
	cp "$ROOT/old" web.nix
	sed -i '7s/false/true/' web.nix
	refused beta switch
	assert_contains "$output" 'web.nix: lacks 1 line (line 3: "    enable = true;"), has 1 line back'
}

@test "another machine's copy excuses nothing, a module's does; a line with a new copy has moved" {
	make_modules
	cp hosts/a.nix "$ROOT/old"
	sed -i '2i\  services.openssh.enable = true;' hosts/a.nix
	passes alpha switch
	cp hosts/a.nix "$ROOT/new"
	cp "$ROOT/old" hosts/a.nix
	run sr --agent beta diff --flake .
	assert_contains "$output" 'hosts/a.nix: lacks 1 line'
	refused beta switch
	assert_contains "$output" 'hosts/a.nix: lacks 1 line (line 2: "  services.openssh.enable = true;")'
	# both go where all have it
	sed -i '/openssh/d' hosts/b.nix
	printf '{\n  services.openssh.enable = true;\n}\n' >hosts/common.nix
	git add hosts/common.nix
	passes beta switch
	refute_contains "$output" "lacks"
	# a new machine like another one
	cp hosts/common.nix hosts/c.nix
	git add hosts/c.nix
	passes alpha switch
	git rm -qf hosts/c.nix
	refused beta switch
	assert_contains "$output" "hosts/c.nix: the file is missing"
}

@test "a line that another file of the machine has as well may go: it is said" {
	make_modules
	cp web.nix "$ROOT/old"
	sed -i '2i\  services.openssh.enable = true;' web.nix
	passes alpha switch
	cp "$ROOT/old" web.nix
	passes beta switch
	assert_contains "$output" 'warning: web.nix: lacks 1 line (line 2: "  services.openssh.enable = true;")'
}

@test "a file that has another name, with options that many have, has moved" {
	make_modules
	sed -i '3s/false/true/' web.nix
	passes alpha switch
	git mv web.nix sites.nix
	sed -i '4s/80/8080/' sites.nix
	passes alpha switch
	git mv sites.nix www.nix
	by beta switch
	assert_equal "$status" 0
	refute_contains "$output" "lacks"
}

@test "a revert excuses what the commit that it names had brought" {
	cp big.nix "$ROOT/old"
	sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
	commit_all . "alpha's option"
	echo '# nothing' >>other.nix
	commit_all . "another"
	passes alpha switch
	cp "$ROOT/old" big.nix
	git commit -qam "$(printf 'Revert "another"\n\nThis reverts commit %s.' "$(git rev-parse HEAD)")"
	refused beta switch
	git reset -q --hard HEAD~1
	git revert --no-edit HEAD~1 >/dev/null 2>&1
	passes beta switch
}

@test "who amends another's commit takes it away" {
	alpha_changes_line_3
	git clone -q . "$ROOT/other"
	cd "$ROOT/other" || return
	git config user.name tester
	git config user.email beta@localhost
	cp "$ROOT/old" big.nix
	echo '# more' >>other.nix
	git commit -qa --amend --no-edit
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" "big.nix: lacks 1 line"
}

@test "an edit of the author's excuses what that edit did, not what git did after it" {
	echo 'a = "alpha";' >>big.nix
	note_edit alpha
	passes alpha switch
	sleep 1.1
	sed -i '1s/root1/alpha/' big.nix
	note_edit alpha
	touch -d '5 seconds' big.nix # as git stash leaves it
	git show HEAD:big.nix >big.nix
	touch -d '5 seconds' big.nix
	refused gamma switch
	assert_contains "$output" 'a = \"alpha\";'
}

@test "who has no hook may have edited all the same: it is said, and by whom it was built" {
	sleep 1.1
	cp big.nix "$ROOT/old"
	echo 'b = "beta";' >>big.nix
	note_edit beta
	sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
	sleep 1.1
	passes alpha switch
	cp "$ROOT/old" big.nix
	sed -i 's/^option3 = .*/option3 = "beta";/' big.nix
	passes beta switch
	assert_contains "$output" 'warning: big.nix: lacks 2 lines'
	assert_contains "$output" 'option3 = \"alpha\";'
	assert_contains "$output" '(build 2 by alpha, edited by beta, uncommitted)'
}

@test "what an edit of the author's excuses is said, and a copy put in its place excuses nothing" {
	alpha_changes_line_3
	sleep 1.1
	echo 'a = "alpha";' >>big.nix
	note_edit alpha
	git checkout -q big.nix
	sed -i 's/^option3 = .*/option3 = "root3";/' big.nix
	passes gamma switch
	assert_contains "$output" 'warning: big.nix: lacks 1 line (line 3: "option3 = \"alpha\";")'
	sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
	passes alpha switch
	touch -d '1 hour ago' "$ROOT/old"
	sleep 1.1
	echo 'a = "alpha";' >>big.nix
	note_edit alpha
	sleep 3.1
	mv "$ROOT/old" big.nix
	refused beta switch
	assert_contains "$output" 'option3 = \"alpha\";'
}

@test "a line that was committed is no draft: its author may have gone to another branch" {
	git clone -q . "$ROOT/alphas"
	(
		cd "$ROOT/alphas"
		git config user.name tester
		git config user.email tester@localhost
		alpha_changes_line_3
		sleep 1.1
		git checkout -q -b other HEAD~1
		echo 'a = "alpha";' >>big.nix
		note_edit alpha
	)
	echo '# more' >>other.nix
	refused beta switch
	assert_contains "$output" 'lacks 1 line (line 3: "option3 = \"alpha\";")'
}

@test "other settings stand in every command that is printed" {
	alpha_changes_line_3
	cp "$ROOT/old" big.nix
	cp "$SAFE_REBUILD_SETTINGS" "$ROOT/other settings.ini"
	SAFE_REBUILD_SETTINGS= run "$SAFE_REBUILD" --settings "$ROOT/other settings.ini" --agent beta switch --flake .
	assert_equal "$status" 65
	assert_contains "$output" "safe-rebuild --agent beta --settings '$ROOT/other settings.ini' diff --restore --flake . | git apply"
	assert_contains "$output" "--allow-undo 2 --agent beta --settings '$ROOT/other settings.ini' switch --flake ."
	SAFE_REBUILD_SETTINGS= run "$SAFE_REBUILD" --settings "$ROOT/other settings.ini" --agent beta diff --flake .
	assert_contains "$output" "safe-rebuild --agent beta --settings '$ROOT/other settings.ini' diff --restore --flake . | git apply"
}

@test "a directive without an equals sign is the same one with another value" {
	printf 'http {\n  worker_processes 2;\n  server_name a b;\n}\n' >nginx.conf
	commit_all . "nginx"
	passes root switch
	sed -i 's/processes 2/processes 4/' nginx.conf
	passes alpha switch
	sed -i 's/processes 4/processes 8/' nginx.conf
	passes beta switch
	assert_contains "$output" 'worker_processes 4;'
	assert_contains "$output" 'worker_processes 8;'
	# gone is gone
	sed -i '/processes/d; s/a b/c d/' nginx.conf
	refused gamma switch
	assert_contains "$output" 'worker_processes 8;'
}

@test "edits in one checkout say nothing of lines from another" {
	git clone -q . "$ROOT/betas"
	sleep 1.1
	sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
	(cd "$ROOT/betas" && echo 'b = "beta";' >>big.nix && note_edit beta)
	sleep 1.1
	passes alpha switch
	cd "$ROOT/betas"
	refused beta switch
	assert_contains "$output" 'lacks 1 line (line 3: "option3 = \"alpha\";")'
}

@test "a draft that its author has dropped in a checkout of the author's own" {
	git clone -q . "$ROOT/alphas"
	(
		cd "$ROOT/alphas"
		sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
		passes alpha switch
	)
	echo '# more' >>other.nix
	refused beta switch
	assert_contains "$output" 'lacks 1 line (line 3: "option3 = \"alpha\";")'
	sleep 1.1
	(
		cd "$ROOT/alphas"
		echo 'a = "alpha";' >>big.nix
		note_edit alpha
	)
	# alpha goes on with it
	refused beta switch
	sed -i 's/^option3 = .*/option3 = "root3";/' "$ROOT/alphas/big.nix"
	passes beta switch
}

@test "diff and status look at what is being built, too; 1 where others have built" {
	alpha_changes_line_3
	run sr --agent beta diff --flake . --exit-code
	assert_equal "$status" 1
	echo '# more' >>other.nix
	# shellcheck disable=SC2016
	DOUBLE='touch "$ROOT/started"; while [ ! -e "$ROOT/go" ]; do sleep 0.05; done; '$DOUBLE \
		"$SAFE_REBUILD" --agent alpha switch --flake . >/dev/null 2>&1 &
	wait_for test -e "$ROOT/started"
	git checkout -q other.nix
	run sr --agent beta diff --flake . --exit-code
	assert_equal "$status" 65
	assert_contains "$output" "would take away what is being built"
	sr --agent beta diff --restore --flake . | git apply --whitespace=nowarn
	assert_contains "$(cat other.nix)" "# more"
	run sr --agent beta diff --restore --flake . other.nix
	assert_equal "$status" 64
	touch "$ROOT/go"
	wait
}

@test "a file that git has been told to forget is to be told of again, ignored or not" {
	echo 'a = "alpha";' >new.nix
	echo 'new.nix' >.gitignore
	git add -f new.nix .gitignore
	git commit -qm "a file that is ignored"
	passes alpha switch
	git rm -q --cached new.nix
	refused beta switch
	assert_contains "$output" "bring it in: git --literal-pathspecs add -f -N -- new.nix"
	refute_contains "$output" "apply"
	bash -c "$(sed -n 's/^safe-rebuild: bring it in: //p' <<<"$output")"
	passes beta switch
}

@test "a copy of another's line is one's own, the line itself is not" {
	printf 'services.nginx.enable = true;\nservices.nginx.recommended = "alpha";\n' >web.nix
	commit_all . "nginx"
	passes alpha switch
	# Copied to a file of beta's, and within the file.
	cp web.nix mail.nix
	sed -i '$a # beta\nservices.nginx.recommended = "alpha";' web.nix
	commit_all . "the same for mail"
	passes beta switch
	# beta's own copies may go ...
	git rm -q mail.nix
	sed -i 3,4d web.nix
	passes beta switch
	assert_contains "$output" "takes back what your own build did"
	git reset -q --hard HEAD
	passes beta switch
	# ... alpha's lines go with them only if somebody says so.
	git rm -q mail.nix
	: >web.nix
	refused beta switch
	assert_contains "$output" "web.nix: lacks"
	assert_contains "$output" "(build 2 by alpha)"
}

@test "a new value for a name of another's, in YAML and JSON too: a warning with both" {
	printf 'server:\n  port: 80\n  host: alpha\n' >web.yaml
	printf '{\n  "port": 80,\n  "host": "alpha"\n}\n' >web.json
	commit_all . "web"
	passes alpha switch
	sed -i 's/port: 80/port: 8080/' web.yaml
	sed -i 's/"port": 80/"port": 8080/' web.json
	passes beta switch
	assert_contains "$output" 'warning: web.yaml: lacks 1 line (line 2: "  port: 80", it becomes "  port: 8080")'
	assert_contains "$output" 'warning: web.json: lacks 1 line (line 2: "  \"port\": 80,", it becomes "  \"port\": 8080,")'
	sed -i '/port/d' web.yaml
	refused alpha switch
}

# Two services with a switch and a number each, and an old copy of the file.
two_services() {
	printf '{\n  services.web = {\n    host = "w";\n    port = 80;\n    enable = true;\n  };\n  services.db = {\n    host = "d";\n    port = 90;\n    enable = false;\n  };\n}\n' >svc.nix
	commit_all . "services"
	passes root switch
	cp svc.nix "$ROOT/old"
}

@test "a block that is moved with its old values takes the new ones away" {
	two_services
	sed -i 's/port = 80/port = 8443/' svc.nix
	commit_all . "port"
	passes alpha switch
	cp "$ROOT/old" svc.nix
	(echo '{' && sed -n 2,6p svc.nix && echo '}') >web.nix
	sed -i 2,6d svc.nix
	git add .
	refused beta switch
	assert_contains "$output" 'lacks 1 line (line 4: "    port = 8443;"'
	# Moved as it is, it is no loss.
	git checkout -q HEAD -- svc.nix
	(echo '{' && sed -n 2,6p svc.nix && echo '}') >web.nix
	sed -i 2,6d svc.nix
	git add .
	passes beta switch
}

@test "values that alpha has swapped between two blocks, and an old copy" {
	two_services
	sed -i '5s/true/false/; 10s/false/true/' svc.nix
	commit_all . "swap"
	passes alpha switch
	cp "$ROOT/old" svc.nix
	refused beta switch
	assert_contains "$output" "build 3 by alpha"
}

@test "one's own switch in another block than alpha's is one's own" {
	two_services
	sed -i '10s/false/true/' svc.nix
	commit_all . "db on"
	passes alpha switch
	sed -i '5s/true/false/' svc.nix
	passes beta switch
	commit_all . "web off"
	# A new value with a new line beside it.
	sed -i 's/    port = 80;/    log = "x";\n    port = 9443;/' svc.nix
	passes beta switch
	assert_contains "$output" 'it becomes "    port = 9443;"'
}

@test "a refusal names all of a hunk, so that its advice needs one round" {
	two_services
	sed -i '4s/.*/    opt = "alpha";\n    port = 1002;/' svc.nix
	commit_all . "alpha's"
	passes alpha switch
	cp "$ROOT/old" svc.nix
	sed -i '4i\    mine = "beta";' svc.nix
	refused beta switch
	assert_contains "$output" 'port = 1002;'
	"$SAFE_REBUILD" --agent beta diff --restore --flake . | git apply --whitespace=nowarn
	passes beta switch
	assert_contains "$(cat svc.nix)" 'mine = "beta";'
	assert_contains "$(cat svc.nix)" 'port = 1002;'
	refute_contains "$(cat svc.nix)" 'port = 80;'
}

@test "the same key in another section of YAML and TOML" {
	printf 'web:\n  image: nginx\ndb:\n  image: pg\n' >c.yaml
	printf '[web]\nimage = "nginx"\n[db]\nimage = "pg"\n' >c.toml
	commit_all . "sections"
	passes root switch
	cp c.yaml c.toml "$ROOT"
	sed -i '2a\  restart: always' c.yaml
	sed -i '2a restart = "always"' c.toml
	commit_all . "restart"
	passes alpha switch
	cp "$ROOT/c.yaml" "$ROOT/c.toml" .
	echo '  restart: always' >>c.yaml
	echo 'restart = "always"' >>c.toml
	refused beta switch
	assert_contains "$output" 'c.yaml: lacks 1 line (line 3: "  restart: always")'
	assert_contains "$output" 'c.toml: lacks 1 line (line 3: "restart = \"always\"")'
}

restore() {
	"$SAFE_REBUILD" --agent beta diff --restore --flake . | git apply --whitespace=nowarn
}

@test "what is brought in stands in its own block, or is left to a hand" {
	two_services
	sed -i '/port = 90/a\    opt = "alpha";' svc.nix
	sed -i '/opt = /{h;d};/enable = false/{G}' svc.nix
	commit_all . "opt"
	passes alpha switch
	cp "$ROOT/old" svc.nix
	sed -i '$i\  services.dns = {\n    enable = true;\n    port = 53;\n  };' svc.nix
	refused beta switch
	if [[ $output == *"edit by hand"* ]]; then return; fi
	restore
	# In the block of the database, not in the new one behind it.
	assert_contains "$(sed -n '/services.db/,/};/p' svc.nix)" 'opt = "alpha"'
}

@test "an edited module header or JSON element is not put beside the old one" {
	printf '{ pkgs, ... }:\n{\n  a = 1;\n}\n' >m.nix
	printf '{\n  "list": [\n    "w"\n  ]\n}\n' >l.json
	commit_all . "module"
	passes alpha switch
	sed -i '1s/.*/{ pkgs, modulesPath, ... }:/' m.nix
	sed -i '3s/.*/    "w",\n    "x"/' l.json
	commit_all . "alpha's"
	passes alpha switch
	sed -i '1s/.*/{ lib, pkgs, ... }:/' m.nix
	sed -i '4s/.*/    "x",\n    "y"/' l.json
	by beta switch
	if [ "$status" = 0 ]; then return; fi
	assert_contains "$output" "edit by hand, because your lines and theirs are mixed: l.json"
	assert_contains "$output" "edit by hand, because your lines and theirs are mixed: m.nix"
	refute_contains "$output" "bring it in"
}

@test "a file without lines that is moved is not lost" {
	mkdir pictures
	printf 'a\0b' >pictures/one.png
	ln -s one.png pictures/link
	: >pictures/empty
	commit_all . "pictures"
	passes alpha switch
	git mv pictures assets
	passes beta switch
	git rm -qf assets/one.png
	refused beta switch
	assert_contains "$output" "assets/one.png: the file is missing"
}

@test "what alpha took out and an old copy brings back is nobody's own" {
	printf '{ config, pkgs, ... }:\n{\n  services.db.enable = true;\n}\n' >db.nix
	printf '{ config, pkgs, ... }:\n{\n  other = 1;\n}\n' >web.nix
	commit_all . "db"
	passes alpha switch
	cp db.nix "$ROOT/old"
	git rm -q db.nix
	git commit -qm "no db"
	passes alpha switch
	cp "$ROOT/old" db.nix
	git add .
	refused beta switch
	refute_contains "$output" "by hand"
	restore
	passes beta switch
	[ ! -e db.nix ]
}

@test "several reverts in one commit, abbreviated, are all reverts" {
	for i in 1 2; do
		echo "alpha$i = \"$i\";" >"a$i.nix"
		git add .
		git commit -qm "add a$i"
	done
	passes alpha switch
	git rm -q a1.nix a2.nix
	git commit -qm "Take both back

This reverts commit $(git rev-parse --short=10 HEAD).
This reverts commit $(git rev-parse HEAD~1)."
	passes beta switch
	assert_contains "$output" "reverted by a commit: a1.nix"
	assert_contains "$output" "reverted by a commit: a2.nix"
}

@test "an input that is gone from flake.lock is said" {
	lock() {
		python3 - "$@" <<-'PY' >flake.lock
			import json, sys
			names = sys.argv[1:]
			nodes = {name: {"locked": {"lastModified": 1761955200, "rev": "%040d" % 7}} for name in names}
			nodes["root"] = {"inputs": {name: name for name in names}}
			print(json.dumps({"nodes": nodes, "root": "root", "version": 7}, indent=2))
		PY
	}
	lock nixpkgs
	commit_all . "lock"
	passes root switch
	lock nixpkgs home
	commit_all . "home"
	passes alpha switch
	lock nixpkgs
	passes beta switch
	assert_like "$output" "*warning: flake.lock: removed home 2025-11-01 (build 3 by alpha)*"
}

@test "one's own draft that another has built and I take back: asked whether it is mine" {
	cp big.nix "$ROOT/old"
	sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
	passes beta switch
	cp "$ROOT/old" big.nix
	refused alpha switch
	assert_contains "$output" "it came in with build 2 by beta, uncommitted in this checkout: if it was your own edit, use --allow-undo as below"
}

@test "what one tests and another's boot lacks goes with a switch, and that is said" {
	git clone -q . "$ROOT/clone"
	git -C "$ROOT/clone" config user.name t
	git -C "$ROOT/clone" config user.email t@localhost
	sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
	commit_all . "alpha tests"
	passes alpha test
	(cd "$ROOT/clone" && echo 'option11 = "beta";' >>big.nix && commit_all . "beta boots" && passes beta boot)
	cd "$ROOT/clone"
	echo 'option12 = "gamma";' >>big.nix
	passes gamma switch
	assert_contains "$output" 'warning: big.nix: lacks 1 line (line 3: "option3 = \"alpha\";"'
}

@test "another's boot and one's own test, merged: neither took the other out" {
	git checkout -qb side
	sed -i 's/^option3 = .*/option3 = "alpha";/' big.nix
	commit_all . "alpha's"
	passes alpha boot
	git checkout -q main
	sed -i 's/^option9 = .*/option9 = "beta";/' big.nix
	commit_all . "beta's"
	passes beta test
	git -c user.name=t -c user.email=t@localhost merge -qm both side
	passes gamma switch
	# alpha's line is alpha's still.
	sed -i 's/^option3 = .*/option3 = "root3";/' big.nix
	refused gamma switch
	assert_contains "$output" "by alpha"
}

@test "a list that is put on one line, or on several, has lost nothing" {
	printf '{\n  packages = [\n    "git"\n    "vim"\n  ];\n  other = 1;\n}\n' >list.nix
	printf '{\n  packages = [ "a" "b" ];\n  more = 1;\n}\n' >short.nix
	commit_all . "lists"
	passes alpha switch
	printf '{\n  packages = [ "git" "vim" ];\n  other = 1;\n  mine = 2;\n}\n' >list.nix
	printf '{\n  packages = [\n    "a"\n    "b"\n  ];\n  more = 1;\n  mine = 2;\n}\n' >short.nix
	passes beta switch
	refute_contains "$output" lacks
}

@test "two files of one line each are not glued together" {
	echo '{ a = 1; }' >one.nix
	echo 1.0 >version
	commit_all . "one line"
	passes root switch
	cp one.nix version "$ROOT"
	echo '{ a = 1; b = 2; }' >one.nix
	echo 2.0 >version
	passes alpha switch
	cp "$ROOT/version" .
	echo '{ a = 1; c = 3; }' >one.nix
	refused beta switch
	mkdir "$ROOT/shim"
	ln -s "$SAFE_REBUILD" "$ROOT/shim/safe-rebuild"
	assert_contains "$output" "edit by hand, because your lines and theirs are mixed: one.nix"
	PATH="$ROOT/shim:$PATH" bash -c "$(sed -n 's/^safe-rebuild: bring it in: //p' <<<"$output")"
	assert_equal "$(cat version one.nix)" "2.0
{ a = 1; c = 3; }"
	echo '{ a = 1; b = 2; c = 3; }' >one.nix
	passes beta switch
}

# Two blocks that tell their values apart by what they stand in alone.
prepare_hosts() {
	printf '{\n  web = {\n    host = "one";\n  };\n  db = {\n    host = "two";\n  };\n}\n' >hosts.nix
	commit_all . "hosts"
	passes root switch
	cp hosts.nix "$ROOT/old"
}

@test "values that have changed places between blocks do not go back with an old copy" {
	prepare_hosts
	printf '{\n  web = {\n    host = "two";\n  };\n  db = {\n    host = "one";\n  };\n}\n' >hosts.nix
	commit_all . "alpha swaps them"
	passes alpha switch
	cp "$ROOT/old" hosts.nix
	refused beta switch
	assert_contains "$output" "build 3 by alpha"
	assert_contains "$output" 'host = \"two\";'
	passes alpha switch
}

@test "one new value excuses the loss of one, not of all that have its name" {
	prepare_hosts
	sed -i 's/"one";/"one";\n    listen 80 alpha;\n    listen 81 alpha;/' hosts.nix
	commit_all . "alpha listens"
	passes alpha switch
	sed -i '/listen/d; s/"one";/"one";\n    listen 80 beta;/' hosts.nix
	refused beta switch
	assert_contains "$output" "listen 81 alpha;"
}

@test "what was gone back from outside stays out after the next build, too" {
	git branch old
	alpha_changes_line_3
	goes_back_outside
	git checkout -q old
	echo '# beta' >>flake.nix
	commit_all . "beta's"
	passes beta switch
	assert_contains "$(sr log)" "rolled back outside safe-rebuild"
	git merge -q -m m -
	refused beta switch
	assert_contains "$output" "would bring back what was rolled back: build 2 by alpha"
	assert_contains "$output" "--allow-redo 2"
}

@test "an amended commit may have another subject and no line in common" {
	alpha_changes_line_3
	git clone -q . "$ROOT/other"
	sleep 1.1
	sed -i 's/^option3 = .*/option3 = "alpha again";/' big.nix
	git commit -qa --amend -m "another subject"
	cd "$ROOT/other"
	git fetch -q
	git reset -q --hard '@{u}'
	passes beta switch
}

# The printed command, typed.
brings_in() {
	bash -c "$(sed -n "s,^safe-rebuild: bring it in: safe-rebuild,$SAFE_REBUILD,p" <<<"$output")"
}

@test "what is brought in takes nothing along that git ignores" {
	git branch old
	mkdir many
	for i in $(seq 200); do echo "{ }" >"many/module-with-a-long-name-$i.nix"; done
	commit_all . "many files"
	passes alpha switch
	git checkout -q old
	echo secrets.env >.gitignore
	echo secret >secrets.env
	refused beta switch
	refute_contains "$output" "does not name"
	[ "${#output}" -lt 4000 ]
	run -0 bash -c "$(sed -n 's/^safe-rebuild: bring it in: //p' <<<"$output")"
	refute_contains "$(git ls-files)" secrets.env
	assert_equal "$(git ls-files many | wc -l)" 200
	passes beta switch
	# files that only have to be tracked again are named, as many as a line holds
	git rm -rq --cached many
	refused beta switch
	assert_contains "$output" "then add the new files that the command does not name"
	git add -N many
	passes beta switch
}

@test "an input that followed another does so again, and a name from a lock file is quoted" {
	lock() {
		cat >flake.lock <<-JSON
			{"nodes": {"root": {"inputs": {"hm": "hm", "$2": "np"}},
			"hm": {"inputs": {"nixpkgs": $1}, "locked": {"lastModified": 9, "rev": "aa"}},
			"np": {"locked": {"lastModified": 9, "rev": "bb"}},
			"old": {"locked": {"lastModified": 5, "rev": "cc"}}}, "root": "root", "version": 7}
		JSON
	}
	lock '"old"' nixpkgs
	commit_all . "a lock file"
	passes root switch
	cp flake.lock "$ROOT/old"
	lock '["nixpkgs"]' nixpkgs
	commit_all . "hm follows"
	passes alpha switch
	cp "$ROOT/old" flake.lock
	refused beta switch
	assert_contains "$output" "hm/nixpkgs follows nixpkgs -> 1970-01-01"
	brings_in
	passes beta switch
	lock '["nixpkgs"]' 'x\" IGNORE THIS.'
	run sr --agent beta diff
	assert_contains "$output" 'added "x\" IGNORE THIS."'
}

@test "what failed as wrong usage, or by another action, is no failure of this configuration" {
	echo '# new' >>flake.nix
	DOUBLE='exit 2' by alpha switch --frobnicate
	assert_equal "$status" 2
	DOUBLE='exit 1' by alpha build
	passes beta switch
	refute_contains "$output" "has failed"
}

# app.nix as a formatter writes it.
formatted() {
	printf '{\n  pkgs,\n  ...\n}:\n{\n  app = {\n    port = %s;\n    users = [\n' "$1"
	printf '      "%s"\n' "${@:2}"
	printf '    ];\n  };\n}\n'
}

@test "a formatter's work is no loss, whatever else is edited; a formatted old copy is one" {
	printf '{ pkgs, ... }: {\n  app = { port = 80; users = [ "a" ]; };\n}\n' >app.nix
	cp app.nix "$ROOT/old"
	commit_all . "app"
	passes root switch
	sed -i 's/"a"/"a" "docker"/' app.nix
	passes alpha switch
	formatted 80 a >app.nix
	refused beta switch
	assert_contains "$output" 'app.nix: lacks 1 line (line 2: "\"docker\"") (build 3 by alpha, uncommitted)'
	formatted 80 a docker mine >app.nix
	passes beta switch
	assert_equal "$(grep -c "lacks\|warning: app" <<<"$output")" 0
	formatted 443 a docker mine >app.nix
	passes gamma switch
	cp "$ROOT/old" app.nix
	refused delta switch
	assert_contains "$output" 'port = 443;'
	assert_contains "$output" '\"docker\"'
	assert_contains "$output" '\"mine\"'
}

@test "texts in two single quotes, comments and strings are no statements" {
	cat >script.nix <<-'NIX'
		{ text = ''
		    a; b; { c
		  ''; other = "x; { y"; # d; e; f
		  /* g; { h */ last = 1; }
	NIX
	commit_all . "a script"
	passes alpha switch
	sed -i 's/a; b/b/; s/d; e/e/' script.nix
	refused beta switch
	assert_contains "$output" 'script.nix: lacks 2 lines (line 2: "    a; b; { c"; line 3:'
}
