#include "daemon/metrics/accept.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* A weight of 0.000 to 1.000 in thousandths. */
enum { weight_max = 1000 };

struct text {
    const char *at;
    size_t len;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct text trim(struct text t)
{
    while (t.len > 0 && is_blank(t.at[0])) {
        t.at++;
        t.len--;
    }
    while (t.len > 0 && is_blank(t.at[t.len - 1]))
        t.len--;
    return t;
}

/* What comes before the separator, without blanks around it; *rest is what comes after. */
static struct text cut(struct text *rest, char separator)
{
    const char *end = rest->len > 0 ? memchr(rest->at, separator, rest->len) : NULL;
    struct text first = {rest->at, end != NULL ? (size_t)(end - rest->at) : rest->len};
    size_t used = end != NULL ? first.len + 1 : first.len;
    rest->at += used;
    rest->len -= used;
    return trim(first);
}

static bool is(struct text t, const char *name)
{
    return t.len == strlen(name) && strncasecmp(t.at, name, t.len) == 0;
}

/* "1", "0.75", "0."; anything else is no weight and counts as 1. */
static int parse_weight(struct text t)
{
    if (t.len == 0 || t.len > 5 || (t.at[0] != '0' && t.at[0] != '1') || (t.len > 1 && t.at[1] != '.'))
        return weight_max;
    int weight = (t.at[0] - '0') * weight_max;
    int digit = weight_max / 10;
    for (size_t i = 2; i < t.len; i++, digit /= 10) {
        if (t.at[i] < '0' || t.at[i] > '9')
            return weight_max;
        weight += (t.at[i] - '0') * digit;
    }
    return weight < weight_max ? weight : weight_max;
}

static int weight_of(struct text parameters)
{
    while (parameters.len > 0) {
        struct text value = cut(&parameters, ';');
        struct text name = cut(&value, '=');
        if (is(name, "q"))
            return parse_weight(trim(value));
    }
    return weight_max;
}

enum metrics_format metrics_accept(const char *value, size_t len)
{
    struct text rest = {value, len};
    int open = 0;
    int plain = 0;
    while (rest.len > 0) {
        struct text item = cut(&rest, ',');
        struct text type = cut(&item, ';');
        int weight = weight_of(item);
        if (is(type, "application/openmetrics-text"))
            open = weight > open ? weight : open;
        else if (is(type, "text/plain") || is(type, "text/*"))
            plain = weight > plain ? weight : plain;
    }
    return open > 0 && open >= plain ? METRICS_OPENMETRICS : METRICS_TEXT;
}
