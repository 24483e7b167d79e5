#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/jobs/doctor_permissions.h"
#include "daemon/jobs/job_table.h"

/*
 * What a human would check on a node and its cluster, each as a pure function of what was found: a verdict, the
 * evidence, the remedy. The job (doctor.h) finds; nothing here asks anybody.
 */
enum doctor_verdict { DOCTOR_OK, DOCTOR_RISK, DOCTOR_BROKEN };

enum { DOCTOR_FINDINGS_MAX = 64, DOCTOR_TEXT_SIZE = 320, DOCTOR_PEERS_MAX = 64, DOCTOR_NAMES_MAX = 16 };

/* Clocks of two nodes may differ by so much before epochs, which are whole seconds, may be in the wrong order. */
enum { DOCTOR_SKEW_MAX_S = 2 };

struct doctor_finding {
    const char *check; /* the check's name, a constant */
    enum doctor_verdict verdict;
    char evidence[DOCTOR_TEXT_SIZE];
    const char *remedy; /* what to do about it, a constant; "" when all is well */
};

struct doctor_report {
    int64_t at_ms; /* monotonic, when it was made; 0 = never */
    size_t count;
    struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
};

/* What another node said when it was asked on its admin port. */
struct doctor_peer {
    char host[MEMBER_HOST_SIZE];
    uint16_t port;
    char error[128]; /* why it did not, "" = it did */
    char version[ADMIN_VERSION_SIZE];
    int64_t skew_s; /* its wall clock minus ours */
};

/* A name among the members, and how many addresses it has. */
struct doctor_name {
    char host[MEMBER_HOST_SIZE];
    unsigned addresses;
};

/* Everything that was found. */
struct doctor_facts {
    const struct config *config;
    const char *secret_in_flag; /* the setting's key; NULL = none */
    struct health_snapshot health;
    enum phase phase;
    bool draining_file;
    struct drain_stats drain;
    struct db_pool_stats pool;
    struct job_kind_stats jobs[JOB_IDS];
    bool has_pods;
    struct pod_watch_stats pods;
    bool has_election;
    struct elector_stats election;
    struct doctor_permissions permissions; /* with has_pods */
    int32_t grace_s;                       /* of the own pod; 0 = not known */
    const struct inspect_report *report;   /* NULL: could not be read, see report_error */
    const char *report_error;
    size_t peer_count;
    size_t peers_left_out; /* beyond DOCTOR_PEERS_MAX */
    struct doctor_peer peers[DOCTOR_PEERS_MAX];
    size_t name_count;
    struct doctor_name names[DOCTOR_NAMES_MAX];
};

/* Add a finding; beyond DOCTOR_FINDINGS_MAX they are left out. */
void doctor_add(struct doctor_report *report, const char *check, enum doctor_verdict verdict, const char *remedy,
                const char *evidence, ...) PRINTF_FORMAT(5, 6);

/* The checks of the agent and its node, of the cluster around it, and of what the API server lets it do. */
void doctor_check_node(const struct doctor_facts *facts, struct doctor_report *report);
void doctor_check_cluster(const struct doctor_facts *facts, struct doctor_report *report);
void doctor_check_permissions(const struct doctor_facts *facts, struct doctor_report *report);

/* "ok", "risk", "broken" */
const char *doctor_verdict_name(enum doctor_verdict verdict);
