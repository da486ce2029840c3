#pragma once
/*
 * [notify] command is told what happens: one JSON object on its stdin, {"schema": 1,
 * "event": "finished", "record": {...}}. It runs detached, for ten seconds at most, and
 * holds nobody up, even if it is missing, is slow or prints without end.
 */
#include "base/child.h"
#include "record/build.h"
#include "settings/settings.h"

/* event: started, finished, refused, unconfirmed, rolled-back, paused. */
void notice_send(const struct settings *settings, const struct surroundings *surroundings,
	const char *event, const struct build *build);
