#include "proto/command.h"

/* Names of log levels, in the order of enum log_level. */
static const char *const level_names[] = {"DEBUG", "INFO", "WARN", "ERROR", NULL};

/* In the order of enum dump_format and enum dump_compress. */
static const char *const format_names[] = {"csv", "jsonl", NULL};
static const char *const compress_names[] = {"none", "gzip", NULL};

#define LOOKS_ONLY  "Nothing more: the agent only looks."
#define JOB_GOES_ON "The job goes on in the agent; `jobs` tells how it ended."

/* clang-format off */
#define FLAG(name_, summary_)       {.name = (name_), .type = ARGUMENT_FLAG, .summary = (summary_)}
/* How long a request by HTTP waits for the job; the others have --timeout, or --wait. */
#define WAIT_S                                                                                                    \
    {.name = "wait_s", .type = ARGUMENT_INT, .reach = ARGUMENT_HTTP, .max = COMMAND_WAIT_MAX_S, .unit = "seconds", \
     .summary = "Answer 202 when the job has not ended by then."}

const struct command command_table[COMMAND_IDS] = {
    [COMMAND_STATUS] = {
        .name = "status", .summary = "Show everything worth knowing on one screen.",
        .rights = COMMAND_LOOK, .on_interrupt = LOOKS_ONLY,
        .arguments = {
            {.name = "watch", .type = ARGUMENT_FLAG, .reach = ARGUMENT_CTL, .summary = "Show it again and again."},
            {.name = "interval", .type = ARGUMENT_INT, .reach = ARGUMENT_CTL, .min = 1, .max = 3600, .unit = "seconds",
             .summary = "Between two screens of --watch (2)."}}},
    [COMMAND_HEALTH] = {
        .name = "health", .summary = "Ask ProxySQL now and show what the probes go by.",
        .rights = COMMAND_LOOK, .on_interrupt = LOOKS_ONLY},
    [COMMAND_JOBS] = {
        .name = "jobs", .summary = "Show what waits and runs, and how the last job of each kind ended.",
        .rights = COMMAND_LOOK, .on_interrupt = LOOKS_ONLY},
    [COMMAND_MEMBERS] = {
        .name = "members", .summary = "Show the cluster's members: which should be, which are.",
        .rights = COMMAND_LOOK, .on_interrupt = LOOKS_ONLY},
    [COMMAND_CONFIG] = {
        .name = "config", .summary = "Show every setting (secrets masked) and where it comes from.",
        .rights = COMMAND_LOOK, .on_interrupt = LOOKS_ONLY},
    [COMMAND_VERSION] = {
        .name = "version", .summary = "Show the versions of this program, the agent and ProxySQL.",
        .rights = COMMAND_LOOK, .on_interrupt = LOOKS_ONLY},
    [COMMAND_RESYNC] = {
        .name = "resync", .summary = "Satellite: repair now what cluster sync cannot.",
        .rights = COMMAND_CHANGE, .is_long = true, .on_interrupt = JOB_GOES_ON, .http_path = "/api/v1/resync",
        .arguments = {WAIT_S}},
    [COMMAND_RECONCILE] = {
        .name = "reconcile", .summary = "Core: compare the members with the pods and write what differs.",
        .rights = COMMAND_CHANGE, .is_long = true, .on_interrupt = JOB_GOES_ON, .http_path = "/api/v1/reconcile",
        .arguments = {WAIT_S}},
    [COMMAND_STAMP] = {
        .name = "stamp", .summary = "Core: load ProxySQL's configuration file, as the cluster's newest.",
        .rights = COMMAND_CHANGE, .is_long = true, .on_interrupt = JOB_GOES_ON,
        .arguments = {FLAG("dry-run", "Change nothing, show what would change.")}},
    [COMMAND_DUMP] = {
        .name = "dump", .summary = "Write the statistics of queries to files.",
        .rights = COMMAND_CHANGE, .is_long = true, .on_interrupt = JOB_GOES_ON,
        .arguments = {
            FLAG("reset", "Empty them by that, whatever dump.reset says."),
            FLAG("keep", "Leave them as they are, whatever dump.reset says."),
            {.name = "format", .type = ARGUMENT_NAME, .names = format_names, .summary = "In place of dump.format."},
            {.name = "compress", .type = ARGUMENT_NAME, .names = compress_names,
             .summary = "In place of dump.compress."},
            {.name = "dir", .type = ARGUMENT_TEXT, .value = "PATH", .summary = "In place of dump.dir; a folder as the agent sees it."},
            {.name = "max-bytes", .type = ARGUMENT_INT, .max = INT64_C(1) << 50, .unit = "bytes",
             .summary = "In place of dump.max_bytes."},
            {.name = "upload-url", .type = ARGUMENT_TEXT, .value = "URL",
             .summary = "In place of dump.upload_url (empty: none); each process can read it."},
            {.name = "pipe", .type = ARGUMENT_TEXT, .value = "PATH",
             .summary = "Into this named pipe, which somebody reads, not into files."},
            {.name = "proxysql", .type = ARGUMENT_TEXT, .value = "HOST:PORT",
             .summary = "Refuse unless this is the agent's proxysql.address."}}},
    [COMMAND_DRAIN] = {
        .name = "drain", .summary = "Send the clients away, then let this pod be stopped.",
        .rights = COMMAND_CHANGE, .is_long = true,
        .on_interrupt = "The drain goes on; `undrain` takes one for maintenance back.",
        .http_path = "/api/v1/drain",
        .arguments = {
            {.name = "wait", .type = ARGUMENT_FLAG, .reach = ARGUMENT_CONTROL,
             .summary = "Wait for the end and show how far it is."},
            FLAG("maintenance", "Keep ProxySQL and the agent running; `undrain` takes it back."),
            {.name = "delay", .type = ARGUMENT_INT, .max = 3600, .unit = "seconds", .http_name = "delay_s",
             .summary = "Before the traffic port is closed, in place of the setting."},
            WAIT_S}},
    [COMMAND_UNDRAIN] = {
        .name = "undrain", .summary = "Take a drain for maintenance back.",
        .rights = COMMAND_CHANGE, .is_long = true, .on_interrupt = JOB_GOES_ON, .http_path = "/api/v1/undrain",
        .arguments = {WAIT_S}},
    [COMMAND_LOG_LEVEL] = {
        .name = "log-level", .summary = "Log from this level on, until the next reload or restart.",
        .rights = COMMAND_CHANGE, .on_interrupt = "The level may have changed already.",
        .http_path = "/api/v1/log-level",
        .arguments = {{.name = "level", .type = ARGUMENT_NAME, .positional = true, .names = level_names,
                       .summary = "The least important lines to write."}}},
    [COMMAND_RELOAD] = {
        .name = "reload", .summary = "Read the configuration again, take over what can change in life.",
        .rights = COMMAND_CHANGE, .on_interrupt = "The reload goes on; `config` tells what is in force.",
        .http_path = "/api/v1/reload", .arguments = {WAIT_S}},
    [COMMAND_DOCTOR] = {
        .name = "doctor", .summary = "Check what a human would check, with evidence and remedy.",
        .rights = COMMAND_LOOK, .is_long = true, .on_interrupt = LOOKS_ONLY},
};
/* clang-format on */
