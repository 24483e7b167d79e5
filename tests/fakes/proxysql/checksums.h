#pragma once

#include <stdint.h>

#include "shared/compiler.h"
#include "shared/thread.h"

/*
 * Version, epoch and checksum of each configuration module, as runtime_checksums_values shows them. Kept outside the
 * database: the cluster's checks compare them while a statement holds the admin mutex. Thread-safe.
 */
enum { CHECKSUM_NAMES = 7, CHECKSUM_TEXT_SIZE = 19 };

/* Sorted, as the table lists them. */
extern const char *const checksum_names[CHECKSUM_NAMES];

struct checksum {
    int64_t version; /* 0 = never loaded */
    int64_t epoch;   /* whole seconds, real time */
    char text[CHECKSUM_TEXT_SIZE];
};

struct checksums {
    struct mutex lock;
    struct checksum values[CHECKSUM_NAMES] GUARDED;
};

void checksums_init(struct checksums *c);
void checksums_fini(struct checksums *c);

/* The position of name in checksum_names, -1 for an unknown one. */
int checksums_find(const char *name);

/* One version more, with this checksum; name is a known one. The epoch is now, or peer_epoch when the checksum is the
 * one that was pulled (peer_text; NULL = not from a peer), as ProxySQL keeps it. */
void checksums_stamp(struct checksums *c, const char *name, const char *text, const char *peer_text,
                     int64_t peer_epoch);

struct checksum checksums_get(struct checksums *c, int which);

/* One number over all versions and checksums (not the epochs), below 2^63. */
uint64_t checksums_global(struct checksums *c);

/* Hash arithmetic: begin a row, then its fields. Starts at 0, which stands for no rows; NULL hashes like "". */
void checksum_row(uint64_t *hash);
void checksum_field(uint64_t *hash, const char *text);
void checksum_format(uint64_t hash, char ret_text[static CHECKSUM_TEXT_SIZE]);
