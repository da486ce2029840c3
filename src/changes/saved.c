#include "changes/saved.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

char *saved_describe(int root, const char *path)
{
	_cleanup_close_ int fd = open_beneath(root, path, O_PATH);
	_cleanup_free_ char *age = NULL;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return NULL;
	age = clock_age(status.st_mtime);
	return xasprintf("saved %s", age);
}
