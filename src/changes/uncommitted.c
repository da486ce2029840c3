#include "changes/uncommitted.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/worker.h"

/* In seconds: right after an agent's tool, a formatter may save the file once more. */
#define SAME_SAVE 5
#define DEADLINE_MS 10000

struct job {
	const char *root;
	const char *const *paths;
	size_t len;
};

static int work(struct worker *worker, struct strbuf *answer, void *data)
{
	const struct job *job = data;
	_cleanup_close_ int root =
		open(job->root, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	(void)worker;
	for (size_t i = 0; i < job->len; i++) {
		_cleanup_close_ int fd = open_beneath(root, job->paths[i], O_PATH);
		struct file_look look = {0};
		struct stat status;

		if (fd >= 0 && fstat(fd, &status) == 0)
			look = (struct file_look){true, status.st_mtime, status.st_uid};
		strbuf_add(answer, &look, sizeof(look));
	}
	return 0;
}

struct file_look *files_look(const char *root, const char *const *paths, size_t len)
{
	struct file_look *looks = xcalloc(len + 1, sizeof(*looks));
	struct job job = {root, paths, len};
	const struct worker_job worker_job = {
		.what = "looking at the configuration's files",
		.work = work,
		.data = &job,
		.deadline_ms = DEADLINE_MS,
		.owner_of = root,
	};
	_cleanup_strbuf_ struct strbuf answer = STRBUF_INIT;

	if (len && worker_run(&answer, &worker_job) == 0 &&
		answer.len == len * sizeof(*looks))
		memcpy(looks, answer.text, answer.len);
	return looks;
}

char *saved_describe(const struct file_look *look, const char *root, const char *path,
	const struct edits *edits)
{
	_cleanup_free_ char *age = NULL, *full = xasprintf("%s/%s", root, path);
	const struct edit *edit = edits ? edits_last(edits, full) : NULL;

	if (!look->is_there)
		return NULL;
	age = clock_age(look->saved);
	if (edit && edit->when + SAME_SAVE >= look->saved)
		return xasprintf("%s edited it %s", edit->agent, age);
	return xasprintf("saved %s", age);
}

struct file_look *changed_files_look(const char *root, const struct path_changes *changes)
{
	_cleanup_free_ const char **paths = xcalloc(changes->len + 1, sizeof(*paths));

	for (size_t i = 0; i < changes->len; i++)
		paths[i] = changes->list[i].path;
	return files_look(root, paths, changes->len);
}

int uncommitted_list(struct strv *ret, struct ledger *ledger,
	const struct configuration *configuration, const struct snapshot *snapshot,
	const struct edits *edits)
{
	_cleanup_path_changes_ struct path_changes changes = {0};
	_cleanup_free_ struct file_look *looks = NULL;

	if (git_oid_is_zero(&snapshot->commit))
		return 0;
	if (snapshot->state == CONFIG_CLEAN)
		return 1;
	if (tree_diff(&changes, ledger->repository, &snapshot->committed,
		    &snapshot->tree) < 0)
		return -1;
	looks = changed_files_look(configuration->root, &changes);
	for (size_t i = 0; i < changes.len; i++) {
		const struct path_change *change = &changes.list[i];
		_cleanup_free_ char *saved = saved_describe(
			&looks[i], configuration->root, change->path, edits);

		strv_take(ret, xasprintf("%c %s (%s)", path_change_letter(change),
				       change->path, saved ? saved : "gone"));
	}
	return 1;
}
