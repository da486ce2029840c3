#include "changes/commits.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/worker.h"
#include "record/record.h"
#include "snapshot/repository.h"

#define DEADLINE_MS 10000
/* A subject is cut so that it fits on a line with the rest. */
#define SUBJECT_MAX 120
#define AUTHOR_MAX 40
/* Walking thousands of commits only to count them would take too long. */
#define WALK_MAX 1000

struct job {
	struct commit_step *steps;
	size_t len;
	const char *root;
	const git_oid *from;
};

static void add_commit(struct strv *lines, git_repository *repository, const git_oid *id)
{
	_cleanup_git_(commit) git_commit *commit = NULL;
	const git_signature *author;
	_cleanup_free_ char *quoted_name = NULL, *quoted_subject = NULL;
	const char *subject;

	if (git_commit_lookup(&commit, repository, id) < 0)
		return;
	author = git_commit_author(commit);
	subject = git_commit_summary(commit);
	quoted_subject = text_quote(subject ? subject : "", SUBJECT_MAX);
	quoted_name = text_quote(author && author->name ? author->name : "?", AUTHOR_MAX);
	strv_take(lines, xasprintf("%.8s by %s: %s", git_oid_tostr_s(id), quoted_name,
				 quoted_subject));
}

static int prepare_walk(git_revwalk *walk, const struct job *job, size_t step)
{
	git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_TIME);
	if (git_revwalk_push(walk, &job->steps[step].to) < 0)
		return -1;
	/* Without this commit all of history would count as new. */
	if (git_revwalk_hide(walk, job->from) < 0)
		return -1;
	for (size_t i = 0; i < step; i++)
		if (!git_oid_is_zero(&job->steps[i].to))
			(void)git_revwalk_hide(walk, &job->steps[i].to);
	return 0;
}

/* One walk serves all steps: it keeps the commits that it has read. */
static void list_step(struct record *answer, const struct job *job, size_t step,
	git_repository *repository, git_revwalk *walk)
{
	_cleanup_free_ char *key = xasprintf("Commits-%zu", step);
	_cleanup_free_ char *more_key = xasprintf("More-%zu", step), *text = NULL;
	_cleanup_strv_ struct strv lines = {0};
	size_t count = 0;
	git_oid id;

	if (git_oid_is_zero(&job->steps[step].to))
		return;
	git_revwalk_reset(walk);
	if (prepare_walk(walk, job, step) < 0)
		return;
	while (count < WALK_MAX && git_revwalk_next(&id, walk) == 0)
		if (count++ < COMMITS_SHOWN)
			add_commit(&lines, repository, &id);
	text = strv_join(&lines, "\n");
	record_set(answer, key, text);
	if (count > COMMITS_SHOWN)
		record_setf(answer, more_key, "%zu", count - COMMITS_SHOWN);
}

static int list(struct worker *worker, struct strbuf *answer, void *data)
{
	const struct job *job = data;
	_cleanup_record_ struct record record = {0};
	_cleanup_git_(repository) git_repository *repository = NULL;
	_cleanup_git_(revwalk) git_revwalk *walk = NULL;

	(void)worker;
	if (repository_open(&repository, job->root) < 0)
		return -1;
	if (git_revwalk_new(&walk, repository) < 0)
		return git_failed("cannot read the commits");
	for (size_t i = 0; i < job->len; i++)
		list_step(&record, job, i, repository, walk);
	record_put(answer, &record);
	return 0;
}

/* text: NULL, or lines; whatever the worker sends, only so many are read. */
static void take_lines(struct strv *ret, const char *text)
{
	const char *end = text ? text + strlen(text) : NULL, *line;
	size_t len;

	while (text && ret->len < COMMITS_SHOWN &&
		text_next_line(&text, end, &line, &len))
		strv_take(ret, xstrndup(line, len));
}

int commits_list(
	struct commit_step *steps, size_t len, const char *root, const git_oid *from)
{
	struct job job = {steps, len, root, from};
	const struct worker_job worker_job = {
		.what = "reading the commits",
		.work = list,
		.data = &job,
		.deadline_ms = DEADLINE_MS,
		.owner_of = root,
	};
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_record_ struct record answer = {0};

	if (worker_run(&text, &worker_job) < 0)
		return -1;
	record_parse(&answer, text.text, text.len);
	for (size_t i = 0; i < len; i++) {
		_cleanup_free_ char *key = xasprintf("Commits-%zu", i);
		_cleanup_free_ char *more_key = xasprintf("More-%zu", i);

		take_lines(&steps[i].commits, record_get(&answer, key));
		steps[i].more = record_get_number(&answer, more_key);
	}
	return 0;
}
