#include "record/build.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

/* A ticket is for information: long values are cut, so that it can be read whole. */
#define TICKET_VALUE_MAX 1000

#define FIELD(key, type, member, place)                          \
	{                                                        \
		key, offsetof(struct build, member), type, place \
	}

const struct build_field build_fields[] = {
	FIELD("Build", FIELD_NUMBER, number, EVERYWHERE),
	FIELD("Agent", FIELD_AGENT, agent, EVERYWHERE),
	FIELD("Session", FIELD_TEXT, session, EVERYWHERE),
	FIELD("User", FIELD_TEXT, user, EVERYWHERE),
	FIELD("Target", FIELD_TARGET, target, EVERYWHERE),
	FIELD("Action", FIELD_TEXT, action, EVERYWHERE),
	FIELD("Command", FIELD_TEXT, command, EVERYWHERE),
	FIELD("Directory", FIELD_TEXT, directory, EVERYWHERE),
	FIELD("Message", FIELD_TEXT, message, EVERYWHERE),
	FIELD("Config", FIELD_TEXT, config, EVERYWHERE),
	FIELD("Config-State", FIELD_STATE, config_state, EVERYWHERE),
	FIELD("Config-Commit", FIELD_ID, config_commit, EVERYWHERE),
	FIELD("Config-Subject", FIELD_TEXT, config_subject, EVERYWHERE),
	FIELD("Config-Tree", FIELD_ID, config_tree, EVERYWHERE),
	FIELD("Left-Out", FIELD_NUMBER, left_out, EVERYWHERE),
	FIELD("Requested", FIELD_TIME, requested, EVERYWHERE),
	FIELD("Started", FIELD_TIME, started, EVERYWHERE),
	FIELD("Finished", FIELD_TIME, finished, EVERYWHERE),
	FIELD("Outcome", FIELD_OUTCOME, outcome, EVERYWHERE),
	FIELD("Exit-Status", FIELD_STATUS, exit_status, EVERYWHERE),
	FIELD("Cancelled-By", FIELD_TEXT, cancelled_by, EVERYWHERE),
	FIELD("Refused", FIELD_TEXT, refused, EVERYWHERE),
	FIELD("Allowed-Undo", FIELD_TEXT, allowed_undo, EVERYWHERE),
	FIELD("Allowed-Redo", FIELD_TEXT, allowed_redo, EVERYWHERE),
	FIELD("Undone", FIELD_TEXT, undone, EVERYWHERE),
	FIELD("Changed-Work", FIELD_TEXT, changed_work, EVERYWHERE),
	FIELD("Back-To", FIELD_TEXT, back_to, EVERYWHERE),
	FIELD("Rolled-Back", FIELD_TEXT, rolled_back, EVERYWHERE),
	FIELD("Taken-Back", FIELD_TEXT, taken_back, EVERYWHERE),
	FIELD("Taken-Back-By", FIELD_AGENT, taken_back_by, EVERYWHERE),
	FIELD("Check-Output", FIELD_TEXT, check_output, EVERYWHERE),
	FIELD("Confirmed-By", FIELD_TEXT, confirmed_by, EVERYWHERE),
	FIELD("System-Before", FIELD_TEXT, system_before, EVERYWHERE),
	FIELD("System-After", FIELD_TEXT, system_after, EVERYWHERE),
	FIELD("Profile-After", FIELD_TEXT, profile_after, EVERYWHERE),
	FIELD("Generation-Before", FIELD_NUMBER, generation_before, EVERYWHERE),
	FIELD("Generation", FIELD_NUMBER, generation, EVERYWHERE),
	FIELD("Failed-Units", FIELD_TEXT, failed_units, EVERYWHERE),
	FIELD("Nix-Error", FIELD_TEXT, nix_error, EVERYWHERE),
	FIELD("Nix-Error-At", FIELD_TEXT, nix_error_at, EVERYWHERE),
	FIELD("Changed-While-Building", FIELD_TEXT, changed_while_building, EVERYWHERE),
	FIELD("Log", FIELD_TEXT, log, EVERYWHERE),
	FIELD("Environment", FIELD_TEXT, environment, EVERYWHERE),
	FIELD("Stdout", FIELD_TEXT, stdout_text, EVERYWHERE),
	FIELD("Stdout-Size", FIELD_NUMBER, stdout_size, EVERYWHERE),
	FIELD("Numbers-Given", FIELD_NUMBER, numbers_given, EVERYWHERE),
	FIELD("Ticket", FIELD_TEXT, ticket, EVERYWHERE),
	FIELD("Phase", FIELD_PHASE, phase, TICKET_ONLY),
	FIELD("Expected", FIELD_NUMBER, expected, TICKET_ONLY),
	FIELD("Runner", FIELD_PROCESS, runner, TICKET_ONLY),
	FIELD("Child", FIELD_PROCESS, child, TICKET_ONLY),
	FIELD("Cancel", FIELD_TEXT, cancel, TICKET_ONLY),
	FIELD("Cancel-Request", FIELD_NUMBER, cancel_request, TICKET_ONLY),
	FIELD("Left", FIELD_TIME, left, TICKET_ONLY),
};
const size_t build_fields_len = ARRAY_LEN(build_fields);

const char *const outcome_words[] = {"", "running", "succeeded", "partly", "failed",
	"interrupted", "cancelled", "rolled-back", "refused", NULL};
const char *const config_state_words[] = {
	"none", "clean", "dirty", "unborn", "plain", NULL};
const char *const phase_words[] = {"", "arriving", "waiting",
	"waiting for what runs outside", "looking", "evaluating", "building",
	"activating", "checking", "unconfirmed", NULL};

static bool is_component(const char *name, const char *also)
{
	size_t len = strlen(name);

	if (len == 0 || *name == '.' || *name == '-' || name[len - 1] == '.')
		return false;
	for (const char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr(also, *at))
			return false;
	return !strstr(name, "..") && !ends_with(name, ".lock");
}

bool agent_name_is_valid(const char *name)
{
	return strlen(name) <= AGENT_NAME_MAX && is_component(name, "._-");
}

bool target_name_is_valid(const char *name)
{
	return strlen(name) <= 250 && is_component(name, "._-%") &&
	       (streq(name, "system") || starts_with(name, "profile-") ||
		       starts_with(name, "host-"));
}

static void *member(struct build *build, const struct build_field *field)
{
	return (char *)build + field->offset;
}

static bool is_text(const struct build_field *field)
{
	return field->type == FIELD_TEXT || field->type == FIELD_AGENT ||
	       field->type == FIELD_TARGET;
}

void build_free(struct build *build)
{
	for (size_t i = 0; i < build_fields_len; i++)
		if (is_text(&build_fields[i]))
			free(*(char **)member(build, &build_fields[i]));
	*build = (struct build)BUILD_INIT;
}

void build_copy(struct build *ret, const struct build *from)
{
	*ret = *from;
	for (size_t i = 0; i < build_fields_len; i++) {
		char **text = member(ret, &build_fields[i]);

		if (is_text(&build_fields[i]) && *text)
			*text = xstrdup(*text);
	}
}

void builds_add(struct builds *builds, struct build *build)
{
	*list_add(builds->list, builds->len) = *build;
	*build = (struct build)BUILD_INIT;
}

void builds_free(struct builds *builds)
{
	for (size_t i = 0; i < builds->len; i++)
		build_free(&builds->list[i]);
	free(builds->list);
	*builds = (struct builds){0};
}

static char *word_text(const char *word)
{
	return *word ? xstrdup(word) : NULL;
}

static char *id_text(const git_oid *id)
{
	char text[GIT_OID_HEXSZ + 1];

	return git_oid_is_zero(id) ? NULL
				   : xstrdup(git_oid_tostr(text, sizeof(text), id));
}

static char *process_text(const struct process_name *process)
{
	return process->pid
		       ? xasprintf("%d %llu", (int)process->pid, process->start_ticks)
		       : NULL;
}

char *build_field_text(const struct build *build, const struct build_field *field)
{
	const void *value = (const char *)build + field->offset;

	switch (field->type) {
	case FIELD_TEXT:
	case FIELD_AGENT:
	case FIELD_TARGET: {
		const char *text = *(char *const *)value;

		return text && *text ? xstrdup(text) : NULL;
	}
	case FIELD_NUMBER:
		return *(const uint64_t *)value
			       ? xasprintf("%" PRIu64, *(const uint64_t *)value)
			       : NULL;
	case FIELD_STATUS:
		return *(const int *)value == NO_EXIT_STATUS
			       ? NULL
			       : xasprintf("%d", *(const int *)value);
	case FIELD_TIME:
		return *(const time_t *)value ? clock_iso8601(*(const time_t *)value)
					      : NULL;
	case FIELD_ID:
		return id_text(value);
	case FIELD_OUTCOME:
		return word_text(outcome_words[*(const enum outcome *)value]);
	case FIELD_STATE:
		return word_text(config_state_words[*(const enum config_state *)value]);
	case FIELD_PHASE:
		return word_text(phase_words[*(const enum phase *)value]);
	case FIELD_PROCESS:
		return process_text(value);
	}
	return NULL;
}

void build_put(struct strbuf *out, const struct build *build, enum field_place place)
{
	for (size_t i = 0; i < build_fields_len; i++) {
		const struct build_field *field = &build_fields[i];
		_cleanup_free_ char *text =
			field->place <= place ? build_field_text(build, field) : NULL;

		if (!text)
			continue;
		if (place == TICKET_ONLY)
			text[text_cut(text, TICKET_VALUE_MAX)] = '\0';
		record_put_field(out, field->key, text);
	}
}

static bool parse_status(const char *text, int *ret)
{
	uint64_t number;

	if (!text_to_number(text, 255, &number))
		return false;
	*ret = (int)number;
	return true;
}

static bool parse_id(const char *text, git_oid *ret)
{
	return strlen(text) == GIT_OID_HEXSZ && git_oid_fromstr(ret, text) == 0;
}

static bool parse_process(const char *text, struct process_name *ret)
{
	int end = 0;

	return sscanf(text, "%d %llu%n", &ret->pid, &ret->start_ticks, &end) == 2 &&
	       !text[end] && ret->pid > 0;
}

static bool parse_word(const char *text, const char *const *words, unsigned *ret)
{
	const int index = text_index(text, words);

	if (index >= 0)
		*ret = (unsigned)index;
	return index >= 0;
}

static bool take_text(char **member_text, const char *text)
{
	set_string(member_text, xstrdup(text));
	return true;
}

static bool parse_value(void *value, enum field_type type, const char *text)
{
	switch (type) {
	case FIELD_TEXT:
		return take_text(value, text);
	case FIELD_AGENT:
		return agent_name_is_valid(text) && take_text(value, text);
	case FIELD_TARGET:
		return target_name_is_valid(text) && take_text(value, text);
	case FIELD_NUMBER:
		return text_to_number(text, UINT64_MAX, value);
	case FIELD_STATUS:
		return parse_status(text, value);
	case FIELD_TIME:
		return clock_parse_iso8601(text, value);
	case FIELD_ID:
		return parse_id(text, value);
	case FIELD_OUTCOME:
		return parse_word(text, outcome_words, value);
	case FIELD_STATE:
		return parse_word(text, config_state_words, value);
	case FIELD_PHASE:
		return parse_word(text, phase_words, value);
	case FIELD_PROCESS:
		return parse_process(text, value);
	}
	return false;
}

/* Keys that a later version has added are skipped. */
static bool parse_fields(struct build *build, const struct record *record)
{
	for (size_t i = 0; i < build_fields_len; i++) {
		const struct build_field *field = &build_fields[i];
		const char *text = record_get(record, field->key);

		if (text && *text &&
			!parse_value(member(build, field), field->type, text))
			return false;
	}
	return build->agent && build->target && build->number <= BUILD_NUMBER_MAX;
}

bool build_parse(struct build *ret, const char *text, size_t len)
{
	_cleanup_record_ struct record record = {0};

	*ret = (struct build)BUILD_INIT;
	record_parse(&record, text, len);
	if (parse_fields(ret, &record))
		return true;
	build_free(ret);
	return false;
}

bool build_has_snapshot(const struct build *build)
{
	return build->config_state != CONFIG_NONE;
}

bool build_is_running(const struct build *build)
{
	return build->outcome == OUTCOME_RUNNING;
}

bool build_took_effect(const struct build *build)
{
	return build->outcome == OUTCOME_SUCCEEDED || build->outcome == OUTCOME_PARTLY;
}

bool build_is_waiting(const struct build *ticket)
{
	return ticket->phase <= PHASE_WAITING;
}

bool build_is_of_agent(const struct build *build, const char *agent)
{
	return build->agent && streq(build->agent, agent);
}

bool build_is_of_target(const struct build *build, const char *target)
{
	return build->target && streq(build->target, target);
}
