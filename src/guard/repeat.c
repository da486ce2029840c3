#include "guard/repeat.h"

#include "base/memory.h"

static char *reference_of(const struct guard_call *call)
{
	return ref_of_refused(call->target->name, call->caller->agent);
}

static char *describe_call(const struct guard_call *call, const struct live *live)
{
	char tree[OID_TEXT_SIZE];
	struct strbuf out = STRBUF_INIT;
	const struct build *build = call->build;

	record_put_field(&out, "Command", build->command ? build->command : "");
	record_put_field(&out, "Directory", build->directory ? build->directory : "");
	record_put_field(&out, "Tree", oid_text(tree, &call->snapshot->tree));
	record_put_field(&out, "Live", live->name);
	return strbuf_take(&out);
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
