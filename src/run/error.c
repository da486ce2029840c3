#include "run/error.h"

#include <ctype.h>

/* "PATH:14:3:" or "PATH:14"; false where it is no place. */
static bool parse_place(struct error_place *ret, const char *text)
{
	const char *colon = text, *end;

	*ret = (struct error_place){0};
	if (*text != '/' && strncmp(text, "«", strlen("«")) != 0)
		return false;
	/* URLs have colons, too: the one before a number counts. */
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

static void note_place(struct error_reader *reader, const char *text)
{
	struct error_place place;

	if (!parse_place(&place, text))
		return;
	if (reader->expects_place)
		reader->place = place;
	else
		reader->others[reader->others_len++ % ERROR_PLACES] = place;
	reader->expects_place = false;
}

void error_read_line(struct error_reader *reader, const char *line)
{
	static const char prefix[] = "error: ", at[] = "at ";
	const char *inner;

	line += strspn(line, " ");
	if (starts_with(line, at))
		note_place(reader, line + strlen(at));
	if (!starts_with(line, prefix))
		return;
	if (!*reader->text) {
		snprintf(reader->text, sizeof(reader->text), "%s", line + strlen(prefix));
		reader->expects_place = true;
	}
	inner = strstr(line, ", at /");
	if (inner)
		note_place(reader, inner + strlen(", at "));
}
