#pragma once

#include <stdbool.h>

#include "proto/tree.h"

/* How far a long command is: a bar on a terminal, a line for each new text that counts
 * something elsewhere, both on standard error; what counts nothing is in the result, too. */
struct progress {
    bool bar; /* standard error is a terminal */
    bool shown;
    char text[128];
};

void progress_show(struct progress *progress, const struct msgpack_object *message);

/* Take the bar away. */
void progress_end(struct progress *progress);
