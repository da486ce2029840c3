#pragma once
/*
 * Which program a simple command runs, after assignments, keywords, sudo, env, timeout
 * and the like; and which script it gives to a shell or su.
 */
#include "base/strv.h"
#include "hook/scan.h"

/* The index of the program's word; words->len: none. raw: the words with their quotes. */
size_t invoked_program(const struct strv *words, const struct ranges *raw);

/* The index of the word that is a script for the program; 0: none. */
size_t invoked_script(const struct strv *words, size_t program);
