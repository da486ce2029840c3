#include "rebuild/configuration.h"

#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/memory.h"
#include "base/strbuf.h"
#include "rebuild/flake_ref.h"
#include "rebuild/flake_self.h"

#define SYSTEM_FLAKE "/etc/nixos/flake.nix"

static bool has_entry(const char *directory, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, name);
	struct stat status;

	return lstat(path, &status) == 0;
}

static bool is_directory(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Cuts the last component off; false at the root. */
static bool go_up(char *directory)
{
	char *slash = strrchr(directory, '/');

	if (!slash || !slash[1])
		return false;
	slash[slash == directory] = '\0';
	return true;
}

/* The nearest directory at or above start with an entry name, never "/"; NULL without. */
static char *search_up(const char *start, const char *name)
{
	_cleanup_free_ char *directory = xstrdup(start);

	while (!streq(directory, "/")) {
		if (has_entry(directory, name))
			return TAKE_PTR(directory);
		if (!go_up(directory))
			break;
	}
	return NULL;
}

static void set_elsewhere(
	struct configuration *configuration, const char *name, const char *why)
{
	configuration->kind = CONFIGURATION_ELSEWHERE;
	configuration->why_elsewhere = why;
	set_string(&configuration->name, xstrdup(name));
}

/* nixos-rebuild's default attribute: this machine's node name. A target host's is known
 * to that host only (NULL). */
static char *default_attr(const struct request *request)
{
	struct utsname names;

	if (request->target_host && *request->target_host)
		return NULL;
	if (uname(&names) < 0 || !*names.nodename)
		return xstrdup("default");
	return xstrdup(names.nodename);
}

static void put_query(struct strbuf *name, const char *key, const char *value)
{
	if (value)
		strbuf_printf(
			name, "%c%s=%s", strchr(name->text, '?') ? '&' : '?', key, value);
}

/* The name as Nix takes it. attr NULL: not known. */
static char *join_name(const char *scheme, const char *root, const char *dir,
	const struct flake_ref *ref, const char *attr)
{
	struct strbuf name = STRBUF_INIT;

	strbuf_printf(&name, "%s%s", scheme, root);
	put_query(&name, "dir", dir);
	if (ref->type != FLAKE_REF_WHOLE_DIRECTORY) {
		put_query(&name, "ref", ref->ref);
		put_query(&name, "rev", ref->revision);
		put_query(&name, "submodules", ref->submodules ? "1" : NULL);
	}
	if (attr)
		strbuf_printf(&name, "#%s", attr);
	return strbuf_take(&name);
}

/* dir: the flake's place below the root, or NULL. */
static char *lock_file_in(const char *dir)
{
	return xasprintf("%s%sflake.lock", dir ? dir : "", dir && *dir ? "/" : "");
}

/* Nix' own search for a plain path: up to a flake.nix, and from there up to a .git. */
static void find_flake_directory(struct configuration *configuration,
	const struct flake_ref *ref, const char *attr)
{
	_cleanup_free_ char *real = realpath(ref->path, NULL);
	_cleanup_free_ char *flake = NULL, *checkout = NULL, *below = NULL;
	const char *dir;

	if (real && ends_with(real, "/flake.nix") && !is_directory(real))
		go_up(real);
	if (!real || !is_directory(real)) {
		set_elsewhere(configuration, ref->url, "there is no such directory");
		return;
	}
	if (ref->type == FLAKE_REF_PATH && !ref->dir)
		flake = search_up(real, "flake.nix");
	if (!flake)
		flake = xstrdup(real);
	if (ref->type != FLAKE_REF_WHOLE_DIRECTORY)
		checkout = search_up(flake, ".git");
	configuration->is_flake = true;
	below = ref->dir ? xasprintf("%s/%s", flake, ref->dir) : xstrdup(flake);
	configuration->submodules = ref->submodules || flake_asks_for_submodules(below);
	if (!checkout) {
		configuration->kind = CONFIGURATION_DIRECTORY;
		configuration->name = join_name("path:", flake, ref->dir, ref, attr);
		configuration->lock_file = lock_file_in(ref->dir);
		configuration->root = TAKE_PTR(flake);
		return;
	}
	configuration->revision = xstrdup(ref->revision ? ref->revision : ref->ref);
	configuration->kind =
		configuration->revision ? CONFIGURATION_COMMIT : CONFIGURATION_GIT_FLAKE;
	configuration->is_git = true;
	dir = ref->dir ? ref->dir : flake + strlen(checkout);
	dir += strspn(dir, "/");
	configuration->name =
		join_name("git+file://", checkout, *dir ? dir : NULL, ref, attr);
	configuration->lock_file = lock_file_in(dir);
	configuration->root = TAKE_PTR(checkout);
}

static void find_flake(struct configuration *configuration, const struct request *request,
	const char *text)
{
	_cleanup_flake_ref_ struct flake_ref ref = {0};
	_cleanup_free_ char *attr = NULL;

	flake_ref_parse(&ref, text);
	attr = ref.attr ? xstrdup(ref.attr) : default_attr(request);
	if (ref.type == FLAKE_REF_REGISTRY)
		set_elsewhere(
			configuration, text, "the flake registry decides what this is");
	else if (ref.type == FLAKE_REF_REMOTE)
		set_elsewhere(configuration, text, "the flake is not on this machine");
	else
		find_flake_directory(configuration, &ref, attr);
}

/* A file, or a directory that stands for its default.nix. */
static bool find_file(struct configuration *configuration, const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	char *checkout;

	if (!real)
		return false;
	if (is_directory(real))
		set_string(&real, xasprintf("%s/default.nix", real));
	configuration->kind = CONFIGURATION_DIRECTORY;
	configuration->name = xstrdup(real);
	go_up(real);
	checkout = search_up(real, ".git");
	configuration->is_git = checkout != NULL;
	configuration->root = checkout ? checkout : TAKE_PTR(real);
	return true;
}

static bool find_file_in(struct configuration *configuration, const char *directory,
	const char *const *names)
{
	for (; *names; names++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", directory, *names);

		if (access(path, F_OK) == 0 && find_file(configuration, path))
			return true;
	}
	return false;
}

/* One entry of the search path: nixos-config=PATH, or a directory with a nixos-config. */
static bool find_in_search_entry(struct configuration *configuration, const char *entry)
{
	static const char *const names[] = {"nixos-config", NULL};
	static const char prefix[] = "nixos-config=";

	if (starts_with(entry, prefix))
		return find_file(configuration, entry + strlen(prefix));
	return !strchr(entry, '=') && find_file_in(configuration, entry, names);
}

static bool find_in_nix_path(struct configuration *configuration)
{
	const char *variable = getenv("NIX_PATH");
	_cleanup_free_ char *path = xstrdup(variable);
	char *rest = NULL;

	if (!path)
		return false;
	/* This also splits URLs at their colon: the halves name no local file. */
	for (char *entry = strtok_r(path, ":", &rest); entry;
		entry = strtok_r(NULL, ":", &rest))
		if (find_in_search_entry(configuration, entry))
			return true;
	return false;
}

static void find_classic(
	struct configuration *configuration, const struct request *request)
{
	static const char *const entry_files[] = {"system.nix", "default.nix", NULL};
	const char *variable = getenv("NIXOS_CONFIG");

	if (request->file && *request->file) {
		if (!is_directory(request->file) &&
			find_file(configuration, request->file))
			return;
		if (find_file_in(configuration, request->file, entry_files)) {
			/* The newest nixos-rebuild takes system.nix, all others not. */
			if (has_entry(request->file, entry_files[0]) &&
				has_entry(request->file, entry_files[1]))
				go_up(configuration->name);
			return;
		}
		set_elsewhere(configuration, request->file, "there is no such file");
		return;
	}
	if (request->attr && *request->attr &&
		find_file_in(configuration, ".", entry_files))
		return;
	/* Only the nixos-rebuild of 26.05 and later looks for it, and then before the
	 * rest. */
	if (find_file(configuration, "/etc/nixos/system.nix"))
		return;
	if (variable && *variable && find_file(configuration, variable))
		return;
	for (size_t i = 0; i < request->include_count; i++)
		if (find_in_search_entry(configuration, request->include[i]))
			return;
	if (find_in_nix_path(configuration) ||
		find_file(configuration, "/etc/nixos/configuration.nix"))
		return;
	set_elsewhere(configuration, "<nixos-config>", "no configuration file was found");
}

void configuration_find(struct configuration *ret, const struct request *request)
{
	bool classic_given = (request->file && *request->file) ||
			     (request->attr && *request->attr) || request->no_flake;
	_cleanup_free_ char *system_flake = NULL;

	*ret = (struct configuration){.kind = CONFIGURATION_ELSEWHERE};
	if (request->store_path) {
		set_elsewhere(ret, request->store_path, "it is built already");
		return;
	}
	if (request->rollback) {
		set_elsewhere(ret, "rollback", "a rollback builds no configuration");
		return;
	}
	if (request->flake) {
		find_flake(ret, request, request->flake);
		return;
	}
	if (!classic_given)
		system_flake = realpath(SYSTEM_FLAKE, NULL);
	if (system_flake) {
		go_up(system_flake);
		find_flake(ret, request, system_flake);
		return;
	}
	find_classic(ret, request);
}

void configuration_find_here(struct configuration *ret, const struct request *request)
{
	struct request here = *request;
	_cleanup_free_ char *directory = getcwd(NULL, 0), *flake = NULL;

	configuration_find(ret, request);
	if (ret->kind != CONFIGURATION_ELSEWHERE || request->flake || request->file ||
		request->attr || request->no_flake || request->store_path ||
		request->rollback)
		return;
	flake = directory ? search_up(directory, "flake.nix") : NULL;
	if (!flake)
		return;
	configuration_free(ret);
	here.flake = ".";
	configuration_find(ret, &here);
}

void configuration_free(struct configuration *configuration)
{
	free(configuration->root);
	free(configuration->name);
	free(configuration->lock_file);
	free(configuration->revision);
}

/* The last component may be gone; what is before it is resolved. */
static char *resolve_place(const char *word)
{
	_cleanup_free_ char *whole = realpath(word, NULL);
	const char *slash = strrchr(word, '/');
	_cleanup_free_ char *directory = NULL, *real = NULL;

	/* A link in the configuration is a file of its own: only its place is resolved.
	 */
	if (whole && (!slash || !slash[1] || streq(slash, "/..") || streq(slash, "/.")))
		if (streq(word, ".") || streq(word, "..") || slash)
			return TAKE_PTR(whole);
	directory = slash ? xstrndup(word, (size_t)(slash - word) + (slash == word))
			  : xstrdup(".");
	real = realpath(directory, NULL);
	return real ? xasprintf("%s/%s", real, slash ? slash + 1 : word) : NULL;
}

char *path_in_configuration(const char *root, const char *word)
{
	_cleanup_free_ char *path = resolve_place(word);
	const size_t len = strlen(root);

	while (path && *path && ends_with(path, "/"))
		path[strlen(path) - 1] = '\0';
	if (!path || strncmp(path, root, len) != 0 || (path[len] && path[len] != '/'))
		return xstrdup(word);
	return xstrdup(path + len + (path[len] == '/'));
}

char *path_from_here(const char *word)
{
	_cleanup_configuration_ struct configuration configuration = {0};
	const struct request request = {.action = ACTION_SWITCH};

	configuration_find_here(&configuration, &request);
	return path_in_configuration(configuration.root ? configuration.root : "/", word);
}
