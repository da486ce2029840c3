#include "run/way_back.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/rights.h"
#include "run/confirmation.h"

/* switch-to-configuration could not take NixOS' own lock; and how long to retry. */
#define STATUS_LOCKED 11
#define LOCKED_MS 120000

struct way_back {
	const struct settings *settings;
	const struct surroundings *surroundings;
	uint64_t build; /* of the timer */
};

static int open_lock(const struct settings *settings)
{
	_cleanup_free_ char *path = xasprintf("%s/trial.lock", settings->run_path);

	return open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* Nobody else goes back until this is closed. -1: go on without the lock. */
static int lock_way_back(const struct settings *settings)
{
	const int fd = open_lock(settings);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	say("waiting until the build on trial has been taken back");
	(void)flock(fd, LOCK_EX);
	return fd;
}

static int try_lock(void *data)
{
	const struct way_back *way = data;
	_cleanup_close_ int fd = open_lock(way->settings);

	return fd < 0 ? -1 : flock(fd, LOCK_EX | LOCK_NB);
}

bool way_back_is_taken(const struct settings *settings)
{
	struct way_back way = {.settings = settings};

	return rights_call(try_lock, &way) < 0;
}

static struct child child_of(const struct way_back *way)
{
	return (struct child){.surroundings = way->surroundings,
		.stdio = {-1, STDERR_FILENO, STDERR_FILENO},
		.group = -1};
}

/* Stops an activation that hangs: one that runs afterwards is somebody else's. */
static void stop_activation(const struct way_back *way)
{
	struct child child = child_of(way);
	char *const argv[] = {(char[]){"systemctl"}, (char[]){"stop"},
		(char[]){"nixos-rebuild-switch-to-configuration.service"}, NULL};

	child.program = argv[0];
	child.argv = argv;
	(void)!child_run(&child, WAY_BACK_MS);
}

/*
 * A unit's PATH is systemd's own (on NixOS only systemd's programs), so we do not use it
 * here. Another activation may hold NixOS' lock: then we try again.
 */
static int activate(const struct way_back *way, const struct trial_record *record)
{
	const int64_t end = clock_boot_ms() + LOCKED_MS;
	_cleanup_free_ char *script =
		xasprintf("%s/bin/switch-to-configuration", record->old_system);
	char *const argv[] = {script, (char[]){"test"}, NULL};
	struct child child = child_of(way);
	int status = STATUS_LOCKED;

	(void)setenv("NIXOS_INSTALL_BOOTLOADER", "0", 1);
	(void)setenv("NIXOS_NO_CHECK", "1", 1);
	child.program = script;
	child.argv = argv;
	while (status == STATUS_LOCKED && clock_boot_ms() < end) {
		if (trial_is_superseded(
			    way->settings, record->old_system, record->new_system)) {
			say("another system was made live meanwhile: that one is left "
			    "alone");
			return 0;
		}
		status = child_run(&child, WAY_BACK_MS);
		if (status == STATUS_LOCKED)
			clock_sleep_ms(1000);
	}
	return status < 0 ? error_errno("cannot run '%s'", script) : 0;
}

static int go(const struct way_back *way, const struct trial_record *record)
{
	int result;

	if (*record->new_system != '/')
		stop_activation(way);
	result = activate(way, record);
	trial_release_root(way->settings);
	if (trial_is_superseded(way->settings, record->old_system, record->new_system))
		trial_forget(way->settings, TRIAL_EXPIRED);
	else
		trial_note_taken_back(way->settings);
	return result;
}

static int take_back(void *data)
{
	const struct way_back *way = data;
	_cleanup_close_ int lock = lock_way_back(way->settings);
	_cleanup_trial_record_ struct trial_record record = {0};

	trial_read(&record, way->settings, TRIAL_OPEN);
	if (record.build != way->build) {
		say("build %" PRIu64 " is not waiting to be confirmed", way->build);
	} else if (trial_decide(way->settings, TRIAL_EXPIRED) <= 0) {
		say("build %" PRIu64 " was decided already", way->build);
	} else {
		say("build %" PRIu64 " was not confirmed: taking it back", way->build);
		return go(way, &record);
	}
	return 0;
}

int way_back_of_timer(const struct settings *settings,
	const struct surroundings *surroundings, uint64_t build)
{
	struct way_back way = {settings, surroundings, build};

	return rights_call(take_back, &way) < 0
		       ? fail(EXIT_OWN_FAILURE,
				 "build %" PRIu64 " could not be taken back", build)
		       : 0;
}

static int end_orphan(void *data)
{
	const struct way_back *way = data;
	_cleanup_close_ int lock = lock_way_back(way->settings);
	_cleanup_trial_record_ struct trial_record record = {0};
	const int decided = trial_decide(way->settings, TRIAL_EXPIRED);

	if (decided < 0)
		return -1;
	/* The trial that expired now, or one whose way back was killed. */
	trial_read(&record, way->settings, TRIAL_EXPIRED);
	if (!record.build)
		return 0;
	say("build %" PRIu64 " was on trial, and its runner was killed: taking it back",
		record.build);
	if (decided && record.until)
		trial_stop_timer(way->surroundings, record.build);
	go(way, &record);
	return 0;
}

void way_back_of_orphan(
	const struct settings *settings, const struct surroundings *surroundings)
{
	struct way_back way = {.settings = settings, .surroundings = surroundings};

	if ((trial_is_there(settings, TRIAL_OPEN) ||
		    trial_is_there(settings, TRIAL_EXPIRED)) &&
		rights_call(end_orphan, &way) < 0)
		warn_errno("a build is on trial whose runner was killed, and cannot be "
			   "taken back now");
}
