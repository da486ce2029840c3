#include "base/memory.h"
#include "rebuild/flake_ref.h"
#include "unit.h"

static void check(
	const char *text, enum flake_ref_type type, const char *path, const char *attr)
{
	_cleanup_flake_ref_ struct flake_ref ref;

	flake_ref_parse(&ref, text);
	assert_int_equal(ref.type, type);
	if (path)
		assert_string_equal(ref.path, path);
	else
		assert_null(ref.path);
	if (attr)
		assert_string_equal(ref.attr, attr);
	else
		assert_null(ref.attr);
}

static void test_local(void **state)
{
	(void)state;
	check(".", FLAKE_REF_PATH, ".", NULL);
	check("", FLAKE_REF_PATH, ".", NULL);
	check("#host", FLAKE_REF_PATH, ".", "host");
	check("./x#host", FLAKE_REF_PATH, "./x", "host");
	check("/etc/nixos#my.host", FLAKE_REF_PATH, "/etc/nixos", "my.host");
	check("dir/", FLAKE_REF_PATH, "dir/", NULL);
	check("~/x", FLAKE_REF_PATH, "~/x", NULL);
	check("path:/x", FLAKE_REF_WHOLE_DIRECTORY, "/x", NULL);
	check("path:///x#h", FLAKE_REF_WHOLE_DIRECTORY, "/x", "h");
	check("path:./x%20y", FLAKE_REF_WHOLE_DIRECTORY, "./x y", NULL);
	check("git+file:///x?ref=main#h", FLAKE_REF_GIT, "/x", "h");
	check("git+file:/x", FLAKE_REF_GIT, "/x", NULL);
	check("git+file:./x", FLAKE_REF_GIT, "./x", NULL);
	check("git:/x", FLAKE_REF_GIT, "/x", NULL);
}

static void test_elsewhere(void **state)
{
	(void)state;
	check("nixpkgs", FLAKE_REF_REGISTRY, NULL, NULL);
	check("dir/sub", FLAKE_REF_REGISTRY, NULL, NULL);
	check("flake:nixpkgs#x", FLAKE_REF_REGISTRY, NULL, "x");
	check("nixpkgs/nixos-25.11#x", FLAKE_REF_REGISTRY, NULL, "x");
	check("github:a/b#h", FLAKE_REF_REMOTE, NULL, "h");
	check("git+ssh://git@h/x", FLAKE_REF_REMOTE, NULL, NULL);
	check("https://h/x.tar.gz", FLAKE_REF_REMOTE, NULL, NULL);
	check("git://h/x", FLAKE_REF_REMOTE, NULL, NULL);
}

static void test_query(void **state)
{
	_cleanup_flake_ref_ struct flake_ref ref;

	(void)state;
	flake_ref_parse(&ref, "git+file:///x?dir=a%2fb&ref=main&rev=abc&submodules=1#h");
	assert_string_equal(ref.path, "/x");
	assert_string_equal(ref.dir, "a/b");
	assert_string_equal(ref.ref, "main");
	assert_string_equal(ref.revision, "abc");
	assert_true(ref.submodules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
