#pragma once
/*
 * Root shares directories with a group, and reads what belongs to others. From
 * rights_lower() on its process acts as the system user that owns what is shared
 * (effective ids, no supplementary groups, so no capabilities): a link that somebody has
 * planted leads nowhere that a member of the group could not go. The rights come back
 * only in a process of its own, which executes a program, does one small thing, or
 * becomes a configuration's owner for good.
 *
 * The real user id stays root's: getuid() tells whether root calls, and root's own
 * children can be signalled. See credentials(7), setresuid(2).
 */
#include <sys/types.h>

#include "base/macro.h"

/* Changes nothing if the process is not root. -1 with errno set. */
int rights_lower(uid_t user, gid_t group) _must_check_;

/* In a forked child only: root again, with its groups; ends the process where that fails.
 * Nothing changes where nothing was lowered. */
void rights_restore(void);

/*
 * In a forked child only, and for good: becomes the owner of a directory, with that
 * user's groups. A directory of root's is read as root only where nobody else can
 * write to it or to its .git; else as our lowered user, with the directory's group.
 * -1 with errno set. Only root can become another.
 */
int rights_become_owner(const char *directory) _must_check_;

/* Does the work as root, in a child, and returns its result (0 or -1). */
int rights_call(int (*work)(void *data), void *data) _must_check_;

/* The same for one file: rename(2), unlink(2), symlink(2) in the place of what is there,
 * and write_file_over() (base/file.h) so that everybody can read it. */
int rights_rename(const char *from, const char *to) _must_check_;
int rights_unlink(const char *path) _must_check_;
int rights_symlink_over(const char *target, const char *path) _must_check_;
int rights_write_over(const char *path, const char *text) _must_check_;

/* kill(2) as root, for a child of ours that has become another user. */
void rights_kill(pid_t pid, int signal);
