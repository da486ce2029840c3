#include "hook/shell.h"

#include "base/memory.h"
#include "base/strbuf.h"
#include "rebuild/request.h"

/* Nobody nests deeper; a command that does is left alone from there. */
#define DEPTH_MAX 16

/* A part of the text: a word with its quotes, or what is to be replaced. */
struct range {
	const char *start, *end;
	const char *with; /* NULL: options are put behind it */
	bool quoted;      /* inside of quotes */
};

struct ranges {
	struct range *list;
	size_t len;
};

struct scanner {
	const char *at, *end;
	unsigned depth;
	bool quoted;
	const struct shell_rewrite *rewrite;
	struct ranges *edits;
};

/* Programs that run the command which follows their options. */
static const struct prefix {
	const char *name;
	const char *with_value; /* their short options that take the next word */
	unsigned operands;      /* words before the command */
} prefixes[] = {
	{"sudo", "ugpCThrRtD", 0},
	{"doas", "uC", 0},
	{"run0", "uDg", 0},
	{"env", "uCS", 0},
	{"nice", "n", 0},
	{"ionice", "cn", 0},
	{"chrt", "", 1},
	{"nohup", "", 0},
	{"setsid", "", 0},
	{"stdbuf", "ioe", 0},
	{"timeout", "ks", 1},
	{"time", "fo", 0},
	{"exec", "a", 0},
	{"command", "", 0},
	{"systemd-inhibit", "", 0},
	{"unbuffer", "", 0},
};

static const char *const keywords[] = {
	"if", "then", "else", "elif", "while", "until", "do", "!", "{", "coproc"};
static const char *const shells[] = {"sh", "bash", "dash", "zsh", "ksh"};

static void scan_list(struct scanner *scanner, char terminator);

static void add_range(struct ranges *ranges, struct range range)
{
	ranges->list = xgrow(ranges->list, ranges->len, sizeof(range));
	ranges->list[ranges->len++] = range;
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

static void skip_to(struct scanner *scanner, char wanted)
{
	while (scanner->at < scanner->end && *scanner->at != wanted)
		scanner->at++;
}

static void skip(struct scanner *scanner, size_t len)
{
	const size_t left = (size_t)(scanner->end - scanner->at);

	scanner->at += len < left ? len : left;
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

/* $(...), `...`, ${...} or a lone $; false where none of them begins here. */
static bool scan_expansion(struct scanner *scanner)
{
	if (is_at(scanner, "$((")) {
		while (scanner->at < scanner->end && !is_at(scanner, "))"))
			scanner->at++;
		skip(scanner, 2);
	} else if (is_at(scanner, "$(")) {
		scan_inner(scanner, 2, ')');
	} else if (is_at(scanner, "${")) {
		skip_to(scanner, '}');
		skip(scanner, 1);
	} else if (is_at(scanner, "`")) {
		scan_inner(scanner, 1, '`');
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

static void scan_word(struct scanner *scanner, char terminator)
{
	while (scanner->at < scanner->end && !strchr(" \t\n;&|()<>", *scanner->at) &&
		*scanner->at != terminator) {
		if (*scanner->at == '\\') {
			skip(scanner, 2);
		} else if (*scanner->at == '\'') {
			skip(scanner, 1);
			skip_to(scanner, '\'');
			skip(scanner, 1);
		} else if (*scanner->at == '"') {
			scan_double_quotes(scanner);
		} else if (!scan_expansion(scanner)) {
			skip(scanner, 1);
		}
	}
}

/* The word without its quotes; expansions stay as they are. */
static char *unquote(const struct range *word)
{
	struct strbuf out = STRBUF_INIT;
	char quote = '\0';

	for (const char *at = word->start; at < word->end; at++) {
		if (*at == quote)
			quote = '\0';
		else if (!quote && (*at == '\'' || *at == '"'))
			quote = *at;
		else if (*at == '\\' && quote != '\'' && at + 1 < word->end)
			strbuf_putc(&out, *++at);
		else
			strbuf_putc(&out, *at);
	}
	return strbuf_take(&out);
}

static bool is_among(const char *word, const char *const *list, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (streq(word, list[i]))
			return true;
	return false;
}

static bool is_assignment(const char *word)
{
	const size_t len =
		strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "0123456789_");

	return len && word[len] == '=';
}

static const char *base_name(const char *word)
{
	const char *slash = strrchr(word, '/');

	return slash ? slash + 1 : word;
}

static const struct prefix *find_prefix(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (streq(prefixes[i].name, name))
			return &prefixes[i];
	return NULL;
}

/* The index behind a prefix' own words. */
static size_t behind_prefix(
	const struct strv *words, size_t i, const struct prefix *prefix)
{
	unsigned operands = prefix->operands;

	for (; i < words->len; i++) {
		const char *word = words->words[i];

		if (streq(word, "--"))
			return i + 1 + operands;
		if (*word == '-' && word[1]) {
			if (word[1] != '-' && !word[2] &&
				strchr(prefix->with_value, word[1]))
				i++;
			continue;
		}
		if (is_assignment(word))
			continue;
		if (!operands)
			break;
		operands--;
	}
	return i;
}

/* The index of the word that is run. */
static size_t find_program(const struct strv *words)
{
	size_t i = 0;

	while (i < words->len) {
		const char *word = words->words[i];
		const struct prefix *prefix = find_prefix(base_name(word));

		if (prefix)
			i = behind_prefix(words, i + 1, prefix);
		else if (is_assignment(word) ||
			 is_among(word, keywords, ARRAY_LEN(keywords)))
			i++;
		else
			break;
	}
	return i;
}

/* The word after a shell's -c (also in a cluster, as -lc), where it is in quotes. */
static void scan_script(const struct scanner *scanner, const struct ranges *raw,
	const struct strv *words, size_t i)
{
	for (i++; i + 1 < words->len && words->words[i][0] == '-'; i++) {
		const struct range *script = &raw->list[i + 1];
		struct scanner inner = *scanner;

		if (words->words[i][1] == '-' || !strchr(words->words[i], 'c'))
			continue;
		if (script->end - script->start < 2 || !strchr("'\"", *script->start) ||
			script->end[-1] != *script->start || scanner->depth >= DEPTH_MAX)
			return;
		inner.at = script->start + 1;
		inner.end = script->end - 1;
		inner.depth++;
		inner.quoted = true;
		scan_list(&inner, '\0');
		return;
	}
}

static bool changes_system(const struct strv *words, size_t i)
{
	struct strv arguments = {0};
	struct request request;
	bool changes;

	for (i++; i < words->len; i++)
		strv_add(&arguments, words->words[i]);
	request_parse(&request, &arguments);
	changes = !request.help && action_changes_system(request.action);
	strv_free(&arguments);
	return changes;
}

static void end_command(struct scanner *scanner, struct ranges *raw)
{
	_cleanup_strv_ struct strv words = {0};
	const char *name;
	size_t i;

	for (i = 0; i < raw->len; i++)
		strv_take(&words, unquote(&raw->list[i]));
	i = find_program(&words);
	if (i < words.len) {
		struct range edit = raw->list[i];

		name = base_name(words.words[i]);
		edit.quoted = scanner->quoted;
		if (is_among(name, shells, ARRAY_LEN(shells)))
			scan_script(scanner, raw, &words, i);
		else if (starts_with(name, "nixos-rebuild") &&
			 changes_system(&words, i)) {
			edit.with = "safe-rebuild";
			add_range(scanner->edits, edit);
		} else if (streq(name, "safe-rebuild") && scanner->rewrite->agent) {
			add_range(scanner->edits, edit);
		}
	}
	raw->len = 0;
}

/* From behind "<<": the delimiter, and from the next line on to the line that is it. */
static const char *skip_here_document(struct scanner *scanner, char terminator)
{
	struct range word;
	_cleanup_free_ char *delimiter = NULL;
	const char *line;

	if (is_at(scanner, "-"))
		skip(scanner, 1);
	while (is_at(scanner, " "))
		skip(scanner, 1);
	word.start = scanner->at;
	scan_word(scanner, terminator);
	word.end = scanner->at;
	delimiter = unquote(&word);
	line = memchr(scanner->at, '\n', (size_t)(scanner->end - scanner->at));
	while (line && line + 1 < scanner->end) {
		const char *start = line + 1;
		const char *next = memchr(start, '\n', (size_t)(scanner->end - start));
		const char *end = next ? next : scanner->end;

		start += strspn(start, "\t");
		if (start <= end && (size_t)(end - start) == strlen(delimiter) &&
			strncmp(start, delimiter, strlen(delimiter)) == 0)
			return end;
		line = next;
	}
	return scanner->end;
}

/* Operators of redirection, and the word behind them; *document: where a here document
 * ends that begins on the next line. */
static void scan_redirection(
	struct scanner *scanner, char terminator, const char **document)
{
	if (is_at(scanner, "<<<")) {
		skip(scanner, 3);
	} else if (is_at(scanner, "<<")) {
		skip(scanner, 2);
		*document = skip_here_document(scanner, terminator);
		return;
	} else if (is_at(scanner, "<(") || is_at(scanner, ">(")) {
		scan_inner(scanner, 2, ')');
		return;
	}
	while (scanner->at < scanner->end && strchr("<>&|", *scanner->at))
		scanner->at++;
	while (is_at(scanner, " "))
		skip(scanner, 1);
	scan_word(scanner, terminator);
}

static bool is_number(const struct range *word)
{
	for (const char *at = word->start; at < word->end; at++)
		if (*at < '0' || *at > '9')
			return false;
	return true;
}

static void scan_one(struct scanner *scanner, char terminator, struct ranges *words,
	const char **document)
{
	const char c = *scanner->at;

	if (c == ' ' || c == '\t') {
		skip(scanner, 1);
	} else if (is_at(scanner, "\\\n")) {
		skip(scanner, 2);
	} else if (c == '#') {
		skip_to(scanner, '\n');
	} else if (c == '<' || c == '>' || is_at(scanner, "&>")) {
		scan_redirection(scanner, terminator, document);
	} else if (c == '(') {
		scan_inner(scanner, 1, ')');
	} else if (strchr("\n;&|)", c)) {
		end_command(scanner, words);
		if (c == '\n' && *document) {
			scanner->at = *document;
			*document = NULL;
		} else {
			skip(scanner, 1);
		}
	} else {
		struct range word = {.start = scanner->at};

		scan_word(scanner, terminator);
		word.end = scanner->at;
		/* "2>" is no word, nor is what only ends the list. */
		if (word.end > word.start &&
			!(is_number(&word) &&
				(is_at(scanner, ">") || is_at(scanner, "<"))))
			add_range(words, word);
	}
}

/* Commands up to the terminator (NUL: to the end), which is passed. */
static void scan_list(struct scanner *scanner, char terminator)
{
	_cleanup_(ranges_free) struct ranges words = {0};
	const char *document = NULL;

	while (scanner->at < scanner->end && (!terminator || *scanner->at != terminator))
		scan_one(scanner, terminator, &words, &document);
	end_command(scanner, &words);
	skip(scanner, 1);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *one = a, *other = b;

	return one->start < other->start ? -1 : one->start > other->start;
}

char *shell_rewrite(const char *command, const struct shell_rewrite *rewrite)
{
	_cleanup_(ranges_free) struct ranges edits = {0};
	struct scanner scanner = {
		.at = command,
		.end = command + strlen(command),
		.rewrite = rewrite,
		.edits = &edits,
	};
	struct strbuf out = STRBUF_INIT;
	const char *at = command;

	scan_list(&scanner, '\0');
	if (!edits.len)
		return NULL;
	qsort(edits.list, edits.len, sizeof(*edits.list), compare_ranges);
	for (size_t i = 0; i < edits.len; i++) {
		const struct range *edit = &edits.list[i];

		strbuf_add(
			&out, at, (size_t)((edit->with ? edit->start : edit->end) - at));
		strbuf_puts(&out, edit->with ? edit->with : "");
		strbuf_puts(&out, rewrite->agent ? rewrite->agent : "");
		if (edit->with && !edit->quoted && rewrite->options)
			strbuf_puts(&out, rewrite->options);
		at = edit->end;
	}
	strbuf_puts(&out, at);
	return strbuf_take(&out);
}
