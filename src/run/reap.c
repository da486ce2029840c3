#include "run/reap.h"

#include <inttypes.h>

#include "base/memory.h"
#include "base/message.h"
#include "queue/queue.h"
#include "queue/target.h"
#include "rebuild/system.h"

bool reap_is_dead(const struct build *build, const struct settings *settings)
{
	const char *target = record_get(&build->record, "Target");
	const char *ticket = record_get(&build->record, "Ticket");
	_cleanup_free_ char *queue = target ? queue_directory(settings, target) : NULL;

	/* One that could not get a ticket is given a day; none has ever taken longer. */
	if (!ticket)
		return time(NULL) - record_get_time(&build->record, "Started") > 86400;
	return !queue || !ticket_is_alive(queue, ticket);
}

static void record_as_interrupted(
	struct build *build, struct ledger *ledger, const struct settings *settings)
{
	struct record *record = &build->record;
	const char *target = record_get(record, "Target"),
		   *action = record_get(record, "Action");
	_cleanup_system_ struct system_state now = {0};

	if (target && target_is_local(target)) {
		system_read(&now, settings, NULL);
		record_set(record, "System-After",
			action && streq(action, "boot") ? now.profile : now.running);
		if (now.generation)
			record_setf(record, "Generation", "%" PRIu64, now.generation);
	}
	record_set(record, "Outcome", "interrupted");
	record_set_time(record, "Finished", time(NULL));
	record_set(record, "Ticket", NULL);
	if (ledger_finish(ledger, record, &build->tree) == 0)
		say("build %" PRIu64 " by %s was interrupted: its runner was killed",
			build_number(build), record_get(record, "Agent"));
}

void reap_interrupted(struct ledger *ledger, const struct settings *settings)
{
	struct build *running;
	size_t len;

	if (builds_running(&running, &len, ledger) < 0)
		return;
	for (size_t i = 0; i < len; i++) {
		if (reap_is_dead(&running[i], settings))
			record_as_interrupted(&running[i], ledger, settings);
		build_free(&running[i]);
	}
	free(running);
}
