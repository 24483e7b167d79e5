#pragma once

#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"
#include "tests/fakes/proxysql/database.h"

/*
 * ProxySQL's configuration file (libconfig syntax): what LOAD ... FROM CONFIG reads from it into the memory tables.
 * Rows are merged by INSERT OR REPLACE; rows that the file does not have stay (lib/ProxySQL_Config.cpp).
 */

/* Can the file be read and parsed? 0, -ENOENT when it cannot be read, -EINVAL when it is broken. */
MUST_CHECK int config_file_check(const char *path, struct error *err);

/* Read what a module ("mysql_servers", "admin_variables"...; unknown ones have no rows) has in the file into memory:
 * mysql_servers fills six tables. Inside the gate. Fails as config_file_check() does. */
MUST_CHECK int config_file_load(const char *path, const char *module, struct database *db, uint64_t *ret_rows,
                                struct error *err);
