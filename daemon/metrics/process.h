#pragma once

#include <stdint.h>

/* What the kernel says of this process; -1 = it does not tell. */
struct process_usage {
    double cpu_s; /* user and system */
    int64_t resident_bytes;
    int64_t virtual_bytes;
    int64_t open_fds;
    int64_t max_fds;
    int64_t threads;
};

void process_usage_get(struct process_usage *ret_usage);
