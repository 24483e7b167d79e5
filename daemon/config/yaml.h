#pragma once

#include <stddef.h>

#include "daemon/config/options.h"
#include "daemon/config/warnings.h"
#include "daemon/config/yaml_places.h"
#include "shared/error.h"

/*
 * A configuration file as texts by option, loaded by libcyaml with a schema that is built from the option table. The
 * texts are not judged here: option_set() does that for every source alike.
 */
enum { YAML_FILE_MAX = 1024 * 1024 }; /* bytes of a file at most */

struct yaml_values {
    const char *text[OPTION_COUNT_MAX]; /* by row of the option table; NULL = not in the file */
    struct yaml_places places;
    struct yaml_document *document; /* owns the texts */
};

/* Read a file. path must live as long as the values are used. Unknown keys become warnings. 0; -ENOENT when there is no
 * such file; another negative code with one text that names the file and, where there is one, the place. The values are
 * freed by yaml_values_fini(). */
MUST_CHECK int yaml_load(const char *path, struct yaml_values *ret_values, struct config_warnings *warnings,
                         struct error *err);
void yaml_values_fini(struct yaml_values *values);
