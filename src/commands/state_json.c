#include "commands/state_json.h"

static json_t *optional_build(const struct build *build)
{
	return build->number ? json_build(build) : json_null();
}

static json_t *list_builds(const struct builds *builds)
{
	json_t *list = json_array();

	for (size_t i = 0; i < builds->len; i++)
		json_array_append_new(list, json_build(&builds->list[i]));
	return list;
}

static void add_tickets(json_t *running, json_t *waiting, const struct queue_state *queue)
{
	for (size_t i = 0; i < queue->tickets.len; i++) {
		const struct build *ticket = &queue->tickets.list[i];

		json_array_append_new(
			build_is_waiting(ticket) ? waiting : running, json_build(ticket));
	}
	for (size_t i = 0; i < queue->killed.len; i++)
		json_array_append_new(running, json_build(&queue->killed.list[i]));
}

/* Who builds and who waits: null where that cannot be read. */
static void put_queues(json_t *object, const struct state *state)
{
	json_t *running = json_array(), *waiting = json_array();
	const char *stranger = NULL;
	bool unknown = false;

	for (size_t i = 0; i < state->queues_len; i++) {
		const struct queue_state *queue = &state->queues[i];

		add_tickets(running, waiting, queue);
		unknown = unknown || queue->unknown;
		if (!stranger && !queue->tickets.len)
			stranger = queue->stranger;
	}
	json_object_set_new(object, "building", unknown ? json_null() : running);
	json_object_set_new(object, "waiting", unknown ? json_null() : waiting);
	json_object_set_new(object, "lock_held_outside", json_text(stranger));
	if (unknown) {
		json_decref(running);
		json_decref(waiting);
	}
}

static json_t *json_system(const struct system_state *system)
{
	json_t *object = json_object();

	json_object_set_new(object, "running", json_text(system->running));
	json_object_set_new(object, "profile", json_text(system->profile));
	json_object_set_new(
		object, "generation", json_integer((json_int_t)system->generation));
	return object;
}

int state_print_json(const struct state *state)
{
	const struct system_state *system = &state->system;
	const bool boots_live = system->running && system->profile &&
				streq(system->running, system->profile);
	json_t *object = json_answer();

	json_object_set_new(object, "agent", json_text(state->caller.agent));
	put_queues(object, state);
	json_object_set_new(object, "system", json_system(system));
	json_object_set_new(object, "live", optional_build(&state->live));
	json_object_set_new(object, "boots",
		optional_build(boots_live ? &state->live : &state->boot));
	json_object_set_new(object, "yours", optional_build(&state->own));
	json_object_set_new(object, "last", list_builds(&state->last));
	json_object_set_new(object, "refused", list_builds(&state->refused));
	json_object_set_new(object, "builds_since_yours",
		state->own.number ? json_integer((json_int_t)state->since_own)
				  : json_null());
	json_object_set_new(object, "uncommitted",
		state->root ? json_words(&state->uncommitted) : json_null());
	json_object_set_new(object, "untracked", json_text(state->untracked));
	json_object_set_new(object, "unfinished", json_text(state->unfinished));
	json_object_set_new(object, "unconfirmed",
		state->trial.build && state->trial.until
			? json_integer((json_int_t)state->trial.build)
			: json_null());
	json_object_set_new(object, "paused", json_text(state->paused));
	json_object_set_new(object, "verdict", json_text(state->verdict));
	json_object_set_new(object, "why", json_text(state->why));
	json_object_set_new(object, "failed", json_text(state->failed));
	json_object_set_new(object, "went_back_outside", json_boolean(state->went_back));
	return json_print(object);
}
