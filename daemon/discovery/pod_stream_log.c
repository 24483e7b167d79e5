#include "daemon/discovery/pod_stream_log.h"

enum { log_again_ms = 60 * 1000 };

void pod_stream_log_init(struct pod_stream_log *l, const char *what)
{
    *l = (struct pod_stream_log){.what = what, .limit = LOG_LIMIT_INIT(1, log_again_ms)};
}

void pod_stream_log_listed(const struct pod_stream_log *l, size_t pods, int64_t took_ms)
{
    log_info("pods listed", LOG_STR("pods", l->what), LOG_INT("count", pods), LOG_INT("took_ms", took_ms));
}

void pod_stream_log_failure(struct pod_stream_log *l, const char *text, int64_t delay_ms)
{
    uint64_t suppressed = 0;
    bool first = !l->failing;
    l->failing = true;
    if (log_limit_pass(&l->limit, &suppressed) || first)
        log_warn("the API server does not show the pods, trying again", LOG_STR("pods", l->what),
                 LOG_STR("error", text), LOG_INT("in_ms", delay_ms), LOG_INT("suppressed", suppressed));
}

void pod_stream_log_open(struct pod_stream_log *l)
{
    if (l->failing)
        log_info("the API server shows the pods again", LOG_STR("pods", l->what));
    l->failing = false;
}

void pod_stream_log_expired(const struct pod_stream_log *l)
{
    log_debug("the resourceVersion has expired, listing the pods again", LOG_STR("pods", l->what));
}

static bool was_warned(struct pod_stream_log *l, const char *uid)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (const char *c = uid; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619U;
    for (unsigned i = 0; i < POD_STREAM_LOG_WARNED_MAX; i++) {
        if (l->warned.hashes[i] == hash)
            return true;
    }
    l->warned.hashes[l->warned.next++ % POD_STREAM_LOG_WARNED_MAX] = hash;
    return false;
}

void pod_stream_log_skipped(struct pod_stream_log *l, const struct pod_parsed *pod)
{
    if (!was_warned(l, pod->uid))
        log_warn("a pod is left out", LOG_STR("pods", l->what), LOG_STR("error", pod->skipped.text));
}
