#include "tests/fakes/proxysql/control_digests.h"

#include <errno.h>
#include <stdio.h>

#include "shared/str.h"
#include "tests/fakes/proxysql/control_parse.h"

/* "1000", "+1000" or "1000 500": how many, how many more, how many with a digest_text of so many bytes. */
static int make_digests(const struct control_target *target, enum digest_family family, const char *argument,
                        struct error *err)
{
    bool more = argument[0] == '+';
    char count_text[32];
    char bytes_text[32] = "0";
    int64_t count = 0;
    int64_t bytes = 0;
    if (sscanf(argument + more, "%31s %31s", count_text, bytes_text) < 1 ||
        str_to_int(count_text, 0, 1000000000, &count) < 0 || str_to_int(bytes_text, 0, 60000, &bytes) < 0)
        return control_bad_argument(argument, err);
    digests_make(&target->node->digests, family, (uint64_t)count, more, (unsigned)bytes);
    return 0;
}

int control_digests(const struct control_target *target, const char *argument, struct json_writer *json,
                    struct error *err)
{
    (void)json;
    return make_digests(target, DIGEST_MYSQL, argument, err);
}

int control_pgsql_digests(const struct control_target *target, const char *argument, struct json_writer *json,
                          struct error *err)
{
    (void)json;
    return make_digests(target, DIGEST_PGSQL, argument, err);
}

int control_digests_busy(const struct control_target *target, const char *argument, struct json_writer *json,
                         struct error *err)
{
    (void)json;
    int64_t busy_ms = 0;
    int r = control_parse_number(argument, 600000, &busy_ms, err);
    if (r == 0)
        digests_set_busy(&target->node->digests, busy_ms);
    return r;
}
