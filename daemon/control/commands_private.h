#pragma once

/* What the files of the control commands share. */

#include "daemon/control/commands.h"
#include "proto/pack.h"

/* An answer in the making. */
struct command_answer {
    struct buf body;
    struct pack pack;
};

void command_answer_init(struct command_answer *answer);

/* Reply with it, and free it. */
void command_answer_reply(struct command_answer *answer, struct control_call *call);

/* The commands that change something (commands_change.c): one that starts a job and waits for it, and the others. */
void command_run(void *context, struct control_call *call);
void command_drain(void *context, struct control_call *call);
void command_log_level(void *context, struct control_call *call);
