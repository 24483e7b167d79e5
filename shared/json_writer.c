#include "shared/json_writer.h"

#include <assert.h>
#include <string.h>

#include "shared/utf8.h"

void json_writer_init(struct json_writer *w, struct buf *out)
{
    *w = (struct json_writer){.out = out};
}

static void put(struct json_writer *w, const char *text)
{
    if (w->error == 0)
        w->error = buf_puts(w->out, text);
}

static void put_string(struct json_writer *w, const char *text)
{
    if (w->error == 0)
        w->error = json_append_string(w->out, text, strlen(text));
}

/* The comma and the key before a value. */
static void begin_value(struct json_writer *w, const char *key)
{
    uint32_t bit = UINT32_C(1) << w->depth;
    if ((w->filled & bit) != 0)
        put(w, ",");
    w->filled |= bit;
    if (key != NULL) {
        put_string(w, key);
        put(w, ":");
    }
}

static void open_container(struct json_writer *w, const char *key, const char *bracket)
{
    begin_value(w, key);
    put(w, bracket);
    assert(w->depth < JSON_DEPTH_MAX);
    w->depth++;
    w->filled &= ~(UINT32_C(1) << w->depth);
}

static void close_container(struct json_writer *w, const char *bracket)
{
    assert(w->depth > 0);
    w->depth--;
    put(w, bracket);
}

void json_object_begin(struct json_writer *w, const char *key)
{
    open_container(w, key, "{");
}

void json_object_end(struct json_writer *w)
{
    close_container(w, "}");
}

void json_array_begin(struct json_writer *w, const char *key)
{
    open_container(w, key, "[");
}

void json_array_end(struct json_writer *w)
{
    close_container(w, "]");
}

void json_str(struct json_writer *w, const char *key, const char *text)
{
    begin_value(w, key);
    if (text == NULL)
        put(w, "null");
    else
        put_string(w, text);
}

void json_int(struct json_writer *w, const char *key, int64_t number)
{
    begin_value(w, key);
    if (w->error == 0)
        w->error = buf_printf(w->out, "%lld", (long long)number);
}

void json_bool(struct json_writer *w, const char *key, bool value)
{
    begin_value(w, key);
    put(w, value ? "true" : "false");
}

int json_writer_end(struct json_writer *w)
{
    assert(w->depth == 0);
    return w->error;
}

static const char *short_escape(unsigned char c)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

static int append_char(struct buf *out, const unsigned char *p, size_t left, size_t *ret_used)
{
    *ret_used = 1;
    const char *escape = short_escape(*p);
    if (escape != NULL)
        return buf_puts(out, escape);
    if (*p < 0x20 || *p == 0x7f)
        return buf_printf(out, "\\u%04x", *p);
    size_t len = utf8_sequence_len((const char *)p, left);
    if (len == 0)
        return buf_puts(out, UTF8_REPLACEMENT);
    *ret_used = len;
    return buf_append(out, p, len);
}

/* How many bytes from p need no escape. */
static size_t plain_run(const unsigned char *p, size_t left)
{
    size_t n = 0;
    while (n < left && p[n] >= 0x20 && p[n] < 0x7f && p[n] != '"' && p[n] != '\\')
        n++;
    return n;
}

int json_append_string(struct buf *out, const char *text, size_t len)
{
    size_t before = out->len;
    const unsigned char *p = (const unsigned char *)text;
    int rc = buf_puts(out, "\"");
    for (size_t i = 0; rc == 0 && i < len;) {
        size_t used = plain_run(p + i, len - i);
        rc = used > 0 ? buf_append(out, p + i, used) : append_char(out, p + i, len - i, &used);
        i += used;
    }
    if (rc == 0)
        rc = buf_puts(out, "\"");
    if (rc < 0 && out->cap != 0) {
        out->len = before;
        out->data[before] = '\0';
    }
    return rc;
}
