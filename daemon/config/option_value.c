#include "daemon/config/option_value.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shared/cidr.h"
#include "shared/json_writer.h"
#include "shared/mem.h"
#include "shared/str.h"

static void *field_of(struct config *config, const struct option *option)
{
    return (char *)config + option->offset;
}

static const void *const_field_of(const struct config *config, const struct option *option)
{
    return (const char *)config + option->offset;
}

static void replace_string(char **field, const char *text)
{
    char *copy = xstrdup(text);
    free(*field);
    *field = copy;
}

static void list_clear(struct string_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct string_list){.items = NULL};
}

void option_quote(const char *text, char ret_text[OPTION_SHOWN_MAX])
{
    static const char ellipsis[] = "...";
    enum { room = OPTION_SHOWN_MAX - 3 - (sizeof(ellipsis) - 1) };
    size_t used = 0;
    ret_text[used++] = '"';
    for (; *text != '\0' && used <= room; text++)
        ret_text[used++] = *text >= ' ' && *text <= '~' ? *text : '?';
    ret_text[used] = '\0';
    (void)snprintf(ret_text + used, OPTION_SHOWN_MAX - used, "%s\"", *text == '\0' ? "" : ellipsis);
}

/* `"80x" is not a whole number (allowed: 1 to 65535)` */
static int refuse(const struct option *option, const char *text, const char *why, struct error *err)
{
    char shown[OPTION_SHOWN_MAX] = "the value";
    if ((option->flags & OPTION_SECRET) == 0)
        option_quote(text, shown);
    char allowed[OPTION_ALLOWED_MAX];
    option_allowed(option, allowed);
    if (allowed[0] == '\0')
        return error_set(err, -EINVAL, "%s %s", shown, why);
    return error_set(err, -EINVAL, "%s %s (allowed: %s)", shown, why, allowed);
}

/* How many bytes the UTF-8 character at text has, 0 when it is none or one that a line of text must not hold: control
 * characters and what YAML forbids (YAML 1.1, 5.1 "c-printable"). */
static size_t printable_len(const unsigned char *text)
{
    if (text[0] < 0x80)
        return text[0] >= 0x20 && text[0] != 0x7f ? 1 : 0;
    size_t len = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    if (text[0] < 0xc2 || text[0] > 0xf4)
        return 0;
    uint32_t code = text[0] & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3fU);
    }
    static const uint32_t smallest[] = {0, 0, 0xa0, 0x800, 0x10000};
    bool forbidden = code < smallest[len] || (code >= 0xd800 && code <= 0xdfff) || code == 0xfeff || code == 0xfffe ||
                     code == 0xffff || code == 0x2028 || code == 0x2029 || code > 0x10ffff;
    return forbidden ? 0 : len;
}

static bool is_printable(const char *text)
{
    for (size_t len; *text != '\0'; text += len) {
        len = printable_len((const unsigned char *)text);
        if (len == 0)
            return false;
    }
    return true;
}

static int set_int(int64_t *field, const struct option *option, const char *text, struct error *err)
{
    int rc = str_to_int(text, option->min, option->max, field);
    if (rc == -ERANGE)
        return refuse(option, text, "is out of range", err);
    return rc < 0 ? refuse(option, text, "is not a whole number", err) : 0;
}

static int set_enum(int *field, const struct option *option, const char *text, struct error *err)
{
    bool any_case = (option->flags & OPTION_TOLERANT) != 0;
    for (const struct option_name *n = option->names; n->name != NULL; n++) {
        if ((any_case ? strcasecmp(n->name, text) : strcmp(n->name, text)) == 0) {
            *field = n->value;
            return 0;
        }
    }
    return refuse(option, text, "is unknown", err);
}

static int set_string(char **field, const struct option *option, const char *text, struct error *err)
{
    if ((option->flags & OPTION_SECRET) == 0 && !is_printable(text))
        return refuse(option, text, "holds a control character or is not UTF-8", err);
    replace_string(field, text);
    return 0;
}

static int set_host_port(char **field, const struct option *option, const char *text, struct error *err)
{
    char host[256];
    uint16_t port;
    if (str_split_host_port(text, host, sizeof(host), &port) < 0 || !is_printable(text) || strchr(host, ' ') != NULL)
        return refuse(option, text, "is not an address with a port", err);
    replace_string(field, text);
    return 0;
}

static int split_items(struct string_list *list, const struct option *option, const char *text, struct error *err)
{
    for (const char *item = text;; item++) {
        size_t len = strcspn(item, ",");
        if (len == 0)
            return refuse(option, text, "has an empty item", err);
        if (list->count == OPTION_ITEMS_MAX)
            return error_set(err, -EINVAL, "the list has too many items (allowed: %d)", OPTION_ITEMS_MAX);
        list->items[list->count++] = xasprintf("%.*s", (int)len, item);
        item += len;
        if (*item == '\0')
            return 0;
    }
}

static int check_networks(const struct string_list *list, const struct option *option, struct error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        struct cidr cidr;
        struct error why = ERROR_INIT;
        if (cidr_parse(list->items[i], &cidr, &why) < 0)
            return refuse(option, list->items[i], why.text, err);
    }
    return 0;
}

static int set_list(struct string_list *field, const struct option *option, const char *text, struct error *err)
{
    if (!is_printable(text))
        return refuse(option, text, "holds a control character or is not UTF-8", err);
    struct string_list list = {.items = text[0] == '\0' ? NULL : xcalloc(OPTION_ITEMS_MAX, sizeof(char *))};
    int rc = text[0] == '\0' ? 0 : split_items(&list, option, text, err);
    if (rc == 0 && option->type == OPTION_CIDR_LIST)
        rc = check_networks(&list, option, err);
    if (rc < 0) {
        list_clear(&list);
        return rc;
    }
    list_clear(field);
    *field = list;
    return 0;
}

int option_set(struct config *config, const struct option *option, const char *text, struct error *err)
{
    if (strlen(text) > OPTION_TEXT_MAX)
        return error_set(err, -EINVAL, "the value is too long (allowed: %d bytes)", OPTION_TEXT_MAX);
    void *field = field_of(config, option);
    switch (option->type) {
    case OPTION_INT:
        return set_int(field, option, text, err);
    case OPTION_BOOL:
        return str_to_bool(text, field) < 0 ? refuse(option, text, "is neither true nor false", err) : 0;
    case OPTION_STRING:
        return set_string(field, option, text, err);
    case OPTION_ENUM:
        return set_enum(field, option, text, err);
    case OPTION_HOST_PORT:
        return set_host_port(field, option, text, err);
    case OPTION_LIST:
    case OPTION_CIDR_LIST:
        return set_list(field, option, text, err);
    }
    return error_set(err, -EINVAL, "the option table is wrong");
}

static bool lists_equal(const struct string_list *a, const struct string_list *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++)
        equal = strcmp(a->items[i], b->items[i]) == 0;
    return equal;
}

bool option_equal(const struct config *a, const struct config *b, const struct option *option)
{
    const void *left = const_field_of(a, option);
    const void *right = const_field_of(b, option);
    switch (option->type) {
    case OPTION_INT:
        return *(const int64_t *)left == *(const int64_t *)right;
    case OPTION_BOOL:
        return *(const bool *)left == *(const bool *)right;
    case OPTION_ENUM:
        return *(const int *)left == *(const int *)right;
    case OPTION_STRING:
    case OPTION_HOST_PORT:
        return strcmp(*(char *const *)left, *(char *const *)right) == 0;
    case OPTION_LIST:
    case OPTION_CIDR_LIST:
        return lists_equal(left, right);
    }
    return false;
}

static void list_copy(struct string_list *to, const struct string_list *from)
{
    struct string_list copy = {.items = from->count == 0 ? NULL : xcalloc(from->count, sizeof(char *))};
    for (; copy.count < from->count; copy.count++)
        copy.items[copy.count] = xstrdup(from->items[copy.count]);
    list_clear(to);
    *to = copy;
}

void option_copy(struct config *to, const struct config *from, const struct option *option)
{
    void *left = field_of(to, option);
    const void *right = const_field_of(from, option);
    switch (option->type) {
    case OPTION_INT:
        *(int64_t *)left = *(const int64_t *)right;
        return;
    case OPTION_BOOL:
        *(bool *)left = *(const bool *)right;
        return;
    case OPTION_ENUM:
        *(int *)left = *(const int *)right;
        return;
    case OPTION_STRING:
    case OPTION_HOST_PORT:
        replace_string(left, *(char *const *)right);
        return;
    case OPTION_LIST:
    case OPTION_CIDR_LIST:
        list_copy(left, right);
        return;
    }
}

void option_reset(struct config *config, const struct option *option)
{
    int rc = option_set(config, option, option->default_text, NULL);
    assert(rc == 0);
    (void)rc;
}

void option_set_defaults(struct config *ret_config)
{
    for (size_t i = 0; i < option_count; i++)
        option_reset(ret_config, &option_table[i]);
}

void option_clear_all(struct config *config)
{
    for (size_t i = 0; i < option_count; i++) {
        void *field = field_of(config, &option_table[i]);
        if (option_table[i].type == OPTION_LIST || option_table[i].type == OPTION_CIDR_LIST) {
            list_clear(field);
        } else if (option_table[i].type == OPTION_STRING || option_table[i].type == OPTION_HOST_PORT) {
            free(*(char **)field);
            *(char **)field = NULL;
        }
    }
}

/* JSON's quoted text is YAML's double-quoted scalar as well. */
static int write_string(const char *text, bool secret, struct buf *out)
{
    if (secret && text[0] != '\0')
        text = "********";
    return json_append_string(out, text, strlen(text));
}

static int write_enum(int value, const struct option *option, struct buf *out)
{
    for (const struct option_name *n = option->names; n->name != NULL; n++) {
        if (n->value == value)
            return buf_puts(out, n->name[0] == '\0' ? "\"\"" : n->name);
    }
    return -EINVAL;
}

static int write_list(const struct string_list *list, struct buf *out)
{
    int rc = buf_puts(out, "[");
    for (size_t i = 0; rc == 0 && i < list->count; i++) {
        rc = buf_puts(out, i == 0 ? "" : ", ");
        if (rc == 0)
            rc = write_string(list->items[i], false, out);
    }
    return rc == 0 ? buf_puts(out, "]") : rc;
}

int option_write(const struct config *config, const struct option *option, struct buf *out)
{
    const void *field = const_field_of(config, option);
    switch (option->type) {
    case OPTION_INT:
        return buf_printf(out, "%" PRId64, *(const int64_t *)field);
    case OPTION_BOOL:
        return buf_puts(out, *(const bool *)field ? "true" : "false");
    case OPTION_ENUM:
        return write_enum(*(const int *)field, option, out);
    case OPTION_STRING:
    case OPTION_HOST_PORT:
        return write_string(*(char *const *)field, (option->flags & OPTION_SECRET) != 0, out);
    case OPTION_LIST:
    case OPTION_CIDR_LIST:
        return write_list(field, out);
    }
    return -EINVAL;
}
