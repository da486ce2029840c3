#include "queue/ticket.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#define TICKET_MAX ((size_t)256 << 10)
/* Digits in INT64_MAX, so that names sort as numbers do. */
#define STAMP_DIGITS 19
#define BESIDE "b"
/* A run that is overtaken this often keeps its place: then only the lock decides. */
#define RESTARTS_MAX 100

static bool is_ticket_name(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return digits == STAMP_DIGITS && (!name[digits] || streq(name + digits, BESIDE));
}

bool ticket_name_queues(const char *name)
{
	return is_ticket_name(name) && !ends_with(name, BESIDE);
}

static int put_build(int fd, const struct build *build)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	ssize_t written;

	build_put(&out, build, TICKET_ONLY);
	written = pwrite(fd, out.text, out.len, 0);
	if (written < 0 || (size_t)written != out.len)
		return -1;
	return ftruncate(fd, (off_t)out.len);
}

/* Makes a ticket and links it under the first free stamp from stamp on. */
static int make_ticket(struct ticket *ret, const char *directory, int64_t stamp,
	const char *suffix, const struct build *build)
{
	/* Its owner's uid vouches for what it says: nobody else writes into it. */
	_cleanup_close_ int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0640);

	if (fd < 0 || put_build(fd, build) < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	for (;; stamp++) {
		_cleanup_free_ char *path = xasprintf(
			"%s/%0*" PRId64 "%s", directory, STAMP_DIGITS, stamp, suffix);

		if (link_file(fd, path) == 0) {
			*ret = (struct ticket){.fd = TAKE_FD(fd), .path = TAKE_PTR(path)};
			return 0;
		}
		if (errno != EEXIST)
			return -1;
	}
}

/* No run has such a stamp. A file made by hand would stay last for ever, and every run
 * would try in vain to go behind it. One second for tickets linked at the same moment. */
static bool is_of_the_future(const char *name)
{
	return strtoll(name, NULL, 10) > clock_ns(CLOCK_BOOTTIME) + 1000000000;
}

static int list_names(struct strv *ret, const char *directory)
{
	_cleanup_closedir_ DIR *listing = opendir(directory);
	const struct dirent *found;

	*ret = (struct strv){0};
	if (!listing)
		return errno == ENOENT ? 0 : -1;
	while ((errno = 0, found = readdir(listing)))
		if (is_ticket_name(found->d_name) && !is_of_the_future(found->d_name))
			strv_add(ret, found->d_name);
	if (errno)
		return -1;
	strv_sort(ret);
	return 0;
}

static bool is_locked(int fd)
{
	return flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* Opens the ticket and tells whether it lives; -1 where it is gone. */
int ticket_open(const char *directory, const char *name, bool *ret_alive)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, name);
	const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	int fd = open(path, flags);

	/* Its owner may have forbidden it; but the kernel may also have refused once, so
	 * try again. */
	if (fd < 0 && errno == EACCES)
		fd = open(path, flags);
	if (fd >= 0 && ret_alive)
		*ret_alive = is_locked(fd);
	return fd;
}

/* false, with *ret empty and errno set, if its content is not a valid build. */
static bool read_ticket(struct build *ret, int fd, const char *name)
{
	_cleanup_free_ char *text = NULL;
	struct stat status;
	size_t len;

	*ret = (struct build)BUILD_INIT;
	if (fstat(fd, &status) < 0) {
		errno = EIO; /* no owner can cause that */
		return false;
	}
	if (read_to_end(fd, TICKET_MAX, &text, &len) < 0)
		return false;
	errno = EINVAL;
	if (!build_parse(ret, text, len))
		return false;
	set_string(&ret->ticket, xstrdup(name));
	ret->owner = file_writer(&status);
	return true;
}

/* Whether the place of a run that left is still kept. */
static bool is_kept(const struct build *ticket)
{
	const time_t now = time(NULL);

	return ticket->left && ticket->left <= now &&
	       now - ticket->left < TICKET_KEPT_SECONDS;
}

static void remove_file(const char *path)
{
	_cleanup_free_ char *request = xasprintf("%s" TICKET_CANCEL, path);

	unlink(path);
	unlink(request);
}

/* The ticket is dead: removes it unless it still stands for something. */
static void sweep(const char *directory, const char *name, int fd)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, name);
	_cleanup_build_ struct build ticket = BUILD_INIT;

	/* A ticket that cannot be read may name a nixos-rebuild that still runs. */
	if (!read_ticket(&ticket, fd, name) && error_is_passing(errno))
		return;
	if (!is_kept(&ticket) && !ticket.child.pid && ticket.outcome <= OUTCOME_RUNNING &&
		file_is_at(fd, path))
		remove_file(path);
}

void ticket_sweep(const char *directory, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, name);

	if (is_ticket_name(name) && !ticket_is_alive(directory, name))
		remove_file(path);
}

bool ticket_is_believed(
	const struct build *ticket, const struct settings *settings, uid_t user)
{
	const uid_t owner = ticket->owner;

	return owner != (uid_t)-1 && (owner == 0 || owner == geteuid() || owner == user ||
					     owner == sharing_user(settings));
}

/*
 * Whether a living ticket of a later name has settled: its owner may have looked for
 * predecessors before this one was linked. One that has not settled will see this one
 * when it looks; if it counted, two could make each other start again for ever.
 */
static bool is_overtaken(const struct ticket *ticket, const char *directory)
{
	_cleanup_strv_ struct strv names = {0};

	if (list_names(&names, directory) < 0)
		return false;
	for (size_t i = names.len;
		i-- > 0 && strcmp(names.words[i], ticket_name(ticket)) > 0;) {
		_cleanup_build_ struct build later = BUILD_INIT;
		bool alive = false;
		_cleanup_close_ int fd = ticket_open(directory, names.words[i], &alive);

		if (fd < 0 || !alive || !ticket_name_queues(names.words[i]))
			continue;
		(void)read_ticket(&later, fd, names.words[i]);
		if (later.phase != PHASE_ARRIVING)
			return true;
	}
	return false;
}

/*
 * Takes over the place that the same agent left: whoever removes the old ticket has it.
 * Its name is not used again, the next one is.
 */
static bool return_to_place(
	struct ticket *ret, const char *directory, const struct build *build)
{
	_cleanup_builds_ struct builds dead = {0};
	bool returned = false;

	if (tickets_read_dead(&dead, directory) < 0)
		return false;
	for (size_t i = 0; i < dead.len && !returned; i++) {
		const char *name = dead.list[i].ticket;
		_cleanup_free_ char *path = xasprintf("%s/%s", directory, name);

		if (!build_is_of_agent(&dead.list[i], build->agent) ||
			!is_kept(&dead.list[i]) || unlink(path) < 0)
			continue;
		returned = make_ticket(ret, directory, strtoimax(name, NULL, 10) + 1, "",
				   build) == 0;
	}
	return returned;
}

int ticket_arrive(struct ticket *ret, const char *directory, const struct build *build)
{
	struct build arriving = *build;

	if (return_to_place(ret, directory, build))
		return 0;
	arriving.phase = PHASE_ARRIVING;
	for (int restarts = 0;; restarts++) {
		if (make_ticket(ret, directory, clock_ns(CLOCK_BOOTTIME), "", &arriving) <
			0)
			return -1;
		/*
		 * Between reading the clock and linking, others may have linked later
		 * stamps and gone ahead. A new ticket (a new file: one who already sleeps
		 * on this one must wake) goes to the end, where it belongs. The model in
		 * tests/model shows that this is needed, and enough.
		 */
		if (restarts == RESTARTS_MAX || !is_overtaken(ret, directory))
			break;
		ticket_remove(ret);
	}
	ticket_update(ret, build);
	return 0;
}

int ticket_arrive_first(
	struct ticket *ret, const char *directory, const struct build *build)
{
	_cleanup_builds_ struct builds living = {0};

	if (tickets_read(&living, directory) < 0)
		return -1;
	for (size_t i = 0; i < living.len; i++)
		if (ticket_name_queues(living.list[i].ticket))
			return make_ticket(ret, directory,
				strtoimax(living.list[i].ticket, NULL, 10) + 1, "",
				build);
	return ticket_arrive(ret, directory, build);
}

int ticket_arrive_beside(
	struct ticket *ret, const char *directory, const struct build *build)
{
	return make_ticket(ret, directory, clock_ns(CLOCK_BOOTTIME), BESIDE, build);
}

void ticket_update(struct ticket *ticket, const struct build *build)
{
	if (ticket->fd >= 0)
		(void)put_build(ticket->fd, build);
}

const char *ticket_name(const struct ticket *ticket)
{
	return ticket->path ? basename(ticket->path) : NULL;
}

void ticket_close(struct ticket *ticket)
{
	if (ticket->fd >= 0)
		close(ticket->fd);
	free(ticket->path);
	*ticket = (struct ticket)TICKET_NONE;
}

void ticket_remove(struct ticket *ticket)
{
	if (ticket->path)
		remove_file(ticket->path);
	ticket_close(ticket);
}

void ticket_leave(struct ticket *ticket, struct build *build)
{
	build->left = time(NULL);
	ticket_update(ticket, build);
	build->left = 0;
	ticket_close(ticket);
}

int ticket_open_predecessor(const struct ticket *ticket, const char *directory)
{
	const char *own = ticket_name(ticket);
	_cleanup_strv_ struct strv names = {0};

	if (list_names(&names, directory) < 0)
		return -1;
	for (size_t i = names.len; i-- > 0;) {
		_cleanup_close_ int fd = -1;
		bool alive = false;

		if (strcmp(names.words[i], own) >= 0)
			continue;
		fd = ticket_open(directory, names.words[i], &alive);
		if (fd < 0)
			continue;
		if (!alive)
			sweep(directory, names.words[i], fd);
		else if (ticket_name_queues(names.words[i]))
			return TAKE_FD(fd);
	}
	return -1;
}

bool ticket_is_alive(const char *directory, const char *name)
{
	bool alive = false;
	_cleanup_close_ int fd =
		is_ticket_name(name) ? ticket_open(directory, name, &alive) : -1;

	return fd >= 0 && alive;
}

bool ticket_read(struct build *ret, int fd)
{
	const bool alive = is_locked(fd);

	lseek(fd, 0, SEEK_SET);
	(void)read_ticket(ret, fd, NULL);
	return alive;
}

static int read_tickets(struct builds *ret, const char *directory, bool wanted_alive)
{
	_cleanup_strv_ struct strv names = {0};

	*ret = (struct builds){0};
	if (list_names(&names, directory) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		bool alive = false;
		_cleanup_close_ int fd = ticket_open(directory, names.words[i], &alive);
		struct build ticket = BUILD_INIT;

		if (fd >= 0 && alive != wanted_alive)
			continue;
		if (fd >= 0 && read_ticket(&ticket, fd, names.words[i]))
			builds_add(ret, &ticket);
		else if (error_is_passing(errno))
			return -1;
	}
	return 0;
}

int tickets_read(struct builds *ret, const char *directory)
{
	return read_tickets(ret, directory, true);
}

int tickets_read_dead(struct builds *ret, const char *directory)
{
	return read_tickets(ret, directory, false);
}

const struct build *tickets_holder(const struct builds *tickets)
{
	for (size_t i = 0; i < tickets->len; i++)
		if (ticket_name_queues(tickets->list[i].ticket) &&
			!build_is_waiting(&tickets->list[i]))
			return &tickets->list[i];
	return NULL;
}

void tickets_sweep_requests(const char *directory)
{
	_cleanup_closedir_ DIR *listing = opendir(directory);
	const struct dirent *found;

	while (listing && (found = readdir(listing))) {
		const char *end = strstr(found->d_name, TICKET_CANCEL);
		_cleanup_free_ char *ticket = NULL;

		if (!end || end[strlen(TICKET_CANCEL)])
			continue;
		ticket = xstrndup(found->d_name, (size_t)(end - found->d_name));
		if (faccessat(dirfd(listing), ticket, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
			errno == ENOENT)
			(void)unlinkat(dirfd(listing), found->d_name, 0);
	}
}
