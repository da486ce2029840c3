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
	bool in_text; /* in a string between two pairs of single quotes */
	bool in_comment;
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

/* Notes which strings and comments begin or end in a line that is not split. */
static void skip(struct splitting *splitting, const char *at, const char *end)
{
	for (; at < end; at++) {
		const bool has_next = at + 1 < end;

		if (splitting->in_comment)
			splitting->in_comment =
				!(has_next && at[0] == '*' && at[1] == '/');
		else if (has_next && at[0] == '\'' && at[1] == '\'') {
			/* ''', ''$ and ''\ are escapes: they do not end a string. */
			if (!splitting->in_text || at + 2 >= end ||
				!strchr("'$\\", at[2]))
				splitting->in_text = !splitting->in_text;
			at += at + 2 < end && strchr("'$\\", at[2]) ? 2 : 1;
		} else if (!splitting->in_text && has_next && at[0] == '/' &&
			   at[1] == '*')
			splitting->in_comment = true;
	}
}

static bool is_plain(const struct splitting *splitting, const char *at, size_t len)
{
	return !splitting->in_text && !splitting->in_comment &&
	       !memmem(at, len, "''", 2) && !memmem(at, len, "/*", 2);
}

static const char *end_of_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		at += *at == '\\' && at + 1 < end;
	return at;
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
		if (*at == '"') {
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
		splitting.line = line;
		splitting.number++;
		if (is_plain(&splitting, line, line_len)) {
			split_line(&splitting, line, line + line_len);
			continue;
		}
		put_line(&splitting, line, line_len);
		skip(&splitting, line, line + line_len);
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
