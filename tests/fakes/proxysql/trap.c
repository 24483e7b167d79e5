#include "tests/fakes/proxysql/trap.h"

#include <signal.h>

void trap_init(struct trap *t)
{
    *t = (struct trap){.moment = TRAP_OFF};
    mutex_init(&t->lock);
}

static void clear_locked(struct trap *t) REQUIRES(t->lock)
{
    if (t->moment != TRAP_OFF)
        regfree(&t->statement);
    t->moment = TRAP_OFF;
}

void trap_fini(struct trap *t)
{
    mutex_lock(&t->lock);
    clear_locked(t);
    mutex_unlock(&t->lock);
    mutex_fini(&t->lock);
}

bool trap_set(struct trap *t, enum trap_moment moment, const char *regex)
{
    mutex_lock(&t->lock);
    clear_locked(t);
    bool good = moment == TRAP_OFF || regcomp(&t->statement, regex, REG_EXTENDED | REG_ICASE | REG_NOSUB) == 0;
    if (good)
        t->moment = moment;
    mutex_unlock(&t->lock);
    return good;
}

void trap_check(struct trap *t, enum trap_moment moment, const char *statement)
{
    mutex_lock(&t->lock);
    if (t->moment == moment && regexec(&t->statement, statement, 0, NULL, 0) == 0)
        (void)raise(SIGKILL);
    mutex_unlock(&t->lock);
}
