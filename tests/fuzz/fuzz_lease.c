/*
 * What an API server answers about a lease. Beyond not crashing: a refusal has a text, what is accepted keeps within
 * its limits, and written back it is the same lease, whatever else the object holds.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "daemon/cluster/leadership.h"
#include "daemon/discovery/lease.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct lease *lease)
{
    assert(lease->resource_version[0] != '\0' && strlen(lease->holder) <= LEASE_HOLDER_MAX);
    assert(lease->duration_s >= 0 && lease->transitions >= 0);
    assert(lease->renew_time[0] == '\0' || strlen(lease->renew_time) == LEASE_TIME_SIZE - 1);
    for (const char *c = lease->holder; *c != '\0'; c++)
        assert(!iscntrl((unsigned char)*c));
}

static void write_back(const char *text, size_t len, const struct lease *lease)
{
    struct lease again;
    struct buf out;
    struct error err = ERROR_INIT;
    buf_init(&out, LEASE_BYTES_MAX);
    int rc = lease_write("proxysql-agent", text, len, lease, &out, &err);
    assert(rc == 0 || rc == -EMSGSIZE); /* what was escaped shortly may become longer */
    if (rc == 0) {
        rc = lease_parse(out.data, out.len, &again, &err);
        assert(rc == 0 && strcmp(again.holder, lease->holder) == 0 && again.duration_s == lease->duration_s);
        assert(strcmp(again.renew_time, lease->renew_time) == 0 && again.transitions == lease->transitions);
        assert(strcmp(again.resource_version, lease->resource_version) == 0);
    }
    buf_fini(&out);
}

/* A candidate that sees this lease takes it sooner or later, and its own words can be read. */
static void take_over(const char *text, size_t len, const struct lease *lease)
{
    static const struct leadership_rules rules = {.lease_ms = 15000, .renew_ms = 10000, .retry_ms = 2000};
    struct leadership l;
    struct lease wish;
    leadership_init(&l, &rules);
    strcpy(l.identity, "core-0_uid");
    leadership_was_read(&l, lease, 0, 0, 0);
    int64_t late_ms = ((int64_t)INT32_MAX + 1) * 1000;
    enum leadership_step step = leadership_next(&l, LEADERSHIP_STAND, late_ms);
    assert(step == LEADERSHIP_TAKE);
    leadership_spec(&l, step, 1700000000000000, &wish);
    memcpy(wish.resource_version, lease->resource_version, sizeof(wish.resource_version));
    assert(wish.transitions >= lease->transitions);
    write_back(text, len, &wish);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lease lease;
    struct error err = ERROR_INIT;
    const char *text = (const char *)data;
    int rc = lease_parse(text, size, &lease, &err);
    assert(rc == 0 || (err.code == rc && err.text[0] != '\0'));
    if (rc < 0)
        return 0;
    check(&lease);
    write_back(text, size, &lease);
    take_over(text, size, &lease);
    return 0;
}
