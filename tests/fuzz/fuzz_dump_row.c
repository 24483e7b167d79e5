/*
 * A row of digest statistics as text. The input's first byte chooses the format, the rest are the values, separated by
 * 0xfe; a value of one byte 0xfd is NULL.
 *
 * Beyond not crashing: a line of jsonl is one JSON object (jansson, which is strict but for the lone surrogates that
 * stand for bytes which are no UTF-8), and what csv quotes is read back to the same bytes.
 */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/dump/dump_writer.h"
#include "shared/buf.h"
#include "shared/mem.h"
#include "tests/fuzz/fuzz.h"

enum { separator = 0xfe, null_mark = 0xfd, input_max = 8 * 1024, output_max = DUMP_SINK_BUFFER_BYTES };

struct values {
    char *text[ADMIN_DIGEST_COLUMNS];
    unsigned long len[ADMIN_DIGEST_COLUMNS];
};

static void split(const uint8_t *data, size_t size, struct values *v)
{
    for (size_t i = 0; i < ADMIN_DIGEST_COLUMNS; i++) {
        const uint8_t *end = size == 0 ? NULL : memchr(data, separator, size);
        size_t len = end == NULL ? size : (size_t)(end - data);
        if (!(len == 1 && data[0] == null_mark)) {
            v->text[i] = xcalloc(1, len + 1);
            if (len > 0)
                memcpy(v->text[i], data, len);
            v->len[i] = len;
        }
        data += end == NULL ? size : len + 1;
        size -= end == NULL ? size : len + 1;
    }
}

/* Lone surrogates for bytes (\udc80 to \udcff) as characters that a strict parser takes. */
static void replace_surrogates(char *text)
{
    for (char *at = strchr(text, '\\'); at != NULL; at = strchr(at + 2, '\\'))
        if (at[1] == 'u' && at[2] == 'd')
            at[2] = 'e';
}

static void check_json(char *line)
{
    replace_surrogates(line);
    json_error_t error;
    json_t *row = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (row == NULL && strstr(error.text, "too big integer") != NULL)
        return; /* jansson's own limit of 64 bits */
    if (row == NULL || json_object_size(row) != ADMIN_DIGEST_COLUMNS + 1)
        abort();
    json_decref(row);
}

/* The next field of a csv line, unquoted in its place; NULL after the last one. */
static char *next_field(char **at, size_t *ret_len)
{
    char *in = *at;
    char *out = in;
    char *begin = in;
    if (*in == '"') {
        for (in++; *in != '"' || in[1] == '"'; in++) {
            in += *in == '"' ? 1 : 0;
            *out++ = *in;
        }
        in++;
    } else {
        for (; *in != ',' && *in != '\r'; in++)
            out++;
    }
    *ret_len = (size_t)(out - begin);
    *at = *in == ',' ? in + 1 : in;
    return begin;
}

/* Only values that the writer does not format: everything but the times. */
static void check_csv(char *line, const struct values *v)
{
    static const int order[] = {ADMIN_DIGEST_HOSTGROUP, ADMIN_DIGEST_SCHEMANAME, ADMIN_DIGEST_USERNAME,
                                ADMIN_DIGEST_DIGEST, ADMIN_DIGEST_DIGEST_TEXT};
    size_t len = 0;
    (void)next_field(&line, &len);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        const char *field = next_field(&line, &len);
        const char *expected = v->text[order[i]] == NULL ? "" : v->text[order[i]];
        if (len != v->len[order[i]] || memcmp(field, expected, len) != 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > input_max)
        return 0;
    int format = data[0] % 2 == 0 ? DUMP_FORMAT_CSV : DUMP_FORMAT_JSONL;
    struct values v = {.text = {NULL}};
    split(data + 1, size - 1, &v);
    /* all of it fits into the sink's buffer, which is looked at in its place */
    struct error err = ERROR_INIT;
    const struct dump_sink_options options = {.fd = -1};
    struct dump_sink sink;
    struct dump_writer writer;
    int rc = dump_sink_init(&sink, &options, &err);
    assert(rc == 0);
    dump_writer_init(&writer, format, "pod", &sink);
    const struct db_row row = {.count = ADMIN_DIGEST_COLUMNS, .values = v.text, .lengths = v.len};
    rc = dump_writer_row(&writer, &row, &err);
    assert(rc == 0 && sink.rows == 1);
    dump_putc(&sink, '\0');
    if (format == DUMP_FORMAT_CSV)
        check_csv(sink.buffer, &v);
    else
        check_json(sink.buffer);
    dump_writer_fini(&writer);
    dump_sink_fini(&sink);
    for (size_t i = 0; i < ADMIN_DIGEST_COLUMNS; i++)
        free(v.text[i]);
    return 0;
}
