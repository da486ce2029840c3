#include "base/screen.h"

#include "base/text.h"

#define ESCAPE '\033'

/* The bytes of the sequence at text, which begins with an escape; *ret_cuts: `ESC[K`. */
static size_t sequence_length(const char *text, size_t len, bool *ret_cuts)
{
	size_t i = 2;

	*ret_cuts = false;
	if (len < 2)
		return len;
	if (text[1] == '[') {
		while (i < len && (text[i] < '@' || text[i] > '~'))
			i++;
		*ret_cuts = i == 2 && i < len && text[i] == 'K';
		return i < len ? i + 1 : len;
	}
	/* With an intermediate byte: a character set. */
	if (text[1] >= ' ' && text[1] <= '/')
		return len < 3 ? len : 3;
	if (text[1] != ']')
		return 2;
	/* A title or a link, which ends with BEL or `ESC \`. */
	while (i < len && text[i] != '\a' && text[i] != ESCAPE)
		i++;
	if (i < len && text[i] == ESCAPE)
		i++;
	return i < len ? i + 1 : len;
}

/* Over what stands there, and beyond. */
static void put_at(struct strbuf *out, size_t at, const char *text, size_t len)
{
	const size_t over = out->len - at < len ? out->len - at : len;

	if (over)
		memcpy(out->text + at, text, over);
	strbuf_add(out, text + over, len - over);
}

void screen_put_line(struct strbuf *out, const char *line, size_t len)
{
	const size_t start = out->len;
	size_t at = start;
	bool cuts;

	for (size_t i = 0; i < len;) {
		if (line[i] == ESCAPE) {
			i += sequence_length(line + i, len - i, &cuts);
			if (cuts && at < out->len) {
				out->len = at;
				out->text[at] = '\0';
			}
		} else if (line[i] == '\r') {
			at = start;
			i++;
		} else {
			size_t run = 1;

			while (i + run < len && line[i + run] != ESCAPE &&
				line[i + run] != '\r')
				run++;
			put_at(out, at, line + i, run);
			at += run;
			i += run;
		}
	}
}

void screen_put_text(struct strbuf *out, const char *text, size_t len)
{
	const char *at = text, *line;
	size_t line_len;

	while (text_next_line(&at, text + len, &line, &line_len)) {
		screen_put_line(out, line, line_len);
		strbuf_putc(out, '\n');
	}
}

bool screen_is_in_line(bool before, const char *output, size_t len)
{
	size_t start = len;
	bool cuts;

	while (start > 0 && output[start - 1] != '\n' && output[start - 1] != '\r')
		start--;
	if (start > 0)
		before = false;
	while (start < len && output[start] == ESCAPE)
		start += sequence_length(output + start, len - start, &cuts);
	return before || start < len;
}
