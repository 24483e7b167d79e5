#include "tests/fakes/proxysql/control_drain.h"

#include <string.h>

#include "tests/fakes/proxysql/control_parse.h"

enum { pause_max_ms = 3600 * 1000 };

int control_pause(const struct control_target *target, const char *argument, struct json_writer *json,
                  struct error *err)
{
    static const char *const modes[] = {
        [PAUSE_WORKS] = "works", [PAUSE_ANSWERS_TWICE] = "twice", [PAUSE_FAILS] = "fails"};
    (void)json;
    struct faults *faults = &target->node->faults;
    if (strncmp(argument, "slow ", strlen("slow ")) == 0) {
        int64_t wait_ms = 0;
        int r = control_parse_number(argument + strlen("slow "), pause_max_ms, &wait_ms, err);
        if (r == 0)
            atomic_store(&faults->pause_ms, (int)wait_ms);
        return r;
    }
    int mode = PAUSE_WORKS;
    int r = control_parse_choice(argument, modes, ARRAY_LEN(modes), &mode, err);
    if (r == 0)
        atomic_store(&faults->pause, mode);
    return r;
}

int control_crash(const struct control_target *target, const char *argument, struct json_writer *json,
                  struct error *err)
{
    static const char before[] = "before ";
    static const char after[] = "after ";
    (void)json;
    struct trap *trap = &target->node->trap;
    bool good = false;
    if (strcmp(argument, "off") == 0)
        good = trap_set(trap, TRAP_OFF, NULL);
    else if (strncmp(argument, before, strlen(before)) == 0)
        good = trap_set(trap, TRAP_BEFORE, argument + strlen(before));
    else if (strncmp(argument, after, strlen(after)) == 0)
        good = trap_set(trap, TRAP_AFTER, argument + strlen(after));
    return good ? 0 : control_bad_argument(argument, err);
}
