#include "daemon/drain/plan.h"

/* Kept back at the end of a shutdown: for PROXYSQL SHUTDOWN, and for the agent's own stop. */
enum { proxysql_stop_ms = 2000, agent_stop_ms = 1500 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void make_shutdown(const struct drain_plan_question *q, struct drain_plan *p)
{
    int64_t budget_ms = q->stop_ms;
    int64_t grace_ms = q->grace_ms - DRAIN_GRACE_MARGIN_MS;
    if (q->grace_ms > 0 && grace_ms < budget_ms) {
        budget_ms = grace_ms;
        p->cut_by_grace = true;
    }
    if (budget_ms < DRAIN_BUDGET_MIN_MS)
        budget_ms = DRAIN_BUDGET_MIN_MS;
    p->end_ms = q->begin_ms + budget_ms;
    p->stopped_ms = p->end_ms - least(agent_stop_ms, budget_ms / 4);
    int64_t empty_ms = least(q->drain_ms, budget_ms - least(agent_stop_ms + proxysql_stop_ms, budget_ms / 2));
    int64_t delay_ms = least(q->delay_ms, empty_ms / 3);
    p->delay_cut = delay_ms < q->delay_ms;
    p->accept_until_ms = q->begin_ms + delay_ms;
    p->holders_until_ms = q->begin_ms + empty_ms / 2;
    p->empty_until_ms = q->begin_ms + empty_ms;
}

static void make_maintenance(const struct drain_plan_question *q, struct drain_plan *p)
{
    p->accept_until_ms = q->begin_ms + q->delay_ms;
    p->holders_until_ms = p->accept_until_ms + q->drain_ms / 2;
    p->empty_until_ms = p->accept_until_ms + q->drain_ms;
    p->stopped_ms = p->empty_until_ms;
    p->end_ms = p->empty_until_ms;
}

void drain_plan_make(const struct drain_plan_question *q, struct drain_plan *p)
{
    *p = (struct drain_plan){.cut_by_grace = false};
    if (q->stop)
        make_shutdown(q, p);
    else
        make_maintenance(q, p);
}
