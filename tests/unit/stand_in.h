#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "shared/compiler.h"

/*
 * The stand-in for ProxySQL (tests/fakes/proxysql) as a child process of a test, its knobs turned through its control
 * socket. Whatever goes wrong here ends the test. One stand-in belongs to one thread.
 */
struct stand_in {
    pid_t pid;
    int control_fd;
    uint16_t admin_port;
    uint16_t traffic_port;
    char folder[64]; /* temporary, for the control socket; removed at the end */
};

enum { STAND_IN_ANSWER_SIZE = 64 * 1024 };

/* Start it on free ports with more flags ("--auth", "caching_sha2"..., NULL at the end; NULL = none). */
void stand_in_start(struct stand_in *s, const char *const *flags);

/* End the process; its ports stay known. */
void stand_in_stop(struct stand_in *s);

/* A new life on the same ports. */
void stand_in_restart(struct stand_in *s, const char *const *flags);

/* Send one command that must be answered "ok". */
void stand_in_tell(struct stand_in *s, const char *fmt, ...) PRINTF_FORMAT(2, 3);

/* The integer `field` of a command's answer. */
int64_t stand_in_number(struct stand_in *s, const char *command, const char *field);

/* Ask again and again until the field has at least (at most) this value. */
void stand_in_wait_min(struct stand_in *s, const char *command, const char *field, int64_t min);
void stand_in_wait_max(struct stand_in *s, const char *command, const char *field, int64_t max);
