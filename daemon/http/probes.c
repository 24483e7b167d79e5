#include "daemon/http/probes.h"

#include <stddef.h>

#include "shared/json_writer.h"

static const char *backends_message(const struct admin_backends *b)
{
    if (b->online == b->total)
        return "all backends online";
    return b->online == 0 ? "all backends offline" : "some backends offline";
}

/* Somebody is there and traffic is served, only the admin interface does not answer. */
static bool is_degraded(const struct health_snapshot *h)
{
    return h->admin == ADMIN_STUCK && h->traffic == TRAFFIC_GREETS;
}

static bool tolerated(const struct probe_question *q)
{
    return q->wedge_tolerance_s == 0 ||
           health_snapshot_unexplained_ms(q->health, q->now_ms) <= q->wedge_tolerance_s * 1000;
}

static const char *failure_message(const struct health_snapshot *h)
{
    switch (h->admin) {
    case ADMIN_UNKNOWN:
        return "ProxySQL was not asked yet";
    case ADMIN_STUCK:
        return "the admin interface does not answer";
    case ADMIN_REFUSED:
        return "ProxySQL cannot be reached";
    case ADMIN_ANSWERS:
    default:
        return "ProxySQL has not answered in this life";
    }
}

/* While admin does not answer, having started counts only as long as traffic is served. */
static void decide_startup(const struct probe_question *q, struct probe_answer *a)
{
    const struct health_snapshot *h = q->health;
    bool good = h->started && (h->admin == ADMIN_ANSWERS || is_degraded(h));
    a->http_status = good ? 200 : 502;
    a->message = good ? "ok" : failure_message(h);
}

/* A satellite that never had its configuration in this life. */
static bool is_gated(const struct probe_question *q)
{
    return q->kind == PROBE_READINESS && q->health->gate != SYNC_GATE_OPEN;
}

/* Readiness and liveness while nobody drains. */
static void decide_health(const struct probe_question *q, struct probe_answer *a)
{
    const struct health_snapshot *h = q->health;
    a->degraded = is_degraded(h);
    bool good = h->admin == ADMIN_ANSWERS || (a->degraded && (q->kind == PROBE_READINESS || tolerated(q)));
    a->http_status = good ? 200 : 503;
    a->message = good ? backends_message(&h->backends) : failure_message(h);
    if (good && is_gated(q)) {
        a->http_status = 503;
        a->message = "waiting for the configuration of a core";
    }
}

static void decide_draining(const struct probe_question *q, struct probe_answer *a)
{
    a->degraded = is_degraded(q->health);
    a->http_status = q->kind == PROBE_READINESS ? 503 : 200;
    a->message = q->phase >= PHASE_STOPPING ? "shutting down" : "draining traffic";
}

void probe_decide(const struct probe_question *q, struct probe_answer *a)
{
    const struct health_snapshot *h = q->health;
    *a = (struct probe_answer){
        .draining = q->draining_file || q->phase >= PHASE_DRAINING,
        .since_s = h->admin == ADMIN_STUCK || h->admin == ADMIN_REFUSED ? (q->now_ms - h->admin_since_ms) / 1000 : 0,
        .age_ms = h->at_ms == 0 ? -1 : q->now_ms - h->at_ms,
    };
    if (q->kind == PROBE_STARTUP)
        decide_startup(q, a);
    else if (a->draining)
        decide_draining(q, a);
    else
        decide_health(q, a);
    a->status = a->http_status == 200 ? "ok" : a->http_status == 503 && a->draining ? "draining" : "error";
}

static void write_backends(struct json_writer *w, const struct admin_backends *b)
{
    json_object_begin(w, "backends");
    json_int(w, "online", b->online);
    json_int(w, "shunned", b->shunned);
    json_int(w, "total", b->total);
    json_object_end(w);
}

static void write_health(struct json_writer *w, const struct probe_question *q, const struct probe_answer *a)
{
    write_backends(w, &q->health->backends);
    json_str(w, "status", a->status);
    json_str(w, "message", a->message);
    json_str(w, "probe", q->kind == PROBE_READINESS ? "readiness" : "liveness");
    json_int(w, "clients", q->health->node.clients);
    json_bool(w, "draining", a->draining);
    json_int(w, "age_ms", a->age_ms);
    json_bool(w, "degraded", a->degraded);
    json_int(w, "since_s", a->since_s);
    bool tells_gate = q->health->reason[0] == '\0' && is_gated(q);
    json_str(w, "reason", tells_gate ? sync_gate_reason(q->health->gate) : q->health->reason);
}

/* The reference agent's startup body is these two fields; why it fails is added. */
static void write_startup(struct json_writer *w, const struct probe_question *q, const struct probe_answer *a)
{
    json_str(w, "message", a->message);
    json_str(w, "status", a->status);
    if (a->http_status == 200)
        return;
    json_str(w, "probe", "startup");
    json_int(w, "age_ms", a->age_ms);
    json_int(w, "since_s", a->since_s);
    json_str(w, "reason", q->health->reason);
}

int probe_write(const struct probe_question *q, const struct probe_answer *a, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_begin(&w, NULL);
    if (q->kind == PROBE_STARTUP)
        write_startup(&w, q, a);
    else
        write_health(&w, q, a);
    json_object_end(&w);
    return json_writer_end(&w);
}
