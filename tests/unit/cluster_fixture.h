#pragma once

#include "tests/unit/unit.h"

#include <stdio.h>

#include "daemon/cluster/view.h"
#include "tests/unit/member_fixture.h"

/* Views of a cluster, made by hand. Free them with cluster_view_fini(). */

enum { ADMIN_PORT = 6032 };

static inline struct cluster_view view_at(int64_t now)
{
    return (struct cluster_view){
        .now = now, .checking = true, .check_interval_ms = 1000, .members_diffs_before_sync = 3};
}

static inline void view_member(struct cluster_view *view, const char *host, uint16_t port)
{
    add_member(&view->members, member(host, port, 0, ""));
}

static inline struct module_state module_of(const char *module, int64_t version, int64_t epoch, const char *checksum)
{
    struct module_state s = {.version = version, .epoch = epoch};
    (void)snprintf(s.module, sizeof(s.module), "%s", module);
    (void)snprintf(s.checksum, sizeof(s.checksum), "%s", checksum);
    return s;
}

static inline void view_own(struct cluster_view *view, struct module_state state)
{
    struct error err = ERROR_INIT;
    assert_int_equal(cluster_view_add_own(view, &state, &err), 0);
}

static inline void view_peer(struct cluster_view *view, const char *host, uint16_t port, struct module_state state,
                             int64_t updated_at, int64_t diff_check)
{
    struct error err = ERROR_INIT;
    struct peer_row row = {.port = port, .state = state, .updated_at = updated_at, .diff_check = diff_check};
    (void)snprintf(row.host, sizeof(row.host), "%s", host);
    assert_int_equal(cluster_view_add_peer(view, &row, &err), 0);
}
