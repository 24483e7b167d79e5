#include "daemon/config/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/config/yaml_schema.h"
#include "shared/buf.h"
#include "shared/file.h"
#include "shared/mem.h"

struct yaml_document {
    struct yaml_schema *schema;
    struct yaml_slot *top;          /* NULL for an empty file */
    char *joined[OPTION_COUNT_MAX]; /* lists as one text */
};

/* libcyaml's first complaint. */
static void PRINTF_FORMAT(3, 0) keep_first_line(cyaml_log_t level, void *context, const char *fmt, va_list args)
{
    (void)level;
    char *text = context;
    if (text[0] == '\0')
        (void)vsnprintf(text, sizeof(((struct error *)NULL)->text), fmt, args);
    text[strcspn(text, "\n")] = '\0';
}

static cyaml_config_t library_config(char *log_text)
{
    return (cyaml_config_t){
        .log_fn = keep_first_line,
        .log_ctx = log_text,
        .mem_fn = cyaml_mem,
        .log_level = CYAML_LOG_ERROR,
        .flags = CYAML_CFG_IGNORE_UNKNOWN_KEYS | CYAML_CFG_CASE_INSENSITIVE | CYAML_CFG_NO_ALIAS,
    };
}

static int read_file(const char *path, struct buf *out, struct error *err)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return error_set(err, -errno, "config file %s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return error_set(err, -EISDIR, "config file %s: is a folder", path);
    /* /dev/null is an empty file; a pipe might never end */
    if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode))
        return error_set(err, -EINVAL, "config file %s: is not a regular file", path);
    return file_read(path, out, err) < 0 ? error_wrap(err, "config file") : 0;
}

/* A list's items with commas between, as option_set() takes them. */
static int join_items(const struct yaml_slot *slot, char **ret_text)
{
    struct buf text;
    buf_init(&text, YAML_FILE_MAX);
    char *const *items = slot->data;
    int rc = 0;
    for (uint64_t i = 0; rc == 0 && i < slot->count; i++)
        rc = buf_printf(&text, "%s%s", i == 0 ? "" : ",", items[i]);
    if (rc == 0)
        *ret_text = xstrdup(text.data);
    buf_fini(&text);
    return rc;
}

static int collect_option(struct yaml_values *values, int row, const struct yaml_slot *slot)
{
    enum yaml_node node = values->places.of[row].node;
    if (slot->data == NULL) {
        /* an empty list, or an option that is given in another spelling */
        if (node == YAML_NODE_LIST && values->text[row] == NULL)
            values->text[row] = "";
        return 0;
    }
    switch (node) {
    case YAML_NODE_ABSENT:
    case YAML_NODE_NULL:
        return 0;
    case YAML_NODE_SCALAR:
        values->text[row] = slot->data;
        return 0;
    case YAML_NODE_LIST: {
        char **joined = &values->document->joined[row];
        int rc = join_items(slot, joined);
        values->text[row] = *joined;
        return rc;
    }
    }
    return 0;
}

static int collect_group(struct yaml_values *values, const struct yaml_group *group, const struct yaml_slot *slots)
{
    for (size_t i = 0; slots != NULL && i < group->count; i++) {
        int rc = 0;
        if (group->rows[i] < 0)
            rc = collect_group(values, yaml_schema_below(values->document->schema, &group->fields[i]), slots[i].data);
        else
            rc = collect_option(values, group->rows[i], &slots[i]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int load_document(const char *path, const struct buf *text, struct yaml_values *values, struct error *err)
{
    struct yaml_document *document = values->document;
    char complaint[sizeof(err->text)] = "";
    cyaml_config_t config = library_config(complaint);
    cyaml_data_t *top = NULL;
    document->schema = yaml_schema_new(&values->places);
    cyaml_err_t result =
        cyaml_load_data((const uint8_t *)text->data, text->len, &config, &document->schema->top, &top, NULL);
    if (result != CYAML_OK)
        return error_set(err, result == CYAML_ERR_OOM ? -ENOMEM : -EINVAL, "config file %s: %s: %s", path,
                         cyaml_strerror(result), complaint);
    document->top = top;
    if (collect_group(values, &document->schema->groups[0], document->top) < 0)
        return error_set(err, -ENOMEM, "config file %s: out of memory", path);
    return 0;
}

int yaml_load(const char *path, struct yaml_values *ret_values, struct config_warnings *warnings, struct error *err)
{
    cleanup_buf struct buf text;
    buf_init(&text, YAML_FILE_MAX);
    struct yaml_values values = {.document = NULL};
    int rc = read_file(path, &text, err);
    if (rc == 0)
        rc = yaml_places_find(path, text.data, text.len, &values.places, warnings, err);
    if (rc < 0)
        return rc;
    values.document = xcalloc(1, sizeof(*values.document));
    rc = load_document(path, &text, &values, err);
    if (rc < 0) {
        yaml_values_fini(&values);
        return rc;
    }
    *ret_values = values;
    return 0;
}

void yaml_values_fini(struct yaml_values *values)
{
    struct yaml_document *document = values->document;
    if (document != NULL) {
        char complaint[sizeof(((struct error *)NULL)->text)] = "";
        cyaml_config_t config = library_config(complaint);
        if (document->top != NULL)
            (void)cyaml_free(&config, &document->schema->top, document->top, 0);
        for (size_t i = 0; i < option_count; i++)
            free(document->joined[i]);
        yaml_schema_free(document->schema);
        free(document);
    }
    *values = (struct yaml_values){.document = NULL};
}
