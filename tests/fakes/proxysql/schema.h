#pragma once

#include <stddef.h>

/* Tables, variables and names of ProxySQL 2.7 as the stand-in has them. */

struct schema_table {
    const char *name;
    const char *columns; /* what stands between the brackets of CREATE TABLE */
};

/* Tables that exist four times: main (what users edit), disk (what SAVE keeps), live (what runs) and main.runtime_
 * (the view of what runs). */
extern const struct schema_table schema_configuration_tables[];
extern const size_t schema_configuration_tables_len;

/* Tables that exist once, named with their schema. */
extern const struct schema_table schema_other_tables[];
extern const size_t schema_other_tables_len;

struct schema_variable {
    const char *name;
    const char *value; /* default */
};

extern const struct schema_variable schema_variables[];
extern const size_t schema_variables_len;

/* Rows of stats_mysql_global that never change here: always "0". The live ones are added by refresh.c. */
extern const char *const schema_idle_counters[];
extern const size_t schema_idle_counters_len;
