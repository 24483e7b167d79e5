#include "daemon/jobs/drain_node.h"

#include <errno.h>

#include "daemon/proxysql/capability.h"
#include "daemon/proxysql/tcp_check.h"
#include "shared/clock.h"
#include "shared/mem.h"

enum {
    look_ms = 50,              /* between two looks at something that is about to happen */
    port_ms = 300,             /* a connect on the pod's own network */
    command_slice_ms = 200,    /* a command is waited for in slices, so that an order is heard meanwhile */
    command_settles_ms = 2000, /* the ports follow a PAUSE or RESUME that was answered within this time */
};

void drain_node_init(struct drain_node *node, const struct job_context *context, struct drain_state *state)
{
    struct health_snapshot health;
    struct capability capability = {0};
    health_state_get(context->health, &health);
    if (capability_parse(health.node.version, &capability) < 0)
        capability = (struct capability){.checksums_unsafe = true}; /* nothing was told yet */
    *node = (struct drain_node){
        .context = context, .state = state, .pgsql = capability.pgsql, .checksums_unsafe = capability.checksums_unsafe};
}

static void give_back(struct drain_node *node)
{
    db_pool_put(node->context->pool, node->conn);
    node->conn = NULL;
}

void drain_node_fini(struct drain_node *node)
{
    give_back(node);
}

int64_t drain_node_deadline_ms(const struct drain_node *node, int64_t limit_ms)
{
    int64_t deadline_ms = clock_mono_ms() + node->context->config->proxysql.query_timeout_ms;
    return deadline_ms < limit_ms ? deadline_ms : limit_ms;
}

/* node->conn is there and idle, or why not. */
static int connect_node(struct drain_node *node, int64_t limit_ms, struct error *err)
{
    if (node->conn != NULL)
        return 0;
    return db_pool_get(node->context->pool, DB_LANE_DRAIN, drain_node_deadline_ms(node, limit_ms), &node->conn, err);
}

int drain_node_settle(struct drain_node *node, int rc)
{
    if (node->conn != NULL && (db_conn_busy(node->conn) || db_conn_broken(node->conn)))
        give_back(node);
    return rc;
}

/* Who looks at the traffic port is counted as a client there. */
static void note_arrivals(struct drain_node *node, const struct health_snapshot *before,
                          const struct admin_traffic *traffic)
{
    struct health_snapshot after;
    health_state_get(node->context->health, &after);
    const struct arrivals_look look = {.at_ms = clock_mono_ms(),
                                       .created = traffic->created + traffic->pgsql_created,
                                       .own_before = before->probes_ended + node->connects,
                                       .own_after = after.probes_begun + node->connects};
    node->new_clients = arrivals_note(&node->arrivals, &look);
}

int64_t drain_node_quiet_ms(const struct drain_node *node)
{
    return arrivals_quiet_ms(&node->arrivals);
}

int drain_node_look(struct drain_node *node, int64_t limit_ms, struct admin_traffic *ret_traffic, struct error *err)
{
    struct health_snapshot before;
    health_state_get(node->context->health, &before);
    node->new_clients = 0;
    int rc = connect_node(node, limit_ms, err);
    if (rc == 0)
        rc = drain_node_settle(node, admin_read_traffic(node->conn, node->pgsql, drain_node_deadline_ms(node, limit_ms),
                                                        ret_traffic, err));
    if (rc == 0)
        note_arrivals(node, &before, ret_traffic);
    drain_state_count(node->state, rc < 0 ? -1 : ret_traffic->clients + ret_traffic->pgsql_clients);
    return rc;
}

/* The address that clients use, as ProxySQL told it, else as configured. */
static void traffic_address(const struct drain_node *node, char ret_host[static TRAFFIC_HOST_SIZE],
                            struct tcp_target *ret_target)
{
    struct health_snapshot health;
    health_state_get(node->context->health, &health);
    ret_target->host = ret_host;
    if (traffic_address_choose(health.node.interfaces, node->context->admin_host, ret_host, &ret_target->port) == 0)
        return;
    ret_target->host = node->context->traffic_host;
    ret_target->port = node->context->traffic_port;
}

bool drain_node_gone(struct drain_node *node)
{
    char host[TRAFFIC_HOST_SIZE];
    struct tcp_target targets[2] = {{.host = node->context->admin_host, .port = node->context->admin_port}};
    traffic_address(node, host, &targets[1]);
    tcp_check(targets, 2, clock_mono_ms() + port_ms);
    node->connects += targets[1].accepts ? 1 : 0;
    return !targets[0].accepts && !targets[1].accepts;
}

bool drain_node_refuses_clients(struct drain_node *node)
{
    char host[TRAFFIC_HOST_SIZE];
    struct tcp_target target;
    traffic_address(node, host, &target);
    tcp_check(&target, 1, clock_mono_ms() + port_ms);
    node->connects += target.accepts ? 1 : 0;
    return !target.accepts;
}

/* Lend a connection for one command: one that is thrown away, else the drain's own, which may be there although nobody
 * new is let in. */
static int take_for_command(struct drain_node *node, int64_t deadline_ms, struct db_conn **ret_conn, struct error *err)
{
    struct error why = ERROR_INIT;
    int rc = db_pool_get(node->context->pool, DB_LANE_THROWAWAY, deadline_ms, ret_conn, &why);
    if (rc == 0)
        return 0;
    if (node->conn == NULL && db_pool_get(node->context->pool, DB_LANE_DRAIN, deadline_ms, &node->conn, NULL) < 0)
        return error_set(err, rc, "%s", why.text);
    *ret_conn = take_ptr(node->conn);
    return 0;
}

typedef int command_fn(struct db_conn *conn, int64_t deadline_ms, struct error *err);

/* Send a command and wait for its answer until limit_ms, or for a new order. 0 when it was answered. */
static int send_command(struct drain_node *node, command_fn *command, int64_t limit_ms, struct error *err)
{
    struct db_conn *conn = NULL;
    int rc = take_for_command(node, drain_node_deadline_ms(node, limit_ms), &conn, err);
    if (rc < 0)
        return rc;
    int64_t slice_ms = clock_mono_ms() + command_slice_ms;
    rc = command(conn, slice_ms < limit_ms ? slice_ms : limit_ms, err);
    while (rc == -ETIMEDOUT && db_conn_busy(conn) && clock_mono_ms() < limit_ms) {
        int resumed = db_conn_resume(conn);
        if (resumed != -EINPROGRESS)
            rc = resumed; /* what it did is seen at the ports */
        else if (drain_state_sleep(node->state, &node->order, clock_mono_ms() + look_ms))
            break;
    }
    db_pool_put(node->context->pool, conn);
    if (rc == 0)
        error_clear(err);
    return rc;
}

/* Wait until the ports show what the command was for. */
static int see(struct drain_node *node, bool (*is_so)(struct drain_node *), int64_t limit_ms)
{
    while (!is_so(node)) {
        if (clock_mono_ms() >= limit_ms)
            return -ETIMEDOUT;
        if (drain_state_sleep(node->state, &node->order, clock_mono_ms() + look_ms))
            return DRAIN_ORDER_CHANGED;
    }
    return 0;
}

static int64_t settles_ms(int64_t limit_ms)
{
    int64_t settled_ms = clock_mono_ms() + command_settles_ms;
    return settled_ms < limit_ms ? settled_ms : limit_ms;
}

/* One of the three commands. */
struct command {
    command_fn *send;
    bool (*is_so)(struct drain_node *); /* what it is for */
    const char *not_so;
    bool takes_its_time; /* the ports may follow as late as there is time, else within command_settles_ms */
};

static int do_command(struct drain_node *node, const struct command *command, int64_t limit_ms, struct error *err)
{
    int sent = send_command(node, command->send, limit_ms, err);
    bool may_have_worked = sent == 0 || sent == -ETIMEDOUT || sent == -ECONNRESET;
    if (!may_have_worked && !command->is_so(node))
        return sent;
    int rc = see(node, command->is_so, command->takes_its_time ? limit_ms : settles_ms(limit_ms));
    if (rc == DRAIN_ORDER_CHANGED || rc == 0) {
        error_clear(err);
        return rc;
    }
    return sent < 0 ? sent : error_set(err, rc, "%s", command->not_so);
}

int drain_node_pause(struct drain_node *node, int64_t limit_ms, struct error *err)
{
    static const struct command pause = {.send = admin_pause,
                                         .is_so = drain_node_refuses_clients,
                                         .not_so = "PROXYSQL PAUSE was answered, but new clients are still accepted"};
    return do_command(node, &pause, limit_ms, err);
}

static bool accepts_clients(struct drain_node *node)
{
    return !drain_node_refuses_clients(node);
}

int drain_node_resume(struct drain_node *node, int64_t limit_ms, struct error *err)
{
    static const struct command resume = {.send = admin_resume,
                                          .is_so = accepts_clients,
                                          .not_so = "PROXYSQL RESUME was answered, but new clients are still refused"};
    return do_command(node, &resume, limit_ms, err);
}

int drain_node_stop(struct drain_node *node, int64_t limit_ms, struct error *err)
{
    static const struct command shutdown = {.send = admin_shutdown,
                                            .is_so = drain_node_gone,
                                            .not_so = "PROXYSQL SHUTDOWN was heard, but ProxySQL still listens",
                                            .takes_its_time = true};
    give_back(node); /* the way is free for the command, whoever carries it */
    return do_command(node, &shutdown, limit_ms, err);
}
