#include "queue/cancellation.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#define REQUEST_MAX ((size_t)64 << 10)
#define MESSAGE_SHOWN 500
/* Whoever asks stops waiting long before that. */
#define WAITED_FOR_SECONDS 60

static char *request_path(const char *ticket_path)
{
	return xasprintf("%s" TICKET_CANCEL, ticket_path);
}

int cancellation_watch(const struct ticket *ticket)
{
	_cleanup_close_ int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	_cleanup_free_ char *queue = xstrdup(ticket->path);

	if (fd < 0 || !queue)
		return -1;
	*strrchr(queue, '/') = '\0';
	return inotify_add_watch(fd, queue, IN_CREATE | IN_MOVED_TO) < 0 ? -1
									 : TAKE_FD(fd);
}

/* Whether it is a complete request, and was made for this ticket. */
static bool is_about(const struct record *request, const char *name)
{
	const char *ticket = record_get(request, "Ticket");

	return record_get(request, "By") && ticket && streq(ticket, name);
}

/* false: there is no valid one. */
static bool read_request(struct cancellation *ret, const char *path, const char *ticket)
{
	_cleanup_free_ char *text = NULL;
	struct stat status;
	size_t len;

	*ret = (struct cancellation){.from = (uid_t)-1};
	if (read_file(path, REQUEST_MAX, &text, &len, &status) < 0)
		return false;
	ret->from = file_writer(&status);
	ret->id = status.st_ino;
	ret->made = status.st_mtime;
	record_parse(&ret->record, text, len);
	return ret->from != (uid_t)-1 && is_about(&ret->record, ticket);
}

bool cancellation_receive(struct cancellation *ret, const struct build *run,
	const struct ticket *ticket, int watch)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	_cleanup_free_ char *path = NULL;

	*ret = (struct cancellation){.from = (uid_t)-1};
	if (watch >= 0)
		(void)!read(watch, events, sizeof(events));
	if (!ticket->path)
		return false;
	path = request_path(ticket->path);
	return read_request(ret, path, ticket_name(ticket)) &&
	       ret->id != run->cancel_request;
}

void cancellation_free(struct cancellation *request)
{
	record_free(&request->record);
}

char *cancellation_describe(const struct cancellation *request)
{
	const char *by = record_get(&request->record, "By");
	const char *message = record_get(&request->record, "Message");
	_cleanup_free_ char *user = NULL;
	_cleanup_free_ char *quoted = message ? text_quote(message, MESSAGE_SHOWN) : NULL;

	if (request->from && request->from != geteuid())
		user = xasprintf(" (user %u)", (unsigned)request->from);
	return xasprintf("%s%s%s%s", by ? by : "?", user ? user : "", quoted ? ": " : "",
		quoted ? quoted : "");
}

void cancellation_answer(
	struct build *run, const struct cancellation *request, const char *answer)
{
	set_string(&run->cancel, xstrdup(answer));
	run->cancel_request = request->id;
}

/* A request that nobody waits for, or that is broken, would block all others. */
static bool is_waited_for(const char *path, const char *ticket)
{
	_cleanup_cancellation_ struct cancellation request = {0};

	return read_request(&request, path, ticket) &&
	       time(NULL) - request.made < WAITED_FOR_SECONDS;
}

int cancellation_request(
	uint64_t *ret_id, const char *queue, const char *name, struct record *request)
{
	_cleanup_free_ char *ticket = xasprintf("%s/%s", queue, name);
	_cleanup_free_ char *path = request_path(ticket);
	_cleanup_close_ int fd = open(queue, O_TMPFILE | O_RDWR | O_CLOEXEC, 0640);
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	struct stat status;

	record_set(request, "Ticket", name);
	record_put(&out, request);
	if (fd < 0 || write_all(fd, out.text, out.len) < 0 || fstat(fd, &status) < 0)
		return -1;
	if (ret_id)
		*ret_id = status.st_ino;
	if (link_file(fd, path) == 0)
		return 0;
	if (errno != EEXIST || is_waited_for(path, name))
		return -1;
	(void)free_name(path);
	return link_file(fd, path);
}

void cancellation_withdraw(const char *queue, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s" TICKET_CANCEL, queue, name);

	unlink(path);
}
