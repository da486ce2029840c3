#pragma once
/* Tells for each agent on this machine whether a bare nixos-rebuild in it reaches us. */
#include "commands/command.h"

/* 0 where it does for all of them, or none is here, else 1. */
int agents_check(const struct context *context);
