#pragma once
/*
 * Who may write where in the ledger. No member of the group may change what git obeys;
 * all may write where every member adds something. Members can make directories that shut
 * others out: root's next run opens these again, or moves them away if somebody may have
 * put another user's directory there.
 */
#include "settings/sharing.h"

/* With root's rights; links are not followed. Prints and returns -1 if it fails. */
int ledger_set_permissions(const char *path, const struct sharing *sharing) _must_check_;
