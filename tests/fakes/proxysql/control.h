#pragma once

#include "shared/compiler.h"
#include "shared/error.h"
#include "tests/fakes/proxysql/admin_server.h"
#include "tests/fakes/proxysql/node.h"

/*
 * The Unix socket by which a test turns the fault knobs: one line of text is one command, one line of JSON its answer.
 * `help` lists the commands. One thread serves all clients and never waits for the admin mutex.
 */
struct control;

/* Listen on path (an old socket there is removed) and serve. node and admin must outlive it. */
MUST_CHECK int control_start(const char *path, struct node *node, struct admin_server *admin,
                             struct control **ret_control, struct error *err);
/* Stop, remove the socket, free. NULL is fine. */
void control_stop(struct control *c);
