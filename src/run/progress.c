#include "run/progress.h"

#include <ctype.h>

#include "base/screen.h"

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

/* From the first of these on the running system is changed (switch-to-configuration-ng);
 * the boot loader is installed before. */
static const char *const activation_signs[] = {"stopping the following units",
	"activating the configuration", "setting up /etc", "restarting systemd"};

/* "PATH:14:3:" or "PATH:14"; false where it is no place. */
static bool parse_place(struct error_place *ret, const char *text)
{
	const char *colon = text, *end;

	*ret = (struct error_place){0};
	if (*text != '/' && strncmp(text, "«", strlen("«")) != 0)
		return false;
	/* URLs have colons, too: take the first one before a number. */
	do
		colon = strchr(colon + 1, ':');
	while (colon && !isdigit((unsigned char)colon[1]));
	if (!colon || (size_t)(colon - text) >= sizeof(ret->path))
		return false;
	ret->line = (unsigned)strtoul(colon + 1, NULL, 10);
	end = colon;
	memcpy(ret->path, text, (size_t)(end - text));
	return ret->line > 0;
}

static void note_place(struct nix_error *error, const char *text)
{
	struct error_place place;

	if (!parse_place(&place, text))
		return;
	if (error->expects_place)
		error->place = place;
	else
		error->others[error->others_len++ % ERROR_PLACES] = place;
	error->expects_place = false;
}

static void read_error_line(struct nix_error *error, const char *line)
{
	static const char prefix[] = "error: ", at[] = "at ";
	const char *inner;

	line += strspn(line, " ");
	if (starts_with(line, at))
		note_place(error, line + strlen(at));
	if (!starts_with(line, prefix))
		return;
	if (!*error->text) {
		snprintf(error->text, sizeof(error->text), "%s", line + strlen(prefix));
		error->expects_place = true;
	}
	inner = strstr(line, ", at /");
	if (inner)
		note_place(error, inner + strlen(", at "));
}

/* Nix' bar on a terminal: "[1/0/9 built, 2 copied]", "[2 built]"; until something is
 * built or fetched it stays empty or tells what is evaluated. */
static bool is_bar_of_builds(const char *line)
{
	return *line == '[' && isdigit((unsigned char)line[1]) &&
	       (strstr(line, " built") || strstr(line, " copied"));
}

/* Phases follow each other; a line of an earlier one does not lead back. */
static bool read_line(struct progress *progress)
{
	const enum phase before = progress->phase;

	_cleanup_strbuf_ struct strbuf seen = STRBUF_INIT;
	const char *line;

	screen_put_line(&seen, progress->line, progress->len);
	progress->len = 0;
	line = seen.text;
	read_error_line(&progress->error, line);
	if (starts_with(line, "warning: creating lock file") ||
		starts_with(line, "warning: updating lock file"))
		progress->lock_file_written = time(NULL);
	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (signs[i].phase > progress->phase && starts_with(line, signs[i].start))
			progress->phase = signs[i].phase;
	for (size_t i = 0; i < ARRAY_LEN(activation_signs); i++)
		if (starts_with(line, activation_signs[i]))
			progress->activation_begun = true;
	if (starts_with(line, "Failed to install bootloader"))
		progress->boot_loader_failed = true;
	if (progress->phase < PHASE_BUILDING && is_bar_of_builds(line))
		progress->phase = PHASE_BUILDING;
	return progress->phase != before;
}

bool progress_read(struct progress *progress, const char *data, size_t len)
{
	bool changed = false;

	for (size_t i = 0; i < len; i++) {
		/* A bar is a line that is written again and again. */
		if (data[i] == '\n' || data[i] == '\r')
			changed = read_line(progress) || changed;
		else if (progress->len + 1 < sizeof(progress->line))
			progress->line[progress->len++] = data[i];
	}
	return changed;
}
