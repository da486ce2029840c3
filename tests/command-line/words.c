/*
 * Reads command lines, one a line with tabs between its words, and prints what
 * rebuild/request.h makes of each: KEY=VALUE with tabs between, what is not given left
 * out.
 */
#include <stdio.h>

#include "base/memory.h"
#include "base/text.h"
#include "rebuild/request.h"

static void put(const char *key, const char *value)
{
	if (value)
		printf("%s=%s\t", key, value);
}

static void put_flag(const char *key, bool flag)
{
	put(key, flag ? "yes" : NULL);
}

static void describe(const struct strv *words)
{
	struct request request;

	request_parse(&request, words);
	put("action", request.action_word);
	put_flag("action_known", request.action != ACTION_UNKNOWN);
	put("operand", request.operand_count ? request.operand[0] : NULL);
	put("flake", request.flake);
	put("file", request.file);
	put("attr", request.attr);
	put("profile_name", request.profile_name);
	put("target_host", request.target_host);
	put("store_path", request.store_path);
	put("specialisation", request.specialisation);
	put("elevate", request.elevate);
	for (size_t i = 0; i < request.include_count; i++)
		put("include", request.include[i]);
	put_flag("sudo", request.sudo);
	put_flag("asks_password", request.asks_password);
	put_flag("rollback", request.rollback);
	put_flag("help", request.help);
	put_flag("impure", request.impure);
	putchar('\n');
}

int main(void)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		_cleanup_strv_ struct strv words = {0};
		char *rest = line, *word;

		line[len - 1] = '\0';
		while ((word = strsep(&rest, "\t")))
			strv_add(&words, word);
		describe(&words);
	}
	return 0;
}
