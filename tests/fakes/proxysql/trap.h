#pragma once

#include <regex.h>
#include <stdbool.h>

#include "shared/compiler.h"
#include "shared/thread.h"

/* Ends the process by SIGKILL at an admin statement that a test chose. Thread-safe. */
enum trap_moment { TRAP_OFF, TRAP_BEFORE, TRAP_AFTER }; /* it was executed: after, and never answered */

struct trap {
    struct mutex lock;
    enum trap_moment moment GUARDED;
    regex_t statement GUARDED; /* compiled unless the moment is TRAP_OFF */
};

void trap_init(struct trap *t);
void trap_fini(struct trap *t);

/* Wait for a statement that matches this extended regular expression (case ignored); with TRAP_OFF for none. False: the
 * expression is bad, the trap is off. */
MUST_CHECK bool trap_set(struct trap *t, enum trap_moment moment, const char *regex);

/* A statement has come to this moment: does not return if it is the one. */
void trap_check(struct trap *t, enum trap_moment moment, const char *statement);
