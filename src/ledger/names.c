#include "ledger/names.h"

#include "base/memory.h"
#include "base/message.h"
#include "base/text.h"
#include "rebuild/system.h"

static int find_system(struct build *ret, struct ledger *ledger, const char *path)
{
	return path ? build_by_system(ret, ledger, path) : 0;
}

static int find(struct build *ret, struct ledger *ledger, const struct settings *settings,
	const char *text)
{
	_cleanup_target_ struct target system = {0};
	_cleanup_system_ struct system_state state = {0};
	_cleanup_free_ char *generation = NULL;
	uint64_t number;

	target_by_name(&system, settings, NULL);
	if (text_to_number(text, UINT64_MAX, &number))
		return build_by_number(ret, ledger, number);
	if (streq(text, "last"))
		return build_tip(ret, ledger);
	if (*text == '@' && agent_name_is_valid(text + 1))
		return build_by_agent(ret, ledger, NULL, text + 1);
	if (*text == '/')
		return find_system(ret, ledger, text);
	if (starts_with(text, "gen:") && text_to_number(text + 4, UINT64_MAX, &number)) {
		generation = system_generation_path(settings, number);
		return find_system(ret, ledger, generation);
	}
	if (streq(text, "live")) {
		system_read(&state, settings, &system);
		return find_system(ret, ledger, state.running);
	}
	return error(
		"'%s' names no build: 43, last, live, @AGENT, gen:142 or a store path",
		text);
}

int build_by_name(struct build *ret, struct ledger *ledger,
	const struct settings *settings, const char *text)
{
	int found = find(ret, ledger, settings, text);

	if (found == 0)
		return error("there is no build '%s'", text);
	return found < 0 ? -1 : 0;
}
