#include "run/phase.h"

static const struct {
	const char *start; /* of a line */
	enum phase phase;
} signs[] = {
	{"building '/", PHASE_BUILDING},
	{"copying path '/", PHASE_BUILDING},
	{"these ", PHASE_BUILDING}, /* ... derivations will be built */
	{"this derivation will be built", PHASE_BUILDING},
	{"this path will be fetched", PHASE_BUILDING},
	{"updating GRUB", PHASE_ACTIVATING},
	{"updating systemd-boot", PHASE_ACTIVATING},
	{"stopping the following units", PHASE_ACTIVATING},
	{"activating the configuration", PHASE_ACTIVATING},
	{"setting up /etc", PHASE_ACTIVATING},
	{"reloading the following units", PHASE_ACTIVATING},
	{"restarting the following units", PHASE_ACTIVATING},
	{"starting the following units", PHASE_ACTIVATING},
};

const char *phase_name(enum phase phase)
{
	static const char *const names[] = {"evaluating", "building", "activating"};

	return names[phase];
}

/* Phases follow each other; a line of an earlier one does not lead back. */
static bool read_line(struct phase_reader *reader)
{
	const enum phase before = reader->phase;

	reader->line[reader->len] = '\0';
	reader->len = 0;
	error_read_line(&reader->error, reader->line);
	if (starts_with(reader->line, "warning: creating lock file") ||
		starts_with(reader->line, "warning: updating lock file"))
		reader->lock_file_written = time(NULL);
	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (signs[i].phase > reader->phase &&
			starts_with(reader->line, signs[i].start))
			reader->phase = signs[i].phase;
	return reader->phase != before;
}

bool phase_read(struct phase_reader *reader, const char *data, size_t len)
{
	bool changed = false;

	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n')
			changed = read_line(reader) || changed;
		else if (reader->len + 1 < sizeof(reader->line))
			reader->line[reader->len++] = data[i];
	}
	return changed;
}
