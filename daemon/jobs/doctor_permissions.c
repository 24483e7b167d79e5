#include "daemon/jobs/doctor_permissions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/discovery/access_review.h"
#include "daemon/jobs/doctor_checks.h"
#include "shared/clock.h"

enum { ask_all_ms = 2000 };

static const struct {
    const char *verb;
    bool lease; /* else pods */
    bool named; /* asked for the one lease: a Role may name it, but creating has no name yet */
} needed[DOCTOR_PERMISSIONS] = {
    {"list", false, false},  {"watch", false, false}, {"get", true, true},
    {"create", true, false}, {"update", true, true},
};

static struct kube_target target_of(size_t row, const char *namespace)
{
    struct kube_target pods = {needed[row].verb, "", "pods", namespace, KUBE_POD_VERBS};
    struct kube_target lease = {needed[row].verb, "coordination.k8s.io", "leases", namespace, KUBE_LEASE_VERBS};
    return needed[row].lease ? lease : pods;
}

/* --- asking */

static int ask(struct access_review *review, size_t row, const struct config *c, int64_t deadline_ms,
               enum doctor_permission *ret_answer, struct error *err)
{
    const struct kube_target target = target_of(row, c->core.podselector.namespace);
    bool allowed;
    int rc = access_review_ask(review, &target, needed[row].named ? c->core.leader_election.lease_name : "",
                               deadline_ms, &allowed, err);
    if (rc == 0)
        *ret_answer = allowed ? DOCTOR_ALLOWED : DOCTOR_DENIED;
    return rc;
}

void doctor_permissions_ask(struct job *job, const struct config *c, bool election, struct doctor_permissions *ret)
{
    struct error err = ERROR_INIT;
    struct access_review *review = NULL;
    int64_t deadline_ms = clock_mono_ms() + ask_all_ms;
    const struct kube_client_options options = {.api_server = c->kubernetes.api_server,
                                                .token_file = c->kubernetes.token_file,
                                                .ca_file = c->kubernetes.ca_file};
    int rc = access_review_new(&review, &options, &err);
    *ret = (struct doctor_permissions){.error = ""};
    for (size_t row = 0; rc == 0 && row < DOCTOR_PERMISSIONS; row++) {
        if (needed[row].lease && !election)
            continue;
        rc = job_should_stop(job) ? error_set(&err, -ECANCELED, "stopped")
                                  : ask(review, row, c, deadline_ms, &ret->answers[row], &err);
    }
    access_review_free(review);
    if (rc < 0)
        (void)snprintf(ret->error, sizeof(ret->error), "%s", err.text);
}

/* --- judging */

/* The verbs with this answer: "list, watch". */
static void name_verbs(const struct doctor_permissions *p, bool lease, enum doctor_permission answer, char text[64])
{
    text[0] = '\0';
    for (size_t row = 0; row < DOCTOR_PERMISSIONS; row++) {
        size_t used = strlen(text);
        if (needed[row].lease == lease && p->answers[row] == answer)
            (void)snprintf(text + used, 64 - used, "%s%s", used == 0 ? "" : ", ", needed[row].verb);
    }
}

/* seen: what the watch or the elector has failed with. */
static void check(const struct doctor_facts *f, bool lease, const char *seen, struct doctor_report *r)
{
    static const char remedy[] = "add it to the Role, as in deploy/role.yaml";
    const char *name = lease ? "access to leases" : "access to pods";
    const struct kube_target t = target_of(lease ? DOCTOR_PERMISSIONS - 1 : 0, f->config->core.podselector.namespace);
    char allowed[64];
    char denied[64];
    char unknown[64];
    name_verbs(&f->permissions, lease, DOCTOR_ALLOWED, allowed);
    name_verbs(&f->permissions, lease, DOCTOR_DENIED, denied);
    name_verbs(&f->permissions, lease, DOCTOR_NOT_ASKED, unknown);
    bool refused = strstr(seen, "403 Forbidden") != NULL;
    if (denied[0] != '\0')
        doctor_add(r, name, DOCTOR_BROKEN, remedy,
                   "may not %s %s in namespace %s; the Role there needs apiGroups: [\"%s\"], resources: [\"%s\"], "
                   "verbs: [%s]",
                   denied, t.resource, t.namespace, t.group, t.resource, t.verbs);
    else if (unknown[0] == '\0')
        doctor_add(r, name, DOCTOR_OK, "", "%s allowed in namespace %s", allowed, t.namespace);
    else
        doctor_add(r, name, refused ? DOCTOR_BROKEN : DOCTOR_OK, refused ? remedy : "",
                   "%s; the API server could not be asked: %s", refused ? seen : "nothing was refused so far",
                   f->permissions.error);
}

void doctor_check_permissions(const struct doctor_facts *f, struct doctor_report *r)
{
    if (f->has_pods)
        check(f, false, f->pods.core.error[0] != '\0' ? f->pods.core.error : f->pods.others.error, r);
    if (f->has_election)
        check(f, true, f->election.error, r);
}
