#include "rebuild/flake_self.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/strbuf.h"

#define FLAKE_MAX ((size_t)1 << 20)

/* Where the comment that begins here ends; text itself: none begins here. */
static const char *skip_comment(const char *text)
{
	const char *end;

	if (*text == '#')
		return text + strcspn(text, "\n");
	if (!starts_with(text, "/*"))
		return text;
	end = strstr(text + 2, "*/");
	return end ? end + 2 : text + strlen(text);
}

/* The text without blanks and comments. A "#" in a string hides the rest of its line. */
static void squeeze(struct strbuf *out, const char *text)
{
	while (*text) {
		const char *next = skip_comment(text);

		if (next == text && !strchr(" \t\r\n", *text))
			strbuf_putc(out, *text);
		text = next == text ? text + 1 : next;
	}
}

/* "self = { ... submodules = true; ... };" */
static bool is_in_set(const char *text)
{
	const char *set = text;

	while ((set = strstr(set, "self={"))) {
		const char *found = strstr(set, "submodules=true;");
		const char *end = strchr(set, '}');

		if (found && (!end || found < end))
			return true;
		set++;
	}
	return false;
}

bool flake_asks_for_submodules(const char *directory)
{
	_cleanup_free_ char *path = xasprintf("%s/flake.nix", directory), *text = NULL;
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;

	if (read_file(path, FLAKE_MAX, &text, NULL, NULL) < 0)
		return false;
	squeeze(&out, text);
	return strstr(out.text, "self.submodules=true;") || is_in_set(out.text);
}
