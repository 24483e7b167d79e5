#include "daemon/cluster/leadership.h"

#include <string.h>

#include "shared/clock.h"

void leadership_init(struct leadership *l, const struct leadership_rules *rules)
{
    *l = (struct leadership){.rules = *rules};
}

const char *leadership_step_name(enum leadership_step step)
{
    static const char *const names[] = {
        [LEADERSHIP_WAIT] = "waiting", [LEADERSHIP_READ] = "reading",      [LEADERSHIP_CREATE] = "creating",
        [LEADERSHIP_TAKE] = "taking",  [LEADERSHIP_RELEASE] = "releasing",
    };
    return names[step];
}

bool leadership_leads(const struct leadership *l, int64_t now_ms)
{
    return l->leading && now_ms - l->renewed_ms < l->rules.renew_ms;
}

bool leadership_is_ours(const struct leadership *l)
{
    return l->known && l->exists && l->identity[0] != '\0' && strcmp(l->record.holder, l->identity) == 0;
}

/* As long as its holder says; ours says as long as the settings do. */
static int64_t expiry_ms(const struct leadership *l)
{
    int64_t lasts_ms = l->record.duration_s > 0 ? (int64_t)l->record.duration_s * 1000 : l->rules.lease_ms;
    return l->seen_ms + lasts_ms;
}

bool leadership_is_held(const struct leadership *l, int64_t now_ms)
{
    return l->known && l->exists && l->record.holder[0] != '\0' && now_ms < expiry_ms(l);
}

static enum leadership_step next_write(const struct leadership *l, enum leadership_standing standing, int64_t now_ms)
{
    if (l->identity[0] == '\0' || (standing == LEADERSHIP_KEEP && !leadership_is_ours(l)))
        return LEADERSHIP_READ;
    if (!l->exists)
        return LEADERSHIP_CREATE;
    return leadership_is_ours(l) || !leadership_is_held(l, now_ms) ? LEADERSHIP_TAKE : LEADERSHIP_READ;
}

enum leadership_step leadership_next(struct leadership *l, enum leadership_standing standing, int64_t now_ms)
{
    bool resigned = standing == LEADERSHIP_RESIGN;
    if (l->leading && (resigned || !leadership_leads(l, now_ms))) {
        l->leading = false;
        l->due_ms = now_ms;
        l->must_read = l->must_read || !resigned; /* another may have taken it by now */
    }
    if (now_ms < l->due_ms)
        return LEADERSHIP_WAIT;
    if (!l->known || l->must_read)
        return LEADERSHIP_READ;
    enum leadership_step step = next_write(l, standing, now_ms);
    if (resigned)
        step = leadership_is_ours(l) ? LEADERSHIP_RELEASE : LEADERSHIP_READ;
    if (step != LEADERSHIP_READ || now_ms >= l->read_due_ms)
        return step;
    l->due_ms = l->read_due_ms;
    return LEADERSHIP_WAIT;
}

void leadership_spec(const struct leadership *l, enum leadership_step step, int64_t real_us, struct lease *ret_lease)
{
    struct lease lease = {.duration_s = (int32_t)(l->rules.lease_ms / 1000)};
    bool ours = leadership_is_ours(l);
    if (l->exists)
        lease.transitions = l->record.transitions;
    clock_format_micro(real_us, lease.renew_time);
    memcpy(lease.acquire_time, ours ? l->record.acquire_time : lease.renew_time, LEASE_TIME_SIZE);
    if (step == LEADERSHIP_RELEASE) {
        lease.duration_s = 1; /* as client-go leaves it: free for whoever comes next */
    } else {
        memcpy(lease.holder, l->identity, sizeof(lease.holder));
        if (l->exists && !ours && lease.transitions < INT32_MAX)
            lease.transitions++;
    }
    *ret_lease = lease;
}

static bool is_same(const struct lease *a, const struct lease *b)
{
    return strcmp(a->holder, b->holder) == 0 && strcmp(a->renew_time, b->renew_time) == 0 &&
           strcmp(a->acquire_time, b->acquire_time) == 0 && a->duration_s == b->duration_s &&
           a->transitions == b->transitions;
}

/* Labels and annotations may change without the holder's doing: only the spec is his word. */
static void see(struct leadership *l, const struct lease *lease, int64_t now_ms)
{
    bool changed = !l->known || l->exists != (lease != NULL) || (lease != NULL && !is_same(lease, &l->record));
    if (changed)
        l->seen_ms = now_ms;
    l->known = true;
    l->must_read = false;
    l->exists = lease != NULL;
    if (lease != NULL)
        l->record = *lease;
    if (!leadership_is_ours(l))
        l->leading = false;
}

void leadership_was_read(struct leadership *l, const struct lease *lease, int64_t spread_ms, int64_t sent_ms,
                         int64_t now_ms)
{
    see(l, lease, now_ms);
    l->due_ms = now_ms;
    l->read_due_ms = sent_ms + l->rules.retry_ms - spread_ms;
    if (leadership_is_ours(l) || !leadership_is_held(l, now_ms))
        return;
    l->due_ms = l->read_due_ms;
    if (expiry_ms(l) < l->due_ms)
        l->due_ms = expiry_ms(l);
}

void leadership_was_written(struct leadership *l, const struct lease *lease, int64_t sent_ms, int64_t now_ms)
{
    bool led = l->leading;
    see(l, lease, now_ms);
    l->conflicts = 0;
    l->leading = leadership_is_ours(l);
    l->due_ms = sent_ms + l->rules.retry_ms;
    if (!l->leading)
        return;
    l->renewed_ms = sent_ms;
    l->term += led ? 0 : 1;
}

void leadership_conflict(struct leadership *l, int64_t now_ms)
{
    l->must_read = true;
    l->due_ms = l->conflicts++ == 0 ? now_ms : now_ms + l->rules.retry_ms;
}

void leadership_failed(struct leadership *l, int64_t delay_ms, int64_t now_ms)
{
    l->due_ms = now_ms + (leadership_leads(l, now_ms) && delay_ms > l->rules.retry_ms ? l->rules.retry_ms : delay_ms);
}
