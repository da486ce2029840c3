#pragma once
/*
 * What the words of one simple command run: behind assignments, keywords, sudo, env,
 * timeout and their kin, and the script that a shell or su is given.
 */
#include "base/strv.h"
#include "hook/scan.h"

/* The index of the word that is run; words->len: none. raw: the same with quotes. */
size_t invoked_program(const struct strv *words, const struct ranges *raw);

/* The index of the script among the program's arguments; 0: none. */
size_t invoked_script(const struct strv *words, size_t program);
