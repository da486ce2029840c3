#include "hook/shell.h"

#include <ctype.h>

#include "base/memory.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "hook/invoked.h"
#include "rebuild/request.h"

struct edit {
	struct range word;
	const char *behind; /* where options are added */
	bool replaced;      /* else only options are added */
	bool starts_anew;   /* a service manager starts it: it is not the agent's child */
	bool named;         /* the command itself says who calls, */
	bool has_reason;    /* and why */
	char quote;         /* for what is added; 0: none, both kinds are around it */
};

struct edits {
	struct edit *list;
	size_t len;
	bool also_ours;
	bool waits;
	bool has_path;  /* PATH may lead to another nixos-rebuild, */
	bool is_mocked; /* and to the shell itself the name means something else */
	char quote;     /* as in struct edit, for what is being read */
};

static command_found note_edits;

/* $NAME, ${NAME} and \$: what the outer shell puts there is, as far as we can know, no
 * command of its own. */
static bool is_harmless_in_quotes(const char *at)
{
	if (*at == '\\')
		return at[1] == '$';
	return *at == '$' && at[1] != '(' && at[1] != '\'' && at[1] != '"';
}

/* Scans a quoted script without escapes: only then the shell reads the same text. */
static void scan_script(const struct range *word, unsigned depth, struct edits *edits)
{
	const struct range script = {word->start + 1, word->end - 1};
	const char quote = *word->start, around = edits->quote;

	if (word->end - word->start < 2 || (quote != '\'' && quote != '"') ||
		word->end[-1] != quote)
		return;
	for (const char *at = script.start; at < script.end; at++)
		/* The outer shell runs "$(...)" and "`...`", so they are found there. */
		if (*at == quote || (quote == '"' && strchr("\\`$", *at) &&
					    !is_harmless_in_quotes(at)))
			return;
	edits->quote = '\0';
	if (!depth)
		edits->quote = quote == '"' ? (char)'\'' : (char)'"';
	scan_commands(script, depth + 1, note_edits, edits);
	edits->quote = around;
}

static bool changes_system(const struct strv *words, size_t i)
{
	_cleanup_strv_ struct strv arguments = {0};
	struct request request;

	/* "$@" may be anything, options most likely. */
	for (i++; i < words->len; i++)
		if (words->words[i][0] != '$')
			strv_add(&arguments, words->words[i]);
	request_parse(&request, &arguments);
	return !request.help &&
	       (request.action == ACTION_SWITCH || request.action == ACTION_BOOT ||
		       request.action == ACTION_TEST);
}

/* Whether it is a safe-rebuild that queues or follows a build. */
static bool is_long(const char *name, const struct strv *words, size_t i)
{
	return streq(name, "safe-rebuild") &&
	       (changes_system(words, i) || strv_has(words, "attach") ||
		       strv_has(words, "rollback") || strv_has(words, "exec"));
}

/* Only the system's own nixos-rebuild: elsewhere it is a script of the same name. */
static bool is_rebuild(const char *word)
{
	static const char *const places[] = {"/nix/store/", "/run/current-system/",
		"/run/booted-system/", "/nix/var/nix/profiles/", "/etc/profiles/"};
	const char *name = basename(word);
	bool is_known = name == word || strstr(word, "result/bin/") ||
			strstr(word, "/.nix-profile/bin/");

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		is_known = is_known || starts_with(word, places[i]);
	return is_known &&
	       (streq(name, "nixos-rebuild") || streq(name, "nixos-rebuild-ng"));
}

/* Whether a word before the program at index gives the variable a value. */
static bool has_assignment(const struct strv *words, size_t index, const char *start)
{
	for (size_t i = 0; i < index; i++)
		if (starts_with(words->words[i], start) && words->words[i][strlen(start)])
			return true;
	return false;
}

/* Whether words before the program at index, or its own arguments, say who calls. */
static bool has_name(const struct strv *words, size_t index)
{
	for (size_t i = index; i < words->len && !streq(words->words[i], "--"); i++)
		if (streq(words->words[i], "--agent") ||
			starts_with(words->words[i], "--agent="))
			return true;
	return has_assignment(words, index, "SAFE_REBUILD_AGENT=");
}

/* Whether the safe-rebuild at this index needs the caller's name. For log, --agent is a
 * filter. */
static bool asks_who(const struct strv *words, size_t index)
{
	return index + 1 < words->len && !streq(words->words[index + 1], "log");
}

/* Whether PATH begins with a directory of the caller's, probably with a mock in it. */
static bool sets_path(const struct strv *words)
{
	static const char *const usual[] = {"$PATH", "${PATH", "/run/", "/nix/", "/usr/",
		"/bin", "/sbin", "/etc/profiles/", "$HOME/.nix-profile",
		"~/.nix-profile"};
	const char *value = NULL;

	for (size_t i = 0; i < words->len && !value; i++)
		if (starts_with(words->words[i], "PATH="))
			value = words->words[i] + strlen("PATH=");
	for (size_t i = 0; value && i < ARRAY_LEN(usual); i++)
		if (starts_with(value, usual[i]))
			return false;
	return value && *value;
}

/* Whether the command makes a function or an alias named nixos-rebuild, as tests do. */
static bool defines_rebuild(
	const struct strv *words, const struct ranges *raw, size_t program)
{
	static const char name[] = "nixos-rebuild";
	const char *after = raw->len ? raw->list[raw->len - 1].end : "";

	for (size_t i = 1; i < words->len; i++)
		if ((streq(words->words[i - 1], "function") &&
			    streq(words->words[i], name)) ||
			(program < i && streq(words->words[program], "alias") &&
				starts_with(words->words[i], "nixos-rebuild=")))
			return true;
	after += strspn(after, " \t");
	if (!words->len || *after != '(' || !streq(words->words[words->len - 1], name))
		return false;
	return after[1 + strspn(after + 1, " \t")] == ')';
}

/* Whether the shell itself looks the program up, and so knows its functions and aliases.
 */
static bool is_direct(const struct strv *words, const struct ranges *raw, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!strchr(words->words[i], '=') && !scan_is_keyword(&raw->list[i]))
			return false;
	return true;
}

/* Whether it is the real nixos-rebuild. */
static bool is_real(const struct edits *edits, const struct strv *words,
	const struct ranges *raw, size_t index)
{
	const char *word = words->words[index];

	return is_rebuild(word) &&
	       (strchr(word, '/') ||
		       (!edits->has_path &&
			       !(edits->is_mocked && is_direct(words, raw, index))));
}

/* run0 and systemd-run let systemd start it, which knows no agent. */
static bool is_started_anew(const struct strv *words, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (streq(basename(words->words[i]), "run0") ||
			streq(basename(words->words[i]), "systemd-run"))
			return true;
	return false;
}

/*
 * After the action or command, if that follows at once: an agent's rule for
 * "safe-rebuild exec" must also match the new command.
 */
static const char *place_for_options(const struct ranges *raw, size_t index)
{
	const struct range *program = &raw->list[index], *next = program + 1;

	if (index + 1 == raw->len || *next->start == '-')
		return program->end;
	for (const char *at = next->start; at < next->end; at++)
		if (!islower((unsigned char)*at) && *at != '-')
			return program->end;
	return next->end;
}

static void note_edits(const struct ranges *raw, unsigned depth, void *data)
{
	struct edits *edits = data;
	_cleanup_strv_ struct strv words = {0};
	bool replaced, named;
	const char *name;
	size_t i, script;

	for (i = 0; i < raw->len; i++)
		strv_take(&words, scan_unquote(&raw->list[i]));
	edits->has_path = edits->has_path || sets_path(&words);
	i = invoked_program(&words, raw);
	edits->is_mocked = edits->is_mocked || defines_rebuild(&words, raw, i);
	if (i >= words.len)
		return;
	/* Only the shell knows this name. */
	if (strpbrk(words.words[i], "$`"))
		return;
	name = basename(words.words[i]);
	script = invoked_script(&words, i);
	if (script)
		scan_script(&raw->list[script], depth, edits);
	replaced = is_real(edits, &words, raw, i) && changes_system(&words, i);
	named = has_name(&words, i);
	edits->waits = edits->waits || replaced || is_long(name, &words, i);
	if (!replaced && (named || !edits->also_ours || !streq(name, "safe-rebuild") ||
				 !asks_who(&words, i)))
		return;
	*list_add(edits->list, edits->len) = (struct edit){.word = raw->list[i],
		.behind = place_for_options(raw, i),
		.replaced = replaced,
		.starts_anew = is_started_anew(&words, i),
		.named = named,
		.has_reason = has_assignment(&words, i, "SAFE_REBUILD_MESSAGE="),
		.quote = edits->quote};
}

static void edits_free(struct edits *edits)
{
	free(edits->list);
}

static int compare_edits(const void *a, const void *b)
{
	const struct edit *one = a, *other = b;

	return one->word.start < other->word.start ? -1
						   : one->word.start > other->word.start;
}

static void put_options(
	struct strbuf *out, const struct edit *edit, const struct shell_rewrite *rewrite)
{
	const char *agent = rewrite->agent      ? rewrite->agent
			    : edit->starts_anew ? rewrite->session
						: NULL;

	if (agent && !edit->named)
		strbuf_printf(out, " --agent %s", agent);
	if (edit->replaced && edit->quote && rewrite->message && !edit->has_reason)
		strbuf_printf(out, " --message %c%s%c", edit->quote, rewrite->message,
			edit->quote);
}

char *shell_rewrite(const char *command, struct shell_rewrite *rewrite)
{
	_cleanup_(edits_free) struct edits edits = {
		.also_ours = rewrite->agent, .quote = '\''};
	struct strbuf out = STRBUF_INIT;
	const char *at = command;

	scan_commands((struct range){command, command + strlen(command)}, 0, note_edits,
		&edits);
	rewrite->waits = edits.waits;
	if (!edits.len)
		return NULL;
	qsort(edits.list, edits.len, sizeof(*edits.list), compare_edits);
	for (size_t i = 0; i < edits.len; i++) {
		const struct edit *edit = &edits.list[i];

		/* A word in which commands were found is not a known program's name. */
		if (edit->word.start < at)
			continue;
		strbuf_add(&out, at, (size_t)(edit->word.start - at));
		if (edit->replaced)
			strbuf_puts(&out, "safe-rebuild");
		else
			strbuf_add(&out, edit->word.start,
				(size_t)(edit->word.end - edit->word.start));
		strbuf_add(&out, edit->word.end, (size_t)(edit->behind - edit->word.end));
		put_options(&out, edit, rewrite);
		at = edit->behind;
	}
	strbuf_puts(&out, at);
	return strbuf_take(&out);
}

/* If its user's rules decide, Claude Code refuses commands with one of these. */
static void plain_spaces(char *text)
{
	static const char *const spaces[] = {"\u00a0", "\u1680", "\u2000", "\u2001",
		"\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
		"\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000",
		"\ufeff"};

	for (size_t i = 0; i < ARRAY_LEN(spaces); i++)
		for (char *at = text; (at = strstr(at, spaces[i]));) {
			const size_t len = strlen(spaces[i]);

			*at++ = ' ';
			memmove(at, at + len - 1, strlen(at + len - 1) + 1);
		}
}

char *shell_plain_text(const char *text, size_t max)
{
	_cleanup_free_ char *line = xstrndup(text, text_cut(text, max));
	_cleanup_free_ char *clean = NULL;
	_cleanup_strbuf_ struct strbuf plain = STRBUF_INIT;
	bool blank = true;

	for (char *at = line; (at = strpbrk(at, "\n\r\t"));)
		*at = ' ';
	plain_spaces(line);
	clean = text_clean(line, strlen(line));
	for (const char *at = clean; *at; at++) {
		if (*at == '\'' || *at == '"')
			strbuf_puts(&plain, "’");
		else if (!strchr("`$\\!", *at))
			strbuf_putc(&plain, *at);
		blank = blank && strchr(" `$\\!", *at);
	}
	return blank ? NULL : strbuf_take(&plain);
}
