#include "daemon/jobs/publish.h"

#include <errno.h>

#include "daemon/proxysql/admin_cluster.h"
#include "shared/clock.h"
#include "shared/log.h"

int64_t publisher_deadline_ms(const struct publisher *p)
{
    int64_t deadline_ms = clock_mono_ms() + p->config->proxysql.query_timeout_ms;
    return deadline_ms < job_deadline_ms(p->job) ? deadline_ms : job_deadline_ms(p->job);
}

int publisher_may_go_on(const struct publisher *p, struct error *err)
{
    if (job_should_stop(p->job))
        return error_set(err, -ECANCELED, "the agent drains or stops");
    return p->elector != NULL ? elector_check(p->elector, p->term, err) : 0;
}

int publisher_load(const struct publisher *p, enum load_reason why, struct error *err)
{
    int rc = publisher_may_go_on(p, err);
    if (rc == 0)
        rc = admin_load_members_to_runtime(p->conn, publisher_deadline_ms(p), err);
    if (rc < 0)
        return rc;
    job_counters_add_load(LOAD_PROXYSQL_SERVERS, why);
    log_info("LOAD PROXYSQL SERVERS TO RUNTIME", LOG_STR("reason", load_reason_text(why)));
    return 0;
}

int publisher_write(const struct publisher *p, const struct member_list *members, enum load_reason why,
                    struct error *err)
{
    int rc = publisher_may_go_on(p, err);
    if (rc == 0)
        rc = admin_put_members(p->conn, members, publisher_deadline_ms(p), err);
    if (rc == 0)
        rc = publisher_may_go_on(p, err);
    if (rc == 0)
        rc = admin_keep_members(p->conn, members, publisher_deadline_ms(p), err);
    return rc == 0 ? publisher_load(p, why, err) : rc;
}
