#include "caller/sandbox.h"

#include <sys/prctl.h>

const char *sandbox_advice(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? SANDBOX_ADVICE : NULL;
}
