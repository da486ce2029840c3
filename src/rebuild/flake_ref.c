#include "rebuild/flake_ref.h"

#include <ctype.h>

#include "base/memory.h"
#include "base/text.h"

/* "//" starts an authority, which is empty for files: path:///x and path:/x are one. */
static char *local_path(const char *url)
{
	_cleanup_free_ char *path = text_percent_decode(url);

	if (starts_with(path, "///"))
		return xstrdup(path + 2);
	return xstrdup(path);
}

static bool has_scheme(const char *text)
{
	const char *at = text;

	if (!isalpha((unsigned char)*at))
		return false;
	while (isalnum((unsigned char)*at) || strchr("+.-", *at)) {
		if (!*at)
			return false;
		at++;
	}
	return *at == ':';
}

/* ID, ID/REF or ID/REF/REV: "nixpkgs" and "dir/sub" are names, "./dir" and "dir/" paths.
 */
static bool is_registry_name(const char *text)
{
	const char *at = text;

	if (!isalpha((unsigned char)*at))
		return false;
	while (isalnum((unsigned char)*at) || *at == '_' || *at == '-')
		at++;
	if (!*at)
		return true;
	if (*at != '/' || !at[1] || ends_with(at, "/"))
		return false;
	for (at++; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("_./@-", *at))
			return false;
	return true;
}

static void take_query(struct flake_ref *ref, char *query)
{
	char *rest = NULL;

	for (char *item = strtok_r(query, "&", &rest); item;
		item = strtok_r(NULL, "&", &rest)) {
		char *equals = strchr(item, '=');

		if (!equals)
			continue;
		*equals++ = '\0';
		if (streq(item, "dir"))
			set_string(&ref->dir, text_percent_decode(equals));
		else if (streq(item, "rev"))
			set_string(&ref->revision, text_percent_decode(equals));
		else if (streq(item, "ref"))
			set_string(&ref->ref, text_percent_decode(equals));
		else if (streq(item, "submodules"))
			ref->submodules = streq(equals, "1") || streq(equals, "true");
	}
}

void flake_ref_parse(struct flake_ref *ret, const char *text)
{
	_cleanup_free_ char *whole = xstrdup(text);
	char *hash = strchr(whole, '#'), *query;

	*ret = (struct flake_ref){0};
	if (hash) {
		*hash = '\0';
		ret->attr = hash[1] ? xstrdup(hash + 1) : NULL;
	}
	ret->url = xstrdup(whole);
	query = strchr(whole, '?');
	if (query)
		*query++ = '\0';
	if (starts_with(whole, "path:")) {
		ret->type = FLAKE_REF_WHOLE_DIRECTORY;
		ret->path = local_path(whole + strlen("path:"));
	} else if (starts_with(whole, "git+file:")) {
		ret->type = FLAKE_REF_GIT;
		ret->path = local_path(whole + strlen("git+file:"));
	} else if (starts_with(whole, "git:/") && !starts_with(whole, "git://")) {
		ret->type = FLAKE_REF_GIT;
		ret->path = local_path(whole + strlen("git:"));
	} else if (is_registry_name(whole) || starts_with(whole, "flake:")) {
		ret->type = FLAKE_REF_REGISTRY;
	} else if (has_scheme(whole)) {
		ret->type = FLAKE_REF_REMOTE;
	} else {
		ret->type = FLAKE_REF_PATH;
		ret->path = xstrdup(*whole ? whole : ".");
	}
	if (query)
		take_query(ret, query);
}

void flake_ref_free(struct flake_ref *ref)
{
	free(ref->url);
	free(ref->path);
	free(ref->attr);
	free(ref->dir);
	free(ref->ref);
	free(ref->revision);
}
