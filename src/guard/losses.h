#pragma once
/*
 * What of the live configuration a new one lacks, path by path. Found in a worker, so it
 * goes through a record.
 */
#include <stdint.h>

#include "ledger/git.h"
#include "record/record.h"

/* More are counted, not listed, and always refused for. */
#define LOSSES_MAX 2000

enum loss_kind {
	LOSS_LINES,    /* text of the live file is missing, or is back although removed */
	LOSS_FILE,     /* the whole file is missing */
	LOSS_RETURNED, /* a file that the live one has removed is back */
	LOSS_INPUT,    /* an input of flake.lock would go back */
	LOSS_OTHER,    /* mode, link or binary content */
	LOSS_FILTERED, /* git filters it: only what is committed can be compared */
	LOSS_CONFLICT, /* both changed the same lines: nobody can tell, only a warning */
};

struct loss {
	enum loss_kind kind;
	char *path;
	size_t added, removed; /* lines that would have to be merged in, or taken out */
	uint64_t line;         /* of the first one, in the live file; 0: none */
	char *text;            /* that line, or words about the input */
	bool uncommitted;      /* the live version was not committed when it was built */
	git_oid base, live;    /* the entries; zero: not there */
};

struct losses {
	struct loss *list;
	size_t len;
	size_t more; /* not listed */
};

/* Takes the strings of *loss. */
void losses_add(struct losses *losses, struct loss *loss);
void losses_free(struct losses *losses);
void loss_free(struct loss *loss);
#define _cleanup_losses_ _cleanup_(losses_free)

void losses_to_record(struct record *record, const struct losses *losses);
/* What does not make sense is left out. */
void losses_from_record(struct losses *ret, const struct record *record);
