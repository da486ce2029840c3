#include "run/brief.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/screen.h"
#include "base/text.h"

#define LINE_MAX_BYTES 300
/* How much of a line is kept. */
#define LINE_KEPT 2048
#define HEAD_MAX 3500u
/* ... of which warnings leave this for how far the run is. */
#define PROGRESS_MAX 1200u
#define TAIL_LINES 60
#define TAIL_MAX 3000u
/* The error and the outcome stand in the last 1,500 bytes. */
#define ERROR_MAX 900u
#define OWN_MAX 1500u
#define UNITS_LINES 20
#define ALIVE_MS 60000
/* After so many signs of life they come every fourth minute only. */
#define ALIVE_OFTEN 20
#define ALIVE_MAX 100u
/* A line of the whole output that is longer is shown as several. */
#define WHOLE_LINE_MAX ((size_t)1 << 20)

#define OWN "safe-rebuild: "

/* Beginnings of lines that are shown. */
static const struct {
	const char *start;
	unsigned then; /* so many lines after it belong to it */
} shown[] = {
	{"building the system", 0},
	{"building Nix", 0},
	{"warning: the following units failed", UNITS_LINES},
	{"warning:", 0},
	{"nixos-rebuild: warning", 0},
	{"nixos-rebuild: error", 0},
	{"these ", 0},
	{"this ", 1},
	{"waiting for ", 0},
	{"There are changes to critical", UNITS_LINES},
	{"Pre-switch check", UNITS_LINES},
	{"updating ", 0},
	{"Failed to ", 0},
	{"Could not acquire lock", 0},
	{"Warning: the new NixOS", 0},
	{"starting the following", 0},
	{"stopping the following", 0},
	{"reloading the following", 0},
	{"restarting the following", 0},
	{"would ", 0}, /* what dry-activate says of the same */
	{"NOT starting the following", 0},
	{"NOT stopping the following", 0},
	{"NOT reloading the following", 0},
	{"NOT restarting the following", 0},
	{"activating", 0},
	{"restarting systemd", 0},
	{"stopping swap", 0},
	{"the following new units", 0},
	{"Command '", 0},
	/* In a log the path from stdout follows on the same line. */
	{"Done. The new configuration is /", 0},
};

void brief_start(struct brief *ret, size_t said)
{
	const size_t later = TAIL_MAX + ERROR_MAX + OWN_MAX + ALIVE_OFTEN * ALIVE_MAX / 2;

	*ret = (struct brief){
		.out = STRBUF_INIT,
		.line = STRBUF_INIT,
		.own = STRBUF_INIT,
		.error = STRBUF_INIT,
		.tail = STRBUF_INIT,
		.begun_ms = clock_boot_ms(),
		.said_ms = clock_boot_ms(),
		.room = said + later < BRIEF_MAX ? BRIEF_MAX - later - said : 0,
	};
	if (ret->room > HEAD_MAX)
		ret->room = HEAD_MAX;
}

void brief_free(struct brief *brief)
{
	strbuf_free(&brief->out);
	strbuf_free(&brief->line);
	strbuf_free(&brief->own);
	strbuf_free(&brief->error);
	strbuf_free(&brief->tail);
	strv_free(&brief->shown);
}

static void put_out(struct brief *brief, const char *text, size_t len)
{
	strbuf_add(&brief->out, text, len);
	brief->said_ms = clock_boot_ms();
}

/* Where the last max bytes of the text begin, at the start of a line. */
static const char *end_of(const struct strbuf *text, size_t max)
{
	const char *start = text->text;

	while (text->len - (size_t)(start - text->text) > max) {
		const char *newline = strchr(start, '\n');

		if (!newline)
			break;
		start = newline + 1;
	}
	return start;
}

static void keep_in_tail(struct brief *brief, const char *line)
{
	struct strbuf *tail = &brief->tail;

	brief->left_out++;
	strbuf_add(tail, line, text_cut(line, LINE_MAX_BYTES));
	strbuf_putc(tail, '\n');
	if (tail->len > (size_t)2 * TAIL_MAX)
		strbuf_drop(tail, (size_t)(end_of(tail, TAIL_MAX) - tail->text));
}

/* Prints our own lines: nixos-rebuild goes on, so they are not the end. */
static void let_own_go(struct brief *brief)
{
	if (!brief->own.len)
		return;
	if (brief->own.len <= brief->room) {
		put_out(brief, brief->own.text, brief->own.len);
		brief->room -= brief->own.len;
	}
	strbuf_drop(&brief->own, brief->own.len);
}

static void show(struct brief *brief, const char *line)
{
	const size_t len = text_cut(line, LINE_MAX_BYTES);

	if (strv_has(&brief->shown, line))
		return;
	if (starts_with(line, "warning:") && len + 1 + PROGRESS_MAX > brief->room) {
		brief->warnings_left_out++;
		keep_in_tail(brief, line);
		return;
	}
	if (len + 1 > brief->room) {
		brief->room = 0;
		keep_in_tail(brief, line);
		return;
	}
	brief->room -= len + 1;
	strv_add(&brief->shown, line);
	put_out(brief, line, len);
	put_out(brief, "\n", 1);
}

/* HASH-NAME.drv' of "building '/nix/store/HASH-NAME.drv'...": the name. */
static void note_started(struct brief *brief, const char *line)
{
	const char *name = strchr(line, '-'), *end;

	brief->started++;
	if (!name)
		return;
	name++;
	end = name + strcspn(name, "'");
	if (end - name > 4 && strncmp(end - 4, ".drv", 4) == 0)
		end -= 4;
	snprintf(brief->last, sizeof(brief->last), "%.*s",
		(int)(end - name < 40 ? end - name : 40), name);
}

/* "these 3 derivations will be built:", "this path will be fetched (...)": how many. */
static void note_planned(struct brief *brief, const char *line)
{
	const char *number = line + strcspn(line, "0123456789");

	if (strstr(line, "will be built") || strstr(line, "will be fetched"))
		brief->planned +=
			starts_with(line, "these ") ? strtoull(number, NULL, 10) : 1;
}

static bool is_to_be_shown(struct brief *brief, const char *line)
{
	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		if (!starts_with(line, shown[i].start))
			continue;
		brief->lines_to_show = shown[i].then;
		return true;
	}
	if (!brief->lines_to_show)
		return false;
	brief->lines_to_show--;
	return *line != '\0';
}

/* Nix indents what belongs to an error; empty lines stand in between. */
static bool belongs_to_error(struct brief *brief, const char *line)
{
	if (!brief->error.len && starts_with(line, "error:"))
		brief->in_error = true;
	else if (brief->in_error && *line != ' ' && *line != '\0')
		brief->in_error = false;
	return brief->in_error;
}

/* Its first line and its end; between them may be hundreds of steps of a trace. */
static void keep_of_error(struct brief *brief, const char *line)
{
	struct strbuf *error = &brief->error;
	const size_t first = strcspn(error->text, "\n") + 1;
	const char *end;

	strbuf_add(error, line, text_cut(line, LINE_MAX_BYTES));
	strbuf_putc(error, '\n');
	if (error->len < (size_t)8 * ERROR_MAX)
		return;
	end = end_of(error, (size_t)4 * ERROR_MAX);
	error->len -= (size_t)(end - error->text) - first;
	memmove(error->text + first, end, error->len - first + 1);
}

static void take_line(struct brief *brief, const char *line)
{
	if (brief->whole) {
		strbuf_printf(&brief->out, "%s\n", line);
		return;
	}
	if (starts_with(line, OWN)) {
		strbuf_printf(&brief->own, "%s\n", line);
		if (!brief->holds_own ||
			!(brief->left_out || brief->shown.len || brief->error.len))
			let_own_go(brief);
		return;
	}
	let_own_go(brief);
	note_planned(brief, line);
	if (starts_with(line, "building '/") || starts_with(line, "copying path '/"))
		note_started(brief, line);
	if (belongs_to_error(brief, line)) {
		keep_of_error(brief, line);
	} else if (is_to_be_shown(brief, line)) {
		show(brief, line);
	} else {
		keep_in_tail(brief, line);
	}
}

/* What is kept and shown from here on is clean. */
static void end_line(struct brief *brief)
{
	_cleanup_strbuf_ struct strbuf seen = STRBUF_INIT;
	_cleanup_free_ char *clean = NULL;

	screen_put_line(&seen, brief->line.text, brief->line.len);
	strbuf_drop(&brief->line, brief->line.len);
	for (size_t i = 0; i < seen.len; i++)
		if (seen.text[i] == '\t')
			seen.text[i] = ' ';
	clean = text_clean(seen.text, seen.len);
	take_line(brief, clean);
}

void brief_read(struct brief *brief, const char *data, size_t len)
{
	const size_t max = brief->whole ? WHOLE_LINE_MAX : LINE_KEPT;

	for (size_t i = 0, run; i < len; i += run) {
		/* A bar is written again and again: only the last of it counts. */
		if (brief->returned && data[i] != '\n')
			strbuf_drop(&brief->line, brief->line.len);
		brief->returned = data[i] == '\r';
		if (brief->whole && brief->line.len >= max)
			end_line(brief);
		run = 1;
		if (data[i] == '\n') {
			end_line(brief);
		} else if (!brief->returned) {
			const size_t room = max - brief->line.len;

			while (i + run < len && data[i + run] != '\n' &&
				data[i + run] != '\r' && (run < room || !brief->whole))
				run++;
			strbuf_add(&brief->line, data + i, run < room ? run : room);
		}
	}
}

/* At most 60 lines. */
static void put_tail(struct brief *brief)
{
	const struct strbuf *tail = &brief->tail;
	const char *start = end_of(tail, TAIL_MAX);
	const char *at = tail->text + tail->len;
	unsigned lines = 0;

	while (at > start && lines <= TAIL_LINES)
		if (*--at == '\n' && ++lines > TAIL_LINES)
			at++;
	if (*at)
		strbuf_printf(&brief->out,
			OWN "the end of the output that was left "
			    "out:\n%s",
			at);
}

/* The last line that says what is wrong, behind all the steps to it. */
static const char *innermost(const struct strbuf *error)
{
	const char *found = NULL;

	for (const char *at = error->text; (at = strchr(at, '\n')); at++)
		if (starts_with(at + 1 + strspn(at + 1, " "), "error: "))
			found = at + 1;
	return found;
}

/* The first line says what it is, the last ones where. */
static void put_error(struct brief *brief)
{
	const struct strbuf *error = &brief->error;
	const size_t end_max = ERROR_MAX - LINE_MAX_BYTES;
	const char *end = end_of(error, end_max), *inner = innermost(error);
	size_t len;

	if (error->len <= ERROR_MAX) {
		strbuf_puts(&brief->out, error->text);
		return;
	}
	strbuf_add(&brief->out, error->text, strcspn(error->text, "\n"));
	strbuf_puts(&brief->out, "\n  ...\n");
	if (inner && inner < end)
		end = inner;
	len = text_cut(end, end_max);
	strbuf_add(&brief->out, end, len);
	if (end[len])
		strbuf_puts(&brief->out, "...\n");
}

void brief_end(struct brief *brief, int exit_status, uint64_t build)
{
	if (brief->line.len)
		end_line(brief);
	if (brief->whole)
		return;
	if (exit_status)
		put_tail(brief);
	if (brief->error.len)
		put_error(brief);
	if (exit_status && build && brief->left_out > TAIL_LINES)
		strbuf_printf(&brief->out,
			OWN "the whole output: safe-rebuild show %" PRIu64 " --output\n",
			build);
	else if (!exit_status && build && brief->warnings_left_out)
		strbuf_printf(&brief->out,
			OWN "and %" PRIu64 " more warnings: safe-rebuild show %" PRIu64
			    " --output\n",
			brief->warnings_left_out, build);
	strbuf_puts(&brief->out, end_of(&brief->own, OWN_MAX));
	strbuf_drop(&brief->own, brief->own.len);
}

int brief_wait_ms(const struct brief *brief)
{
	const int64_t every =
		brief->signs < ALIVE_OFTEN ? ALIVE_MS : (int64_t)4 * ALIVE_MS;
	const int64_t left = brief->said_ms + every - clock_boot_ms();

	if (brief->whole)
		return -1;
	return left < 0 ? 0 : (int)left;
}

void brief_be_alive(struct brief *brief)
{
	const int64_t seconds = (clock_boot_ms() - brief->begun_ms) / 1000;
	_cleanup_free_ char *since = clock_duration(seconds);

	if (brief_wait_ms(brief) > 0)
		return;
	let_own_go(brief);
	brief->signs++;
	if (brief->started) {
		strbuf_printf(&brief->out, OWN "%" PRIu64, brief->started);
		if (brief->planned)
			strbuf_printf(&brief->out, "/%" PRIu64, brief->planned);
		strbuf_printf(&brief->out, " started, last %s, %s\n", brief->last, since);
	} else {
		strbuf_printf(&brief->out, OWN "nothing new yet, %s\n", since);
	}
	brief->said_ms = clock_boot_ms();
}
