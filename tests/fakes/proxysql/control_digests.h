#pragma once

#include "shared/json_writer.h"
#include "tests/fakes/proxysql/control_commands.h"

/* The commands of the control socket that are about the statistics of queries; see the table in control_commands.c. */
int control_digests(const struct control_target *target, const char *argument, struct json_writer *json,
                    struct error *err);
int control_pgsql_digests(const struct control_target *target, const char *argument, struct json_writer *json,
                          struct error *err);
int control_digests_busy(const struct control_target *target, const char *argument, struct json_writer *json,
                         struct error *err);
