#include "daemon/jobs/stamp_record.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/jobs/health_state.h"
#include "shared/file.h"
#include "shared/json_writer.h"

/* Longer than any machine runs, and small enough that differences never overflow. */
static const int64_t boot_ms_max = INT64_C(1) << 53;
static const char boot_id_path[] = "/proc/sys/kernel/random/boot_id";

static const char *const outcome_names[STAMP_OUTCOMES] = {
    [STAMP_WAITING] = "waiting", [STAMP_BEGUN] = "begun",           [STAMP_LOADING] = "loading",
    [STAMP_DONE] = "done",       [STAMP_LEFT_ALONE] = "left alone", [STAMP_FOLLOWS] = "follows",
};

const char *stamp_outcome_name(enum stamp_outcome outcome)
{
    assert((size_t)outcome < STAMP_OUTCOMES);
    return outcome_names[outcome];
}

void stamp_record_begin(struct stamp_record *record, const char *boot_id, int64_t boot_ms)
{
    *record = (struct stamp_record){.boot_ms = boot_ms};
    (void)snprintf(record->boot_id, sizeof(record->boot_id), "%s", boot_id);
    for (size_t i = 0; i < ADMIN_MODULES; i++)
        record->modules[i].rows = -1;
}

bool stamp_record_is_of(const struct stamp_record *record, const char *boot_id, int64_t boot_ms)
{
    return strcmp(record->boot_id, boot_id) == 0 && llabs(record->boot_ms - boot_ms) <= HEALTH_BOOT_TOLERANCE_MS;
}

void stamp_read_boot_id(char ret_boot_id[static STAMP_BOOT_ID_SIZE])
{
    cleanup_buf struct buf text;
    buf_init(&text, STAMP_BOOT_ID_SIZE - 1);
    if (file_read(boot_id_path, &text, NULL) < 0)
        buf_reset(&text);
    (void)snprintf(ret_boot_id, STAMP_BOOT_ID_SIZE, "%.*s", (int)strcspn(text.data, "\n"), text.data);
}

static int parse_outcome(const char *name, enum stamp_outcome *ret_outcome)
{
    for (int i = 0; i < STAMP_OUTCOMES; i++) {
        if (strcmp(outcome_names[i], name) == 0) {
            *ret_outcome = (enum stamp_outcome)i;
            return 0;
        }
    }
    return -EPROTO;
}

static int parse_module(json_t *json, const char *name, struct stamp_module *ret_module, struct error *err)
{
    json_error_t why;
    const char *outcome = NULL;
    json_int_t version = 0;
    json_int_t rows = 0;
    if (json == NULL)
        return error_set(err, -EPROTO, "%s is missing", name);
    if (json_unpack_ex(json, &why, JSON_STRICT, "{s:s, s:I, s:I}", "outcome", &outcome, "version", &version, "rows",
                       &rows) < 0)
        return error_set(err, -EPROTO, "%s: %s", name, why.text);
    if (parse_outcome(outcome, &ret_module->outcome) < 0)
        return error_set(err, -EPROTO, "%s: \"%.32s\" is no outcome", name, outcome);
    if (version < 0 || rows < -1)
        return error_set(err, -EPROTO, "%s: %s is out of range", name, version < 0 ? "version" : "rows");
    ret_module->version = version;
    ret_module->rows = rows;
    return 0;
}

static int parse_modules(json_t *modules, struct stamp_record *record, struct error *err)
{
    if (json_object_size(modules) != ADMIN_MODULES)
        return error_set(err, -EPROTO, "there are %zu modules instead of %d", json_object_size(modules), ADMIN_MODULES);
    int rc = 0;
    for (int i = 0; rc == 0 && i < ADMIN_MODULES; i++) {
        const char *name = admin_module_name((enum admin_module)i);
        rc = parse_module(json_object_get(modules, name), name, &record->modules[i], err);
    }
    return rc;
}

static int parse_root(json_t *root, struct stamp_record *record, struct error *err)
{
    json_error_t why;
    json_int_t format = 0;
    json_int_t boot_ms = 0;
    const char *boot_id = NULL;
    json_t *modules = NULL;
    if (json_unpack_ex(root, &why, 0, "{s:I}", "format", &format) < 0)
        return error_set(err, -EPROTO, "%s", why.text);
    if (format != STAMP_FORMAT)
        return error_set(err, -EPROTO, "its format is %lld, not %d", (long long)format, STAMP_FORMAT);
    if (json_unpack_ex(root, &why, JSON_STRICT, "{s:I, s:s, s:I, s:o}", "format", &format, "boot_id", &boot_id,
                       "boot_ms", &boot_ms, "modules", &modules) < 0)
        return error_set(err, -EPROTO, "%s", why.text);
    if (strlen(boot_id) >= sizeof(record->boot_id))
        return error_set(err, -EPROTO, "boot_id is too long");
    if (boot_ms < -boot_ms_max || boot_ms > boot_ms_max)
        return error_set(err, -EPROTO, "boot_ms is out of range");
    *record = (struct stamp_record){.boot_ms = boot_ms};
    (void)snprintf(record->boot_id, sizeof(record->boot_id), "%s", boot_id);
    return parse_modules(modules, record, err);
}

int stamp_record_parse(const char *text, size_t len, struct stamp_record *ret_record, struct error *err)
{
    json_error_t why;
    struct stamp_record record;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        return error_set(err, -EPROTO, "%s", why.text);
    int rc = parse_root(root, &record, err);
    json_decref(root);
    if (rc == 0)
        *ret_record = record;
    return rc;
}

int stamp_record_format(const struct stamp_record *record, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_begin(&w, NULL);
    json_int(&w, "format", STAMP_FORMAT);
    json_str(&w, "boot_id", record->boot_id);
    json_int(&w, "boot_ms", record->boot_ms);
    json_object_begin(&w, "modules");
    for (int i = 0; i < ADMIN_MODULES; i++) {
        json_object_begin(&w, admin_module_name((enum admin_module)i));
        json_str(&w, "outcome", stamp_outcome_name(record->modules[i].outcome));
        json_int(&w, "version", record->modules[i].version);
        json_int(&w, "rows", record->modules[i].rows);
        json_object_end(&w);
    }
    json_object_end(&w);
    json_object_end(&w);
    int rc = json_writer_end(&w);
    return rc == 0 ? buf_puts(out, "\n") : rc;
}

int stamp_record_read(const char *path, struct stamp_record *ret_record, struct error *err)
{
    cleanup_buf struct buf text;
    buf_init(&text, STAMP_RECORD_BYTES_MAX);
    int rc = file_read_own(path, &text, err);
    if (rc < 0)
        return rc;
    rc = stamp_record_parse(text.data, text.len, ret_record, err);
    return rc < 0 ? error_wrap(err, "%s", path) : 0;
}

int stamp_record_write(const char *path, const struct stamp_record *record, struct error *err)
{
    cleanup_buf struct buf text;
    buf_init(&text, STAMP_RECORD_BYTES_MAX);
    int rc = stamp_record_format(record, &text);
    if (rc < 0)
        return error_set(err, rc, "the record of what was stamped cannot be made");
    return file_replace(path, text.data, text.len, err);
}
