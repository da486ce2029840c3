#include "hook/mark.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/rights.h"
#include "base/text.h"
#include "ledger/builds.h"
#include "ledger/references.h"
#include "record/config_name.h"

#define MARK_MAX 65536
#define KNOWN_BUILDS 100
#define KNOWN_NAME ".configurations"
#define MARK_DAYS 90

/* NULL: not set, or not ours. sudo may leave another user's directories in the
 * environment, and if root wrote there, that user's links could redirect it. */
static const char *own_directory(const char *variable)
{
	const char *path = getenv(variable);
	struct stat status;

	return path && *path == '/' && stat(path, &status) == 0 &&
			       status.st_uid == geteuid()
		       ? path
		       : NULL;
}

/* The cache comes first: a session may be resumed next week, and runtime directories do
 * not last that long. */
char *mark_path(const char *name)
{
	const char *cache = own_directory("XDG_CACHE_HOME"),
		   *home = own_directory("HOME"),
		   *runtime = own_directory("XDG_RUNTIME_DIR");

	if (cache)
		return xasprintf("%s/safe-rebuild/%s", cache, name);
	if (home)
		return xasprintf("%s/.cache/safe-rebuild/%s", home, name);
	return runtime ? xasprintf("%s/safe-rebuild/%s", runtime, name) : NULL;
}

char *mark_read(const char *path)
{
	char *text = NULL;

	(void)!read_file(path, MARK_MAX, &text, NULL, NULL);
	return text;
}

char *mark_read_tip(const struct settings *settings)
{
	_cleanup_free_ char *ledger = ledger_path(settings);
	_cleanup_free_ char *path = xasprintf("%s/" REF_CHAIN, ledger);
	char *tip = mark_read(path);

	if (tip)
		tip[strcspn(tip, "\n")] = '\0';
	return tip;
}

struct mark {
	const char *path, *text;
};

/* Removes the marks of sessions that nobody will resume. */
static void sweep_marks(const char *path)
{
	_cleanup_closedir_ DIR *directory = opendir(path);
	const time_t oldest = time(NULL) - MARK_DAYS * 24 * 3600;
	const struct dirent *found;
	struct stat status;

	while (directory && (found = readdir(directory)))
		if (fstatat(dirfd(directory), found->d_name, &status,
			    AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(status.st_mode) && status.st_mtime < oldest)
			(void)unlinkat(dirfd(directory), found->d_name, 0);
}

static int keep(void *data)
{
	const struct mark *mark = data;
	_cleanup_free_ char *directory = xstrdup(mark->path);

	*strrchr(directory, '/') = '\0';
	if (make_directories(directory, 0700) < 0)
		return -1;
	sweep_marks(directory);
	return write_file_over(mark->path, 0600, mark->text, strlen(mark->text));
}

void mark_keep(const char *path, const char *text)
{
	(void)!rights_call(keep, &(struct mark){path, text});
}

void known_read(struct known *ret, const struct settings *settings)
{
	*ret = (struct known){
		.path = mark_path(KNOWN_NAME), .tip = mark_read_tip(settings)};
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

	walk.left = KNOWN_BUILDS;
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
