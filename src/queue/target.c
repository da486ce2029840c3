#include "queue/target.h"

#include <ctype.h>

#include "base/memory.h"

static char *encode(const char *prefix, const char *name)
{
	char *text = NULL;
	size_t len;
	FILE *out = text_stream(&text, &len);

	fputs(prefix, out);
	for (const char *at = name; *at; at++) {
		/* A dot is plain inside a name; "..", ".lock" and a last dot are no refs.
		 */
		bool plain_dot = *at == '.' && isalnum((unsigned char)at[1]) &&
				 !starts_with(at, ".lock");

		if (isalnum((unsigned char)*at) || *at == '_' || *at == '-' || plain_dot)
			fputc(*at, out);
		else
			fprintf(out, "%%%02x", (unsigned char)*at);
	}
	fclose(out);
	return text;
}

char *target_name(const struct request *request)
{
	if (request->target_host && *request->target_host)
		return encode("host-", request->target_host);
	if (request->profile_name && *request->profile_name &&
		!streq(request->profile_name, "system"))
		return encode("profile-", request->profile_name);
	return xstrdup("system");
}

bool target_is_local(const char *target)
{
	return !starts_with(target, "host-");
}

char *target_directory(const struct settings *settings, const char *target)
{
	if (streq(target, "system"))
		return xstrdup(settings->run_path);
	return xasprintf("%s/targets/%s", settings->run_path, target);
}

void target_list(struct strv *ret, const struct settings *settings)
{
	_cleanup_free_ char *path = xasprintf("%s/targets", settings->run_path);
	_cleanup_closedir_ DIR *directory = opendir(path);
	const struct dirent *found;

	*ret = (struct strv){0};
	strv_add(ret, "system");
	while (directory && (found = readdir(directory)))
		if (starts_with(found->d_name, "host-") ||
			starts_with(found->d_name, "profile-"))
			strv_add(ret, found->d_name);
}
