#include "daemon/config/yaml_places.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <yaml.h>

#include "daemon/config/option_value.h"
#include "shared/buf.h"

struct scan {
    yaml_parser_t parser;
    const char *path;
    const char *text;
    size_t len;
    struct yaml_places *places;
    struct config_warnings *warnings;
    struct error *err;
    unsigned depth;
    /* By the first row below a group: bit n is set once the group with n dots in its key was seen. */
    uint8_t group_seen[OPTION_COUNT_MAX];
};

/* A key that is longer than every known one is cut: it stays unknown. */
struct full_key {
    char text[2 * OPTION_KEY_MAX];
};

static void full_key_join(struct full_key *ret_key, const struct full_key *parent, const char *name)
{
    (void)snprintf(ret_key->text, sizeof(ret_key->text), "%.*s%s%s", OPTION_KEY_MAX, parent->text,
                   parent->text[0] == '\0' ? "" : ".", name);
    for (char *c = ret_key->text; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
}

static int PRINTF_FORMAT(3, 4) fail(struct scan *scan, const yaml_mark_t *mark, const char *fmt, ...)
{
    char text[sizeof(scan->err->text)];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return error_set(scan->err, -EINVAL, "config file %s:%zu:%zu: %s", scan->path, mark->line + 1, mark->column + 1,
                     text);
}

/* libyaml gives no line for bytes that are no text, only where they are. */
static int fail_reader(struct scan *scan)
{
    yaml_mark_t mark = {.line = 0, .column = 0};
    size_t end = scan->parser.problem_offset < scan->len ? scan->parser.problem_offset : scan->len;
    for (size_t i = 0; i < end; i++) {
        mark.column = scan->text[i] == '\n' ? 0 : mark.column + 1;
        mark.line += scan->text[i] == '\n' ? 1 : 0;
    }
    return fail(scan, &mark, "not a text file: %s", scan->parser.problem);
}

static int fail_parser(struct scan *scan)
{
    const yaml_parser_t *parser = &scan->parser;
    const char *problem = parser->problem == NULL ? "unknown" : parser->problem;
    if (parser->error == YAML_MEMORY_ERROR)
        return error_set(scan->err, -ENOMEM, "config file %s: out of memory", scan->path);
    if (parser->error == YAML_READER_ERROR)
        return fail_reader(scan);
    if (parser->context == NULL)
        return fail(scan, &parser->problem_mark, "not valid YAML: %s", problem);
    return fail(scan, &parser->problem_mark, "not valid YAML: %s (%s)", problem, parser->context);
}

/* The next event, which the caller deletes. */
static int next_event(struct scan *scan, yaml_event_t *ret_event)
{
    yaml_event_t event;
    if (yaml_parser_parse(&scan->parser, &event) == 0)
        return fail_parser(scan);
    int rc = 0;
    if (event.type == YAML_ALIAS_EVENT)
        rc = fail(scan, &event.start_mark, "aliases (*name) are not supported");
    else if (event.type == YAML_SCALAR_EVENT &&
             strlen((const char *)event.data.scalar.value) != event.data.scalar.length)
        rc = fail(scan, &event.start_mark, "a NUL character is not allowed");
    if (rc < 0)
        yaml_event_delete(&event);
    else
        *ret_event = event;
    return rc;
}

/* The next event when its content does not matter. */
static int next_type(struct scan *scan, yaml_event_type_t *ret_type, yaml_mark_t *ret_mark)
{
    yaml_event_t event;
    int rc = next_event(scan, &event);
    if (rc < 0)
        return rc;
    *ret_type = event.type;
    *ret_mark = event.start_mark;
    yaml_event_delete(&event);
    return 0;
}

static int enter(struct scan *scan, const yaml_mark_t *mark)
{
    if (scan->depth == YAML_DEPTH_MAX)
        return fail(scan, mark, "nested too deeply (allowed: %d levels)", YAML_DEPTH_MAX);
    scan->depth++;
    return 0;
}

static bool opens(yaml_event_type_t type)
{
    return type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
}

static bool closes(yaml_event_type_t type)
{
    return type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT;
}

static bool is_null(const yaml_event_t *event)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    if (event->type != YAML_SCALAR_EVENT || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE ||
        event->data.scalar.tag != NULL)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(nulls); i++) {
        if (strcmp((const char *)event->data.scalar.value, nulls[i]) == 0)
            return true;
    }
    return false;
}

/* Pass over the rest of a value that began with this event. */
static int skip_value(struct scan *scan, const yaml_event_t *begin)
{
    unsigned outside = scan->depth;
    yaml_event_type_t type = begin->type;
    yaml_mark_t mark = begin->start_mark;
    int rc = opens(type) ? enter(scan, &mark) : 0;
    while (rc == 0 && scan->depth > outside) {
        rc = next_type(scan, &type, &mark);
        if (rc == 0 && opens(type))
            rc = enter(scan, &mark);
        else if (rc == 0 && closes(type))
            scan->depth--;
    }
    return rc;
}

static void warn_unknown(struct scan *scan, const struct full_key *key, const yaml_mark_t *mark)
{
    if (scan->warnings->count == CONFIG_WARNINGS_MAX) {
        scan->warnings->dropped++; /* no search for a name that nobody reads */
        return;
    }
    size_t near_len = 0;
    const char *near = option_nearest(key->text, true, &near_len);
    if (near == NULL)
        config_warnings_add(scan->warnings, "config file %s:%zu: unknown key %s is ignored", scan->path, mark->line + 1,
                            key->text);
    else
        config_warnings_add(scan->warnings, "config file %s:%zu: unknown key %s is ignored (is %.*s meant?)",
                            scan->path, mark->line + 1, key->text, (int)near_len, near);
}

static int scan_list(struct scan *scan, const struct full_key *key)
{
    yaml_event_type_t type;
    yaml_mark_t mark;
    for (unsigned items = 0;; items++) {
        int rc = next_type(scan, &type, &mark);
        if (rc < 0 || type == YAML_SEQUENCE_END_EVENT)
            return rc;
        if (type != YAML_SCALAR_EVENT)
            return fail(scan, &mark, "%s: an item must be a single value", key->text);
        if (items == OPTION_ITEMS_MAX)
            return fail(scan, &mark, "%s: the list has too many items (allowed: %d)", key->text, OPTION_ITEMS_MAX);
    }
}

static int scan_option(struct scan *scan, const struct full_key *key, int row, const yaml_event_t *event)
{
    struct yaml_place *place = &scan->places->of[row];
    if (place->node != YAML_NODE_ABSENT)
        return fail(scan, &event->start_mark, "%s: given twice (before in line %zu)", option_table[row].key,
                    place->line);
    *place = (struct yaml_place){.line = event->start_mark.line + 1, .column = event->start_mark.column + 1};
    place->node = is_null(event) ? YAML_NODE_NULL : YAML_NODE_SCALAR;
    if (event->type == YAML_SCALAR_EVENT)
        return 0;
    if (option_table[row].type != OPTION_LIST && option_table[row].type != OPTION_CIDR_LIST)
        return fail(scan, &event->start_mark, "%s: must be a single value", key->text);
    if (event->type != YAML_SEQUENCE_START_EVENT)
        return fail(scan, &event->start_mark, "%s: must be a list", key->text);
    place->node = YAML_NODE_LIST;
    return scan_list(scan, key);
}

/* True when this group, with this first row, was in the file before. */
static bool see_group(struct scan *scan, const struct full_key *key, int row)
{
    unsigned levels = 0;
    for (const char *c = key->text; *c != '\0'; c++)
        levels += *c == '.' ? 1 : 0;
    bool seen = (scan->group_seen[row] >> levels & 1) != 0;
    scan->group_seen[row] |= (uint8_t)(1U << levels);
    return seen;
}

static int scan_keys(struct scan *scan, const struct full_key *parent, const yaml_mark_t *mark);

static int scan_group(struct scan *scan, const struct full_key *key, int row, const yaml_event_t *event)
{
    if (see_group(scan, key, row))
        return fail(scan, &event->start_mark, "%s: given twice", key->text);
    if (event->type == YAML_MAPPING_START_EVENT)
        return scan_keys(scan, key, &event->start_mark);
    return is_null(event) ? 0 : fail(scan, &event->start_mark, "%s: must hold keys, not a value", key->text);
}

static int scan_pair(struct scan *scan, const struct full_key *key, const yaml_mark_t *mark)
{
    yaml_event_t event;
    int rc = next_event(scan, &event);
    if (rc < 0)
        return rc;
    int row = option_find(key->text, true);
    int group_row = option_find_group(key->text);
    if (row >= 0) {
        rc = scan_option(scan, key, row, &event);
    } else if (group_row >= 0) {
        rc = scan_group(scan, key, group_row, &event);
    } else {
        warn_unknown(scan, key, mark);
        rc = skip_value(scan, &event);
    }
    yaml_event_delete(&event);
    return rc;
}

/* The pairs of a mapping whose start was read, and its end. */
static int scan_keys(struct scan *scan, const struct full_key *parent, const yaml_mark_t *mark)
{
    int rc = enter(scan, mark);
    while (rc == 0) {
        yaml_event_t event;
        rc = next_event(scan, &event);
        if (rc < 0)
            return rc;
        yaml_mark_t place = event.start_mark;
        yaml_event_type_t type = event.type;
        struct full_key key = {.text = ""};
        if (type == YAML_SCALAR_EVENT)
            full_key_join(&key, parent, (const char *)event.data.scalar.value);
        yaml_event_delete(&event);
        if (type == YAML_MAPPING_END_EVENT)
            break;
        if (type != YAML_SCALAR_EVENT)
            return fail(scan, &place, "a key must be a single name");
        rc = scan_pair(scan, &key, &place);
    }
    scan->depth--;
    return rc;
}

static int scan_document(struct scan *scan)
{
    static const struct full_key top = {.text = ""};
    yaml_event_t event;
    int rc = next_event(scan, &event);
    if (rc < 0)
        return rc;
    if (event.type == YAML_MAPPING_START_EVENT)
        rc = scan_keys(scan, &top, &event.start_mark);
    else if (!is_null(&event))
        rc = fail(scan, &event.start_mark, "the file must hold keys with values");
    yaml_event_delete(&event);
    return rc;
}

static int scan_stream(struct scan *scan)
{
    yaml_event_type_t type;
    yaml_mark_t mark;
    int rc = next_type(scan, &type, &mark); /* the stream's start */
    if (rc == 0)
        rc = next_type(scan, &type, &mark);
    if (rc < 0 || type == YAML_STREAM_END_EVENT)
        return rc;
    rc = scan_document(scan);
    if (rc == 0)
        rc = next_type(scan, &type, &mark); /* the document's end */
    if (rc == 0)
        rc = next_type(scan, &type, &mark);
    if (rc == 0 && type != YAML_STREAM_END_EVENT)
        rc = fail(scan, &mark, "more than one document (---)");
    return rc;
}

int yaml_places_find(const char *path, const char *text, size_t len, struct yaml_places *ret_places,
                     struct config_warnings *warnings, struct error *err)
{
    struct yaml_places places = {.of = {{.node = YAML_NODE_ABSENT}}};
    struct error ignored = ERROR_INIT;
    struct scan scan = {.path = path,
                        .text = text,
                        .len = len,
                        .places = &places,
                        .warnings = warnings,
                        .err = err == NULL ? &ignored : err};
    if (yaml_parser_initialize(&scan.parser) == 0)
        return error_set(err, -ENOMEM, "config file %s: out of memory", path);
    yaml_parser_set_input_string(&scan.parser, (const unsigned char *)text, len);
    int rc = scan_stream(&scan);
    yaml_parser_delete(&scan.parser);
    if (rc == 0)
        *ret_places = places;
    return rc;
}
