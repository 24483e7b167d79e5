#include "daemon/config/yaml_schema.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/option_value.h"
#include "shared/mem.h"

static const cyaml_schema_value_t item_schema = {
    .type = CYAML_STRING, .flags = CYAML_FLAG_POINTER, .data_size = 1, .string = {.max = CYAML_UNLIMITED}};

static cyaml_schema_value_t text_value(void)
{
    cyaml_schema_value_t value = item_schema;
    value.flags = (enum cyaml_flag)(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL);
    return value;
}

static cyaml_schema_value_t list_value(void)
{
    return (cyaml_schema_value_t){.type = CYAML_SEQUENCE,
                                  .flags = (enum cyaml_flag)(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL),
                                  .data_size = sizeof(char *),
                                  .sequence = {.entry = &item_schema, .max = OPTION_ITEMS_MAX}};
}

static cyaml_schema_value_t group_value(const struct yaml_group *group)
{
    return (cyaml_schema_value_t){.type = CYAML_MAPPING,
                                  .flags = (enum cyaml_flag)(CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL),
                                  .data_size = (uint32_t)(group->count * sizeof(struct yaml_slot)),
                                  .mapping = {.fields = group->fields}};
}

/* What follows group in key, or NULL when key does not lie below it. */
static const char *below(const struct yaml_group *group, const char *key)
{
    size_t len = strlen(group->key);
    if (len == 0)
        return key[0] == '\0' ? NULL : key;
    return strncmp(key, group->key, len) == 0 && key[len] == '.' ? key + len + 1 : NULL;
}

static void add_group(struct yaml_schema *schema, const char *key, size_t len)
{
    char text[OPTION_KEY_MAX];
    (void)snprintf(text, sizeof(text), "%.*s", (int)len, key);
    for (size_t i = 0; i < schema->group_count; i++) {
        if (strcmp(schema->groups[i].key, text) == 0)
            return;
    }
    assert(schema->group_count < YAML_GROUPS_MAX);
    struct yaml_group *group = &schema->groups[schema->group_count++];
    memcpy(group->key, text, sizeof(text));
    /* every option, every group and the end mark fit */
    group->fields = xcalloc(OPTION_COUNT_MAX + YAML_GROUPS_MAX + 1, sizeof(*group->fields));
    group->rows = xcalloc(OPTION_COUNT_MAX + YAML_GROUPS_MAX, sizeof(*group->rows));
}

static void add_groups(struct yaml_schema *schema)
{
    add_group(schema, "", 0);
    for (size_t i = 0; i < option_count; i++) {
        const char *key = option_table[i].key;
        for (const char *dot = strchr(key, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
            add_group(schema, key, (size_t)(dot - key));
    }
}

static void add_field(struct yaml_group *group, const char *key, cyaml_schema_value_t value, int row)
{
    size_t offset = group->count * sizeof(struct yaml_slot);
    group->rows[group->count] = row;
    group->fields[group->count++] =
        (cyaml_schema_field_t){.key = key,
                               .data_offset = (uint32_t)(offset + offsetof(struct yaml_slot, data)),
                               .count_offset = (uint32_t)(offset + offsetof(struct yaml_slot, count)),
                               .count_size = sizeof(uint64_t),
                               .value = value};
}

static void add_options(struct yaml_group *group, const struct yaml_places *places)
{
    for (size_t i = 0; i < option_count; i++) {
        const char *key = below(group, option_table[i].key);
        if (key != NULL)
            add_field(group, key, places->of[i].node == YAML_NODE_LIST ? list_value() : text_value(), (int)i);
    }
}

/* Needs the group's own size, so the lower groups must be complete. */
static void add_groups_below(struct yaml_schema *schema, struct yaml_group *group)
{
    for (size_t i = 1; i < schema->group_count; i++) {
        const char *key = below(group, schema->groups[i].key);
        if (key != NULL)
            add_field(group, key, group_value(&schema->groups[i]), -1);
    }
}

struct yaml_schema *yaml_schema_new(const struct yaml_places *places)
{
    struct yaml_schema *schema = xcalloc(1, sizeof(*schema));
    add_groups(schema);
    /* a group stands after those above it */
    for (size_t i = schema->group_count; i-- > 0;) {
        add_options(&schema->groups[i], places);
        add_groups_below(schema, &schema->groups[i]);
    }
    schema->top = group_value(&schema->groups[0]);
    return schema;
}

void yaml_schema_free(struct yaml_schema *schema)
{
    if (schema == NULL)
        return;
    for (size_t i = 0; i < schema->group_count; i++) {
        free(schema->groups[i].fields);
        free(schema->groups[i].rows);
    }
    free(schema);
}

const struct yaml_group *yaml_schema_below(const struct yaml_schema *schema, const cyaml_schema_field_t *field)
{
    for (size_t i = 0; i < schema->group_count; i++) {
        if (schema->groups[i].fields == field->value.mapping.fields)
            return &schema->groups[i];
    }
    return NULL;
}
