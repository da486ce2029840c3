#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#include "base/memory.h"

/* Length of the valid UTF-8 sequence at text (RFC 3629), 0 where there is none. */
static size_t decode_utf8(const unsigned char *text, size_t len, uint32_t *ret)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t need = text[0] < 0x80           ? 1
		      : (text[0] >> 5) == 0x06 ? 2
		      : (text[0] >> 4) == 0x0e ? 3
		      : (text[0] >> 3) == 0x1e ? 4
					       : 0;
	uint32_t code;

	if (need == 0 || need > len)
		return 0;
	code = need == 1 ? text[0] : text[0] & (0xffU >> (need + 1));
	for (size_t i = 1; i < need; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < smallest[need] || code > 0x10ffff ||
		(code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret = code;
	return need;
}

/* Characters that reorder, hide or break a line: Unicode's Cf and Zl/Zp if harmful.
 */
static bool is_deceptive(uint32_t code)
{
	return code == 0xad || code == 0x61c || code == 0x180e ||
	       (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
	       (code >= 0xfff9 && code <= 0xfffb) || (code >= 0xe0000 && code <= 0xe0fff);
}

static void put_character(
	struct strbuf *out, const unsigned char *at, size_t len, uint32_t code)
{
	if (code == '\n')
		strbuf_puts(out, "\\n");
	else if (code == '\t')
		strbuf_puts(out, "\\t");
	else if (code == '\r')
		strbuf_puts(out, "\\r");
	else if (code < 0x20 || code == 0x7f)
		strbuf_printf(out, "\\x%02x", (unsigned)code);
	else if ((code >= 0x80 && code < 0xa0) || is_deceptive(code))
		strbuf_printf(out, "\\u{%x}", (unsigned)code);
	else
		strbuf_add(out, at, len);
}

/* How many bytes need no escaping: nearly always all of them. */
static size_t plain_length(const unsigned char *text, size_t len, const char *also)
{
	size_t plain = 0;

	while (plain < len && text[plain] >= ' ' && text[plain] < 0x7f &&
		!strchr(also, text[plain]))
		plain++;
	return plain;
}

/* also: characters that get a backslash in front. */
static void put_clean(struct strbuf *out, const char *text, size_t len, const char *also)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + len;

	while (at < end) {
		const size_t plain = plain_length(at, (size_t)(end - at), also);
		uint32_t code = 0;
		size_t step;

		strbuf_add(out, at, plain);
		at += plain;
		if (at == end)
			break;
		step = decode_utf8(at, (size_t)(end - at), &code);

		if (step == 0) {
			strbuf_printf(out, "\\x%02x", *at);
			step = 1;
		} else {
			if (code && code < 0x80 && strchr(also, (int)code))
				strbuf_putc(out, '\\');
			put_character(out, at, step, code);
		}
		at += step;
	}
}

char *text_clean(const char *text, size_t len)
{
	struct strbuf out = STRBUF_INIT;

	put_clean(&out, text, len, "");
	return strbuf_take(&out);
}

char *text_escape(const char *text, size_t len)
{
	struct strbuf out = STRBUF_INIT;

	put_clean(&out, text, len, "\\");
	return strbuf_take(&out);
}

size_t text_cut(const char *text, size_t max)
{
	const size_t len = strnlen(text, max + 1);

	if (len <= max)
		return len;
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}

char *text_quote(const char *text, size_t max)
{
	_cleanup_strbuf_ struct strbuf cleaned = STRBUF_INIT;
	size_t len;

	put_clean(&cleaned, text, strlen(text), "\\\"");
	len = text_cut(cleaned.text, max);
	return xasprintf(
		"\"%.*s%s\"", (int)len, cleaned.text, len < cleaned.len ? "..." : "");
}

/* Letters of any script, digits, and what is usual in paths and references. */
static bool is_plain(const char *text)
{
	while (*text & 0x80 || isalnum((unsigned char)*text) ||
		(*text && strchr("/._-+@:~=,%#^", *text)))
		text++;
	return !*text;
}

char *text_name(const char *text, size_t max)
{
	_cleanup_free_ char *clean = NULL;
	size_t len;

	if (!*text || !is_plain(text))
		return text_quote(text, max);
	/* Invalid UTF-8 and characters that hide text have a backslash now. */
	clean = text_clean(text, strlen(text));
	if (!is_plain(clean))
		return text_quote(text, max);
	len = text_cut(clean, max);
	return xasprintf("%.*s%s", (int)len, clean, clean[len] ? "..." : "");
}

static void put_utf8(struct strbuf *out, uint32_t code)
{
	if (code < 0x80) {
		strbuf_putc(out, (char)code);
		return;
	}
	if (code < 0x800) {
		strbuf_putc(out, (char)(0xc0 | code >> 6));
	} else {
		if (code < 0x10000) {
			strbuf_putc(out, (char)(0xe0 | code >> 12));
		} else {
			strbuf_putc(out, (char)(0xf0 | (code >> 18 & 0x07)));
			strbuf_putc(out, (char)(0x80 | (code >> 12 & 0x3f)));
		}
		strbuf_putc(out, (char)(0x80 | (code >> 6 & 0x3f)));
	}
	strbuf_putc(out, (char)(0x80 | (code & 0x3f)));
}

/* Writes what the escape after a backslash means; returns how many characters it took. */
static size_t unescape_one(struct strbuf *out, const char *at, size_t len)
{
	static const char letters[] = "ntr", meanings[] = "\n\t\r";
	const char *letter = len ? strchr(letters, at[0]) : NULL;
	unsigned code;
	int taken = 0;

	if (len && at[0] && letter) {
		strbuf_putc(out, meanings[letter - letters]);
		return 1;
	}
	if (len >= 3 && sscanf(at, "x%2x%n", &code, &taken) == 1 && taken == 3) {
		strbuf_putc(out, (char)code);
		return 3;
	}
	if (len >= 4 && sscanf(at, "u{%6x}%n", &code, &taken) == 1 && taken > 3) {
		put_utf8(out, code);
		return (size_t)taken;
	}
	if (len) {
		strbuf_putc(out, at[0]);
		return 1;
	}
	return 0;
}

char *text_unescape(const char *text, size_t len)
{
	_cleanup_free_ char *copy = xstrndup(text, len);
	struct strbuf out = STRBUF_INIT;

	len = strlen(copy);
	for (size_t i = 0; i < len; i++) {
		if (copy[i] == '\\')
			i += unescape_one(&out, copy + i + 1, len - i - 1);
		else
			strbuf_putc(&out, copy[i]);
	}
	return strbuf_take(&out);
}

static bool needs_shell_quotes(const char *word)
{
	static const char plain[] = "%+,-./:=@_";

	if (!*word)
		return true;
	for (; *word; word++)
		if (!isalnum((unsigned char)*word) && !strchr(plain, *word))
			return true;
	return false;
}

char *text_percent_decode(const char *text)
{
	struct strbuf out = STRBUF_INIT;
	unsigned code;

	for (; *text; text++) {
		if (*text == '%' && isxdigit((unsigned char)text[1]) &&
			isxdigit((unsigned char)text[2]) &&
			sscanf(text + 1, "%2x", &code) == 1) {
			strbuf_putc(&out, (char)code);
			text += 2;
		} else {
			strbuf_putc(&out, *text);
		}
	}
	return strbuf_take(&out);
}

static void put_shell_word(struct strbuf *out, const char *word)
{
	if (!needs_shell_quotes(word)) {
		strbuf_puts(out, word);
		return;
	}
	strbuf_putc(out, '\'');
	for (const char *at = word; *at; at++) {
		if (*at == '\'')
			strbuf_puts(out, "'\\''");
		else
			strbuf_putc(out, *at);
	}
	strbuf_putc(out, '\'');
}

char *text_shell_word(const char *word)
{
	struct strbuf out = STRBUF_INIT;

	put_shell_word(&out, word);
	return strbuf_take(&out);
}

char *text_shell_words(char *const *words)
{
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; words[i]; i++) {
		if (i)
			strbuf_putc(&out, ' ');
		put_shell_word(&out, words[i]);
	}
	return strbuf_take(&out);
}

bool text_is_slip(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (!*a && !*b)
		return false;
	if (*a && *b && a[0] == b[1] && a[1] == b[0] && streq(a + 2, b + 2))
		return true;
	return (*a && streq(a + 1, b)) || (*b && streq(a, b + 1)) ||
	       (*a && *b && streq(a + 1, b + 1));
}

bool text_to_number(const char *text, uint64_t max, uint64_t *ret)
{
	const int saved_errno = errno;
	uintmax_t value;
	bool overflow;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	value = strtoumax(text, &end, 10);
	overflow = errno != 0;
	errno = saved_errno;
	if (overflow || *end || value > max)
		return false;
	*ret = value;
	return true;
}

char *text_count(size_t count, const char *singular)
{
	return xasprintf("%zu %s%s", count, singular, count == 1 ? "" : "s");
}

bool text_next_line(
	const char **at, const char *end, const char **ret_line, size_t *ret_len)
{
	const char *newline;

	if (*at >= end)
		return false;
	newline = memchr(*at, '\n', (size_t)(end - *at));
	*ret_line = *at;
	*ret_len = (size_t)((newline ? newline : end) - *at);
	*at = newline ? newline + 1 : end;
	return true;
}

void text_put_lines(struct strbuf *out, const char *text, size_t len)
{
	const char *at = text, *line;
	size_t line_len;

	while (text_next_line(&at, text + len, &line, &line_len)) {
		put_clean(out, line, line_len, "");
		strbuf_putc(out, '\n');
	}
}

int text_index(const char *word, const char *const *list)
{
	for (int i = 0; word && list[i]; i++)
		if (streq(word, list[i]))
			return i;
	return -1;
}
