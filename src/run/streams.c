#include "run/streams.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/stat.h>
#include <termios.h>

#include "base/file.h"

static bool are_one_file(int a, int b)
{
	struct stat first, second;

	return fstat(a, &first) == 0 && fstat(b, &second) == 0 &&
	       is_same_file(&first, &second);
}

/* Whether it is our session's controlling terminal: tcgetpgrp(3) fails on others. */
static bool is_own_terminal(int fd)
{
	return tcgetpgrp(fd) >= 0;
}

/*
 * sudo, ssh and getpass(3) ask on the session's terminal, wherever stdin, stdout and
 * stderr go. A caller that ignores hangups (nohup) does without it.
 */
static bool asks_on_terminal(void)
{
	_cleanup_close_ int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct sigaction hangup;

	return fd >= 0 && sigaction(SIGHUP, NULL, &hangup) == 0 &&
	       hangup.sa_handler != SIG_IGN;
}

static bool is_brief(const struct settings *settings, bool is_agent)
{
	if (settings->show_output != OUTPUT_AUTO)
		return settings->show_output == OUTPUT_BRIEF;
	return is_agent && !isatty(STDERR_FILENO);
}

void streams_find(struct streams *ret, const struct settings *settings, bool is_agent)
{
	*ret = (struct streams){.brief = is_brief(settings, is_agent)};
	ret->one_file = are_one_file(STDOUT_FILENO, STDERR_FILENO);
	ret->together = !ret->brief && ret->one_file;
	if (is_agent)
		return;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (!isatty(fd))
			continue;
		ret->is_terminal[fd] = !ret->brief;
		if (is_own_terminal(fd))
			ret->group = getpgrp();
		(void)ioctl(fd, TIOCGWINSZ, &ret->size);
	}
	if (!ret->group && asks_on_terminal())
		ret->group = getpgrp();
}

/* Its bytes go to the real terminal, which does the processing. */
static int open_pty(const struct winsize *size, int *ret_master, int *ret_slave)
{
	struct termios modes;

	if (openpty(ret_master, ret_slave, NULL, NULL, size) < 0)
		return -1;
	fcntl(*ret_master, F_SETFD, FD_CLOEXEC);
	fcntl(*ret_slave, F_SETFD, FD_CLOEXEC);
	if (tcgetattr(*ret_slave, &modes) == 0) {
		modes.c_oflag &= (tcflag_t)~OPOST;
		modes.c_lflag &= (tcflag_t)~ECHO;
		tcsetattr(*ret_slave, TCSANOW, &modes);
	}
	return 0;
}

int stream_open(const struct streams *streams, int stream, int *ret_read, int *ret_write)
{
	int fds[2];

	if (streams->is_terminal[stream]) {
		if (open_pty(&streams->size, &fds[0], &fds[1]) < 0)
			return -1;
	} else if (pipe2(fds, O_CLOEXEC) < 0) {
		return -1;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}
