#include "unit.h"

#include "hook/shell.h"

static void assert_rewritten(const char *command, const char *expected)
{
	static const struct shell_rewrite rewrite = {.options = " -M"};
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
			"safe-rebuild -M switch --flake .#box"},
		{"sudo nixos-rebuild switch", "sudo safe-rebuild -M switch"},
		{"sudo -u root -E nixos-rebuild boot",
			"sudo -u root -E safe-rebuild -M boot"},
		{"sudo -- nixos-rebuild test", "sudo -- safe-rebuild -M test"},
		{"env -i PATH=/x nixos-rebuild switch",
			"env -i PATH=/x safe-rebuild -M switch"},
		{"NIX_CONFIG='a b' sudo nixos-rebuild switch",
			"NIX_CONFIG='a b' sudo safe-rebuild -M switch"},
		{"timeout 600 nice -n 5 nixos-rebuild switch",
			"timeout 600 nice -n 5 safe-rebuild -M switch"},
		{"/run/current-system/sw/bin/nixos-rebuild switch",
			"safe-rebuild -M switch"},
		{"/nix/store/0123-x/bin/nixos-rebuild-ng switch",
			"safe-rebuild -M switch"},
		{"cd /etc/nixos && nixos-rebuild switch 2>&1 | tail -5",
			"cd /etc/nixos && safe-rebuild -M switch 2>&1 | tail -5"},
		{"git add -A; nixos-rebuild switch",
			"git add -A; safe-rebuild -M switch"},
		{"(cd x; nixos-rebuild switch)", "(cd x; safe-rebuild -M switch)"},
		{"x=$(nixos-rebuild switch)", "x=$(safe-rebuild -M switch)"},
		{"echo \"$(nixos-rebuild switch)\"",
			"echo \"$(safe-rebuild -M switch)\""},
		{"echo `nixos-rebuild switch`", "echo `safe-rebuild -M switch`"},
		{"if nixos-rebuild switch; then echo; fi",
			"if safe-rebuild -M switch; then echo; fi"},
		{"true\nnixos-rebuild switch\n", "true\nsafe-rebuild -M switch\n"},
		{"nixos-rebuild \\\n  switch", "safe-rebuild -M \\\n  switch"},
		{"nixos-rebuild switch & wait", "safe-rebuild -M switch & wait"},
		{"nixos-rebuild switch &>log", "safe-rebuild -M switch &>log"},
		{"nixos-rebuild --flake . switch", "safe-rebuild -M --flake . switch"},
		{"nixos-rebuild switch --rollback", "safe-rebuild -M switch --rollback"},
		{"bash -c 'nixos-rebuild switch'", "bash -c 'safe-rebuild switch'"},
		{"bash -lc \"cd x && sudo nixos-rebuild switch\"",
			"bash -lc \"cd x && sudo safe-rebuild switch\""},
		{"sudo sh -c 'nixos-rebuild switch'", "sudo sh -c 'safe-rebuild switch'"},
		{"\"nixos-rebuild\" switch", "safe-rebuild -M switch"},
		{"cat <<EOF; nixos-rebuild switch\nnixos-rebuild switch\nEOF\nnixos-rebuild boot",
			"cat <<EOF; safe-rebuild -M switch\nnixos-rebuild switch\nEOF\n"
			"safe-rebuild -M boot"},
		{"a && nixos-rebuild boot || nixos-rebuild test",
			"a && safe-rebuild -M boot || safe-rebuild -M test"},
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
	static const struct shell_rewrite rewrite = {
		.options = " --message 'a b'", .agent = " --agent x.1"};
	static const struct {
		const char *command, *expected;
	} cases[] = {
		{"safe-rebuild switch", "safe-rebuild --agent x.1 switch"},
		{"sudo safe-rebuild diff && nixos-rebuild switch",
			"sudo safe-rebuild --agent x.1 diff && "
			"safe-rebuild --agent x.1 --message 'a b' switch"},
		{"bash -c 'nixos-rebuild switch'",
			"bash -c 'safe-rebuild --agent x.1 switch'"},
		{"echo safe-rebuild", NULL},
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
