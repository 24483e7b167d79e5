#include "daemon/discovery/kube_name.h"

#include <stddef.h>
#include <string.h>

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

enum { label_max = 63, subdomain_max = 253 };

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* len bytes, all of inner, the first and the last of outer. */
static bool has_form(const char *text, size_t len, const char *inner, const char *outer)
{
    return len >= 1 && strspn(text, inner) >= len && is_one_of(text[0], outer) && is_one_of(text[len - 1], outer);
}

bool kube_is_dns_label(const char *text)
{
    size_t len = strlen(text);
    return len <= label_max && has_form(text, len, LOWER DIGITS "-", LOWER DIGITS);
}

bool kube_is_dns_subdomain(const char *text)
{
    if (strlen(text) > subdomain_max)
        return false;
    for (;;) {
        size_t len = strcspn(text, ".");
        if (!has_form(text, len, LOWER DIGITS "-", LOWER DIGITS))
            return false;
        if (text[len] == '\0')
            return true;
        text += len + 1;
    }
}

bool kube_is_label_value(const char *text)
{
    size_t len = strlen(text);
    return len <= label_max && has_form(text, len, LOWER UPPER DIGITS "-_.", LOWER UPPER DIGITS);
}

bool kube_is_uid(const char *text)
{
    size_t len = strlen(text);
    return len >= 1 && len <= label_max && strspn(text, LOWER UPPER DIGITS "-") == len;
}
