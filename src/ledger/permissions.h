#pragma once
/*
 * Who may write where in the ledger. What git obeys nobody in the group may change; what
 * every member adds to, all may. Members can make directories that shut others out;
 * root's next run opens them again, or sets them aside where they may be another's, who
 * has not put them there.
 */
#include "settings/sharing.h"

/* With root's rights; links are not followed. Prints and returns -1 where it fails. */
int ledger_set_permissions(const char *path, const struct sharing *sharing) _must_check_;
