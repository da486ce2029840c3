load helpers

# Two agents: alpha works in $CONFIG, beta in a clone of it, $OTHER.
prepare() {
	make_repository
	cd "$CONFIG" || return
	mkdir modules
	printf 'line %s\n' 1 2 3 4 5 6 7 8 9 10 11 12 >modules/web.nix
	printf '[\n  "one"\n  "two"\n]\n' >modules/list.nix
	commit_all . "modules"
	OTHER=$ROOT/other
	git clone -q "$CONFIG" "$OTHER"
	git -C "$OTHER" config user.name beta
	git -C "$OTHER" config user.email beta@localhost
	git -C "$CONFIG" config receive.denyCurrentBranch updateInstead
	# Makes a system live that is named after the configuration's content, as a rebuild does.
	# shellcheck disable=SC2016
	export DOUBLE='made=$ROOT/systems/$(cat flake.nix flake.lock modules/* 2>/dev/null | sha1sum | cut -c1-12)
		mkdir -p "$made" "$ROOT/nix/var/nix/profiles"
		case $1 in switch | boot) ln -sfn "$made" "$ROOT/nix/var/nix/profiles/system" ;; esac
		case $1 in switch | test) ln -sfn "$made" "$ROOT/run/current-system" ;; esac'
}

# by AGENT ACTION [WORDS ...]: in the current directory; fills $status, $output, $lines.
by() {
	run "$SAFE_REBUILD" --agent "$1" "$2" --flake . "${@:3}"
}

passes() {
	by "$@"
	assert_equal "$status" 0
	refute_contains "$output" "refused"
}

refused() {
	by "$@"
	assert_equal "$status" 65
	assert_contains "$output" "safe-rebuild: refused: this $2 would take away what is live: build"
}

# Types the command of the last refusal that brings the work in, or takes it out, as printed.
bring_in() {
	local line
	line=$(sed -n 's/^safe-rebuild: \(bring it in\|take it out\): //p' <<<"$output")
	[ -n "$line" ]
	PATH="$ROOT/shim:$PATH"
	mkdir -p "$ROOT/shim"
	ln -sf "$SAFE_REBUILD" "$ROOT/shim/safe-rebuild"
	echo "typing: $line"
	bash -o pipefail -c "$line"
}

# A line more in a file, committed.
commit_line() {
	echo "$2" >>"$1"
	commit_all . "$2"
}

@test "another clone whose history lacks the live commit" {
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	cd "$OTHER"
	commit_line modules/db.nix 'postgres = true;'
	refused beta switch
	assert_like "$output" 'modules/web.nix: lacks 1 line (line 13: "nginx = true;") (build 1 by alpha)'
	assert_contains "$output" "bring it in: safe-rebuild --agent beta diff --restore --flake . | git apply"
	assert_contains "$output" "if it is meant to go: safe-rebuild --allow-undo 1 --agent beta switch --flake ."
	assert_equal "$(sr log | wc -l)" 1
	bring_in
	passes beta switch
	# and alpha, who lacks beta's commit now
	cd "$CONFIG"
	refused alpha switch
	assert_contains "$output" "modules/db.nix: the file is missing (build 2 by beta)"
	bring_in
	passes alpha switch
}

@test "another branch, another worktree" {
	git checkout -q -b feature
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	git checkout -q main
	refused beta switch
	git worktree add -q "$ROOT/tree" -b work main
	cd "$ROOT/tree"
	commit_line modules/db.nix 'postgres = true;'
	refused gamma switch
	bring_in
	passes gamma switch
}

@test "both changed the same file in different places" {
	sed -i 's/^line 2$/line 2 by alpha/' modules/web.nix
	commit_all . "alpha"
	passes alpha switch
	cd "$OTHER"
	sed -i 's/^line 11$/line 11 by beta/' modules/web.nix
	commit_all . "beta"
	refused beta switch
	assert_contains "$output" 'modules/web.nix: lacks 1 line (line 2: "line 2 by alpha"), has 1 line back that had been removed (line 2: "line 2") (build 1 by alpha)'
	bring_in
	passes beta switch
	assert_contains "$(cat modules/web.nix)" "line 2 by alpha"
	assert_contains "$(cat modules/web.nix)" "line 11 by beta"
}

@test "both appended to one list" {
	sed -i 's/^]/  "alpha"\n]/' modules/list.nix
	commit_all . "alpha"
	passes alpha switch
	cd "$OTHER"
	sed -i 's/^]/  "beta"\n]/' modules/list.nix
	commit_all . "beta"
	refused beta switch
	assert_contains "$output" 'modules/list.nix: lacks 1 line (line 4: "  \"alpha\"")'
	git fetch -q origin
	git merge -q origin/main || true
	printf '[\n  "one"\n  "two"\n  "alpha"\n  "beta"\n]\n' >modules/list.nix
	commit_all . "merged"
	passes beta switch
}

@test "both appended to one list, with alpha's line taken over by hand" {
	sed -i 's/^]/  "alpha"\n]/' modules/list.nix
	commit_all . "alpha"
	passes alpha switch
	cd "$OTHER"
	sed -i 's/^]/  "beta"\n  "alpha"\n]/' modules/list.nix
	commit_all . "beta, with what alpha has"
	passes beta switch
}

@test "a dirty live build that my checkout lacks" {
	echo 'nginx = true;' >>modules/web.nix
	echo 'postgres = true;' >modules/db.nix
	git add -A
	passes alpha switch
	cd "$OTHER"
	refused beta switch
	assert_contains "$output" '(build 1 by alpha, uncommitted)'
	bring_in
	passes beta switch
	assert_equal "$(cat modules/db.nix)" "postgres = true;"
}

@test "a live build with a commit and more that is not committed" {
	commit_line modules/web.nix 'nginx = true;'
	echo 'postgres = true;' >modules/db.nix
	git add -A
	passes alpha switch
	cd "$OTHER"
	refused beta switch
	assert_contains "$output" '(build 1 by alpha)'
	assert_contains "$output" '(build 1 by alpha, uncommitted)'
	bring_in
	passes beta switch
}

@test "in a shared checkout: stashed away, refused as often as it is asked" {
	echo 'nginx = true;' >>modules/web.nix
	passes alpha switch
	git stash -q
	refused beta switch
	refused gamma switch
	refused beta switch
	assert_contains "$output" "modules/web.nix: lacks 1 line"
	by beta switch --allow-undo 1
	assert_equal "$status" 0
	assert_contains "$output" "warning: as --allow-undo says, this switch would take away what is live: build 1 by alpha"
	assert_equal "$(field last allowed_undo)" 1
	assert_equal "$(field last undone)" modules/web.nix
}

@test "in a shared checkout: another action, another tree" {
	echo 'nginx = true;' >>modules/web.nix
	passes alpha switch
	git checkout -q .
	refused beta switch
	refused beta boot
	refused beta switch
	echo 'postgres = true;' >>modules/db.nix
	git add -A
	refused beta switch
	bring_in
	passes beta switch
}

@test "in a shared checkout: one's own work never counts" {
	echo 'nginx = true;' >>modules/web.nix
	passes alpha switch
	git checkout -q .
	by alpha switch
	assert_equal "$status" 0
	assert_contains "$output" "takes back what your own build did: modules/web.nix: lacks 1 line"
}

@test "in a shared checkout: another's work in a build of one's own does" {
	echo 'nginx = true;' >>modules/web.nix
	passes alpha switch
	echo 'mine = true;' >>modules/web.nix
	passes beta switch
	git checkout -q .
	refused beta switch
	assert_contains "$output" "modules/web.nix: lacks 1 line (line 13: \"nginx = true;\") (build 1 by alpha, uncommitted)"
}

@test "amended, rebased, squashed and cherry-picked commits with the same content pass" {
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	git commit -q --amend -m "better words"
	passes beta switch
	git checkout -q -b other HEAD~1
	commit_line modules/list.nix '# comment'
	git cherry-pick main >/dev/null
	passes gamma switch
	git checkout -q -b squashed main~1
	git merge -q --squash other >/dev/null
	git commit -qm "squashed"
	passes delta switch
	cd "$OTHER"
	commit_line modules/db.nix 'postgres = true;'
	git pull -q --rebase "$CONFIG" squashed
	passes beta switch
}

@test "a git revert passes" {
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	git revert --no-edit HEAD >/dev/null
	passes beta switch
}

@test "a revert after a dirty build was committed passes" {
	echo 'nginx = true;' >>modules/web.nix
	passes alpha switch
	commit_all . "nginx"
	git revert --no-edit HEAD >/dev/null
	passes beta switch
}

@test "merged in another clone together with other changes, and reverted there: passes" {
	sed -i 's/^line 2$/line 2 by alpha/' modules/web.nix
	passes alpha switch
	git diff >"$ROOT/patch"
	cd "$OTHER"
	sed -i 's/^line 11$/line 11 by beta/' modules/web.nix
	commit_all . "beta"
	git apply "$ROOT/patch"
	commit_all . "alpha's"
	git revert --no-edit HEAD >/dev/null
	passes beta switch
}

# lock FILE DATE: a flake.lock whose nixpkgs is of that day.
lock() {
	local seconds
	seconds=$(date -u -d "$2" +%s)
	cat >"$1" <<-JSON
		{"nodes": {"nixpkgs": {"locked": {"lastModified": $seconds, "rev": "$(printf %040d "$seconds")",
		"type": "github"}}, "root": {"inputs": {"nixpkgs": "nixpkgs"}}}, "root": "root", "version": 7}
	JSON
}

@test "an older input of flake.lock is refused, a newer one passes" {
	lock flake.lock 2026-11-01
	commit_all . "lock"
	git -C "$OTHER" pull -q
	lock flake.lock 2026-11-10
	commit_all . "update"
	passes alpha switch
	cd "$OTHER"
	refused beta switch
	assert_contains "$output" "flake.lock: goes back: nixpkgs 2026-11-10 -> 2026-11-01 (build 1 by alpha)"
	lock flake.lock 2026-11-20
	commit_all . "newer update"
	passes beta switch
}

@test "an update of one's own input is no step back" {
	lock flake.lock 2026-11-01
	commit_all . "lock"
	passes alpha switch
	lock flake.lock 2026-11-10
	passes alpha switch
	refute_contains "$output" "takes back"
}

@test "the live commit is unknown here and its checkout is gone" {
	passes alpha switch
	git clone -q "$CONFIG" "$ROOT/third"
	cd "$ROOT/third"
	git config user.name gamma
	git config user.email gamma@localhost
	commit_line modules/web.nix 'nginx = true;'
	passes gamma switch
	cd "$OTHER"
	rm -rf "$ROOT/third"
	commit_line modules/db.nix 'postgres = true;'
	refused beta switch
	assert_contains "$output" 'modules/web.nix: lacks 1 line (line 13: "nginx = true;") (build 2 by gamma)'
	bring_in
	passes beta switch
}

@test "the same with two builds in between" {
	passes alpha switch
	git clone -q "$CONFIG" "$ROOT/third"
	cd "$ROOT/third"
	git config user.name gamma
	git config user.email gamma@localhost
	commit_line modules/web.nix 'nginx = true;'
	passes gamma switch
	commit_line modules/web.nix 'nginx.tls = true;'
	passes gamma switch
	cd "$OTHER"
	rm -rf "$ROOT/third"
	refused beta switch
	bring_in
	passes beta switch
	assert_contains "$(cat modules/web.nix)" "nginx.tls"
}

@test "a shallow clone" {
	passes alpha switch
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	commit_line modules/web.nix 'more = true;'
	git clone -q --depth 1 "file://$CONFIG" "$ROOT/shallow"
	cd "$ROOT/shallow"
	passes gamma switch
	git config user.name gamma
	git config user.email gamma@localhost
	sed -i /nginx/d modules/web.nix
	# a third party's deletion is not necessarily an edit
	refused beta switch
}

@test "unrelated histories: judged by what builds have brought" {
	passes alpha switch
	GIT_AUTHOR_NAME=somebody make_repository "$ROOT/fresh"
	cd "$ROOT/fresh"
	by beta build
	by beta switch
	assert_equal "$status" 0
	assert_contains "$output" "note: modules/web.nix: the file is missing (it is not known whose work)"
	cd "$CONFIG"
	passes alpha switch --allow-undo 3
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	cd "$ROOT/fresh"
	refused beta switch
	assert_contains "$output" "modules/web.nix: the file is missing"
	bring_in
	passes beta switch
}

@test "plain directories: one's own last build is the ancestor" {
	mkdir "$ROOT/plain"
	cd "$ROOT/plain"
	cp "$CONFIG/flake.nix" .
	mkdir modules
	echo base >modules/a.nix
	run sr --agent beta switch --flake "path:$PWD"
	assert_equal "$status" 0
	cp -r "$ROOT/plain" "$ROOT/copy"
	cd "$ROOT/copy"
	run sr --agent alpha switch --flake "path:$PWD"
	echo alpha >>modules/a.nix
	run sr --agent alpha switch --flake "path:$PWD"
	assert_equal "$status" 0
	cd "$ROOT/plain"
	run sr --agent beta switch --flake "path:$PWD"
	assert_equal "$status" 65
	assert_contains "$output" "modules/a.nix: lacks 1 line (line 2: \"alpha\") (build 3 by alpha)"
	bring_in
	run sr --agent beta switch --flake "path:$PWD"
	assert_equal "$status" 0
}

@test "a pending boot that is not running yet" {
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	commit_line modules/web.nix 'boot = true;'
	passes alpha boot
	git checkout -q -b without HEAD~1
	refused beta switch
	assert_contains "$output" 'lacks 1 line (line 14: "boot = true;") (build 2 by alpha)'
	assert_contains "$output" "--allow-undo 2"
	git checkout -q -b both main
	passes beta switch
}

@test "--allow-undo for the right build, a stale one, and rubbish" {
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	cd "$OTHER"
	by beta switch --allow-undo 7
	assert_equal "$status" 65
	assert_contains "$output" "--allow-undo 7 does not match: this would now undo 1"
	by beta switch --allow-undo 1
	assert_equal "$status" 0
	assert_contains "$output" "warning: as --allow-undo says, this switch would take away what is live: build 1 by alpha"
	assert_equal "$(tr '\0' ' ' <"$ROOT/arguments" 2>/dev/null)" "switch --flake . "
	# what beta took out is not back by itself
	cd "$CONFIG"
	commit_line modules/web.nix 'more = true;'
	refused alpha switch
	assert_contains "$output" 'has 1 line back that had been removed (line 13: "nginx = true;") (build 2 by beta)'
	passes alpha switch --allow-undo 2
	cd "$OTHER"
	SAFE_REBUILD_ALLOW_UNDO=1 by beta switch
	assert_equal "$status" 65
	by beta switch --allow-undo everything
	assert_equal "$status" 64
}

@test "[guard] undo = warn and off, and ignored paths" {
	echo docs >README.md
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	git checkout -q -b without HEAD~1
	refused beta switch
	refute_contains "$output" README.md:
	printf '[guard]\nundo = warn\n' >>"$SAFE_REBUILD_SETTINGS"
	by beta switch
	assert_equal "$status" 0
	assert_contains "$output" "warning: as [guard] undo = warn says, this switch would take away what is live"
	git checkout -q main
	sed -i 's/undo = warn/undo = refuse/' "$SAFE_REBUILD_SETTINGS"
	passes alpha switch --allow-undo 2
	git checkout -q without
	git checkout -q main modules/web.nix
	by beta switch
	assert_equal "$status" 0
	assert_contains "$output" "README.md"
	sed -i 's/undo = refuse/undo = off/' "$SAFE_REBUILD_SETTINGS"
	git checkout -q main
	passes alpha switch
	git checkout -q -f without
	by beta switch
	assert_equal "$status" 0
	refute_contains "$output" "what is live"
}

@test "--rollback: a person goes, an agent not over another's build" {
	commit_line modules/web.nix 'nginx = true;'
	run sr --agent alpha --message "add nginx" switch --flake .
	run sr --agent beta switch --rollback
	assert_equal "$status" 65
	assert_contains "$output" 'refused: this rollback would take back what somebody else made live: build 1 by alpha: switch succeeded'
	assert_contains "$output" 'if it is meant to go: safe-rebuild --allow-undo 1 --agent beta switch --rollback'
	run sr --agent beta switch --rollback --allow-undo 1
	assert_equal "$status" 0
	passes alpha switch
	run sr --agent alpha switch --rollback
	assert_equal "$status" 0
	assert_contains "$output" "takes back build"
	passes alpha switch
	as_person "$SAFE_REBUILD" switch --rollback
	wait_for test -s "$ROOT/person.status"
	assert_equal "$(cat "$ROOT/person.status")" 0
	assert_contains "$(cat "$ROOT/person.err")" "takes back build"
}

# outside REVISION: a system that nobody has built through us, generation 145.
outside() {
	mkdir -p "$ROOT/made/sw/bin" "$ROOT/nix/var/nix/profiles"
	printf '#!/bin/sh\ncat <<EOF\n{"configurationRevision":"%s","nixosVersion":"26.05"}\nEOF\n' "$1" \
		>"$ROOT/made/sw/bin/nixos-version"
	ln -sfn "$ROOT/made" "$ROOT/nix/var/nix/profiles/system-145-link"
	ln -sfn system-145-link "$ROOT/nix/var/nix/profiles/system"
	ln -sfn "$ROOT/made" "$ROOT/run/current-system"
}

@test "a system made outside, with its revision" {
	passes beta switch
	commit_line modules/web.nix 'nginx = true;'
	outside "$(git rev-parse HEAD)"
	passes alpha switch
	outside "$(git rev-parse HEAD)"
	git checkout -q -b without HEAD~1
	by beta switch
	assert_equal "$status" 65
	assert_like "$output" "would take away what is live: generation 145, made outside safe-rebuild on 20* at *"
	assert_contains "$output" "--allow-undo gen:145 --agent beta switch"
	bring_in
	passes beta switch
	outside "$(git rev-parse main)-dirty"
	git reset -q --hard HEAD~1
	by beta switch --allow-undo gen:145
	assert_equal "$status" 0
}

@test "a system made outside, of which nothing is known" {
	passes beta switch
	outside unknown
	by beta switch
	assert_equal "$status" 0
	assert_like "$output" "running: generation 145, made outside safe-rebuild on 20* at *; its configuration is not known"
	outside 0123456789012345678901234567890123456789
	by beta switch
	assert_equal "$status" 0
	assert_contains "$output" "its configuration is not known"
}

@test "a file that live removed and that is back, modes, links, binary files" {
	ln -s web.nix modules/link.nix
	head -c 2000 /dev/urandom >modules/blob
	echo x >modules/gone.nix
	commit_all . "more"
	git -C "$OTHER" pull -q
	git rm -q modules/gone.nix
	ln -sfn list.nix modules/link.nix
	head -c 2000 /dev/urandom >modules/blob
	chmod +x modules/web.nix
	commit_all . "changed"
	passes alpha switch
	cd "$OTHER"
	refused beta switch
	assert_contains "$output" "modules/gone.nix: the file is back that had been removed"
	assert_contains "$output" "modules/link.nix: its content or mode goes back"
	assert_contains "$output" "modules/blob: its content or mode goes back"
	assert_contains "$output" "modules/web.nix: its content or mode goes back"
	bring_in
	passes beta switch
}

@test "what does not change the system is not judged" {
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	cd "$OTHER"
	passes beta build
	passes beta dry-activate
	by beta switch --target-host server
	assert_equal "$status" 0
}

@test "a build that failed is not live" {
	passes alpha switch
	commit_line modules/web.nix 'broken'
	DOUBLE='exit 1' by alpha switch
	assert_equal "$status" 1
	git reset -q --hard HEAD~1
	passes beta switch
}

@test "who is refused holds nobody up, is a line of syslog and no build" {
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	cd "$OTHER"
	refused beta switch
	assert_equal "$(ls "$ROOT/run/safe-rebuild/queue")" ""
	assert_equal "$(sr log | wc -l)" 1
	cd "$CONFIG"
	passes alpha switch --no-wait
}

@test "what was refused is on record: log --refused, status until its caller has come through" {
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	run sr log --refused
	assert_contains "$output" "no such refusal is recorded"
	cd "$OTHER"
	refused beta switch
	refused beta switch
	by beta switch --allow-undo 7
	assert_equal "$status" 65
	run sr log --refused
	assert_equal "${#lines[@]}" 1
	assert_like "$output" "beta: switch refused, *: it would take away the work of 1 (modules/web.nix)"
	assert_like "$(sr --agent alpha status)" "refused:  beta: switch refused, *: it would take away the work of 1"
	assert_equal "$(sr log --refused --json | jq_get refused | grep -o "'agent': 'beta'")" "'agent': 'beta'"
	run sr log --refused --agent alpha
	assert_contains "$output" "no such refusal by alpha is recorded"
	run sr log --outcome refused
	assert_equal "$status" 64
	assert_contains "$output" "log --refused"
	git pull -q
	passes beta switch
	refute_contains "$(sr --agent alpha status)" "refused:"
}

@test "commands for one who stands elsewhere" {
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	git checkout -q -b without HEAD~1
	cd modules
	refused beta switch
	assert_contains "$output" "bring it in: safe-rebuild --agent beta diff --restore --flake . | git -C $CONFIG apply"
	bring_in
	passes beta switch
}

@test "hundreds of paths are counted, and their names tell no terminal anything" {
	mkdir many
	for i in $(seq 300); do echo "$i" >"many/$i"; done
	printf 'x\n' >$'many/\e[31mred\nline'
	commit_all . "many"
	passes alpha switch
	git checkout -q -b without HEAD~1
	refused beta switch
	[ "${#output}" -lt 3000 ]
	assert_contains "$output" "and 293 more"
	assert_contains "$output" 'many/\x1b[31mred\nline'
	refute_contains "$output" $'\e'
}

@test "nothing hides behind hundreds of other losses" {
	mkdir a
	for i in $(seq 2100); do echo x >"a/$i.md"; done
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	git checkout -q -b without HEAD~1
	refused beta switch
	assert_contains "$output" 'modules/web.nix: lacks 1 line'
	# also where they are no ignored ones
	git checkout -q main
	git mv -k a/* modules/ >/dev/null
	for i in $(seq 2100); do mv "modules/$i.md" "modules/$i.nix"; done
	commit_all . "renamed"
	passes alpha switch
	git checkout -q -f without
	refused gamma switch
	assert_contains "$output" "more"
}

@test "files that git filters are compared as they are committed" {
	git config filter.rot.clean "tr a-z n-za-m"
	git config filter.rot.smudge "tr a-z n-za-m"
	git -C "$OTHER" config filter.rot.clean "tr a-z n-za-m"
	git -C "$OTHER" config filter.rot.smudge "tr a-z n-za-m"
	echo 'secrets.nix filter=rot' >.gitattributes
	echo 'password' >secrets.nix
	commit_all . "secrets"
	git -C "$OTHER" pull -q
	passes alpha switch
	cd "$OTHER"
	commit_line secrets.nix 'another'
	passes beta switch
	cd "$CONFIG"
	refused alpha switch
	assert_contains "$output" "secrets.nix: lacks 1 line"
	git pull -q "$OTHER" main
	passes alpha switch
}

@test "what is not committed of a filtered file is compared as it lies there" {
	echo '*.nix eol=crlf' >.gitattributes
	commit_all . "crlf" 2>/dev/null
	git -C "$OTHER" pull -q
	passes alpha switch
	printf 'nginx = true;\r\n' >>modules/web.nix
	passes alpha switch
	cd "$OTHER"
	refused beta switch
	assert_contains "$output" 'modules/web.nix: lacks 1 line (line 13: "nginx = true;")'
}

@test "the common ancestor holds what was committed, not what was built dirty" {
	passes alpha switch
	echo 'nginx = true;' >>modules/web.nix
	passes alpha switch
	run sr --agent alpha switch --flake "path:$PWD"
	assert_equal "$status" 0
	cd "$OTHER"
	refused beta switch
	assert_contains "$output" "modules/web.nix: lacks 1 line"
}

@test "flake.lock: a step back on purpose, inputs numbered anew" {
	lock flake.lock 2026-11-01
	commit_all . "lock"
	git -C "$OTHER" pull -q
	lock flake.lock 2026-10-01
	commit_all . "broken kernel, back"
	passes alpha switch
	cd "$OTHER"
	refused beta switch
	assert_contains "$output" "flake.lock: goes back: nixpkgs 2026-10-01 -> 2026-11-01"
	bring_in
	# nixpkgs_2 is another input's now: that is no step back
	node() { printf '"%s": {"locked": {"lastModified": %s, "rev": "%040d"}}' "$1" "$2" "$2"; }
	printf '{"nodes": {%s, "home": {"inputs": {"nixpkgs": "nixpkgs_2"}}, "root": {"inputs": {"home": "home"}}}, "root": "root"}' \
		"$(node nixpkgs_2 1700000000)" >flake.lock
	commit_all . "home"
	passes beta switch
	printf '{"nodes": {%s, %s, "home": {"inputs": {"nixpkgs": "nixpkgs_3"}}, "early": {"inputs": {"nixpkgs": "nixpkgs_2"}},
		"root": {"inputs": {"home": "home", "early": "early"}}}, "root": "root"}' \
		"$(node nixpkgs_2 1600000000)" "$(node nixpkgs_3 1700000000)" >flake.lock
	commit_all . "early"
	passes beta switch
}

@test "--rollback looks at what runs, too" {
	passes beta switch
	commit_line modules/web.nix 'nginx = true;'
	passes alpha test
	run sr --agent beta switch --rollback
	assert_equal "$status" 65
	assert_contains "$output" "would take back what somebody else made live: build 2 by alpha"
	run sr --agent beta boot --rollback
	assert_equal "$status" 0
}

@test "a newer build without a snapshot hides nothing" {
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	echo other >"$ROOT/flavour"
	DOUBLE='mkdir -p "$ROOT/systems/elsewhere"; ln -sfn "$ROOT/systems/elsewhere" "$ROOT/nix/var/nix/profiles/system"' \
		sr --agent gamma boot --flake github:me/conf
	cd "$OTHER"
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" "modules/web.nix: lacks 1 line"
	assert_contains "$output" "next boot: build 2 by gamma: boot succeeded"
}

@test "a switch that failed after setting the profile is what boots next" {
	passes alpha switch
	commit_line modules/web.nix 'nginx = true;'
	DOUBLE='mkdir -p "$ROOT/systems/half"; ln -sfn "$ROOT/systems/half" "$ROOT/nix/var/nix/profiles/system"; exit 1' \
		by alpha switch
	assert_equal "$status" 1
	cd "$OTHER"
	refused beta boot
	assert_contains "$output" "would take away what is live: build 2 by alpha: switch failed"
}

@test "another branch in one checkout: a line of a live commit that is missing is lost" {
	git checkout -q -b feature
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	git checkout -q main
	commit_line modules/web.nix 'apache = true;'
	refused beta switch
	assert_contains "$output" 'modules/web.nix: lacks 1 line (line 13: "nginx = true;")'
}

@test "a mode, and a line that stands elsewhere in the file as well" {
	chmod +x modules/web.nix
	commit_line modules/web.nix 'nginx = true;'
	passes alpha switch
	cd "$OTHER"
	sed -i 's/^line 2$/line 2 by beta/' modules/web.nix
	commit_line modules/web.nix 'nginx = true;'
	refused beta switch
	assert_contains "$output" "modules/web.nix: its content or mode goes back"
	chmod +x modules/web.nix
	commit_all . "mode"
	passes beta switch
	printf 'a = {\n  enable = true;\n}\nb = {\n}\n' >modules/list.nix
	commit_all . "a and b"
	passes beta switch
	cp -r "$OTHER" "$ROOT/third"
	sed -i 's/^b = {/b = {\n  enable = true;/' modules/list.nix
	commit_all . "b too"
	passes beta switch
	cd "$ROOT/third"
	sed -i 's/^b = {/b = {\n  other = true;/' modules/list.nix
	commit_all . "b otherwise"
	refused gamma switch
	assert_contains "$output" "modules/list.nix: lacks 1 line"
}

@test "a large file that the snapshot of the live build lacks is not held against mine" {
	head -c 1000 /dev/zero >modules/data
	commit_all . "data"
	git -C "$OTHER" pull -q
	truncate -s 200M modules/data
	passes alpha switch
	cd "$OTHER"
	passes beta switch
}

@test "a file of hundreds of thousands of lines that both changed is compared in no time" {
	seq 300000 >modules/long
	commit_all . "long"
	git -C "$OTHER" pull -q
	sed 's/$/ a/' -i modules/long
	commit_all . "alpha"
	passes alpha switch
	cd "$OTHER"
	sed 's/$/ b/' -i modules/long
	commit_line modules/db.nix 'postgres = true;'
	refused beta switch
	assert_contains "$output" "modules/long: lacks "
}

@test "a fifo where git has files: said at once, and gone on" {
	passes alpha switch
	mkfifo .git/objects/info/alternates
	run timeout 10 "$SAFE_REBUILD" --agent beta switch --flake .
	assert_equal "$status" 0
	assert_contains "$output" "alternates' is not a regular file"
	assert_contains "$output" "cannot tell whether this takes away what is live: there is no snapshot"
}

@test "diff --since a time: against what was live then" {
	local when
	passes alpha switch
	sleep 1.1
	when=$(date -Iseconds)
	sleep 1.1
	commit_line modules/web.nix 'nginx = true;'
	passes beta switch
	run sr --agent beta diff --since "$when"
	assert_equal "$status" 0
	assert_contains "$output" "M modules/web.nix +1"
	run sr --agent beta diff --since 0s
	refute_contains "$output" "web.nix"
	run sr --agent beta diff --since 2h
	assert_equal "$status" 0
	assert_contains "$output" "--since 2h: nothing was recorded then, but since the oldest build:"
}
