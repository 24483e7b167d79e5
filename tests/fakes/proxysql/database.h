#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * The SQLite side of a node. Schemas of the admin connection: main (what users edit, and the runtime_ copies), stats,
 * disk (what SAVE ... TO DISK wrote; a file, or in memory as well), live (what the modules really run with: the
 * runtime_ tables are filled from it when a statement names them). The stats connection sees the stats schema as its
 * main one, like ProxySQL's stats user. Used only by the thread that is inside the gate.
 */
struct database {
    sqlite3 *admin;
    sqlite3 *stats;
    bool disk_existed; /* the disk schema's file was there already: what an earlier life had saved */
};

/* Create everything, empty but for the variables and for what the file disk holds (NULL = the disk schema is in memory
 * as well). name makes the shared stats schema of this node unique in the process. Call database_fini() in every
 * case. */
MUST_CHECK int database_init(struct database *db, const char *name, const char *disk, struct error *err);
void database_fini(struct database *db);

/* Run one or more statements that cannot fail on our own tables; aborts when they do. */
void database_must(struct database *db, const char *sql);
/* With SQLite's own formats: %Q is a quoted text. */
void database_mustf(struct database *db, const char *fmt, ...);

/* One statement of somebody else's. 0, or -EINVAL with SQLite's text in err. */
MUST_CHECK int database_run(struct database *db, const char *sql, struct error *err);

/* The first column of the first row; NULL when there is none. free() it. */
char *database_text(struct database *db, const char *sql);

/* Like ProxySQL's: a hash over all rows, 0 for none. */
uint64_t database_checksum(struct database *db, const char *query);
