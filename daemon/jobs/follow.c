#include "daemon/jobs/reconcile_pass.h"

#include <string.h>

#include "daemon/cluster/wanted.h"
#include "daemon/jobs/other_node.h"
#include "shared/clock.h"

enum {
    introduce_ms = 5000, /* how long a follower waits for the leader to name it */
    introduce_look_ms = 1000,
};

/* The rows of the leader and of this core, as far as they are members. */
struct pair {
    struct member leader;
    struct member own;
};

static const struct member *row_of(const struct pass *p, const struct pod *pod)
{
    uint16_t port = pod->port != 0 ? pod->port : p->context->admin_port;
    return member_list_find(&p->wanted, pod->ip, port);
}

static bool find_pair(struct pass *p, struct pair *ret_pair)
{
    char uid[LEASE_HOLDER_MAX + 1];
    const struct pod *leader = NULL;
    const struct pod *own = wanted_own_pod(p->view->pods, p->view->count);
    elector_get_leader_uid(pod_watch_elector(p->context->pods), uid);
    for (size_t i = 0; i < p->view->count; i++) {
        if (strcmp(p->view->pods[i].uid, uid) == 0)
            leader = &p->view->pods[i];
    }
    const struct member *leader_row = leader != NULL ? row_of(p, leader) : NULL;
    const struct member *own_row = own != NULL ? row_of(p, own) : NULL;
    if (leader_row == NULL || own_row == NULL || leader == own)
        return false;
    *ret_pair = (struct pair){.leader = *leader_row, .own = *own_row};
    return true;
}

/* With another living core in its list this node follows the leader's by cluster sync. */
static bool knows_living_core(const struct pass *p)
{
    const struct pod *own = wanted_own_pod(p->view->pods, p->view->count);
    const struct member *own_row = own != NULL ? row_of(p, own) : NULL;
    for (size_t i = 0; i < p->wanted.count; i++) {
        const struct member *m = &p->wanted.items[i];
        if (m != own_row && member_list_find(&p->runtime, m->host, m->port) != NULL)
            return true;
    }
    return false;
}

/* The leader's list when it names this core: the same checksum, so that no node sees two lists. 1: it does not yet. */
static int copy_of_leader(struct pass *p, const struct pair *pair, struct member_list *ret_members)
{
    struct error ignored = ERROR_INIT; /* without it the two rows are written in the end */
    cleanup_members struct member_list members = {0};
    int rc = other_node_read_members(p->context, p->to.job, pair->leader.host, pair->leader.port, &members, &ignored);
    if (rc < 0 || member_list_find(&members, pair->own.host, pair->own.port) == NULL ||
        member_list_find(&members, pair->leader.host, pair->leader.port) == NULL)
        return 1;
    *ret_members = members;
    members = (struct member_list){0};
    return 0;
}

static int add_pair(const struct pair *pair, struct member_list *members, struct error *err)
{
    int rc = member_list_add(members, &pair->leader, err);
    return rc == 0 ? member_list_add(members, &pair->own, err) : rc;
}

/* introduction_note: a follower that nobody would tell of the others writes the leader's row and its own, and cluster
 * sync does the rest. A list of its own is newer than the leader's, though, so that the leader's node would pull it and
 * write again: it waits a moment for the leader to name it, and writes exactly that list. */
static int introduce(struct pass *p, struct error *err)
{
    struct reconcile_state *s = p->state;
    cleanup_members struct member_list members = {0};
    struct pair pair;
    if (!find_pair(p, &pair))
        return 0;
    int rc = copy_of_leader(p, &pair, &members);
    if (rc == 1 && clock_mono_ms() - s->alone_ms < introduce_ms) {
        job_again_in(p->to.job, introduce_look_ms);
        return 0;
    }
    if (pass_must_wait(p))
        return 0;
    int confirmed = pass_is_explained(p) ? 0 : pass_confirm(p, err);
    if (confirmed < 0 || !find_pair(p, &pair))
        return confirmed;
    rc = rc == 1 ? add_pair(&pair, &members, err) : 0;
    if (rc < 0)
        return rc;
    member_list_fini(&p->wanted);
    p->wanted = members;
    members = (struct member_list){0};
    rc = pass_is_settled(p) ? 0 : pass_write(p, LOAD_FOLLOWER, err);
    if (rc == 0)
        job_set_summary(p->to.job, "%zu members written and loaded, the leader and this core among them",
                        p->wanted.count);
    return rc;
}

/* What satellites became Running while another core led was that one's to accept, but for its last moments. */
int pass_follow(struct pass *p, struct error *err)
{
    struct reconcile_state *s = p->state;
    int64_t now_ms = clock_mono_ms();
    int64_t handover_ms = 2 * p->context->config->core.leader_election.lease_duration * 1000;
    if (s->accept_from_ms != 0 && s->accept_from_ms < now_ms - handover_ms)
        s->accept_from_ms = now_ms - handover_ms;
    job_set_summary(p->to.job, "nothing to do: another core leads and writes the members");
    if (knows_living_core(p)) {
        s->alone_ms = 0;
        return 0;
    }
    if (s->alone_ms == 0)
        s->alone_ms = now_ms;
    return introduce(p, err);
}
