#include "rebuild/system.h"

#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>

#include "base/file.h"
#include "base/memory.h"

/* N of ".../NAME-N-link", 0 where the link has another form. */
static uint64_t generation_of(const char *link)
{
	const char *end = strrchr(link, '-'), *dash;
	uint64_t number = 0;

	if (!end || !streq(end, "-link"))
		return 0;
	dash = end;
	while (dash > link && dash[-1] != '-')
		dash--;
	if (sscanf(dash, "%" SCNu64, &number) != 1)
		return 0;
	return number;
}

struct system_state system_read(
	const struct settings *settings, const struct target *target)
{
	_cleanup_free_ char *link = NULL;

	if (!target->profile)
		return (struct system_state){0};
	link = read_link_at(AT_FDCWD, target->profile);
	return (struct system_state){
		.running = read_link_at(AT_FDCWD, settings->current_system_path),
		.profile = realpath(target->profile, NULL),
		.generation = link ? generation_of(link) : 0,
	};
}

void system_free(struct system_state *state)
{
	free(state->running);
	free(state->profile);
}

bool system_is_same(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

bool system_equals(const struct system_state *a, const struct system_state *b)
{
	return system_is_same(a->running, b->running) &&
	       system_is_same(a->profile, b->profile) && a->generation == b->generation;
}

const char *system_aim(const struct system_state *state, enum action action)
{
	return action == ACTION_BOOT ? state->profile : state->running;
}

bool system_is_generation(const struct target *target, const char *system)
{
	_cleanup_free_ char *pattern = xasprintf("%s-*-link", target->profile);
	glob_t found;
	bool is = false;

	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc && !is; i++) {
			_cleanup_free_ char *path = realpath(found.gl_pathv[i], NULL);

			is = path && streq(path, system);
		}
	globfree(&found);
	return is;
}

char *system_generation_path(const struct settings *settings, uint64_t generation)
{
	_cleanup_free_ char *link = xasprintf(
		"%s/system-%" PRIu64 "-link", settings->profiles_path, generation);

	return realpath(link, NULL);
}
