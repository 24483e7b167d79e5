#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * The draining file (shutdown.draining_file): while it exists this pod is not ready. Ours says why, so that an agent
 * that comes back in the middle of a drain knows what to go on with. Anything else, an empty file too, was put there by
 * the operator, who alone takes it away. Nothing here keeps state; calls for one file belong to one thread at a time.
 *
 * Ours always has DRAINING_FILE_BYTES bytes, so that one write(2) replaces its content as a whole.
 */
enum { DRAINING_FILE_BYTES = 320, DRAINING_HOST_SIZE = 37 };

enum draining_kind { DRAINING_SHUTDOWN, DRAINING_MAINTENANCE };

struct draining_record {
    enum draining_kind kind;
    char host[DRAINING_HOST_SIZE]; /* the host's boot id: in another life of the host its monotonic clock is another */
    int64_t boot_ms;               /* ProxySQL's boot on the host's monotonic clock; -1 = it never told */
    int64_t wait_timeout_ms;       /* mysql-wait_timeout before the drain changed it; -1 = it did not */
    int64_t session_idle_ms;       /* mysql-session_idle_ms before the drain raised it; -1 = it did not */
    int64_t deadline_ms;           /* monotonic: the end of a shutdown; 0 for a maintenance */
    int64_t began_ms;              /* real time, for who reads the file */
};

enum draining_owner {
    DRAINING_NOBODY,  /* there is no file */
    DRAINING_AGENT,   /* an agent's: ret_record is set */
    DRAINING_OPERATOR /* somebody else's, or something that is no regular file */
};

/* The boot id of this host, "" when the kernel does not tell. */
void draining_host_id(char ret_host[static DRAINING_HOST_SIZE]);

/* Whose file is at path? Follows no symbolic link. 0, or a negative errno when it cannot be read. */
MUST_CHECK int draining_file_read(const char *path, enum draining_owner *ret_owner, struct draining_record *ret_record,
                                  struct error *err);

/* Make the file, which must not exist (-EEXIST: it does, whatever it is). */
MUST_CHECK int draining_file_create(const char *path, const struct draining_record *record, struct error *err);

/* Replace the content of an agent's file; -ENOENT when there is none, -EPERM when it is the operator's. */
MUST_CHECK int draining_file_update(const char *path, const struct draining_record *record, struct error *err);

/* Remove an agent's file; 0 when there is none, -EPERM when it is the operator's, which stays. */
MUST_CHECK int draining_file_remove(const char *path, struct error *err);

/* The file's text: exactly DRAINING_FILE_BYTES bytes. -EINVAL when the record cannot be written down. */
MUST_CHECK int draining_record_format(const struct draining_record *record, char ret_text[static DRAINING_FILE_BYTES],
                                      struct error *err);
/* -EBADMSG when it is not what draining_record_format() makes. */
MUST_CHECK int draining_record_parse(const char *text, size_t len, struct draining_record *ret_record,
                                     struct error *err);
