#include "hook/known.h"

#include "base/memory.h"
#include "base/text.h"
#include "hook/mark.h"
#include "ledger/builds.h"
#include "record/config_name.h"

#define BUILDS_MAX 100
#define NAME ".configurations"

void known_read(struct known *ret, const struct settings *settings)
{
	*ret = (struct known){.path = mark_path(NAME), .tip = mark_read_tip(settings)};
	if (ret->path)
		ret->lines = mark_read(ret->path);
}

static bool is_current(const struct known *known)
{
	const size_t len = known->tip ? strlen(known->tip) : 0;

	return len && known->lines && strncmp(known->lines, known->tip, len) == 0 &&
	       known->lines[len] == '\n';
}

static void collect(struct strv *directories, struct ledger *ledger)
{
	struct build_walk walk = builds_walk(ledger, NULL);
	_cleanup_build_ struct build build = BUILD_INIT;

	walk.left = BUILDS_MAX;
	while (builds_next(&build, &walk) > 0) {
		char *directory = build.config ? config_directory(build.config) : NULL;

		if (directory && *directory && !strchr(directory, '\n') &&
			!strv_has(directories, directory))
			strv_take(directories, directory);
		else
			free(directory);
	}
}

void known_update(struct known *known, const struct settings *settings)
{
	_cleanup_ledger_ struct ledger *ledger = NULL;
	_cleanup_strv_ struct strv directories = {0};
	struct strbuf lines = STRBUF_INIT;

	if (is_current(known))
		return;
	set_string(&known->lines, NULL);
	if (ledger_open(&ledger, settings) < 0 || !ledger)
		return;
	collect(&directories, ledger);
	strbuf_printf(&lines, "%s\n", known->tip ? known->tip : "");
	for (size_t i = 0; i < directories.len; i++)
		strbuf_printf(&lines, "%s\n", directories.words[i]);
	known->lines = strbuf_take(&lines);
	if (known->path && known->tip)
		mark_keep(known->path, known->lines);
}

bool known_has(const struct known *known, const char *path)
{
	const char *at = known->lines, *line;
	size_t len;

	if (!at || !text_next_line(&at, at + strlen(at), &line, &len))
		return false;
	while (text_next_line(&at, at + strlen(at), &line, &len))
		if (len && strncmp(path, line, len) == 0 && path[len] == '/')
			return true;
	return false;
}

void known_free(struct known *known)
{
	free(known->path);
	free(known->tip);
	free(known->lines);
}
