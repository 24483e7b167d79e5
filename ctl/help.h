#pragma once

#include "proto/command.h"
#include "shared/buf.h"

/* Help from the command table: about one command, or about all (NULL). 0, or the error of out. */
MUST_CHECK int help_write(const struct command *command, struct buf *out);
