#pragma once
/*
 * Who owns the files of queue, ledger and logs. Root shares them with [access] group,
 * where there is such a group: the top directories stay root's, what is in them belongs
 * to the system user [access] user, or to the member who made it. Without the group they
 * are root's alone; and a user who is not root, and whose [paths] lead where that user
 * may make directories, works alone in them.
 */
#include "settings/settings.h"

struct sharing {
	bool is_shared;
	uid_t user; /* -1: the one who makes the file */
	gid_t group;
};

const struct sharing *sharing_of(const struct settings *settings);

/* The system user, also for callers who are not root; -1: there is none. */
uid_t sharing_user(const struct settings *settings);

/* The mode of a directory to which all may add files, but where only a file's owner and
 * the system user, who owns the directory, may move or remove it. */
#define SHARED_MODE 03770

/* Makes a directory below a top directory: SHARED_MODE where it is shared. */
int sharing_make(const struct sharing *sharing, const char *path) _must_check_;

/*
 * Makes a top directory (the system user's for SHARED_MODE, else root's) and its parents.
 * An existing one is left alone, unless it is empty, or is root's and known to be ours by
 * an entry of this name (NULL: none) or by its group: then the group gets access, and
 * nobody else may write. -1 with errno set.
 */
int sharing_make_top(const struct sharing *sharing, const char *path, mode_t shared_mode,
	const char *entry) _must_check_;

/*
 * From here on root's process acts as the system user (base/rights.h). Do everything
 * that needs root before: find the caller and the configuration, make the directories.
 */
void sharing_lower_rights(const struct settings *settings);

/* The name of the group that may queue and record, NULL where there is none. */
const char *sharing_group_name(const struct settings *settings);
/* Whether the caller is a member of it. */
bool sharing_has_member(const struct settings *settings);
