# Which configuration a command line builds, as the record names it.
load helpers

prepare() {
	make_repository
	echo '{ }' >"$CONFIG/configuration.nix"
	commit_all "$CONFIG" "classic"
	cd "$ROOT"
}

# config WORDS ...: what is recorded for a switch with these words.
config() {
	sr --agent a switch "$@" 2>/dev/null
	field last config
}

host() {
	uname -n
}

@test "flake references" {
	mkdir "$CONFIG/sub"
	cd "$CONFIG/sub"
	assert_equal "$(config --flake)" "git+file://$CONFIG#$(host)"
	assert_equal "$(config --flake .)" "git+file://$CONFIG#$(host)"
	assert_equal "$(config --flake=..#my.host)" "git+file://$CONFIG#my.host"
	assert_equal "$(config "-F$CONFIG/flake.nix#h")" "git+file://$CONFIG#h"
	assert_equal "$(config --flake "path:$CONFIG#h")" "path:$CONFIG#h"
	assert_equal "$(config --flake "git+file://$CONFIG?dir=sub#h")" "git+file://$CONFIG?dir=sub#h"
	assert_equal "$(config --flake "github:o/r#h")" "github:o/r#h"
	assert_equal "$(config --flake "$CONFIG" --no-flake -f ../configuration.nix)" \
		"$CONFIG/configuration.nix"
}

@test "a symlink to the checkout leads to the checkout" {
	ln -s "$CONFIG" link
	assert_equal "$(config --flake ./link#h)" "git+file://$CONFIG#h"
}

@test "--file, --attr, -I, NIXOS_CONFIG, NIX_PATH" {
	assert_equal "$(config --file "$CONFIG/configuration.nix")" "$CONFIG/configuration.nix"
	cp "$CONFIG/configuration.nix" "$CONFIG/default.nix"
	assert_equal "$(config -f "$CONFIG")" "$CONFIG/default.nix"
	assert_equal "$(cd "$CONFIG" && config -A box)" "$CONFIG/default.nix"
	cp "$CONFIG/default.nix" "$CONFIG/system.nix"
	# With both it depends on nixos-rebuild's age which one it takes.
	assert_equal "$(config -f "$CONFIG")" "$CONFIG"
	assert_equal "$(config -I nixpkgs=/x -I "nixos-config=$CONFIG/configuration.nix")" \
		"$CONFIG/configuration.nix"
	assert_equal "$(NIXOS_CONFIG=$CONFIG config)" "$CONFIG/default.nix"
	assert_equal "$(NIX_PATH=nixpkgs=https://x/y.tar.gz:nixos-config=$CONFIG/configuration.nix config)" \
		"$CONFIG/configuration.nix"
	mkdir path
	ln -s "$CONFIG/configuration.nix" path/nixos-config
	assert_equal "$(NIX_PATH=$ROOT/path config)" "$CONFIG/configuration.nix"
	assert_equal "$(NIXOS_CONFIG=$CONFIG NIX_PATH=$ROOT/path config)" "$CONFIG/default.nix"
}

# in_etc_nixos COMMANDS: runs shell commands with an /etc/nixos of the test's own.
in_etc_nixos() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	mkdir -p "$ROOT/etc-copy"
	cp -a /etc/passwd /etc/group /etc/nsswitch.conf "$ROOT/etc-copy" 2>/dev/null || true
	mkdir "$ROOT/etc-copy/nixos"
	unshare --mount sh -c "mount --bind '$ROOT/etc-copy' /etc && $1" ||
		skip "cannot make a mount namespace"
}

@test "/etc/nixos/flake.nix, through symlinks" {
	in_etc_nixos "ln -s '$CONFIG/flake.nix' /etc/nixos/flake.nix &&
		'$SAFE_REBUILD' --agent a switch"
	assert_equal "$(field last config)" "git+file://$CONFIG#$(host)"
}

@test "/etc/nixos/configuration.nix, when there is nothing else" {
	in_etc_nixos "ln -s '$CONFIG/configuration.nix' /etc/nixos/configuration.nix &&
		'$SAFE_REBUILD' --agent a switch"
	assert_equal "$(field last config)" "$CONFIG/configuration.nix"
}
