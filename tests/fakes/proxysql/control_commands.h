#pragma once

#include "shared/buf.h"
#include "tests/fakes/proxysql/admin_server.h"
#include "tests/fakes/proxysql/node.h"

/*
 * The commands of the control socket, one table. See control.h for the transport.
 */
struct control_target {
    struct node *node;
    struct admin_server *admin;
};

/* Execute one line and append its answer, one line of JSON with its newline, to out. */
void control_execute(const struct control_target *target, const char *line, struct buf *out);
