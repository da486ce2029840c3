#include "rebuild/target.h"

#include <ctype.h>

#include "base/memory.h"
#include "base/text.h"
#include "record/build.h"

#define SYSTEM "system"
#define PROFILE "profile-"
#define HOST "host-"

static char *encode(const char *prefix, const char *name)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_puts(&out, prefix);
	for (const char *at = name; *at; at++) {
		/* A dot is plain inside a name; "..", ".lock" and a last dot are no refs.
		 */
		bool plain_dot = *at == '.' && isalnum((unsigned char)at[1]) &&
				 !starts_with(at, ".lock");

		if (isalnum((unsigned char)*at) || *at == '_' || *at == '-' || plain_dot)
			strbuf_putc(&out, *at);
		else
			strbuf_printf(&out, "%%%02x", (unsigned char)*at);
	}
	return strbuf_take(&out);
}

bool target_is_system(const char *name)
{
	return streq(name, SYSTEM);
}

bool target_is_local(const char *name)
{
	return !starts_with(name, HOST);
}

char *target_describe(const char *name)
{
	const bool is_local = target_is_local(name);
	_cleanup_free_ char *plain = NULL;

	if (target_is_system(name))
		return NULL;
	plain = text_percent_decode(name + strlen(is_local ? PROFILE : HOST));
	return xasprintf("%s %s", is_local ? "profile" : "host", plain);
}

static char *profile_of(const struct settings *settings, const char *name)
{
	_cleanup_free_ char *profile = NULL;

	if (!target_is_local(name))
		return NULL;
	if (target_is_system(name))
		return xasprintf("%s/system", settings->profiles_path);
	profile = text_percent_decode(name + strlen(PROFILE));
	return xasprintf("%s/system-profiles/%s", settings->profiles_path, profile);
}

/* name: owned from now on. */
static struct target make(const struct settings *settings, char *name)
{
	char *directory = target_is_system(name)
				  ? xstrdup(settings->run_path)
				  : xasprintf("%s/targets/%s", settings->run_path, name);

	return (struct target){.name = name,
		.directory = directory,
		.queue = xasprintf("%s/queue", directory),
		.profile = profile_of(settings, name)};
}

struct target target_by_name(const struct settings *settings, const char *name)
{
	return make(settings, xstrdup(name ? name : SYSTEM));
}

struct target target_of_request(
	const struct settings *settings, const struct request *request)
{
	const char *host = request->target_host, *profile = request->profile_name;

	if (host && *host)
		return make(settings, encode(HOST, host));
	if (profile && *profile && !streq(profile, SYSTEM))
		return make(settings, encode(PROFILE, profile));
	return target_by_name(settings, NULL);
}

void target_free(struct target *target)
{
	free(target->name);
	free(target->directory);
	free(target->queue);
	free(target->profile);
}

struct strv target_list(const struct settings *settings)
{
	_cleanup_free_ char *path = xasprintf("%s/targets", settings->run_path);
	_cleanup_closedir_ DIR *directory = opendir(path);
	const struct dirent *found;
	struct strv list = {0};

	strv_add(&list, SYSTEM);
	while (directory && (found = readdir(directory)))
		if (target_name_is_valid(found->d_name) &&
			!target_is_system(found->d_name))
			strv_add(&list, found->d_name);
	return list;
}
