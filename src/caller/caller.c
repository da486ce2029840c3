#include "caller/caller.h"

#include <ctype.h>
#include <pwd.h>
#include <sys/prctl.h>

#include "base/memory.h"
#include "base/message.h"
#include "base/proc.h"
#include "base/text.h"
#include "caller/agents.h"
#include "record/build.h"

/* A user without an account. */
#define NAMELESS "uid-"
/* How much of a subagent's id goes into its name. */
#define PART_LEN 6

static const char *own_lookup(const void *environment, const char *name)
{
	(void)environment;
	return getenv(name);
}

static const char *process_lookup(const void *environment, const char *name)
{
	return process_variable(environment, name);
}

static bool privilege_was_raised(void)
{
	return getuid() != geteuid() || getenv("SUDO_UID") || getenv("DOAS_USER") ||
	       getenv("PKEXEC_UID");
}

/* Any text as a valid name. */
static char *make_name(const char *text)
{
	char *name = xstrndup(text, 64);

	for (char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && *at != '_' &&
			(*at != '.' || at == name))
			*at = '-';
	for (char *at = name; (at = strstr(at, "..")); at++)
		*at = '-';
	if (!agent_name_is_valid(name))
		set_string(&name, xasprintf("x%.50s-", name));
	return name;
}

/*
 * Eight characters that tell sessions apart: the first of a random UUID; else the last,
 * for a UUIDv7 begins with the clock and two sessions of one minute would share a name.
 */
static char *short_session(const char *session)
{
	char kept[9] = "";
	size_t len = strlen(session), at = sizeof(kept) - 1;

	if (len == 36 && session[14] == '4')
		return xstrndup(session, 8);
	while (len && at) {
		len--;
		if (isalnum((unsigned char)session[len]))
			kept[--at] = (char)tolower((unsigned char)session[len]);
	}
	return xstrdup(kept + at);
}

/* For agents without a session id: made from their process, which is unique. */
static char *session_of_process(const struct process *process)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
	_cleanup_free_ char *key =
		xasprintf("%d:%llu", (int)process->pid, process->start_ticks);

	for (const char *at = key; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 0x100000001b3;
	return xasprintf("%08x", (unsigned)(hash ^ hash >> 32));
}

/*
 * The agent's own process: the one its variable names, else the nearest ancestor whose
 * environment lacks the marker, for agents put it into their children only.
 */
static bool find_agent_process(struct process *ret, const struct agent_marker *marker,
	variable_lookup *lookup, const void *environment, pid_t from)
{
	const char *value = marker->pid ? lookup(environment, marker->pid) : NULL;
	uint64_t pid;

	if (value && text_to_number(value, INT32_MAX, &pid) &&
		process_read(ret, (pid_t)pid))
		return true;
	if (!process_read(ret, from))
		return false;
	while (process_climb(ret)) {
		_cleanup_environment_ struct process_environment above = {0};

		if (!process_read_environment(&above, ret->pid))
			return false;
		if (!agent_marker_matches(marker, process_lookup, &above))
			return true;
	}
	return false;
}

static void take_marker(struct caller *caller, const struct agent_marker *marker,
	variable_lookup *lookup, const void *environment, pid_t from)
{
	const char *session =
		marker->session ? lookup(environment, marker->session) : NULL;
	_cleanup_free_ char *suffix = NULL, *name = NULL;
	struct process process;
	bool found = find_agent_process(&process, marker, lookup, environment, from);

	if (found)
		caller->since = process_start_time(&process);
	if (session && *session) {
		caller->session = text_clean(session, strnlen(session, 128));
		suffix = short_session(session);
	} else if (found) {
		suffix = session_of_process(&process);
	}
	name = suffix && *suffix ? xasprintf("%s-%s", marker->agent, suffix)
				 : xstrdup(marker->agent);
	caller->agent = make_name(name);
	caller->is_agent = true;
}

static bool identify_by_environment(struct caller *caller, variable_lookup *lookup,
	const void *environment, pid_t from)
{
	const struct agent_marker *marker = agent_find_marker(lookup, environment);
	_cleanup_free_ char *name = NULL;

	if (marker) {
		take_marker(caller, marker, lookup, environment, from);
		return true;
	}
	name = agent_conventional_name(lookup, environment);
	/* Old Claude Code set nothing else; a person's IDE terminal has it too, with a
	 * tty. */
	if (!name && lookup(environment, "CLAUDECODE") && !isatty(STDIN_FILENO))
		name = xstrdup("claude-code");
	if (!name)
		return false;
	caller->agent = make_name(name);
	caller->is_agent = true;
	return true;
}

static bool identify_by_ancestors(struct caller *caller)
{
	struct process process;

	if (!privilege_was_raised() || !process_read(&process, getpid()))
		return false;
	while (process_climb(&process)) {
		_cleanup_environment_ struct process_environment environment = {0};

		if (process_read_environment(&environment, process.pid) &&
			identify_by_environment(
				caller, process_lookup, &environment, process.pid))
			return true;
	}
	return false;
}

static bool identify_by_program(struct caller *caller)
{
	struct process process;

	if (!process_read(&process, getpid()))
		return false;
	while (process_climb(&process)) {
		for (size_t j = 0; agent_programs[j]; j++) {
			_cleanup_free_ char *suffix = NULL;

			if (!process_is_named(&process, agent_programs[j]))
				continue;
			suffix = session_of_process(&process);
			caller->agent = xasprintf("%s-%s", agent_programs[j], suffix);
			caller->is_agent = true;
			caller->since = process_start_time(&process);
			return true;
		}
	}
	return false;
}

/* How programs that give root's rights tell us who called them. */
static const struct {
	const char *variable, *command;
	bool is_name;
} elevations[] = {
	{"SUDO_UID", "sudo ", false}, /* run0 as well */
	{"DOAS_USER", "doas ", true},
	{"PKEXEC_UID", "pkexec ", false},
};

static bool read_uid(uid_t *ret, const char *value, bool is_name)
{
	const struct passwd *entry = is_name ? getpwnam(value) : NULL;
	uint64_t uid = 0;

	if (is_name && entry)
		*ret = entry->pw_uid;
	else if (!is_name && text_to_number(value, UINT32_MAX - 1, &uid))
		*ret = (uid_t)uid;
	else
		return false;
	return true;
}

/* If one runs in another, the inner one names root; the kernel knows who logged in. */
static void find_uid(struct caller *caller)
{
	caller->uid = getuid();
	caller->elevation = "";
	for (size_t i = 0; i < ARRAY_LEN(elevations) && geteuid() == 0; i++) {
		const char *value = getenv(elevations[i].variable);

		if (!value || !read_uid(&caller->uid, value, elevations[i].is_name))
			continue;
		if (caller->uid == 0)
			caller->uid = process_login_uid();
		caller->elevation = caller->uid ? elevations[i].command : "";
		return;
	}
}

static void find_user(struct caller *caller)
{
	const char *sudo_user = getenv("SUDO_USER");

	find_uid(caller);
	caller->user = !getpwuid(caller->uid) && sudo_user && *sudo_user
			       ? xstrdup(sudo_user)
			       : caller_user(caller->uid);
}

char *caller_user(uid_t uid)
{
	const struct passwd *entry = getpwuid(uid);

	return entry ? xstrdup(entry->pw_name) : xasprintf(NAMELESS "%u", (unsigned)uid);
}

uid_t caller_uid(const char *user)
{
	const struct passwd *entry = user ? getpwnam(user) : NULL;
	uint64_t uid;

	if (entry)
		return entry->pw_uid;
	return user && starts_with(user, NAMELESS) &&
			       text_to_number(user + strlen(NAMELESS), UINT32_MAX, &uid)
		       ? (uid_t)uid
		       : (uid_t)-1;
}

/*
 * Agents run each command in a new session: the parent of its leader has been running
 * since the agent's session began. A person's session is the terminal's.
 */
static time_t session_start(bool is_agent)
{
	struct process self, leader, parent;

	if (!process_read(&self, getpid()) || !process_read(&leader, self.session))
		return time(NULL);
	if (is_agent && leader.parent > 1 && process_read(&parent, leader.parent))
		return process_start_time(&parent);
	return process_start_time(&leader);
}

char *caller_name_of_session(const char *agent, const char *session, const char *part)
{
	_cleanup_free_ char *suffix = short_session(session);
	/* The end tells apart subagents with labels: "aworker-1-3f2a9c1e". */
	const size_t len = part ? strlen(part) : 0;
	_cleanup_free_ char *name = xasprintf("%s%s%s%s%s", agent, *suffix ? "-" : "",
		suffix, part ? "." : "",
		len > PART_LEN ? part + len - PART_LEN
		: part         ? part
			       : "");

	return make_name(name);
}

int caller_identify(struct caller *ret, const char *given)
{
	*ret = (struct caller){0};
	if (given && !agent_name_is_valid(given))
		return error(
			"--agent: '%s' is not a usable name: letters, digits, '.', '_' "
			"and "
			"'-', at most 64, beginning with a letter, a digit or '_'",
			given);
	find_user(ret);
	if (!identify_by_environment(ret, own_lookup, NULL, getpid()) &&
		!identify_by_ancestors(ret) && !identify_by_program(ret))
		ret->agent = make_name(ret->user);
	if (given) {
		set_string(&ret->agent, xstrdup(given));
		ret->is_agent = true;
	}
	if (!ret->since)
		ret->since = session_start(ret->is_agent);
	return 0;
}

void caller_free(struct caller *caller)
{
	free(caller->agent);
	free(caller->session);
	free(caller->user);
}

char *caller_variable(const char *name)
{
	const char *own = getenv(name);
	struct process process;

	if (own && *own)
		return xstrdup(own);
	if (!privilege_was_raised() || !process_read(&process, getpid()))
		return NULL;
	while (process_climb(&process)) {
		_cleanup_environment_ struct process_environment environment = {0};
		const char *value;

		if (!process_read_environment(&environment, process.pid))
			continue;
		value = process_variable(&environment, name);
		if (value && *value)
			return xstrdup(value);
	}
	return NULL;
}

const char *sandbox_advice(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? SANDBOX_ADVICE : NULL;
}
