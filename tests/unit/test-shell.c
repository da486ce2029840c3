#include "unit.h"

#include "hook/shell.h"

static void assert_rewritten(const char *command, const char *expected)
{
	struct shell_rewrite rewrite = {.message = "M"};
	_cleanup_free_ char *changed = shell_rewrite(command, &rewrite);

	if (expected)
		assert_non_null(changed);
	else
		assert_null(changed);
	if (expected)
		assert_string_equal(changed, expected);
}

static void test_commands(void **state)
{
	static const struct {
		const char *command, *expected;
	} cases[] = {
		{"nixos-rebuild switch --flake .#box",
			"safe-rebuild switch --message 'M' --flake .#box"},
		{"sudo nixos-rebuild switch", "sudo safe-rebuild switch --message 'M'"},
		{"sudo -u root -E nixos-rebuild boot",
			"sudo -u root -E safe-rebuild boot --message 'M'"},
		{"sudo -- nixos-rebuild test", "sudo -- safe-rebuild test --message 'M'"},
		{"env -i PATH=/run/current-system/sw/bin nixos-rebuild switch",
			"env -i PATH=/run/current-system/sw/bin safe-rebuild switch --message 'M'"},
		/* What stands in the place of the real one. */
		{"nixos-rebuild() { echo MOCK; }; nixos-rebuild switch", NULL},
		{"function nixos-rebuild { ssh h nixos-rebuild switch; }", NULL},
		{"alias nixos-rebuild='echo'\nnixos-rebuild switch", NULL},
		{"nixos-rebuild () { :; }; time nixos-rebuild switch", NULL},
		{"if true; then alias nixos-rebuild=x; A=1 nixos-rebuild switch; fi",
			NULL},
		{"PATH=/x/mock:$PATH nixos-rebuild switch", NULL},
		{"export PATH=$PWD/mock:$PATH; nixos-rebuild switch", NULL},
		{"export PATH=$PATH:/run/wrappers/bin; nixos-rebuild switch",
			"export PATH=$PATH:/run/wrappers/bin; safe-rebuild switch --message 'M'"},
		{"sudo -R /mnt nixos-rebuild switch", NULL},
		{"sudo --chroot=/mnt nixos-rebuild switch", NULL},
		{"NIX_CONFIG='a b' sudo nixos-rebuild switch",
			"NIX_CONFIG='a b' sudo safe-rebuild switch --message 'M'"},
		{"timeout 600 nice -n 5 nixos-rebuild switch",
			"timeout 600 nice -n 5 safe-rebuild switch --message 'M'"},
		{"/run/current-system/sw/bin/nixos-rebuild switch",
			"safe-rebuild switch --message 'M'"},
		{"/nix/store/0123-x/bin/nixos-rebuild-ng switch",
			"safe-rebuild switch --message 'M'"},
		{"cd /etc/nixos && nixos-rebuild switch 2>&1 | tail -5",
			"cd /etc/nixos && safe-rebuild switch --message 'M' 2>&1 | tail -5"},
		{"git add -A; nixos-rebuild switch",
			"git add -A; safe-rebuild switch --message 'M'"},
		{"(cd x; nixos-rebuild switch)",
			"(cd x; safe-rebuild switch --message 'M')"},
		{"x=$(nixos-rebuild switch)", "x=$(safe-rebuild switch --message 'M')"},
		{"echo \"$(nixos-rebuild switch)\"",
			"echo \"$(safe-rebuild switch --message 'M')\""},
		{"echo `nixos-rebuild switch`",
			"echo `safe-rebuild switch --message 'M'`"},
		{"if nixos-rebuild switch; then echo; fi",
			"if safe-rebuild switch --message 'M'; then echo; fi"},
		{"true\nnixos-rebuild switch\n",
			"true\nsafe-rebuild switch --message 'M'\n"},
		{"nixos-rebuild \\\n  switch", "safe-rebuild \\\n  switch --message 'M'"},
		{"nixos-rebuild switch & wait",
			"safe-rebuild switch --message 'M' & wait"},
		{"nixos-rebuild switch &>log", "safe-rebuild switch --message 'M' &>log"},
		{"nixos-rebuild --flake . switch",
			"safe-rebuild --message 'M' --flake . switch"},
		{"nixos-rebuild switch --rollback",
			"safe-rebuild switch --message 'M' --rollback"},
		{"bash -c 'nixos-rebuild switch'",
			"bash -c 'safe-rebuild switch --message \"M\"'"},
		{"bash -lc \"cd x && sudo nixos-rebuild switch\"",
			"bash -lc \"cd x && sudo safe-rebuild switch --message 'M'\""},
		{"sudo sh -c 'nixos-rebuild switch'",
			"sudo sh -c 'safe-rebuild switch --message \"M\"'"},
		{"su - root -c 'nixos-rebuild switch'",
			"su - root -c 'safe-rebuild switch --message \"M\"'"},
		{"su --command 'nixos-rebuild boot' root",
			"su --command 'safe-rebuild boot --message \"M\"' root"},
		{"script -qec 'sudo nixos-rebuild switch' /dev/null",
			"script -qec 'sudo safe-rebuild switch --message \"M\"' /dev/null"},
		{"nix-shell -p git --run 'nixos-rebuild switch'",
			"nix-shell -p git --run 'safe-rebuild switch --message \"M\"'"},
		{"nix develop .#x -c sudo nixos-rebuild switch",
			"nix develop .#x -c sudo safe-rebuild switch --message 'M'"},
		{"nix shell nixpkgs#git --command nixos-rebuild boot",
			"nix shell nixpkgs#git --command safe-rebuild boot --message 'M'"},
		{"echo .#box | xargs -n 1 nixos-rebuild switch --flake",
			"echo .#box | xargs -n 1 safe-rebuild switch --message 'M' --flake"},
		{"nix build .#nixos-rebuild", NULL},
		{"nix-shell -p nixos-rebuild", NULL},
		{"grep -rc nixos-rebuild switch", NULL},
		{"\"nixos-rebuild\" switch", "safe-rebuild switch --message 'M'"},
		{"cat <<EOF; nixos-rebuild switch\nnixos-rebuild switch\nEOF\nnixos-rebuild boot",
			"cat <<EOF; safe-rebuild switch --message 'M'\nnixos-rebuild switch\nEOF\n"
			"safe-rebuild boot --message 'M'"},
		{"a && nixos-rebuild boot || nixos-rebuild test",
			"a && safe-rebuild boot --message 'M' || safe-rebuild test --message 'M'"},
		{"bash -euo pipefail -c 'nixos-rebuild switch | tail'",
			"bash -euo pipefail -c 'safe-rebuild switch --message \"M\" | tail'"},
		{"echo 'alias nixos-rebuild=x' >>~/.bashrc && sudo nixos-rebuild switch",
			"echo 'alias nixos-rebuild=x' >>~/.bashrc && sudo safe-rebuild "
			"switch --message 'M'"},
		{"grep -n \"nixos-rebuild()\" x.sh; nixos-rebuild switch",
			"grep -n \"nixos-rebuild()\" x.sh; safe-rebuild switch --message 'M'"},
		{"nixos-rebuild() { :; }; sudo nixos-rebuild switch",
			"nixos-rebuild() { :; }; sudo safe-rebuild switch --message 'M'"},
		{"export PATH=/opt/bin:$PATH; /run/current-system/sw/bin/nixos-rebuild "
		 "boot",
			"export PATH=/opt/bin:$PATH; safe-rebuild boot --message 'M'"},
		{"rebuild() { sudo nixos-rebuild switch; }; rebuild",
			"rebuild() { sudo safe-rebuild switch --message 'M'; }; rebuild"},
		{"function f { nixos-rebuild boot; }",
			"function f { safe-rebuild boot --message 'M'; }"},
		{"sudo --user root nixos-rebuild switch",
			"sudo --user root safe-rebuild switch --message 'M'"},
		{"sudo -Eu root nixos-rebuild switch",
			"sudo -Eu root safe-rebuild switch --message 'M'"},
		{"timeout --signal KILL 600 nixos-rebuild switch",
			"timeout --signal KILL 600 safe-rebuild switch --message 'M'"},
		{"x=`echo hi # it's`; nixos-rebuild switch",
			"x=`echo hi # it's`; safe-rebuild switch --message 'M'"},
		{"echo $'it\\'s' && nixos-rebuild switch",
			"echo $'it\\'s' && safe-rebuild switch --message 'M'"},
		{"echo ${x:-\"}'\"}; nixos-rebuild switch",
			"echo ${x:-\"}'\"}; safe-rebuild switch --message 'M'"},
		{"sudo\\\n nixos-rebuild switch",
			"sudo\\\n safe-rebuild switch --message 'M'"},
		{"a[0]=x X+=y nixos-rebuild switch",
			"a[0]=x X+=y safe-rebuild switch --message 'M'"},
		{"if (nixos-rebuild switch); then :; fi",
			"if (safe-rebuild switch --message 'M'); then :; fi"},
		{"case x in a) nixos-rebuild switch ;; esac",
			"case x in a) safe-rebuild switch --message 'M' ;; esac"},
		{"bash -c \"echo $(nixos-rebuild switch)\"",
			"bash -c \"echo $(safe-rebuild switch --message 'M')\""},
		{"$(nixos-rebuild switch)/nixos-rebuild switch",
			"$(safe-rebuild switch --message 'M')/nixos-rebuild switch"},
		{"cat <<A <<B; nixos-rebuild switch\nA\nnixos-rebuild switch\nB\nnixos-rebuild "
		 "boot",
			"cat <<A <<B; safe-rebuild switch --message 'M'\nA\nnixos-rebuild "
			"switch\nB\nsafe-rebuild boot --message 'M'"},
		{"r() {\n  nixos-rebuild \"$@\" switch\n}",
			"r() {\n  safe-rebuild --message 'M' \"$@\" switch\n}"},
		{"if (( 1 << 2 )); then\nnixos-rebuild switch\nfi",
			"if (( 1 << 2 )); then\nsafe-rebuild switch --message 'M'\nfi"},
		{"sudo bash -c \"cd ${DIR} && nixos-rebuild switch >l; echo \\$? >$R\"",
			"sudo bash -c \"cd ${DIR} && safe-rebuild switch --message 'M' >l; "
			"echo \\$? >$R\""},
		{"bash -c --", NULL},
		{"nixos-rebuild switch; bash -lc --",
			"safe-rebuild switch --message 'M'; bash -lc --"},
		{"bash -c -- 'nixos-rebuild switch'",
			"bash -c -- 'safe-rebuild switch --message \"M\"'"},
		{"sudo su -c \"bash -c 'nixos-rebuild switch'\"",
			"sudo su -c \"bash -c 'safe-rebuild switch'\""},
		{"$SUDO nixos-rebuild switch", "$SUDO safe-rebuild switch --message 'M'"},
		{"${SUDO:-sudo} -n nixos-rebuild switch",
			"${SUDO:-sudo} -n safe-rebuild switch --message 'M'"},
		{"runuser -u root -- nixos-rebuild switch",
			"runuser -u root -- safe-rebuild switch --message 'M'"},
		{"env - PATH=/run/current-system/sw/bin nixos-rebuild switch",
			"env - PATH=/run/current-system/sw/bin safe-rebuild switch --message 'M'"},
		{"systemd-run --user --description 'a b' nixos-rebuild switch",
			"systemd-run --user --description 'a b' safe-rebuild switch "
			"--message 'M'"},
		{"strace -f -o log nixos-rebuild switch",
			"strace -f -o log safe-rebuild switch --message 'M'"},
		{"result/bin/nixos-rebuild switch", "safe-rebuild switch --message 'M'"},
		/* A script that has the same name. */
		{"./nixos-rebuild switch", NULL},
		{"tests/system/nixos-rebuild switch", NULL},
		{"/home/a/bin/nixos-rebuild switch", NULL},
		/* Elsewhere. */
		{"systemd-run --machine=c nixos-rebuild switch", NULL},
		{"systemd-run -M c nixos-rebuild switch", NULL},
		{"run0 --machine=c nixos-rebuild switch", NULL},
		{"sudo -h other nixos-rebuild switch", NULL},
		{"nix build x -c nixos-rebuild switch", NULL},
		{"$CMD nixos-rebuild switch", NULL},
		{"cat > f <<EOF && (cd x\nnixos-rebuild switch\nEOF\n)", NULL},
		{"cat <<EOF\n\tEOF\nnixos-rebuild switch\nEOF", NULL},
		{"echo $'it\\'s' && echo 'x; nixos-rebuild switch; y'", NULL},
		{"echo ${x:-\"}\"} \" ; nixos-rebuild switch\"", NULL},
		{"nixos-rebuild() { echo stub; }", NULL},
		{"deps=(nixos-rebuild switch)", NULL},
		{"ssh h \"${CMD[@]}\" nixos-rebuild switch", NULL},
		{"sudo -l nixos-rebuild switch", NULL},
		{"sudo -n -l nixos-rebuild switch", NULL},
		{"command -v nixos-rebuild switch", NULL},
		{"./nixos-rebuild.sh switch", NULL},
		{"echo $((1+(2))) nixos-rebuild switch", NULL},
		{"bash -c \"echo \\\"step; nixos-rebuild switch\\\"\"", NULL},
		{"echo `echo \\\"; nixos-rebuild switch\\\"`", NULL},
		{"nixos-rebuild whatever", NULL},
		/* Nothing that would change the system is run. */
		{"nixos-rebuild build", NULL},
		{"nixos-rebuild dry-build --flake .", NULL},
		{"nixos-rebuild list-generations", NULL},
		{"nixos-rebuild switch --help", NULL},
		{"nixos-rebuild", NULL},
		{"man nixos-rebuild", NULL},
		{"which nixos-rebuild", NULL},
		{"grep 'nixos-rebuild switch' x", NULL},
		{"echo nixos-rebuild switch", NULL},
		{"echo 'nixos-rebuild switch'", NULL},
		{"git commit -m \"nixos-rebuild switch\"", NULL},
		{"git commit -m 'x; nixos-rebuild switch'", NULL},
		{"# nixos-rebuild switch", NULL},
		{"echo x # ; nixos-rebuild switch", NULL},
		{"cat > f <<'EOF'\nnixos-rebuild switch\nEOF", NULL},
		{"cat <<-EOF\n\tnixos-rebuild switch\n\tEOF\n", NULL},
		{"cat <<EOF\nnixos-rebuild switch", NULL},
		{"echo > nixos-rebuild switch", NULL},
		{"safe-rebuild switch", NULL},
		{"safe-rebuild exec -- nixos-rebuild switch", NULL},
		{"my-nixos-rebuild switch", NULL},
		{"echo \\; nixos-rebuild switch", NULL},
		{"x=\"a;nixos-rebuild switch\"", NULL},
		{"echo $((1 + 2)) nixos-rebuild switch", NULL},
		{"echo ${x:-nixos-rebuild} switch", NULL},
		{"", NULL},
		{"'", NULL},
		{"\"$(", NULL},
		{"((((((((((((((((((((((((((((", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_rewritten(cases[i].command, cases[i].expected);
}

static void test_agent(void **state)
{
	struct shell_rewrite rewrite = {.message = "a b", .agent = "x.1"};
	static const struct {
		const char *command, *expected;
	} cases[] = {
		{"safe-rebuild switch", "safe-rebuild switch --agent x.1"},
		{"sudo safe-rebuild exec -- nh os switch",
			"sudo safe-rebuild exec --agent x.1 -- nh os switch"},
		{"safe-rebuild --no-wait switch",
			"safe-rebuild --agent x.1 --no-wait switch"},
		{"safe-rebuild 'switch'", "safe-rebuild --agent x.1 'switch'"},
		{"safe-rebuild switch --agent me", NULL},
		{"safe-rebuild exec -- foo --agent bar",
			"safe-rebuild exec --agent x.1 -- foo --agent bar"},
		{"safe-rebuild exec --agents", "safe-rebuild exec --agent x.1 --agents"},
		{"SAFE_REBUILD_AGENT= safe-rebuild switch",
			"SAFE_REBUILD_AGENT= safe-rebuild switch --agent x.1"},
		{"nixos-rebuild --flake . switch",
			"safe-rebuild --agent x.1 --message 'a b' --flake . switch"},
		{"SAFE_REBUILD_MESSAGE=mine nixos-rebuild switch",
			"SAFE_REBUILD_MESSAGE=mine safe-rebuild switch --agent x.1"},
		{"SAFE_REBUILD_AGENT=me nixos-rebuild switch; safe-rebuild log",
			"SAFE_REBUILD_AGENT=me safe-rebuild switch --message 'a b'; "
			"safe-rebuild log"},
		{"sudo safe-rebuild diff && nixos-rebuild switch",
			"sudo safe-rebuild diff --agent x.1 && "
			"safe-rebuild switch --agent x.1 --message 'a b'"},
		{"bash -c 'nixos-rebuild switch'",
			"bash -c 'safe-rebuild switch --agent x.1 --message \"a b\"'"},
		{"echo safe-rebuild", NULL},
		{"command -v safe-rebuild", NULL},
		{"case x in\n safe-rebuild) :;; esac", NULL},
		{"safe-rebuild() { :; }", NULL},
		{"[[ x =~ ^(safe-rebuild switch|y)$ ]]", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *changed = shell_rewrite(cases[i].command, &rewrite);

		if (cases[i].expected)
			assert_string_equal(changed, cases[i].expected);
		else
			assert_null(changed);
	}
}

/* systemd starts it, and knows no agent. */
static void test_started_anew(void **state)
{
	struct shell_rewrite rewrite = {.session = "claude-code-1"};
	_cleanup_free_ char *run0 = shell_rewrite("run0 nixos-rebuild switch", &rewrite);
	_cleanup_free_ char *sudo = shell_rewrite("sudo nixos-rebuild switch", &rewrite);

	(void)state;
	assert_string_equal(run0, "run0 safe-rebuild switch --agent claude-code-1");
	assert_string_equal(sudo, "sudo safe-rebuild switch");
}

static void test_plain_text(void **state)
{
	_cleanup_free_ char *plain =
		shell_plain_text("it's \"$(id)\" `touch x` a\\ b!", 200);
	_cleanup_free_ char *blank = shell_plain_text(" $ ", 200);
	_cleanup_free_ char *spaces = shell_plain_text("a\u00a0b\u3000\u2009c", 200);

	(void)state;
	assert_string_equal(plain, "it’s ’(id)’ touch x a b");
	assert_null(blank);
	assert_string_equal(spaces, "a b  c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_agent),
		cmocka_unit_test(test_started_anew),
		cmocka_unit_test(test_plain_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
