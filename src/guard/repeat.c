#include "guard/repeat.h"

#include "base/memory.h"

static char *reference_of(const struct guard_call *call)
{
	return xasprintf("refs/refused/%s/%s", call->target, call->caller->agent);
}

static char *describe_call(const struct guard_call *call, const struct live *live)
{
	const char *command = record_get(call->record, "Command");
	const char *directory = record_get(call->record, "Directory");
	char tree[OID_TEXT_SIZE];
	_cleanup_record_ struct record record = {0};
	char *text = NULL;
	size_t len;
	FILE *out = text_stream(&text, &len);

	record_set(&record, "Command", command);
	record_set(&record, "Directory", directory);
	record_set(&record, "Tree", oid_text(tree, &call->snapshot->tree));
	record_set(&record, "Live", live->name);
	record_print(&record, out);
	fclose(out);
	return text;
}

bool repeat_is_one(const struct guard_call *call, const struct live *live)
{
	_cleanup_free_ char *reference = reference_of(call);
	_cleanup_free_ char *text = describe_call(call, live);
	git_oid now, then;

	return git_odb_hash(&now, text, strlen(text), GIT_OBJECT_BLOB) == 0 &&
	       git_reference_name_to_id(&then, call->ledger->repository, reference) ==
		       0 &&
	       git_oid_equal(&now, &then);
}

void repeat_remember(const struct guard_call *call, const struct live *live)
{
	_cleanup_free_ char *reference = reference_of(call);
	_cleanup_free_ char *text = describe_call(call, live);
	git_oid id;

	if (git_blob_create_from_buffer(
		    &id, call->ledger->repository, text, strlen(text)) < 0)
		git_failed("cannot remember this call");
	else
		(void)!ledger_point(call->ledger, reference, &id);
}
