#pragma once

#include "shared/compiler.h"
#include "shared/error.h"
#include "shared/json_writer.h"
#include "tests/fakes/proxysql/control_commands.h"

/* Knobs of the control socket for what a drain meets: see the table in control_commands.c. */
MUST_CHECK int control_pause(const struct control_target *target, const char *argument, struct json_writer *json,
                             struct error *err);
MUST_CHECK int control_crash(const struct control_target *target, const char *argument, struct json_writer *json,
                             struct error *err);
