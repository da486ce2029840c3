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

/* Characters that reorder, hide or break a line: Unicode's Cf and Zl/Zp where they bite.
 */
static bool is_deceptive(uint32_t code)
{
	return code == 0xad || code == 0x61c || code == 0x180e ||
	       (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
	       (code >= 0xfff9 && code <= 0xfffb) || (code >= 0xe0000 && code <= 0xe0fff);
}

static void put_character(FILE *out, const unsigned char *at, size_t len, uint32_t code)
{
	if (code == '\n')
		fputs("\\n", out);
	else if (code == '\t')
		fputs("\\t", out);
	else if (code == '\r')
		fputs("\\r", out);
	else if (code < 0x20 || code == 0x7f)
		fprintf(out, "\\x%02x", (unsigned)code);
	else if ((code >= 0x80 && code < 0xa0) || is_deceptive(code))
		fprintf(out, "\\u{%x}", (unsigned)code);
	else
		fwrite(at, 1, len, out);
}

static char *clean(const char *text, size_t len, const char *also)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + len;
	char *result = NULL;
	size_t result_len;
	FILE *out = text_stream(&result, &result_len);

	while (at < end) {
		uint32_t code = 0;
		size_t step = decode_utf8(at, (size_t)(end - at), &code);

		if (step == 0) {
			fprintf(out, "\\x%02x", *at);
			step = 1;
		} else {
			if (code && code < 0x80 && strchr(also, (int)code))
				fputc('\\', out);
			put_character(out, at, step, code);
		}
		at += step;
	}
	fclose(out);
	return result;
}

char *text_clean(const char *text, size_t len)
{
	return clean(text, len, "");
}

char *text_escape(const char *text, size_t len)
{
	return clean(text, len, "\\");
}

char *text_quote(const char *text, size_t max)
{
	_cleanup_free_ char *cleaned = clean(text, strlen(text), "\\\"");
	size_t len = strlen(cleaned);

	if (len <= max)
		return xasprintf("\"%s\"", cleaned);
	while (max > 0 && ((unsigned char)cleaned[max] & 0xc0) == 0x80)
		max--;
	return xasprintf("\"%.*s...\"", (int)max, cleaned);
}

static void put_utf8(FILE *out, uint32_t code)
{
	if (code < 0x80) {
		fputc((int)code, out);
		return;
	}
	if (code < 0x800) {
		fputc((int)(0xc0 | code >> 6), out);
	} else {
		if (code < 0x10000) {
			fputc((int)(0xe0 | code >> 12), out);
		} else {
			fputc((int)(0xf0 | (code >> 18 & 0x07)), out);
			fputc((int)(0x80 | (code >> 12 & 0x3f)), out);
		}
		fputc((int)(0x80 | (code >> 6 & 0x3f)), out);
	}
	fputc((int)(0x80 | (code & 0x3f)), out);
}

/* Writes what the escape after a backslash means; returns how many characters it took. */
static size_t unescape_one(FILE *out, const char *at, size_t len)
{
	static const char letters[] = "ntr", meanings[] = "\n\t\r";
	const char *letter = len ? strchr(letters, at[0]) : NULL;
	unsigned code;
	int taken = 0;

	if (len && at[0] && letter) {
		fputc(meanings[letter - letters], out);
		return 1;
	}
	if (len >= 3 && sscanf(at, "x%2x%n", &code, &taken) == 1 && taken == 3) {
		fputc((int)code, out);
		return 3;
	}
	if (len >= 4 && sscanf(at, "u{%6x}%n", &code, &taken) == 1 && taken > 3) {
		put_utf8(out, code);
		return (size_t)taken;
	}
	if (len) {
		fputc(at[0], out);
		return 1;
	}
	return 0;
}

char *text_unescape(const char *text, size_t len)
{
	_cleanup_free_ char *copy = xstrndup(text, len);
	char *result = NULL;
	size_t result_len;
	FILE *out = text_stream(&result, &result_len);

	len = strlen(copy);
	for (size_t i = 0; i < len; i++) {
		if (copy[i] == '\\')
			i += unescape_one(out, copy + i + 1, len - i - 1);
		else
			fputc(copy[i], out);
	}
	fclose(out);
	return result;
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

char *text_shell_words(char *const *words)
{
	char *result = NULL;
	size_t len;
	FILE *out = text_stream(&result, &len);

	for (size_t i = 0; words[i]; i++) {
		if (i)
			fputc(' ', out);
		if (!needs_shell_quotes(words[i])) {
			fputs(words[i], out);
			continue;
		}
		fputc('\'', out);
		for (const char *at = words[i]; *at; at++) {
			if (*at == '\'')
				fputs("'\\''", out);
			else
				fputc(*at, out);
		}
		fputc('\'', out);
	}
	fclose(out);
	return result;
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

void text_print_lines(FILE *out, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t line_len = (size_t)((newline ? newline : end) - text);
		_cleanup_free_ char *line = text_clean(text, line_len);

		fprintf(out, "%s\n", line);
		text += line_len + 1;
	}
}
