#include "base/signals.h"

#include <sys/signalfd.h>

int signals_watch(const int *list, sigset_t *ret_mask)
{
	sigset_t caught;

	sigemptyset(&caught);
	for (; *list; list++) {
		struct sigaction action;

		if (sigaction(*list, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&caught, *list);
	}
	sigprocmask(SIG_BLOCK, &caught, ret_mask);
	return signalfd(-1, &caught, SFD_CLOEXEC);
}
