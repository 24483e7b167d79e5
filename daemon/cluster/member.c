#include "daemon/cluster/member.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/str.h"

void member_list_fini(struct member_list *list)
{
    free(list->items);
    *list = (struct member_list){0};
}

int member_list_add(struct member_list *list, const struct member *member, struct error *err)
{
    if (list->count >= MEMBERS_MAX)
        return error_set(err, -EMSGSIZE, "more than %d members", MEMBERS_MAX);
    struct member *items = realloc(list->items, (list->count + 1) * sizeof(*items));
    if (items == NULL)
        return error_set(err, -ENOMEM, "out of memory for %zu members", list->count + 1);
    items[list->count] = *member;
    list->items = items;
    list->count++;
    return 0;
}

bool member_equal(const struct member *a, const struct member *b)
{
    return strcmp(a->host, b->host) == 0 && a->port == b->port && a->weight == b->weight &&
           strcmp(a->comment, b->comment) == 0;
}

struct member *member_list_find(const struct member_list *list, const char *host, uint16_t port)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].port == port && strcmp(list->items[i].host, host) == 0)
            return &list->items[i];
    return NULL;
}

static bool contains(const struct member_list *list, const struct member *member)
{
    for (size_t i = 0; i < list->count; i++)
        if (member_equal(&list->items[i], member))
            return true;
    return false;
}

/* (host, port) is the table's primary key, so equal counts and inclusion are equality. */
bool member_list_equal(const struct member_list *a, const struct member_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!contains(b, &a->items[i]))
            return false;
    return true;
}

static bool is_dns_label(const char *label, size_t len)
{
    if (len == 0 || len > 63 || label[0] == '-' || label[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)label[i]) && label[i] != '-')
            return false;
    return true;
}

static bool is_dns_name(const char *name)
{
    if (name[0] == '\0' || strlen(name) > 253)
        return false;
    for (const char *label = name;;) {
        size_t len = strcspn(label, ".");
        if (!is_dns_label(label, len))
            return false;
        if (label[len] == '\0')
            return true;
        label += len + 1;
    }
}

bool member_host_is_address(const char *host)
{
    unsigned char raw[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, raw) == 1 || inet_pton(AF_INET6, host, raw) == 1;
}

bool member_host_valid(const char *host)
{
    return member_host_is_address(host) || is_dns_name(host);
}

bool member_host_readable(const char *host)
{
    size_t len = strlen(host);
    for (size_t i = 0; i < len; i++)
        if (!isgraph((unsigned char)host[i]) || strchr("'\"\\`", host[i]) != NULL)
            return false;
    return len > 0 && len < MEMBER_HOST_SIZE;
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++)
        if (iscntrl((unsigned char)*text))
            return true;
    return false;
}

int member_parse(const char *host, const char *port, const char *weight, const char *comment, struct member *ret_member,
                 struct error *err)
{
    struct member m = {0};
    int64_t port_number;
    if (!member_host_readable(host))
        return error_set(err, -EPROTO, "member hostname \"%.80s\" is no text for a name or an address", host);
    if (str_to_int(port, 1, 65535, &port_number) < 0)
        return error_set(err, -EPROTO, "member %s: port \"%.20s\" is not 1 to 65535", host, port);
    if (str_to_int(weight, 0, INT32_MAX, &m.weight) < 0)
        return error_set(err, -EPROTO, "member %s: weight \"%.20s\" is not a number", host, weight);
    if (strlen(comment) >= sizeof(m.comment) || has_control(comment))
        return error_set(err, -EPROTO, "member %s: its comment is too long or has control characters", host);
    m.port = (uint16_t)port_number;
    (void)snprintf(m.host, sizeof(m.host), "%s", host);
    (void)snprintf(m.comment, sizeof(m.comment), "%s", comment);
    *ret_member = m;
    return 0;
}
