#include "daemon/phase.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>

#include "shared/compiler.h"

void phase_init(struct phase_state *p)
{
    atomic_store(&p->current, PHASE_STARTING);
}

bool phase_advance(struct phase_state *p, enum phase next)
{
    int now = atomic_load(&p->current);
    while (now < (int)next)
        if (atomic_compare_exchange_weak(&p->current, &now, (int)next))
            return true;
    return false;
}

bool phase_return(struct phase_state *p)
{
    int draining = PHASE_DRAINING;
    return atomic_compare_exchange_strong(&p->current, &draining, PHASE_RUNNING);
}

enum phase phase_get(const struct phase_state *p)
{
    return (enum phase)atomic_load(&p->current);
}

const char *phase_name(enum phase phase)
{
    static const char *const names[] = {"starting", "running", "draining", "stopping", "stopped"};
    assert((size_t)phase < ARRAY_LEN(names));
    return names[phase];
}
