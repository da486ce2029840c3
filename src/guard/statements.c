#include "guard/statements.h"

#include <ctype.h>
#include <stdbool.h>

#include "base/memory.h"
#include "base/strbuf.h"
#include "base/text.h"

/* In lists that are nested deeper, elements are not told apart. */
#define DEPTH_MAX 256

struct splitting {
	struct statements *ret;
	struct strbuf out;
	size_t lines;     /* of out */
	const char *line; /* the current line, and its number */
	unsigned number;
	char open[DEPTH_MAX]; /* the brackets that are open */
	size_t depth;
	struct quoting {
		bool in_text; /* in a string between two pairs of single quotes */
		bool in_comment;
	} quoting;
};

static void put_line(struct splitting *splitting, const char *text, size_t len)
{
	struct statements *ret = splitting->ret;

	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	if (len && text[len - 1] == ',')
		len--;
	strbuf_add(&splitting->out, text, len);
	strbuf_putc(&splitting->out, '\n');
	ret->numbers = xgrow(ret->numbers, ++splitting->lines, sizeof(*ret->numbers));
	ret->numbers[splitting->lines] = splitting->number;
}

/* The last character of what begins at at, if it ends in this line; else end. */
static const char *end_of_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		at += *at == '\\' && at + 1 < end;
	return at;
}

static const char *end_of_comment(const char *at, const char *end)
{
	const char *close = memmem(at, (size_t)(end - at), "*/", 2);

	return close ? close + 1 : end;
}

static bool begins(const char *at, const char *end, const char *pair)
{
	return end - at >= 2 && at[0] == pair[0] && at[1] == pair[1];
}

/* What is open after the line; *ret_text: it has a part of a string in ''. */
static struct quoting quoting_after(
	struct quoting quoting, const char *at, const char *end, bool *ret_text)
{
	*ret_text = quoting.in_text;
	for (; at < end; at++) {
		if (quoting.in_comment) {
			at = end_of_comment(at, end);
			quoting.in_comment = at == end;
		} else if (begins(at, end, "''")) {
			/* ''', ''$ and ''\ are escapes: they do not end a string. */
			const bool escapes = at + 2 < end && strchr("'$\\", at[2]);

			if (!quoting.in_text || !escapes)
				quoting.in_text = !quoting.in_text;
			at += escapes ? 2 : 1;
			*ret_text = true;
		} else if (quoting.in_text) {
			continue;
		} else if (*at == '"') {
			at = end_of_string(at, end);
		} else if (*at == '#') {
			break;
		} else if (begins(at, end, "/*")) {
			at++;
			quoting.in_comment = true;
		}
	}
	return quoting;
}

static void enter(struct splitting *splitting, char bracket)
{
	if (splitting->depth < DEPTH_MAX)
		splitting->open[splitting->depth] = bracket;
	splitting->depth++;
}

static bool is_in(const struct splitting *splitting, char bracket)
{
	return splitting->depth && splitting->depth <= DEPTH_MAX &&
	       splitting->open[splitting->depth - 1] == bracket;
}

/* Ends a piece, if there is one. The first one of a line keeps its indentation. */
static void end_piece(struct splitting *splitting, const char **start, const char *at)
{
	const char *from = *start;

	while (from < at && isspace((unsigned char)*from))
		from++;
	if (from == at)
		return;
	if (*start == splitting->line)
		from = *start;
	put_line(splitting, from, (size_t)(at - from));
	*start = at;
}

static void split_line(struct splitting *splitting, const char *at, const char *end)
{
	const char *start = at;

	for (; at < end; at++) {
		if (*at == '#') {
			end_piece(splitting, &start, at);
			break;
		}
		if (begins(at, end, "/*")) {
			end_piece(splitting, &start, at);
			at = end_of_comment(at + 2, end);
			end_piece(splitting, &start, at + 1);
		} else if (*at == '"') {
			at = end_of_string(at, end);
		} else if (*at && strchr("{[(", *at)) {
			enter(splitting, *at);
			if (*at != '(')
				end_piece(splitting, &start, at + 1);
		} else if (*at && strchr("}])", *at)) {
			if (*at != ')')
				end_piece(splitting, &start, at);
			splitting->depth -= splitting->depth > 0;
		} else if (*at == ';' || (*at == ',' && !is_in(splitting, '('))) {
			end_piece(splitting, &start, at + 1);
		} else if (isspace((unsigned char)*at) && is_in(splitting, '[')) {
			end_piece(splitting, &start, at);
		}
	}
	end_piece(splitting, &start, end);
}

void statements_split(
	struct statements *ret, const char *path, const char *text, size_t len)
{
	struct splitting splitting = {.ret = ret, .out = STRBUF_INIT};
	const char *end = text + len, *at = text, *line;
	size_t line_len;

	*ret = (struct statements){.text = text, .len = len};
	if (!path || !ends_with(path, ".nix"))
		return;
	ret->numbers = xgrow(NULL, 0, sizeof(*ret->numbers));
	ret->numbers[0] = 0;
	while (text_next_line(&at, end, &line, &line_len)) {
		const struct quoting before = splitting.quoting;
		bool has_text;

		splitting.line = line;
		splitting.number++;
		splitting.quoting =
			quoting_after(before, line, line + line_len, &has_text);
		if (has_text || before.in_comment || splitting.quoting.in_comment)
			put_line(&splitting, line, line_len);
		else
			split_line(&splitting, line, line + line_len);
	}
	ret->len = splitting.out.len;
	ret->text = ret->own = strbuf_take(&splitting.out);
}

unsigned statements_number(const struct statements *statements, size_t line)
{
	return statements->numbers ? statements->numbers[line] : (unsigned)line;
}

void statements_free(struct statements *statements)
{
	free(statements->own);
	free(statements->numbers);
}
