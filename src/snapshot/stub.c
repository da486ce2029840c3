#include "snapshot/stub.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "ledger/git.h"

#define FIRST_LINE "The content of this file is not recorded.\n"
/* No stub is larger. */
#define STUB_MAX 200

char *stub_text(uint64_t size, time_t modified)
{
	_cleanup_free_ char *when = clock_iso8601(modified);

	return xasprintf(FIRST_LINE "Size: %" PRIu64 "\nModified: %s\n", size, when);
}

bool stub_is(const git_blob *blob)
{
	return blob && git_blob_rawsize(blob) > strlen(FIRST_LINE) &&
	       git_blob_rawsize(blob) <= STUB_MAX &&
	       strncmp(git_blob_rawcontent(blob), FIRST_LINE, strlen(FIRST_LINE)) == 0;
}

bool stub_is_at(git_repository *repository, const git_oid *id)
{
	_cleanup_git_(blob) git_blob *blob = NULL;

	return git_blob_lookup(&blob, repository, id) == 0 && stub_is(blob);
}
