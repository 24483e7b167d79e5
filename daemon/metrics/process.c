#include "daemon/metrics/process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static double seconds(const struct timeval *t)
{
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

/* Entries but . and .. and, in a listing of descriptors, the one that lists. */
static int64_t count_entries(const char *path, int64_t own)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return -1;
    int64_t count = 0;
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count - 2 - own;
}

static void read_memory(struct process_usage *u)
{
    long long size = 0;
    long long resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return;
    if (fscanf(file, "%lld %lld", &size, &resident) == 2) {
        u->virtual_bytes = size * sysconf(_SC_PAGESIZE);
        u->resident_bytes = resident * sysconf(_SC_PAGESIZE);
    }
    (void)fclose(file);
}

void process_usage_get(struct process_usage *ret_usage)
{
    struct process_usage *u = ret_usage;
    struct rusage usage;
    struct rlimit limit;
    *u = (struct process_usage){.cpu_s = -1, .resident_bytes = -1, .virtual_bytes = -1, .max_fds = -1};
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        u->cpu_s = seconds(&usage.ru_utime) + seconds(&usage.ru_stime);
    read_memory(u);
    u->open_fds = count_entries("/proc/self/fd", 1);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        u->max_fds = (int64_t)limit.rlim_cur;
    u->threads = count_entries("/proc/self/task", 0);
}
