/*
 * stamp FILE MILLISECONDS: appends when it started and when it ends, in nanoseconds, and
 * sleeps in between. For tests/bench/queue.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv)
{
	const long long start = now();
	const int file =
		argc == 3 ? open(argv[1], O_WRONLY | O_APPEND | O_CREAT, 0666) : -1;

	if (file < 0)
		return 64;
	usleep((useconds_t)atoi(argv[2]) * 1000);
	dprintf(file, "%lld %lld\n", start, now());
	return 0;
}
