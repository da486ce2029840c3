# What an attack with fresh eyes found in the everyday life of three agents and a person.
load helpers

prepare() {
	make_repository
	cd "$CONFIG" || return
	printf '{\n  packages = [\n    vim\n  ];\n}\n' >base.nix
	commit_all . "base"
	# shellcheck disable=SC2016
	export DOUBLE='made=$ROOT/systems/$(cat flake.nix flake.lock *.nix */*.nix 2>/dev/null | sha1sum | cut -c1-12)
		mkdir -p "$made" "$ROOT/nix/var/nix/profiles"
		eval "${BEFORE:-:}"
		case $* in *switch* | *boot*) ln -sfn "$made" "$ROOT/nix/var/nix/profiles/system" ;; esac
		eval "${BETWEEN:-:}"
		case $* in *switch* | *test*) ln -sfn "$made" "$ROOT/run/current-system" ;; esac'
	by root switch
}

by() {
	run "$SAFE_REBUILD" --agent "$1" "$2" --flake . "${@:3}"
	echo "$output"
}

add() {
	sed -i "s/    vim/    vim\n    $1/" base.nix
	commit_all . "add $1"
}

# A configuration without flakes, of which not every file may be read by all.
make_classic() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir classic && cd classic || return
	echo '{ }' >configuration.nix
	export NIXOS_CONFIG=$PWD/configuration.nix
	echo hunter2 >wifi.key
	chmod 600 wifi.key
	run -0 sr --agent alpha switch
}

@test "a file whose content is not recorded: missing is refused, and nothing is made up for it" {
	make_classic
	rm wifi.key
	run sr --agent beta switch
	assert_equal "$status" 65
	assert_contains "$output" "wifi.key: the file is missing (build 2 by alpha)"
	assert_contains "$output" "put wifi.key back by hand: its content is not recorded"
	refute_contains "$output" "git apply"
	run sr --agent beta diff --restore
	refute_contains "$output" "not recorded."
	run sr --agent beta show 2 wifi.key
	assert_equal "$status" 125
	assert_contains "$output" "the content of 'wifi.key' is not recorded"
	run -0 sr --agent beta show 2 --patch
	refute_contains "$output" "+Size"
	assert_contains "$output" "left out of the patch, because their content is not recorded: 1 of the files, such as 'wifi.key'"
}

@test "a file whose content is not recorded: its mode, its time and its content are its owner's" {
	make_classic
	chmod 644 wifi.key
	run -0 sr --agent beta switch
	assert_contains "$output" "A wifi.key"
	chmod 600 wifi.key
	run -0 sr --agent gamma switch
	touch -d '1 hour ago' wifi.key
	run -0 sr --agent alpha switch
	refute_contains "$output" "lacks"
	run -0 sr --agent beta diff
	assert_contains "$output" "M wifi.key (content not recorded)"
}

@test "a file whose content is not recorded is no edit where git has it" {
	make_classic
	git init -q
	head -c 2000000 /dev/urandom >picture
	mkdir -m 700 private
	echo '{ }' >private/mine.nix
	git add -A
	git -c user.name=t -c user.email=t@t commit -qm all
	run -0 sr --agent alpha switch
	assert_equal "$(field last config_state)" clean
	run -0 sr --agent alpha status
	assert_contains "$output" "nothing, all is committed"
	echo x >>picture
	run -0 sr --agent alpha status
	assert_contains "$output" "not committed: M picture"
}

@test "one's own boot does not let one's own switch take away what another tests" {
	add tmux
	by alpha test
	git checkout -q HEAD~1 -- .
	add emacs
	by beta switch
	assert_equal "$status" 65
	by beta boot
	assert_equal "$status" 0
	assert_contains "$output" 'warning: base.nix: lacks 1 line (line 4: "    tmux") (build 2 by alpha)'
	by beta switch
	assert_equal "$status" 65
	by beta switch --allow-undo 2
	assert_equal "$status" 0
}

@test "a flake.lock that nixos-rebuild itself has written is what is live" {
	local lock='{"nodes":{"nixpkgs":{"locked":{"lastModified":%d,"rev":"%040d"}},"root":{"inputs":{"nixpkgs":"nixpkgs"}}},"root":"root"}'
	# shellcheck disable=SC2059
	printf "$lock" 1761955200 1 >flake.lock
	commit_all . "lock"
	# shellcheck disable=SC2059
	NEWER=$(printf "$lock" 1763596800 2)
	export NEWER
	# shellcheck disable=SC2016
	BEFORE='printf %s "$NEWER" >flake.lock; echo "warning: updating lock file" >&2' by alpha switch
	assert_contains "$output" "nixos-rebuild has written flake.lock"
	run -0 sr --agent alpha diff
	assert_contains "$output" "nothing has changed"
	git checkout -q flake.lock
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" "flake.lock: goes back: nixpkgs 2025-11-20 -> 2025-11-01"
}

@test "a build that activates is what boots next, not a system made outside" {
	add tmux
	# shellcheck disable=SC2016
	BETWEEN='echo "activating the configuration..." >&2; touch "$ROOT/now"; while [ ! -e "$ROOT/go" ]; do sleep 0.05; done' \
		sr --agent alpha switch --flake . >/dev/null 2>&1 &
	wait_for test -e "$ROOT/now"
	run -0 sr --agent beta status
	touch "$ROOT/go"
	wait
	assert_contains "$output" "boots:    build 2 by alpha: switch running"
	assert_contains "$output" "verdict:  a switch now passes"
	refute_contains "$output" "outside"
}

@test "what others built without a snapshot is told, and nobody's builds are older than one's own" {
	by alpha switch
	run -0 sr --agent beta switch --flake github:owner/repository
	run -0 sr --agent alpha diff
	assert_contains "$output" "1 build by others"
	assert_contains "$output" "build 3 by beta: switch succeeded"
	assert_contains "$output" "(its configuration is not known)"
	assert_equal "$(sr --agent alpha diff --json | jq -c '[.builds[].build]')" "[3]"
	run -0 sr --agent beta status
	assert_contains "$output" "since:    nobody has built since your build"
	echo '{ }' >new.nix
	git add new.nix
	by alpha build
	assert_contains "$output" "build 3 by beta: switch succeeded"
}

@test "hints name the configuration, and diff says which one it is about" {
	for i in 1 2 3 4 5 6 7; do echo '{ }' >"m$i.nix"; done
	commit_all . "modules"
	by alpha build
	assert_contains "$output" "and 2 more: safe-rebuild diff --flake ."
	cd /
	run -0 sr --agent alpha diff --flake "$CONFIG"
	assert_contains "$output" "this is about 'git+file://$CONFIG"
}

@test "many warnings do not hide how far the run is, and are counted" {
	add tmux
	# shellcheck disable=SC2016
	BEFORE='for i in $(seq 40); do echo "warning: $i $(head -c 120 /dev/zero | tr "\0" w)" >&2; done
		echo "activating the configuration..." >&2; echo "restarting the following units: nginx.service" >&2' by alpha switch
	assert_contains "$output" "activating the configuration..."
	assert_contains "$output" "restarting the following units: nginx.service"
	assert_like "$output" "*safe-rebuild: and [0-9]* more warnings: safe-rebuild show 2 --output*"
}

@test "another profile and another host are told from this machine" {
	run -0 sr --agent alpha -p work switch --flake .
	run -0 sr --agent alpha switch --flake . --target-host root@web1
	run -0 sr log -n 2
	assert_contains "$output" "switch of host root@web1 succeeded"
	assert_contains "$output" "switch of profile work succeeded"
}

@test "a build whose runner was killed still goes on: status, log and show say so" {
	add emacs
	# shellcheck disable=SC2016
	BEFORE='touch "$ROOT/now"; while [ ! -e "$ROOT/go" ]; do sleep 0.05; done' \
		sr --agent alpha switch --flake . >/dev/null 2>&1 &
	wait_for test -e "$ROOT/now"
	kill_runs
	wait
	run -0 sr status
	assert_contains "$output" "building: build 2 by alpha: its runner was killed, nixos-rebuild goes on"
	assert_contains "$(sr status --json | jq_get building)" "'build': 2"
	run -0 sr log -n 1
	assert_contains "$output" "build 2 by alpha: switch running"
	run -65 sr --agent alpha cancel
	assert_like "$output" "*build 2 by alpha: its runner was killed, * nixos-rebuild goes on: kill [0-9]* ends it"
	touch "$ROOT/go"
	# what it has made live is its work, before anybody has recorded that
	is_live() { sr status | grep -q "live:     build 2 by alpha: switch interrupted"; }
	wait_for is_live
	assert_contains "$(sr --agent alpha status)" "yours:    build 2 by alpha: switch interrupted"
	by beta switch
	assert_equal "$(field 2 outcome)" interrupted
}

@test "a module that another has renamed comes back with the import that names it" {
	echo '{ imports = [ ./base.nix ]; }' >default.nix
	commit_all . "imports"
	by alpha switch
	git mv base.nix common.nix
	sed -i s/base/common/ default.nix
	commit_all . "rename"
	by alpha switch
	git checkout -q HEAD~1 -- .
	git rm -qf common.nix
	add emacs
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" "add -f -N -- common.nix"
	eval "$(sed -n 's/^safe-rebuild: bring it in: //p' <<<"$output")"
	assert_contains "$(cat default.nix)" ./common.nix
	assert_equal "$(git ls-files common.nix)" common.nix
	grep -q emacs base.nix
	by beta switch
	assert_equal "$status" 0
}

@test "a line comes back with the argument of its module that it needs" {
	printf '{ ... }:\n{\n  ssh.enable = true;\n  ssh.passwords = false;\n}\n' >ssh.nix
	printf '{ pkgs, ... }:\n{ a = pkgs.a; }\n' >a.nix
	commit_all . "modules"
	by alpha switch
	sed -i 's/{ \.\.\. }/{ pkgs, ... }/; s/true;/true;\n  ssh.package = pkgs.ssh;/' ssh.nix
	commit_all . "package"
	by alpha switch
	git checkout -q HEAD~1 -- ssh.nix
	sed -i 's/passwords = false/passwords = true/' ssh.nix
	by beta switch
	assert_equal "$status" 65
	eval "$(sed -n 's/^safe-rebuild: bring it in: //p' <<<"$output")"
	assert_equal "$(head -1 ssh.nix)" "{ pkgs, ... }:"
	grep -q "ssh.package = pkgs.ssh;" ssh.nix
	grep -q "ssh.passwords = true;" ssh.nix
	by beta switch
	assert_equal "$status" 0
}

@test "a file that others have removed and one has edited: what to do is said" {
	git rm -q base.nix
	commit_all . "remove"
	by alpha switch
	git checkout -q HEAD~1 -- base.nix
	sed -i 's/vim/vim\n    emacs/' base.nix
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" "remove base.nix by hand, and put your own lines elsewhere: others have removed it"
}

@test "an older version of a file that the caller himself has removed is the caller's to bring back" {
	echo '{ services.a = 1; services.b = 2; }' >web.nix
	commit_all . w1
	by beta switch
	echo '{ services.a = 2; services.b = 2; }' >web.nix
	commit_all . w2
	by beta switch
	rm web.nix
	commit_all . rm
	by gamma switch --allow-undo 2,3
	assert_equal "$status" 0
	git checkout -q HEAD~2 -- web.nix
	commit_all . again
	run sr --agent delta diff --flake . --exit-code
	assert_equal "$status" 65
	assert_contains "$output" 'web.nix: the file is back that had been removed'
	by gamma switch
	assert_equal "$status" 0
	assert_contains "$output" "takes back what your own build did: web.nix: the file is back that had been removed (build 4 by gamma)"
}

@test "whose lines another has changed with a warning is told so" {
	add tmux
	by alpha switch
	sed -i 's/tmux/tmux-mine/; s/vim/vim-mine/' base.nix
	sed -i 's/^  packages = .*/  port = 1;\n&/' base.nix
	commit_all . "port"
	by alpha switch --allow-undo 1
	assert_equal "$status" 0
	sed -i 's/port = 1/port = 2/' base.nix
	commit_all . "another port"
	by beta switch
	assert_equal "$status" 0
	assert_contains "$output" 'it becomes "  port = 2;"'
	assert_equal "$(field last changed_work)" 3
	by alpha diff
	assert_contains "$output" "build 4 by beta changed lines of your build 3: safe-rebuild show 4 --patch"
	by gamma diff
	refute_contains "$output" "changed lines of"
}

@test "where [guard] undo = warn, nobody is said to have allowed it" {
	add tmux
	by alpha switch
	printf '[guard]\nundo = warn\n' >>"$SAFE_REBUILD_SETTINGS"
	sed -i '/tmux/d' base.nix
	commit_all . "without tmux"
	by beta switch
	assert_equal "$status" 0
	refute_contains "$(sr show last)" "Allowed-Undo"
	assert_equal "$(field last changed_work)" 2
	by alpha diff
	assert_contains "$output" "build 3 by beta changed lines of your build 2: "
}

@test "what a program filters on its way into git is no edit until somebody edits it" {
	git config filter.rot.clean 'tr a-z n-za-m'
	git config filter.rot.smudge 'tr a-z n-za-m'
	echo '*.key filter=rot' >.gitattributes
	echo hunter >wifi.key
	commit_all . "a key"
	assert_equal "$(git show HEAD:wifi.key)" uhagre
	by alpha switch
	assert_equal "$(field last config_state)" clean
	refute_contains "$output" "uncommitted"
	run sr --agent alpha status
	assert_contains "$output" "edited:   nothing, all is committed"
	echo hunted >wifi.key
	run sr --agent alpha status
	assert_contains "$output" "edited:   not committed: M wifi.key"
	touch -d '1 hour ago' wifi.key
	by alpha switch
	assert_equal "$(field last config_state)" dirty
	git checkout -q wifi.key
	by alpha switch
	assert_equal "$(field last config_state)" clean
}

@test "swap, backup and lock files of editors are no part of a configuration" {
	make_classic
	echo x >.configuration.nix.swp
	echo x >configuration.nix~
	echo x >'#configuration.nix#'
	ln -s "me@box.1:2" .#configuration.nix
	echo '{ }' >.hidden.nix
	run -0 sr --agent alpha switch
	refute_contains "$output" "swp"
	assert_contains "$output" "A .hidden.nix"
	rm .configuration.nix.swp configuration.nix~ '#configuration.nix#' .#configuration.nix
	run -0 sr --agent beta switch
	refute_contains "$output" "missing"
}

@test "a port, an import or a user on one line is brought in by the command that is printed" {
	printf '{\n  ports = [ 22 ];\n  imports = [ ./base.nix ];\n  users.bob = { isNormalUser = true; };\n}\n' >one.nix
	commit_all . "one"
	by root switch
	cp one.nix "$ROOT/old"
	sed -i 's/\[ 22 \]/[ 22 443 ]/; s#./base.nix#./base.nix ./db.nix#; s/true; }/true; uid = 1001; }/' one.nix
	commit_all . "more"
	by alpha switch
	cp "$ROOT/old" one.nix
	by beta switch
	assert_equal "$status" 65
	refute_contains "$output" "mixed"
	run -0 bash -c 'set -o pipefail; "$SAFE_REBUILD" --agent beta diff --restore --flake . | git apply --whitespace=nowarn'
	assert_equal "$(git diff)" ""
	# what the caller has added himself is for the caller to merge
	sed 's/\[ 22 \]/[ 22 80 ]/' "$ROOT/old" >one.nix
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" "edit by hand, because your lines and theirs are mixed: one.nix"
}

# The advice that was printed, typed.
takes_advice() {
	run -0 bash -c "set -o pipefail; $(sed -n 's/^safe-rebuild: \(bring it in\|put it back\): //p' <<<"$output")"
}

# Alpha makes live what it has written into a module of beta's.
make_module() {
	mkdir -p modules hosts
	printf '{\n  imports = [\n    ./base.nix\n    ./modules/users.nix\n  ];\n}\n' >system.nix
	printf '{\n  users.root.shell = "bash";\n}\n' >modules/users.nix
	printf '{\n  imports = [ ];\n}\n' >hosts/box.nix
	commit_all . "modules"
	by beta switch
	sed -i 's/^}/  users.bob.uid = 1001;\n}/' modules/users.nix
	commit_all . "bob"
	by alpha switch
}

@test "who takes out an import takes away what others wrote in its file" {
	make_module
	sed -i 's,    ./modules,    # ./modules,' system.nix
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" 'system.nix: lacks 1 line (line 4: "    ./modules/users.nix") (build 3 by alpha)'
	takes_advice
	by beta switch
	assert_equal "$status" 0
	# together with the file
	git checkout -q . && git rm -q modules/users.nix && sed -i '/users.nix/d' system.nix
	by beta switch
	assert_equal "$status" 65
	takes_advice
	assert_equal "$(git diff HEAD)" ""
	by beta switch
	assert_equal "$status" 0
}

@test "an import that has moved, or the name of its file that has changed, is no loss" {
	make_module
	sed -i '/users.nix/d' system.nix
	sed -i 's,\[ \],[ ../modules/users.nix ],' hosts/box.nix
	by beta switch
	assert_equal "$status" 0
	git checkout -q .
	git mv modules/users.nix modules/people.nix
	sed -i 's/users.nix/people.nix/' system.nix
	by beta switch
	assert_equal "$status" 0
	git reset -q --hard
	by alpha switch
	sed -i 's,    ./modules/users.nix,    (readAll ./modules),' system.nix
	by beta switch
	assert_equal "$status" 0
}

@test "a block that was moved does not come back a second time" {
	printf '{\n  a = 1;\n  packages = [\n    vim\n    git\n    tmux\n    htop\n  ];\n}\n' >one.nix
	commit_all . "tmux"
	by alpha switch
	printf '{\n  packages = [\n    vim\n    git\n    htop\n  ];\n}\n' >packages.nix
	printf '{\n  a = 1;\n}\n' >one.nix
	git add -A
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" 'one.nix: lacks 1 line (line 6: "    tmux")'
	assert_contains "$output" "edit by hand, because lines around theirs have moved: one.nix, or where it was moved to (what is live: safe-rebuild "
	refute_contains "$output" "git apply"
}

@test "a set that is written flat, or a comment in a list, takes nothing away" {
	printf '{\n  nginx = {\n    enable = true;\n    hosts."a.org" = {\n      root = "/srv";\n      ssl = true;\n      ports = [\n        443\n      ];\n    };\n  };\n}\n' >web.nix
	cp web.nix "$ROOT/nested"
	commit_all . "nginx"
	by alpha switch
	printf '{\n  nginx.enable = true;\n  nginx.hosts."a.org".root = "/srv";\n  nginx.hosts."a.org".ssl = true;\n  nginx.hosts."a.org".ports = [\n    443\n  ];\n}\n' >web.nix
	by beta switch
	assert_equal "$status" 0
	refute_contains "$output" "lacks"
	cp "$ROOT/nested" web.nix
	by gamma switch
	assert_equal "$status" 0
	printf '{\n  nginx = {\n    enable = true;\n    hosts."a.org".root = "/srv";\n    hosts."a.org".ports = [ 80 /* too */ 443 ];\n  };\n}\n' >web.nix
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" 'web.nix: lacks 1 line (line 6: "      ssl = true;")'
}

@test "a file with a filter is put back by the command that is printed" {
	git config filter.rot.clean 'tr a-z n-za-m'
	git config filter.rot.smudge 'tr a-z n-za-m'
	echo 'secret filter=rot' >.gitattributes
	printf 'one\ntwo\n' >secret
	commit_all . "a secret"
	by root switch
	cp secret "$ROOT/old"
	echo three >>secret
	commit_all . "three"
	by alpha switch
	cp "$ROOT/old" secret
	by beta switch
	assert_equal "$status" 65
	takes_advice
	by beta switch
	assert_equal "$status" 0
	assert_equal "$(tail -n 1 secret)" three
}

@test "a submodule: what is printed brings its files, or its commit, back" {
	export GIT_CONFIG_COUNT=3 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=tester \
		GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=tester@localhost \
		GIT_CONFIG_KEY_2=protocol.file.allow GIT_CONFIG_VALUE_2=always
	git init -q "$ROOT/sub"
	(cd "$ROOT/sub" && printf '{ }\n' >default.nix && commit_all . "sub")
	git submodule --quiet add "$ROOT/sub" sub
	commit_all . "sub"
	run -0 sr --agent alpha switch --flake '.?submodules=1'
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" "sub is a submodule, whose files the flake's reference leaves out: add ?submodules=1 to it, as build 2 had it"
	git clone -q . "$ROOT/clone"
	cd "$ROOT/clone" || return
	run sr --agent beta switch --flake '.?submodules=1'
	assert_equal "$status" 65
	takes_advice
	run -0 sr --agent beta switch --flake '.?submodules=1'
	cd "$CONFIG" || return
	run -0 sr --agent alpha --allow-undo 3 switch --flake .
	(cd sub && echo '# more' >>default.nix && commit_all . "more")
	commit_all . "the submodule's new commit"
	by alpha switch
	assert_equal "$status" 0
	git checkout -q HEAD~1 -- sub && git submodule --quiet update
	by beta switch
	assert_equal "$status" 65
	takes_advice
	by beta switch
	assert_equal "$status" 0
}

@test "nothing has changed since a build that is not what runs: that is said" {
	add curl
	DOUBLE='exit 1' by beta switch
	assert_equal "$status" 1
	run -0 sr --agent beta diff
	assert_like "$output" "since your build 2 (*): nothing has changed, but that switch failed"
	run -0 sr --agent beta dry-activate --flake .
	run -0 sr --agent beta diff
	assert_contains "$output" "nothing has changed, but that was a dry-activate, which makes nothing live"
	by beta boot
	run -0 sr --agent beta diff
	assert_contains "$output" "nothing has changed, but that was a boot, which a reboot makes live"
	by beta switch
	run -0 sr --agent beta diff
	assert_like "$output" "since your build 5 (*): nothing has changed"
	refute_contains "$output" "but that"
}

@test "the verdict of status: undo = warn, one's own lines that are gone, another's tree that failed" {
	add curl
	by beta switch
	git checkout -q HEAD~1
	run -0 sr --agent beta status
	assert_contains "$output" "verdict:  a switch now passes, and takes back a part of what your own build did: see safe-rebuild diff"
	printf '[guard]\nundo = warn\n' >>"$SAFE_REBUILD_SETTINGS"
	run -0 sr --agent alpha status
	assert_contains "$output" "verdict:  a switch now would only warn ([guard] undo = warn): it would take away"
	run -0 sr --agent alpha status --json
	assert_contains "$output" '"verdict": "passes"'
	run sr --agent alpha diff --exit-code
	assert_equal "$status" 1
	assert_contains "$output" "a switch now would only warn ([guard] undo = warn): it would take away"
	by alpha switch
	assert_equal "$status" 0
	git checkout -q main
	run -0 sr --agent alpha switch --flake '.#box'
	add tmux
	DOUBLE='exit 1' run sr --agent alpha switch --flake '.#box'
	run -0 sr --agent alpha status
	assert_contains "$output" "verdict:  a switch now would not be refused, but this same configuration has failed"
}

@test "a line of a script does not come back in another place than it stood" {
	printf '{\n  start = '"''"'\n    mkdir app\n    rm -rf tmp\n  '"''"';\n}\n' >app.nix
	printf 'mkdir app\nrm -rf tmp\n' >run.sh
	commit_all . "scripts"
	by root switch
	cp app.nix run.sh "$ROOT"
	sed -i 's/^\( *\)rm/\1cd app\n&/' app.nix run.sh
	commit_all . "cd"
	by alpha switch
	# what the caller has not touched comes back where it stood
	cp "$ROOT/app.nix" "$ROOT/run.sh" .
	by beta switch
	assert_equal "$status" 65
	takes_advice
	assert_equal "$(git diff)" ""
	cp "$ROOT/app.nix" "$ROOT/run.sh" .
	sed -i 's/tmp/tmp cache/' app.nix run.sh
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" "edit by hand, because your lines and theirs are mixed: app.nix"
	assert_contains "$output" "edit by hand, because your lines and theirs are mixed: run.sh"
}

@test "an old copy of a file is seen where only order or indentation tells it from the live one" {
	printf 'services:\n  web:\n    image: a\n  env:\n    X: 1\n' >compose.yml
	printf '#!/bin/sh\nrm -rf tmp\ncd /srv/app\n' >run.sh
	commit_all . "files"
	by alpha switch
	printf 'services:\n  web:\n    image: a\n    env:\n      X: 1\n' >compose.yml
	printf '#!/bin/sh\ncd /srv/app\nrm -rf tmp\n' >run.sh
	commit_all . "fix"
	by alpha switch
	git checkout -q HEAD~1 -- .
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" "compose.yml: its order or indentation goes back (build 3 by alpha)"
	assert_contains "$output" "run.sh: its order or indentation goes back (build 3 by alpha)"
	eval "$(sed -n 's/^safe-rebuild: bring it in: //p' <<<"$output")"
	assert_equal "$(git diff HEAD --name-only)" ""
	by beta switch
	assert_equal "$status" 0
	# what was never live is beta's own, and of Nix only texts have an order
	printf '#!/bin/sh\nrm -rf tmp\n\ncd /srv/app\n' >run.sh
	by beta switch
	assert_equal "$status" 0
}

@test "the same of Nix is only told" {
	printf '{ a = [ 1 ];\n  b = 2; }\n' >order.nix
	commit_all . "order"
	by alpha switch
	printf '{ b = 2;\n  a = [ 1 ]; }\n' >order.nix
	by alpha switch
	git checkout -q order.nix
	by beta switch
	assert_equal "$status" 0
	assert_contains "$output" "order.nix: its order or indentation goes back (build 3 by alpha, uncommitted)"
}

@test "a file that is put back after a failed build is not called unbuilt" {
	by alpha switch
	echo '{ broken' >base.nix
	DOUBLE='exit 1' by alpha switch
	git checkout -q base.nix
	run -0 sr --agent alpha diff
	assert_like "$output" "since your build 3 (*): 1 file as before it
  as in build 2 by alpha: switch succeeded*
    M base.nix *"
	add emacs
	run -0 sr --agent alpha diff
	assert_like "$output" "since your build 3 (*): 1 file not built yet*"
	by beta switch
	git commit -q --allow-empty -m "no change"
	run -0 sr --agent alpha diff
	assert_contains "$output" "  committed since:"
}

# Two machines in one flake, each with a file of its own.
make_hosts() {
	mkdir -p hosts/box hosts/laptop
	printf '{\n  imports = [\n    ./disk.nix\n  ];\n  ports = [ 22 80 ];\n}\n' |
		tee hosts/box/default.nix >hosts/laptop/default.nix
	commit_all . "hosts"
	by alpha switch
}

@test "what another machine of the flake has as well is no copy that excuses a loss" {
	make_hosts
	sed -i 's/    .\/disk.nix/&\n    ..\/..\/gaming.nix/' hosts/laptop/default.nix
	by alpha switch
	cp hosts/box/default.nix "$ROOT/old"
	sed -i 's/    .\/disk.nix/&\n    ..\/..\/gaming.nix/; s/ 80 / /' hosts/box/default.nix
	by alpha switch
	cp "$ROOT/old" hosts/box/default.nix
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" 'hosts/box/default.nix: lacks 1 line (line 4: "    ../../gaming.nix")'
	assert_contains "$output" 'has 1 line back that had been removed (line 5: "80")'
	assert_contains "$(sr --agent beta status)" "verdict:  a switch now would be refused"
	takes_advice
	by beta switch
	assert_equal "$status" 0
	grep -q gaming hosts/box/default.nix
}

@test "a new file is not the old one of another: a skeleton that somebody else has filled" {
	local skeleton
	for skeleton in '{ ... }:\n{\n}\n' '{ }\n' ''; do
		# shellcheck disable=SC2059
		printf "$skeleton" >web.nix
		git add web.nix
		by alpha switch
		printf '{ ... }:\n{\n  nginx = %s;\n}\n' "${#skeleton}" >web.nix
		by beta switch
		# shellcheck disable=SC2059
		printf "$skeleton" >"db${#skeleton}.nix"
		git add -A
		by alpha switch
		assert_equal "$status" 0
		refute_contains "$output" "is back"
	done
	# its own place is another matter
	git rm -qf db0.nix
	by beta --allow-undo 9 switch
}

@test "files of the same content belong to who made each" {
	local agent
	for agent in one two three; do
		printf '#!/bin/sh\nexec true\n' >"$agent.sh"
		git add "$agent.sh"
		by "$agent" switch
	done
	git rm -qf ./*.sh
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" "one.sh: the file is missing (build 2 by one, uncommitted)"
	assert_contains "$output" "two.sh: the file is missing (build 3 by two, uncommitted)"
	assert_contains "$output" "three.sh: the file is missing (build 4 by three, uncommitted)"
	assert_contains "$output" "--allow-undo 2,3,4 "
}

@test "a file that is just what it once was comes back with one command, whatever is interwoven" {
	printf '{\n  inputs.nixpkgs.url = "a";\n  outputs = { self, nixpkgs }: {\n    x = 1;\n  };\n}\n' >flake.nix
	commit_all . "flake"
	by alpha switch
	sed -i 's/^  inputs.*/&\n  inputs.hm.url = "b";/; s/self, nixpkgs/self, nixpkgs, hm/' flake.nix
	commit_all . "home-manager"
	by alpha switch
	git checkout -q HEAD~1
	by beta switch
	assert_equal "$status" 65
	takes_advice
	assert_equal "$(git diff HEAD --numstat | cut -f 1,2 | xargs)" "2 1"
	by beta switch
	assert_equal "$status" 0
}

@test "who amends another's commit in a clone of one's own takes away what it lacks" {
	git clone -q . "$ROOT/beta"
	git -C "$ROOT/beta" config user.name tester
	git -C "$ROOT/beta" config user.email tester@localhost
	git config user.email tester@localhost
	add emacs
	by alpha switch
	cd "$ROOT/beta"
	cp base.nix "$ROOT/old"
	git pull -q "$CONFIG" HEAD
	sleep 1.1
	sed 's/    vim/    vim\n    jq/' "$ROOT/old" >base.nix
	git commit -qa --amend --no-edit
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" 'base.nix: lacks 1 line (line 4: "    emacs") (build 2 by alpha)'
}

@test "the author amends a file out of a commit, another pulls that and builds" {
	git clone -q . "$ROOT/alpha"
	git clone -q . "$ROOT/beta"
	cd "$ROOT/alpha"
	git config user.name tester
	git config user.email tester@localhost
	sed -i 's/    vim/    vim\n    emacs/' base.nix
	echo '{ audio = true; }' >audio.nix
	git add audio.nix
	commit_all . "audio"
	by alpha switch
	sleep 1.1
	git checkout -q HEAD~1 -- base.nix
	git commit -qa --amend --no-edit
	cd "$ROOT/beta"
	git pull -q "$ROOT/alpha" HEAD
	by beta switch
	assert_equal "$status" 0
	assert_contains "$output" 'note: whose commit was amended or rebased since: base.nix: lacks 1 line (line 4: "    emacs") (build 2 by alpha)'
}

@test "a wrong flag of one says nothing to others of the configuration" {
	add emacs
	DOUBLE='exit 1' by alpha switch --override-input nix x
	by beta diff
	run -0 sr --agent beta switch --flake .
	refute_contains "$output" "has failed"
	add jq
	DOUBLE='exit 1' by alpha switch --bogus
	run -0 sr --agent beta switch --flake .
	refute_contains "$output" "has failed"
	add htop
	DOUBLE='exit 1' by alpha switch --show-trace
	run -0 sr --agent beta switch --flake .
	assert_contains "$output" "warning: this same configuration has failed"
}

@test "commands work as typed where PATH does not lead to safe-rebuild" {
	add emacs
	by alpha switch
	git checkout -q HEAD~1
	rm "$ROOT/bin/safe-rebuild"
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" "bring it in: $(realpath "$SAFE_REBUILD") --agent beta diff --restore"
	cp -r . "$ROOT/copy"
	run -0 bash -c "$(sed -n 's/^safe-rebuild: if it is meant to go: //p' <<<"$output")"
	cd "$ROOT/copy"
	git reset -q --hard
	by alpha switch
}

@test "a draft that git does not track, and that has the name of another's file" {
	echo '{ a = 1; }' >db.nix
	commit_all . "db"
	by alpha switch
	git checkout -q HEAD~1
	echo '{ b = 1; }' >db.nix
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" "merge by hand, because a draft that git does not track has the name of theirs, and then git add it: db.nix (what is live: safe-rebuild show 2 db.nix)"
	refute_contains "$output" "bring it in"
	# the very file needs no more than git add
	echo '{ a = 1; }' >db.nix
	by beta switch
	takes_advice
	by beta switch
	assert_equal "$status" 0
}

# Modules two directories up, as hosts import them.
make_deep_hosts() {
	mkdir -p hosts/box hosts/laptop modules
	printf '{\n  imports = [\n    ../../modules/ssh.nix\n  ];\n  packages = [\n    git\n    mtr\n  ];\n}\n' >hosts/box/default.nix
	printf '{\n  imports = [\n    ./disk.nix\n  ];\n  packages = [\n    git\n  ];\n}\n' >hosts/laptop/default.nix
	printf '{\n  ssh.port = 22;\n}\n' >modules/ssh.nix
	commit_all . "deep"
	by alpha switch
}

@test "imports with more than one .. are followed: renamed with the module, taken out with another's work" {
	make_deep_hosts
	git mv modules/ssh.nix modules/sshd.nix
	sed -i s/ssh.nix/sshd.nix/ hosts/box/default.nix
	by beta switch
	assert_equal "$status" 0
	refute_contains "$output" "lacks"
	sed -i '/port/a\  ssh.keys = true;' modules/sshd.nix
	by gamma switch
	sed -i '/sshd.nix/d' hosts/box/default.nix
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" '../../modules/sshd.nix'
}

@test "who gives another machine the same line has not moved it there" {
	make_deep_hosts
	cp hosts/box/default.nix "$ROOT/old"
	sed -i 's/    mtr/&\n    tcpdump/' hosts/box/default.nix
	by gamma switch
	cp "$ROOT/old" hosts/box/default.nix
	sed -i 's/    git/&\n    tcpdump/' hosts/laptop/default.nix
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" 'hosts/box/default.nix: lacks 1 line (line 8: "    tcpdump") (build 3 by gamma, uncommitted)'
	refute_contains "$output" "order or indentation"
	takes_advice
	by beta switch
	assert_equal "$status" 0
	# and whose an equal line is stays as it was
	sed -i '/tcpdump/d' hosts/box/default.nix
	by beta switch
	assert_equal "$status" 65
	assert_contains "$output" "(build 3 by gamma, uncommitted)"
}

@test "a list that has moved as a whole leaves no beginning behind, a dissolved module no import" {
	make_deep_hosts
	printf '{\n  tools = [\n    strace\n  ];\n}\n' >modules/tools.nix
	sed -i 's/^  imports = \[/&\n    ..\/..\/modules\/tools.nix/' hosts/box/default.nix
	commit_all . "tools"
	by alpha switch
	printf '{\n  ssh.port = 22;\n  tools = [\n    strace\n  ];\n}\n' >modules/ssh.nix
	git rm -qf modules/tools.nix
	sed -i '/tools.nix/d' hosts/box/default.nix
	by beta switch
	assert_equal "$status" 0
	refute_contains "$output" "lacks"
	# all packages of a machine go to what all machines have
	printf '{\n  packages = [\n    git\n    mtr\n  ];\n}\n' >modules/common.nix
	git add modules/common.nix
	sed -i '/packages/,/];/d' hosts/box/default.nix
	by beta switch
	assert_equal "$status" 0
	refute_contains "$output" "lacks"
}

@test "one line that was filled comes back whole, and .gitkeep may go" {
	echo '{ }' >web.nix
	mkdir secrets
	touch secrets/.gitkeep
	commit_all . "skeleton"
	by alpha switch
	cp web.nix "$ROOT/old"
	printf '{ ... }:\n{\n  nginx = true;\n}\n' >web.nix
	by gamma switch
	cp web.nix "$ROOT/live"
	cp "$ROOT/old" web.nix
	by beta switch
	assert_equal "$status" 65
	takes_advice
	cmp web.nix "$ROOT/live"
	echo x >secrets/key
	git add secrets/key
	git rm -qf secrets/.gitkeep
	by beta switch
	assert_equal "$status" 0
}

@test "the author amends what another has built since, who pulls that" {
	git clone -q . "$ROOT/alpha"
	git clone -q . "$ROOT/beta"
	local clone
	for clone in alpha beta; do
		git -C "$ROOT/$clone" config user.name tester
		git -C "$ROOT/$clone" config user.email tester@localhost
	done
	cd "$ROOT/alpha"
	sed -i 's/    vim/    vim\n    emacs\n    jq/' base.nix
	git commit -qam "editors"
	by alpha switch
	cd "$ROOT/beta"
	git pull -q "$ROOT/alpha" HEAD
	echo '{ own = true; }' >own.nix
	git add own.nix
	git commit -qm own
	by beta switch
	sleep 1.1
	cd "$ROOT/alpha"
	sed -i '/jq/d' base.nix
	git commit -qa --amend --no-edit
	cd "$ROOT/beta"
	git pull -q --rebase "$ROOT/alpha" HEAD || git rebase --skip >/dev/null
	by beta switch
	assert_equal "$status" 0
	assert_contains "$output" "whose commit was amended or rebased since: base.nix: lacks 1 line"
}
