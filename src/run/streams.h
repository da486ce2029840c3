#pragma once
/*
 * What the caller's stdout and stderr are, and what nixos-rebuild gets in their place:
 *
 * - one pipe for both if they are one file, so that the order of the lines is kept;
 * - a pty for each that is a person's terminal, so that progress bars and colours work;
 *   nixos-rebuild then stays in the caller's session and process group, with its stdin,
 *   so that the real terminal handles job control, Ctrl-C and passwords.
 *   The pty is nobody's controlling terminal and changes nothing that is written to it.
 *   (One that controls a session of its own fails with sudo, which would ask again.)
 *
 * brief: see brief.h.
 */
#include <sys/ioctl.h>

#include "settings/settings.h"

struct streams {
	bool brief;
	bool one_file; /* stdout and stderr are */
	bool together; /* both go through one pipe, as STDERR_FILENO */
	pid_t group;   /* the caller's, in whose session it stays; 0: it does not */
	bool is_terminal[STDERR_FILENO + 1]; /* of that session */
	struct winsize size;
};

void streams_find(struct streams *ret, const struct settings *settings, bool is_agent);

/*
 * What the child writes to in place of the caller's stream, and what is read from,
 * without blocking. -1 with errno set.
 */
int stream_open(const struct streams *streams, int stream, int *ret_read,
	int *ret_write) _must_check_;
