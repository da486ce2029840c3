#pragma once
/*
 * A build: one run that reached nixos-rebuild, from the moment its caller arrives to its
 * place in the ledger. It is written as a record (record.h): as a ticket while it runs,
 * as the message of a commit when it has begun and when it has ended. build.c has the one
 * table of its keys; safe-rebuild-ledger(5) describes them.
 *
 * What is read back is checked here once: names that become parts of paths and refs,
 * numbers, times, ids, and words of a fixed set. A text that fails is no build. Other
 * texts (messages, commands, paths) are foreign and cleaned where they are shown.
 */
#include <git2.h>
#include <time.h>

#include "record/record.h"

enum outcome {
	OUTCOME_NONE, /* only a ticket */
	OUTCOME_RUNNING,
	OUTCOME_SUCCEEDED,
	OUTCOME_PARTLY, /* the system was switched although nixos-rebuild failed */
	OUTCOME_FAILED,
	OUTCOME_INTERRUPTED,
	OUTCOME_CANCELLED,
	OUTCOME_ROLLED_BACK,
	OUTCOME_REFUSED, /* it is no build, and has no number */
};

enum config_state {
	CONFIG_NONE, /* there is no snapshot */
	CONFIG_CLEAN,
	CONFIG_DIRTY,
	CONFIG_UNBORN, /* git without a commit */
	CONFIG_PLAIN,  /* no git */
};

/* What a run is doing, for those who wait. */
enum phase {
	PHASE_NONE,
	PHASE_ARRIVING, /* has a ticket and has not yet looked for predecessors */
	PHASE_WAITING,
	PHASE_OUTSIDE, /* first in the queue, waits for what runs without our lock */
	PHASE_LOOKING, /* at the configuration and at what is live */
	PHASE_EVALUATING,
	PHASE_BUILDING,
	PHASE_ACTIVATING,
	PHASE_CHECKING,    /* the new system's health */
	PHASE_UNCONFIRMED, /* a trial that goes back unless it is confirmed */
};

/* A process, named so that a reused pid is not taken for it: "4711 123456". */
struct process_name {
	pid_t pid; /* 0: none */
	unsigned long long start_ticks;
};

#define NO_EXIT_STATUS (-1)

/* We never give a higher number. */
#define BUILD_NUMBER_MAX 1000000000

struct build {
	uint64_t number; /* 0: none given (yet) */
	char *agent, *session, *user;
	char *target; /* see rebuild/target.h */
	char *action, *command, *directory, *message;
	char *environment; /* digest of the variables that decide what Nix does */

	char *config; /* git+file:///etc/nixos?dir=x#host, a file, a URL */
	enum config_state config_state;
	git_oid config_commit; /* HEAD */
	char *config_subject;  /* the first line of its message */
	git_oid config_tree;   /* of a dirty one: the tree that was committed */
	uint64_t left_out;     /* files that the snapshot lacks */

	time_t requested, started, finished; /* 0: not (yet) */
	enum outcome outcome;
	int exit_status;
	char *cancelled_by;
	char *refused; /* whose work would have gone or come back, in words */
	char *allowed_undo,
		*allowed_redo; /* "43,44": whose work was allowed to go, come */
	char *undone;          /* the paths of that work, or of what was refused */
	char *changed_work;    /* "43": others' work that it changed without a refusal */
	/* Of a rollback: what it went back to ("43", "gen:12", a store path), and whose
	 * work it took out ("44,45"; empty: none that is recorded). */
	char *back_to, *rolled_back;
	/* Of a trial that went back: why, and the end of what its check said. */
	char *taken_back, *check_output;
	char *taken_back_by; /* the agent who ended it; NULL: nobody did */
	char *confirmed_by;  /* of a trial that was kept: who confirmed it */
	char *system_before, *system_after; /* what the action aims at: see outcome.c */
	char *profile_after; /* if the build set it to another system than runs */
	uint64_t generation_before, generation;
	char *failed_units; /* in words, after an activation */
	char *nix_error, *nix_error_at;
	char *changed_while_building; /* paths, in words */
	char *log;
	char *stdout_text; /* of nixos-rebuild, where it is short */
	uint64_t stdout_size;
	uint64_t numbers_given; /* the highest one when this build ended */

	char *ticket; /* the ticket's name, while it runs */

	/* What only a ticket tells. */
	enum phase phase;
	uint64_t expected; /* seconds that it will take; 0: not known */
	struct process_name runner, child;
	char *cancel;            /* the answer to a request to end it */
	uint64_t cancel_request; /* ... and to which */
	time_t left;             /* when its owner left the queue */
	uid_t owner; /* who alone wrote the ticket's file (file_writer()); not written */

	/* Its place in the ledger; not written. */
	git_oid commit;
	git_oid tree;   /* the snapshot; if there is none, the empty tree */
	git_oid parent; /* the build that joined the chain before; zero for the first */
};

#define BUILD_INIT                            \
	{                                     \
		.exit_status = NO_EXIT_STATUS \
	}

void build_free(struct build *build);
#define _cleanup_build_ _cleanup_(build_free)
/* A copy with strings of its own. */
void build_copy(struct build *ret, const struct build *from);

struct builds {
	struct build *list;
	size_t len;
};

/* Takes the build's strings. */
void builds_add(struct builds *builds, struct build *build);
void builds_free(struct builds *builds);
#define _cleanup_builds_ _cleanup_(builds_free)

/* false, with *ret empty, where the text is no build. */
bool build_parse(struct build *ret, const char *text, size_t len) _must_check_;

bool build_has_snapshot(const struct build *build);
/* As recorded: its runner may be dead. */
bool build_is_running(const struct build *build);
/* It did what was asked, at least in part. */
bool build_took_effect(const struct build *build);
/* Whether its run still waits for its turn, as the ticket says. */
bool build_is_waiting(const struct build *ticket);

bool build_is_of_agent(const struct build *build, const char *agent);
bool build_is_of_target(const struct build *build, const char *target);

/* The words of the enums above, in their order, with a NULL at the end. */
extern const char *const outcome_words[], *const config_state_words[],
						  *const phase_words[];

/*
 * One component of a ref and of a path (git-check-ref-format(1)): letters, digits,
 * ". _ -", in a target's name also "%".
 */
#define AGENT_NAME_MAX 64
bool agent_name_is_valid(const char *name);
bool target_name_is_valid(const char *name);

/* The table of the fields, for code that prints all of them. */
struct build_field {
	const char *key;
	size_t offset;
	enum field_type {
		FIELD_TEXT,
		FIELD_AGENT,
		FIELD_TARGET,
		FIELD_NUMBER,
		FIELD_STATUS, /* an int, NO_EXIT_STATUS: none */
		FIELD_TIME,
		FIELD_ID,
		FIELD_OUTCOME,
		FIELD_STATE,
		FIELD_PHASE,
		FIELD_PROCESS,
	} type;
	enum field_place { EVERYWHERE, TICKET_ONLY } place;
};

extern const struct build_field build_fields[];
extern const size_t build_fields_len;
/* The value as it is written, NULL where there is none. The caller frees. */
char *build_field_text(
	const struct build *build, const struct build_field *field) _must_check_;

/* Adds the build's lines; those of a ticket (TICKET_ONLY: its own as well) with all
 * values cut to a bounded length. */
void build_put(struct strbuf *out, const struct build *build, enum field_place place);
