#include "commands/json.h"

#include "base/message.h"

json_t *json_path_change(const struct path_change *change)
{
	const char status[] = {path_change_letter(change), '\0'};
	json_t *object = json_object();

	json_object_set_new(object, "path", json_text(change->path));
	json_object_set_new(object, "status", json_string(status));
	return object;
}

static bool has_answered;

int json_print(json_t *answer)
{
	int result = json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);

	has_answered = true;
	json_decref(answer);
	putchar('\n');
	/* Whether it could be written the caller says, for all answers. */
	return result == 0 || ferror(stdout) ? 0 : EXIT_OWN_FAILURE;
}

void json_print_error(int status)
{
	json_t *answer;

	if (has_answered)
		return;
	answer = json_answer();
	json_object_set_new(answer, "error", json_text(message_last_error()));
	json_object_set_new(answer, "exit_status", json_integer(status));
	(void)json_print(answer);
}
