#include "settings/sharing.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/message.h"
#include "base/rights.h"

#define DEFAULT_USER "safe-rebuild"
#define FALLBACK_USER "nobody"

static const struct group *look_up_group(const struct settings *settings)
{
	return getgrnam(settings->access_group ? settings->access_group : DEFAULT_GROUP);
}

static const struct group *find_group(const struct settings *settings)
{
	const struct group *group = look_up_group(settings);

	if (!group && settings->access_group)
		warn("[access] group: there is no group '%s', only root can queue",
			settings->access_group);
	return group;
}

static bool find_user(uid_t *ret, const struct settings *settings)
{
	const struct passwd *user =
		getpwnam(settings->access_user ? settings->access_user : DEFAULT_USER);

	if (!user && settings->access_user)
		warn("[access] user: there is no user '%s', using '" FALLBACK_USER "'",
			settings->access_user);
	if (!user)
		user = getpwnam(FALLBACK_USER);
	if (user)
		*ret = user->pw_uid;
	return user;
}

/*
 * The group that shares the records; 0: they are root's alone; -1: there are none yet.
 * This never changes, whatever the settings say: changing some modes would not change who
 * can read the rest, and root must not use its rights where members can write.
 */
static gid_t find_group_of_ledger(const struct settings *settings)
{
	_cleanup_free_ char *ledger = xasprintf("%s/ledger.git", settings->state_path);
	struct stat status;

	if (stat(ledger, &status) == 0)
		return status.st_gid;
	if (stat(settings->state_path, &status) < 0 || status.st_uid ||
		is_empty_directory(settings->state_path))
		return (gid_t)-1;
	return status.st_mode & S_ISGID || !status.st_gid ? status.st_gid : (gid_t)-1;
}

static gid_t choose_group(const struct settings *settings)
{
	const struct group *group = find_group(settings);
	const gid_t wanted = group ? group->gr_gid : 0;
	const gid_t found = find_group_of_ledger(settings);

	if (found == (gid_t)-1 || found == wanted)
		return wanted;
	if (!found)
		warn("'%s' was made for root alone and stays that way (to share it: "
		     "move it away)",
			settings->state_path);
	else if (wanted)
		warn("'%s' is shared with group %u and stays so (for '%s': move it away)",
			settings->state_path, (unsigned)found, group->gr_name);
	return found;
}

static struct sharing find(const struct settings *settings)
{
	struct sharing found = {.user = (uid_t)-1, .group = (gid_t)-1};
	gid_t gid;

	if (getuid() != 0)
		return found;
	gid = choose_group(settings);
	found.is_shared = gid && find_user(&found.user, settings);
	if (found.is_shared)
		found.group = gid;
	return found;
}

/* Only once: names may come over a network, and a warning is printed only once. */
const struct sharing *sharing_of(const struct settings *settings)
{
	static struct sharing found;
	static bool is_known;

	if (!is_known)
		found = find(settings);
	is_known = true;
	return &found;
}

uid_t sharing_user(const struct settings *settings)
{
	uid_t user;

	return find_user(&user, settings) ? user : (uid_t)-1;
}

/* The mode of a top directory: this one where it is shared, else 0700. */
static mode_t sharing_mode(const struct sharing *sharing, mode_t shared_mode)
{
	return sharing->is_shared ? shared_mode : 0700;
}

int sharing_make(const struct sharing *sharing, const char *path)
{
	return make_shared_directory(
		path, sharing_mode(sharing, SHARED_MODE), sharing->user, sharing->group);
}

static uid_t owner_for(const struct sharing *sharing, mode_t mode)
{
	return mode == SHARED_MODE ? sharing->user : (uid_t)-1;
}

static bool has_group(const struct stat *status, const struct sharing *sharing)
{
	return sharing->is_shared && status->st_gid == sharing->group;
}

static bool has_entry(int directory_fd, const char *name)
{
	return name && faccessat(directory_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The admin may have allowed more than the mode; but others must not write. */
static int repair_top(
	const struct sharing *sharing, const char *path, mode_t mode, const char *entry)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const mode_t others_write = mode & 0020 ? 0002 : 0022;
	struct stat status;

	if (geteuid() != 0)
		return 0;
	if (fd < 0 || fstat(fd, &status) < 0)
		return -1;
	if (status.st_uid && status.st_uid != sharing->user)
		return 0;
	if (!has_group(&status, sharing) && !has_entry(fd, entry))
		return 0;
	if (sharing->is_shared &&
		fchown(fd, owner_for(sharing, mode), sharing->group) < 0)
		return -1;
	mode = (mode | status.st_mode) & ~others_write & 07777;
	return (status.st_mode & 07777) == mode ? 0 : fchmod(fd, mode);
}

int sharing_make_top(const struct sharing *sharing, const char *path, mode_t shared_mode,
	const char *entry)
{
	const bool is_new = access(path, F_OK) < 0;

	if (make_directories(path, 0755) < 0)
		return -1;
	if (!is_new && !is_empty_directory(path))
		return repair_top(
			sharing, path, sharing_mode(sharing, shared_mode), entry);
	if (chown(path, owner_for(sharing, shared_mode), sharing->group) < 0)
		return -1;
	return chmod(path, sharing_mode(sharing, shared_mode));
}

void sharing_lower_rights(const struct settings *settings)
{
	const struct sharing *sharing = sharing_of(settings);

	if (sharing->is_shared && rights_lower(sharing->user, sharing->group) < 0)
		warn_errno("cannot give up root's rights here; going on as root");
}

const char *sharing_group_name(const struct settings *settings)
{
	const struct group *group = look_up_group(settings);

	return group ? group->gr_name : NULL;
}

bool sharing_has_member(const struct settings *settings)
{
	const struct group *group = look_up_group(settings);

	return group && group_member(group->gr_gid);
}
