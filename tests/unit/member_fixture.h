#pragma once

/* Members of a cluster, made by hand. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "daemon/cluster/member.h"

static inline struct member member(const char *host, uint16_t port, int64_t weight, const char *comment)
{
    struct member m = {.port = port, .weight = weight};
    (void)snprintf(m.host, sizeof(m.host), "%s", host);
    (void)snprintf(m.comment, sizeof(m.comment), "%s", comment);
    return m;
}

static inline void add_member(struct member_list *list, struct member m)
{
    assert_int_equal(member_list_add(list, &m, NULL), 0);
}
