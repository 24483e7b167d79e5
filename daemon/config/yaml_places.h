#pragma once

#include <stddef.h>

#include "daemon/config/options.h"
#include "daemon/config/warnings.h"
#include "shared/error.h"

/*
 * Where the options stand in a configuration file, by libyaml: libcyaml does not tell the place of a value that it took
 * as text. Everything about the file's form that is refused is refused here, with its line and column.
 */
enum { YAML_DEPTH_MAX = 16 }; /* levels of nesting at most */

enum yaml_node {
    YAML_NODE_ABSENT,
    YAML_NODE_NULL, /* `key:`, `key: ~`, `key: null`: as good as absent */
    YAML_NODE_SCALAR,
    YAML_NODE_LIST,
};

struct yaml_place {
    enum yaml_node node;
    size_t line; /* of the value, from 1 */
    size_t column;
};

struct yaml_places {
    struct yaml_place of[OPTION_COUNT_MAX]; /* by row of the option table */
};

/* Look through the text of a file. path is for messages. Unknown keys become warnings. -EINVAL (not a mapping of known
 * forms, aliases, duplicates, several documents, too deep, bad bytes) or -ENOMEM. */
MUST_CHECK int yaml_places_find(const char *path, const char *text, size_t len, struct yaml_places *ret_places,
                                struct config_warnings *warnings, struct error *err);
