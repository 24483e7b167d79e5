#include "daemon/jobs/stamp_peers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/proxysql/admin_cluster.h"
#include "daemon/proxysql/tcp_check.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/resolve.h"

enum {
    peers_max = TCP_CHECK_TARGETS_MAX,
    lookup_ms = 1000,              /* of a name */
    tcp_check_ms = 500,            /* of all of them side by side */
    ask_ms = 1000,                 /* of one: connect, log in, one statement */
    peers_patience_ms = 60 * 1000, /* with those that accept and do not answer */
};

struct addresses {
    size_t count;
    char host[peers_max][INET6_ADDRSTRLEN];
    uint16_t port[peers_max];
};

static void add_address(struct addresses *list, const char *host, uint16_t port)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->host[i], host) == 0 && list->port[i] == port)
            return;
    if (list->count >= peers_max)
        return;
    (void)snprintf(list->host[list->count], sizeof(list->host[0]), "%s", host);
    list->port[list->count++] = port;
}

static int add_members(const struct publisher *to, struct addresses *list, struct error *err)
{
    cleanup_members struct member_list members = {0};
    int rc = admin_read_members(to->conn, publisher_deadline_ms(to), &members, err);
    for (size_t i = 0; rc == 0 && i < members.count; i++) {
        struct resolved resolved = {0};
        if (resolve_host(members.items[i].host, clock_mono_ms() + lookup_ms, &resolved, NULL) < 0)
            continue; /* nobody can reach it by this name */
        for (size_t a = 0; a < resolved.count; a++)
            add_address(list, resolved.address[a], members.items[i].port);
    }
    return rc;
}

/* Before the first answer came it is not known who is there; without an API server that is so for ever. */
static int add_pods(const struct job_context *c, bool patient, struct addresses *list, struct error *err)
{
    if (c->members == NULL)
        return 0;
    struct pod_view *view = c->members->look(c->members->arg, clock_mono_ms() + ask_ms);
    int rc = view->complete || !patient ? 0 : error_set(err, -EAGAIN, "the cores are not known yet");
    for (size_t i = 0; i < view->count; i++) {
        const struct pod *pod = &view->pods[i];
        if (pod->is_core && !pod->own && pod->phase == POD_RUNNING && pod->ip[0] != '\0')
            add_address(list, pod->ip, pod->port != 0 ? pod->port : c->admin_port);
    }
    pod_view_free(view);
    return rc;
}

static int ask(const struct publisher *to, const struct job_context *c, const char *host, uint16_t port,
               bool ret_loaded[static ADMIN_MODULES], struct error *err)
{
    cleanup_view struct cluster_view view = {0};
    struct db_conn *other = NULL;
    int64_t deadline_ms = clock_mono_ms() + ask_ms;
    int rc = publisher_may_go_on(to, err);
    if (rc == 0)
        rc = db_pool_connect_other(c->pool, host, port, deadline_ms, &other, err);
    if (rc == 0)
        rc = admin_read_modules(other, deadline_ms, &view, err);
    db_conn_free(other);
    for (size_t i = 0; rc == 0 && i < ADMIN_MODULES; i++) {
        const struct module_state *state = admin_module_own(&view, (enum admin_module)i);
        if (state != NULL && state->version > 1)
            ret_loaded[i] = true;
    }
    return rc;
}

static void check_ports(const struct addresses *list, struct tcp_target targets[static peers_max])
{
    for (size_t i = 0; i < list->count; i++)
        targets[i] = (struct tcp_target){.host = list->host[i], .port = list->port[i]};
    if (list->count > 0)
        tcp_check(targets, list->count, clock_mono_ms() + tcp_check_ms);
}

static int ask_all(const struct publisher *to, const struct job_context *c, const struct addresses *list, bool patient,
                   bool ret_loaded[static ADMIN_MODULES], struct error *err)
{
    struct tcp_target targets[peers_max];
    check_ports(list, targets);
    for (size_t i = 0; i < list->count; i++) {
        struct error why = ERROR_INIT;
        int rc = targets[i].accepts ? ask(to, c, list->host[i], list->port[i], ret_loaded, &why) : 0;
        if (rc == 0)
            continue;
        if (rc == -ECANCELED)
            return error_set(err, rc, "%s", why.text);
        if (patient)
            return error_set(err, -EAGAIN, "core %s:%u cannot be asked what it has loaded: %s", list->host[i],
                             list->port[i], why.text);
        log_warn("a core accepts connections but cannot be asked what it has loaded; it is left out",
                 LOG_STR("core", list->host[i]), LOG_STR("error", why.text));
    }
    return 0;
}

int stamp_ask_peers(const struct publisher *to, const struct job_context *c, int64_t since_ms,
                    bool ret_loaded[static ADMIN_MODULES], struct error *err)
{
    struct addresses list = {0};
    bool patient = clock_mono_ms() - since_ms < peers_patience_ms;
    int rc = add_members(to, &list, err);
    if (rc == 0)
        rc = add_pods(c, patient, &list, err);
    return rc == 0 ? ask_all(to, c, &list, patient, ret_loaded, err) : rc;
}
