#pragma once

#include <stdbool.h>

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * One file of a dump: written as PATH.partial (mode 0600, locked) beside its place and renamed to PATH when everything
 * is on the disk, so that whatever has the final name is complete. Belongs to one thread.
 */
struct dump_file {
    int fd;        /* -1 = not open */
    char *path;    /* the final one */
    char *partial; /* the one that is written */
};

/* Create FOLDER/name.partial and lock it. -EBUSY: another dump is writing it; -EEXIST: there is a FOLDER/name and it
 * must not be replaced (keep_old); -ENOENT, -EACCES, -EROFS and what else open(2) says. */
MUST_CHECK int dump_file_create(struct dump_file *f, const char *folder, const char *name, bool keep_old,
                                struct error *err);

/* Put everything on the disk (fsync of file and folder) and give it its final name. Then only dump_file_fini(). */
MUST_CHECK int dump_file_commit(struct dump_file *f, struct error *err);

/* Keep what was written so far under another name, for rows that exist nowhere else: FOLDER/name.incomplete-TIME. On
 * success f->path is that name. */
MUST_CHECK int dump_file_keep(struct dump_file *f, const char *time, struct error *err);

/* Close; what was not committed or kept is removed. */
void dump_file_fini(struct dump_file *f);

/* The folder that files go to: dir, or a new one of this process under $TMPDIR or /tmp when dir is "". A new text. */
MUST_CHECK int dump_folder(const char *dir, char **ret_folder, bool *ret_new, struct error *err);
