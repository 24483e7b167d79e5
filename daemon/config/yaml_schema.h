#pragma once

#include <stdint.h>

#include <cyaml/cyaml.h>

#include "daemon/config/yaml_places.h"

/*
 * The option table as a libcyaml schema. Each group of keys is a mapping that loads into an array of slots, one for a
 * key: an option's text (char *), a list (char ** and count) or a group below (its array of slots). Below a group
 * every key can also be written in one with dots (`log.level: INFO`), as the Go agent's library allows.
 */
struct yaml_slot {
    void *data; /* NULL = not in the file */
    uint64_t count;
};

enum { YAML_GROUPS_MAX = 32 };

struct yaml_group {
    char key[OPTION_KEY_MAX]; /* "" for the top */
    cyaml_schema_field_t *fields;
    int *rows; /* by field: row of the option table, or -1 for a group */
    size_t count;
};

struct yaml_schema {
    cyaml_schema_value_t top;
    struct yaml_group groups[YAML_GROUPS_MAX]; /* the top first */
    size_t group_count;
};

/* A new schema for a file whose places are known (a list may be written as a list or as one text). */
struct yaml_schema *yaml_schema_new(const struct yaml_places *places);
void yaml_schema_free(struct yaml_schema *schema);

/* The group that a field of another group leads to. */
const struct yaml_group *yaml_schema_below(const struct yaml_schema *schema, const cyaml_schema_field_t *field);
