#pragma once

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * A named pipe in a folder of its own, which another process writes into, and a thread that passes what comes on to
 * standard output. Start and finish belong to one thread.
 */
struct dump_pipe;

MUST_CHECK int dump_pipe_start(struct dump_pipe **ret_pipe, struct error *err);

const char *dump_pipe_path(const struct dump_pipe *pipe);

/* The writer has ended (or never came): wait until everything is passed on, remove the pipe and free it. 0, or why not
 * everything was (-EPIPE and what else write(2) says). */
MUST_CHECK int dump_pipe_finish(struct dump_pipe *pipe, struct error *err);
