#include "daemon/proxysql/capability.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One number of at most four digits; moves *text behind it. */
static int take_number(const char **text, int *ret_number)
{
    size_t digits = strspn(*text, "0123456789");
    if (digits == 0 || digits > 4)
        return -EINVAL;
    *ret_number = atoi(*text);
    *text += digits;
    return 0;
}

static int take_dot(const char **text)
{
    if (**text != '.')
        return -EINVAL;
    (*text)++;
    return 0;
}

int capability_parse(const char *version, struct capability *ret_capability)
{
    struct capability c = {0};
    const char *p = version;
    if (take_number(&p, &c.major) < 0 || take_dot(&p) < 0 || take_number(&p, &c.minor) < 0 || take_dot(&p) < 0 ||
        take_number(&p, &c.patch) < 0 || (*p != '\0' && *p != '-'))
        return -EINVAL;
    int series = c.major * 10000 + c.minor;
    c.supported = series >= 20005 && c.major <= 3;
    c.tells_paused = series >= 20006;
    c.caching_sha2 = series >= 20006;
    c.checksums_unsafe = series == 20005 && c.patch >= 2 && c.patch <= 5;
    c.pgsql = series >= 30000;
    *ret_capability = c;
    return 0;
}
