#include "hook/scan.h"

#include "base/memory.h"
#include "base/strbuf.h"
#include "base/text.h"

/* Nobody nests deeper; what does is left alone. */
#define DEPTH_MAX 16
#define META " \t\n;&|()<>"

struct scanner {
	const char *at, *end;
	const char *document; /* the end of here documents that begin on the next line */
	unsigned depth;       /* of nested lists */
	bool mute;            /* in an array or a pattern, where nothing is a command */
	unsigned script_depth;
	command_found *found;
	void *data;
};

static void scan_list(struct scanner *scanner, char terminator);
static void scan_braces(struct scanner *scanner);

static void ranges_add(struct ranges *ranges, struct range range)
{
	*list_add(ranges->list, ranges->len) = range;
}

static void ranges_free(struct ranges *ranges)
{
	free(ranges->list);
}

static bool is_at(const struct scanner *scanner, const char *text)
{
	const size_t len = strlen(text);

	return (size_t)(scanner->end - scanner->at) >= len &&
	       strncmp(scanner->at, text, len) == 0;
}

static void skip(struct scanner *scanner, size_t len)
{
	const size_t left = (size_t)(scanner->end - scanner->at);

	scanner->at += len < left ? len : left;
}

static void skip_to(struct scanner *scanner, char wanted, char other)
{
	while (scanner->at < scanner->end && *scanner->at != wanted &&
		(!other || *scanner->at != other))
		scanner->at++;
}

/* Skips an opening of that many characters, and all up to the next close, which it skips
 * too. escapes: a backslash may hide a close. */
static void skip_quoted(struct scanner *scanner, size_t opening, char close, bool escapes)
{
	skip(scanner, opening);
	while (scanner->at < scanner->end && *scanner->at != close)
		skip(scanner, escapes && *scanner->at == '\\' ? 2 : 1);
	skip(scanner, 1);
}

static void skip_blanks(struct scanner *scanner)
{
	while (is_at(scanner, " ") || is_at(scanner, "\t"))
		skip(scanner, 1);
}

static void scan_inner(struct scanner *scanner, size_t opening, char terminator)
{
	skip(scanner, opening);
	if (scanner->depth >= DEPTH_MAX) {
		scanner->at = scanner->end;
		return;
	}
	scanner->depth++;
	scan_list(scanner, terminator);
	scanner->depth--;
}

/* Scans a part in which nothing is a command. */
static void scan_muted(struct scanner *scanner, size_t opening, char terminator)
{
	const bool was_mute = scanner->mute;

	scanner->mute = true;
	scan_inner(scanner, opening, terminator);
	scanner->mute = was_mute;
}

/* Skips ((...)), also after a $, by counting parentheses. */
static void skip_arithmetic(struct scanner *scanner)
{
	unsigned open = 0;

	while (scanner->at < scanner->end) {
		if (*scanner->at == '(')
			open++;
		else if (*scanner->at == ')' && --open == 0)
			break;
		scanner->at++;
	}
	skip(scanner, 1);
}

/* With backslashes it is left alone: the shell removes them before it parses the text. */
static void scan_backquotes(struct scanner *scanner)
{
	const char *close = scanner->at + 1;

	while (close < scanner->end && *close != '`' && *close != '\\')
		close++;
	if (close < scanner->end && *close == '`') {
		scan_inner(scanner, 1, '`');
		return;
	}
	skip_quoted(scanner, 1, '`', true);
}

/* $(...), `...`, ${...}; false if none of them begins here. */
static bool scan_expansion(struct scanner *scanner)
{
	if (is_at(scanner, "$((")) {
		skip(scanner, 1);
		skip_arithmetic(scanner);
	} else if (is_at(scanner, "$(")) {
		scan_inner(scanner, 2, ')');
	} else if (is_at(scanner, "${")) {
		scan_braces(scanner);
	} else if (is_at(scanner, "`")) {
		scan_backquotes(scanner);
	} else {
		return false;
	}
	return true;
}

static void scan_double_quotes(struct scanner *scanner)
{
	skip(scanner, 1);
	while (scanner->at < scanner->end && *scanner->at != '"') {
		if (*scanner->at == '\\')
			skip(scanner, 2);
		else if (!scan_expansion(scanner))
			skip(scanner, 1);
	}
	skip(scanner, 1);
}

/* A quoted part, an escaped character or an expansion; false if none begins here. */
static bool scan_quoted(struct scanner *scanner)
{
	if (is_at(scanner, "\\"))
		skip(scanner, 2);
	else if (is_at(scanner, "$'"))
		skip_quoted(scanner, 2, '\'', true); /* bash's */
	else if (is_at(scanner, "'"))
		skip_quoted(scanner, 1, '\'', false);
	else if (is_at(scanner, "\""))
		scan_double_quotes(scanner);
	else
		return scan_expansion(scanner);
	return true;
}

static void scan_braces(struct scanner *scanner)
{
	skip(scanner, 2);
	if (scanner->depth >= DEPTH_MAX) {
		scanner->at = scanner->end;
		return;
	}
	scanner->depth++;
	while (scanner->at < scanner->end && *scanner->at != '}')
		if (!scan_quoted(scanner))
			skip(scanner, 1);
	scanner->depth--;
	skip(scanner, 1);
}

static void scan_word(struct scanner *scanner, char terminator)
{
	while (scanner->at < scanner->end && !strchr(META, *scanner->at) &&
		*scanner->at != terminator)
		if (!scan_quoted(scanner))
			skip(scanner, 1);
}

char *scan_unquote(const struct range *word)
{
	struct strbuf out = STRBUF_INIT;
	char quote = '\0';

	for (const char *at = word->start; at < word->end; at++) {
		if (*at == quote)
			quote = '\0';
		else if (!quote && (*at == '\'' || *at == '"'))
			quote = *at;
		else if (*at == '\\' && quote != '\'' && at + 1 < word->end) {
			if (*++at != '\n')
				strbuf_putc(&out, *at);
		} else {
			strbuf_putc(&out, *at);
		}
	}
	return strbuf_take(&out);
}

static bool is_delimiter(
	const char *line, size_t len, const char *delimiter, bool indented)
{
	while (indented && len && *line == '\t') {
		line++;
		len--;
	}
	return len == strlen(delimiter) && strncmp(line, delimiter, len) == 0;
}

/* Called after "<<". The document begins on the next line, or after an earlier one. */
static void note_here_document(struct scanner *scanner, char terminator)
{
	const bool indented = is_at(scanner, "-");
	_cleanup_free_ char *delimiter = NULL;
	struct range word;
	const char *line;

	skip(scanner, indented);
	skip_blanks(scanner);
	word.start = scanner->at;
	scan_word(scanner, terminator);
	word.end = scanner->at;
	delimiter = scan_unquote(&word);
	line = scanner->document
		       ? scanner->document
		       : memchr(scanner->at, '\n', (size_t)(scanner->end - scanner->at));
	scanner->document = scanner->end;
	while (line && line < scanner->end) {
		const char *start = line + 1;
		const char *next = memchr(start, '\n', (size_t)(scanner->end - start));
		const char *end = next ? next : scanner->end;

		if (is_delimiter(start, (size_t)(end - start), delimiter, indented)) {
			scanner->document = end;
			return;
		}
		line = next;
	}
}

static void scan_redirection(struct scanner *scanner, char terminator)
{
	if (is_at(scanner, "<<<")) {
		skip(scanner, 3);
	} else if (is_at(scanner, "<<")) {
		skip(scanner, 2);
		note_here_document(scanner, terminator);
		return;
	} else if (is_at(scanner, "<(") || is_at(scanner, ">(")) {
		scan_inner(scanner, 2, ')');
		return;
	}
	while (scanner->at < scanner->end && strchr("<>&|", *scanner->at))
		scanner->at++;
	skip_blanks(scanner);
	scan_word(scanner, terminator);
}

static void end_command(struct scanner *scanner, struct ranges *words)
{
	if (words->len && !scanner->mute)
		scanner->found(words, scanner->script_depth, scanner->data);
	words->len = 0;
}

bool scan_is_keyword(const struct range *word)
{
	static const char *const keywords[] = {"if", "then", "else", "elif", "while",
		"until", "do", "!", "{", "time", "coproc", NULL};
	_cleanup_free_ char *text =
		xstrndup(word->start, (size_t)(word->end - word->start));

	return text_is_among(text, keywords);
}

/* Whether a command may begin after these words. */
static bool are_keywords(const struct ranges *words)
{
	for (size_t i = 0; i < words->len; i++)
		if (!scan_is_keyword(&words->list[i]))
			return false;
	return true;
}

/* A subshell; after a word it is a function's "()", an array or a pattern. */
static void scan_parenthesis(struct scanner *scanner, struct ranges *words)
{
	struct scanner behind = *scanner;

	skip(&behind, 1);
	skip_blanks(&behind);
	if (words->len == 1 && is_at(&behind, ")")) {
		end_command(scanner, words);
		*scanner = behind;
		skip(scanner, 1);
	} else if (are_keywords(words) && is_at(scanner, "((")) {
		skip_arithmetic(scanner);
	} else if (are_keywords(words)) {
		scan_inner(scanner, 1, ')');
	} else {
		scan_muted(scanner, 1, ')');
	}
}

static bool is_number(const struct range *word)
{
	for (const char *at = word->start; at < word->end; at++)
		if (*at < '0' || *at > '9')
			return false;
	return true;
}

static void scan_separator(struct scanner *scanner, struct ranges *words)
{
	const char c = *scanner->at;

	/* A ")" without a "(" ends a case pattern. */
	if (c == ')')
		words->len = 0;
	end_command(scanner, words);
	if (c == '\n' && scanner->document) {
		scanner->at = scanner->document;
		scanner->document = NULL;
	} else {
		skip(scanner, 1);
	}
}

static void scan_one(struct scanner *scanner, char terminator, struct ranges *words)
{
	const char c = *scanner->at;
	struct range word = {.start = scanner->at};

	if (c == ' ' || c == '\t') {
		skip(scanner, 1);
	} else if (is_at(scanner, "\\\n")) {
		skip(scanner, 2);
	} else if (c == '#') {
		skip_to(scanner, '\n', terminator == '`' ? '`' : '\0');
	} else if (c == '<' || c == '>' || is_at(scanner, "&>")) {
		scan_redirection(scanner, terminator);
	} else if (c == '(') {
		scan_parenthesis(scanner, words);
	} else if (strchr("\n;&|)", c)) {
		scan_separator(scanner, words);
	} else {
		scan_word(scanner, terminator);
		word.end = scanner->at;
		/* The "2" of "2>" is not a word. */
		if (word.end > word.start &&
			!(is_number(&word) &&
				(is_at(scanner, ">") || is_at(scanner, "<"))))
			ranges_add(words, word);
	}
}

/* Scans commands up to the terminator (NUL: to the end), and skips that. */
static void scan_list(struct scanner *scanner, char terminator)
{
	_cleanup_ranges_ struct ranges words = {0};

	while (scanner->at < scanner->end && (!terminator || *scanner->at != terminator))
		scan_one(scanner, terminator, &words);
	end_command(scanner, &words);
	skip(scanner, 1);
}

void scan_commands(struct range text, unsigned depth, command_found *found, void *data)
{
	struct scanner scanner = {
		.at = text.start,
		.end = text.end,
		.script_depth = depth,
		.found = found,
		.data = data,
	};

	if (depth < DEPTH_MAX)
		scan_list(&scanner, '\0');
}
