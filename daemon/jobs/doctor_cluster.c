#include <stdio.h>
#include <string.h>

#include "daemon/cluster/module_tie.h"
#include "daemon/jobs/doctor_checks.h"

/* Checks of the cluster around this node. */

/* Text in the making: "a, b, c". */
static void append(char text[DOCTOR_TEXT_SIZE], const char *item)
{
    size_t used = strlen(text);
    (void)snprintf(text + used, DOCTOR_TEXT_SIZE - used, "%s%s", used == 0 ? "" : ", ", item);
}

static void check_versions(const struct doctor_facts *f, struct doctor_report *r)
{
    char others[DOCTOR_TEXT_SIZE] = "";
    size_t asked = 0;
    for (size_t i = 0; i < f->peer_count; i++) {
        const struct doctor_peer *p = &f->peers[i];
        char item[MEMBER_HOST_SIZE + ADMIN_VERSION_SIZE + 4];
        if (p->error[0] != '\0')
            continue;
        asked++;
        (void)snprintf(item, sizeof(item), "%s has %s", p->host, p->version);
        if (strcmp(p->version, f->health.node.version) != 0)
            append(others, item);
    }
    if (others[0] != '\0')
        doctor_add(r, "cluster versions", DOCTOR_BROKEN,
                   "bring all nodes to one version: nodes of different versions do not sync at all",
                   "this node has %s, %s", f->health.node.version, others);
    else
        doctor_add(r, "cluster versions", DOCTOR_OK, "", "%zu other nodes asked, all like this one", asked);
}

static void check_reachable(const struct doctor_facts *f, struct doctor_report *r)
{
    char evidence[DOCTOR_TEXT_SIZE] = "";
    for (size_t i = 0; i < f->peer_count; i++)
        if (f->peers[i].error[0] != '\0') {
            char item[MEMBER_HOST_SIZE + sizeof(f->peers[i].error) + 4];
            (void)snprintf(item, sizeof(item), "%s: %s", f->peers[i].host, f->peers[i].error);
            append(evidence, item);
        }
    if (evidence[0] == '\0' && f->peers_left_out == 0)
        doctor_add(r, "other nodes", DOCTOR_OK, "", "%zu asked, all answer", f->peer_count);
    else if (evidence[0] == '\0')
        doctor_add(r, "other nodes", DOCTOR_OK, "", "%zu asked, all answer; %zu more were not asked", f->peer_count,
                   f->peers_left_out);
    else
        doctor_add(r, "other nodes", DOCTOR_RISK,
                   "see whether they run, and whether the agent's account may log in there", "%s", evidence);
}

static void check_clocks(const struct doctor_facts *f, struct doctor_report *r)
{
    char evidence[DOCTOR_TEXT_SIZE] = "";
    for (size_t i = 0; i < f->peer_count; i++) {
        const struct doctor_peer *p = &f->peers[i];
        char item[MEMBER_HOST_SIZE + 48];
        if (p->error[0] != '\0' || (p->skew_s <= DOCTOR_SKEW_MAX_S && p->skew_s >= -DOCTOR_SKEW_MAX_S))
            continue;
        (void)snprintf(item, sizeof(item), "%s is %lld s %s", p->host,
                       (long long)(p->skew_s < 0 ? -p->skew_s : p->skew_s), p->skew_s < 0 ? "behind" : "ahead");
        append(evidence, item);
    }
    doctor_add(r, "clocks", evidence[0] == '\0' ? DOCTOR_OK : DOCTOR_RISK,
               "let NTP set the nodes' clocks: who is ahead wins every module", "%s",
               evidence[0] == '\0' ? "no node is more than 2 s off" : evidence);
}

static int64_t newest_version(const struct cluster_view *v, const struct module_state *own)
{
    int64_t newest = own->version;
    for (size_t i = 0; i < v->peer_count; i++)
        if (strcmp(v->peers[i].state.module, own->module) == 0 && v->peers[i].state.version > newest)
            newest = v->peers[i].state.version;
    return newest;
}

static bool has_content(const struct module_state *m)
{
    return strspn(m->checksum, "0x") != strlen(m->checksum);
}

/* Only modules that satellites need, and that have something in them. */
static void check_version_one(const struct doctor_facts *f, struct doctor_report *r)
{
    static const char *const needed[] = {"mysql_users", "mysql_servers_v2", "mysql_query_rules", "proxysql_servers"};
    const struct cluster_view *v = &f->report->view;
    char evidence[DOCTOR_TEXT_SIZE] = "";
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        const struct module_state *own = cluster_view_own(v, needed[i]);
        if (own != NULL && has_content(own) && newest_version(v, own) <= 1)
            append(evidence, needed[i]);
    }
    bool alone = v->members.count <= 1;
    doctor_add(r, "modules to pull", evidence[0] == '\0' || alone ? DOCTOR_OK : DOCTOR_BROKEN,
               "LOAD ... TO RUNTIME on a core (stamp does it): nobody pulls from a node at version 1",
               evidence[0] == '\0' ? "each module was loaded by some node%s"
               : alone             ? "at version 1, but there is no other node: %s"
                                   : "at version 1 on every node, so nobody can pull: %s",
               evidence);
}

static void check_ties(const struct doctor_facts *f, struct doctor_report *r)
{
    const struct cluster_view *v = &f->report->view;
    char evidence[DOCTOR_TEXT_SIZE] = "";
    for (size_t i = 0; i < v->own_count; i++)
        if (module_tied(v, &v->own[i]))
            append(evidence, v->own[i].module);
    doctor_add(r, "epochs", evidence[0] == '\0' ? DOCTOR_OK : DOCTOR_BROKEN,
               "LOAD it TO RUNTIME once more on the node that is right",
               evidence[0] == '\0' ? "no module has one epoch and two contents%s"
                                   : "one epoch, but another checksum on a peer: %s",
               evidence);
}

static void check_names(const struct doctor_facts *f, struct doctor_report *r)
{
    char evidence[DOCTOR_TEXT_SIZE] = "";
    for (size_t i = 0; i < f->name_count; i++) {
        char item[MEMBER_HOST_SIZE + 32];
        (void)snprintf(item, sizeof(item), "%s has %u addresses", f->names[i].host, f->names[i].addresses);
        if (f->names[i].addresses > 1)
            append(evidence, item);
    }
    doctor_add(r, "member names", evidence[0] == '\0' ? DOCTOR_OK : DOCTOR_RISK,
               "members should be pod addresses; a service's name is for the first moments only", "%s",
               evidence[0] == '\0' ? "no member is a name with several addresses" : evidence);
}

static void check_members(const struct doctor_facts *f, struct doctor_report *r)
{
    const struct inspect_report *report = f->report;
    size_t actual = report->view.members.count;
    if (!report->view.checking && actual > 0)
        doctor_add(r, "cluster checks", DOCTOR_RISK, "set admin-cluster_username and admin-cluster_password",
                   "admin-cluster_username is empty: this node looks at nobody");
    if (!report->wanted_known)
        doctor_add(r, "members", DOCTOR_OK, "", "%zu; which should be is not known here", actual);
    else
        doctor_add(r, "members", member_list_equal(&report->wanted, &report->view.members) ? DOCTOR_OK : DOCTOR_RISK,
                   "reconcile writes the difference; members shows it", "%zu, %zu wanted", actual,
                   report->wanted.count);
}

/* The watch's own words say which verb is missing. */
static void check_api(const struct doctor_facts *f, struct doctor_report *r)
{
    static const char remedy[] = "deploy/role.yaml has the Role that a core needs";
    if (!f->has_pods)
        return;
    const struct pod_mirror_stats *s = f->pods.core.error[0] != '\0' ? &f->pods.core : &f->pods.others;
    bool forbidden = strstr(s->error, "403 Forbidden") != NULL || strstr(s->error, "401 Unauthorized") != NULL;
    if (s->error[0] == '\0')
        doctor_add(r, "Kubernetes API", DOCTOR_OK, "", "core pods %s, other pods %s",
                   pod_mirror_state_name(f->pods.core.state), pod_mirror_state_name(f->pods.others.state));
    else
        doctor_add(r, "Kubernetes API", DOCTOR_BROKEN, forbidden ? remedy : "see whether the API server is reachable",
                   "%s", s->error);
}

static void check_election(const struct doctor_facts *f, struct doctor_report *r)
{
    const struct elector_stats *e = &f->election;
    if (!f->has_election)
        return;
    if (e->error[0] != '\0')
        doctor_add(r, "leader election", DOCTOR_BROKEN, "deploy/role.yaml has the lines for leases", "%s", e->error);
    else
        doctor_add(r, "leader election", e->held ? DOCTOR_OK : DOCTOR_RISK,
                   "see whether cores run with core.leader_election.enabled", "%s%s",
                   e->held ? "the lease is held by " : "nobody holds the lease", e->held ? e->holder : "");
}

void doctor_check_cluster(const struct doctor_facts *facts, struct doctor_report *report)
{
    check_api(facts, report);
    doctor_check_permissions(facts, report);
    check_election(facts, report);
    if (facts->report == NULL) {
        doctor_add(report, "cluster", DOCTOR_RISK, "look again when ProxySQL answers", "cannot be checked: %s",
                   facts->report_error);
        return;
    }
    check_members(facts, report);
    check_names(facts, report);
    check_reachable(facts, report);
    check_versions(facts, report);
    check_clocks(facts, report);
    check_version_one(facts, report);
    check_ties(facts, report);
}
