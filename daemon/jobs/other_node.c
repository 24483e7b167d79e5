#include "daemon/jobs/other_node.h"

#include "daemon/proxysql/admin_cluster.h"
#include "shared/clock.h"

enum { other_node_ms = 2000 };

int other_node_read_members(const struct job_context *context, const struct job *job, const char *host, uint16_t port,
                            struct member_list *ret_members, struct error *err)
{
    int64_t deadline_ms = clock_mono_ms() + other_node_ms;
    if (job_deadline_ms(job) < deadline_ms)
        deadline_ms = job_deadline_ms(job);
    struct db_conn *other = NULL;
    int rc = db_pool_connect_other(context->pool, host, port, deadline_ms, &other, err);
    if (rc == 0)
        rc = admin_read_members(other, deadline_ms, ret_members, err);
    db_conn_free(other);
    return rc < 0 ? error_wrap(err, "read the member list of %s:%u", host, port) : 0;
}
