#pragma once

#include "ctl/options.h"
#include "shared/buf.h"

/* What completes the command line in a shell, from the command table. 0, or the error of out. */
MUST_CHECK int completion_write(enum shell shell, struct buf *out);
