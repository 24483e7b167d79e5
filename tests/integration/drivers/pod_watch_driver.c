/*
 * The pod watch alone, for the integration tests: `pod-watch-driver URL TOKEN_FILE CA_FILE [KEY=MS...]` watches
 * namespace proxysql, app proxysql, component core, and writes one JSON object a line. Every change gives
 * {"changes":BITS}. Commands on standard input: "view" answers with the view and the pods, "counts" with the view
 * alone, "stats" with the streams' numbers, "confirm MS" lists the core pods again within MS. The input's end stops it;
 * the last line says how long that took.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/discovery/pod_watch.h"
#include "shared/clock.h"
#include "shared/json_writer.h"
#include "shared/log.h"
#include "shared/str.h"

enum { LINE_MAX_BYTES = 64 * 1024 * 1024, CONFIRM_MS = 5000 };

static void print(const struct buf *line)
{
    (void)printf("%s\n", line->data);
    (void)fflush(stdout);
}

static void begin_line(struct buf *line, struct json_writer *w)
{
    buf_init(line, LINE_MAX_BYTES);
    json_writer_init(w, line);
    json_object_begin(w, NULL);
}

static void end_line(struct buf *line, struct json_writer *w)
{
    json_object_end(w);
    int rc = json_writer_end(w);
    assert(rc == 0);
    (void)rc;
    print(line);
    buf_fini(line);
}

static void on_change(void *arg, unsigned changes)
{
    (void)arg;
    struct buf line;
    struct json_writer w;
    begin_line(&line, &w);
    json_int(&w, "changes", changes);
    json_int(&w, "at_ms", clock_mono_ms());
    end_line(&line, &w);
}

static void write_pod(struct json_writer *w, const struct pod *pod)
{
    static const char *const phases[] = {
        [POD_PENDING] = "Pending", [POD_RUNNING] = "Running", [POD_SUCCEEDED] = "Succeeded",
        [POD_FAILED] = "Failed",   [POD_UNKNOWN] = "Unknown",
    };
    json_object_begin(w, NULL);
    json_str(w, "uid", pod->uid);
    json_str(w, "name", pod->name);
    json_str(w, "ip", pod->ip);
    json_str(w, "phase", phases[pod->phase]);
    json_bool(w, "terminating", pod->terminating);
    json_bool(w, "ready", pod->ready);
    json_bool(w, "is_core", pod->is_core);
    json_bool(w, "own", pod->own);
    json_int(w, "grace_s", pod->grace_s);
    json_int(w, "running_since_ms", pod->running_since_ms);
    json_object_end(w);
}

static void say_view(struct pod_watch *watch, bool with_pods)
{
    struct buf line;
    struct json_writer w;
    struct pod_view *view = pod_watch_snapshot(watch);
    begin_line(&line, &w);
    json_bool(&w, "complete", view->complete);
    json_bool(&w, "others_complete", view->others_complete);
    json_bool(&w, "confirmed", view->confirmed);
    json_int(&w, "confirmed_ms", view->confirmed_ms);
    json_int(&w, "listed_ms", view->listed_ms);
    json_int(&w, "age_ms", view->age_ms);
    json_int(&w, "version", (int64_t)view->version);
    json_int(&w, "core_version", (int64_t)view->core_version);
    json_int(&w, "count", (int64_t)view->count);
    json_array_begin(&w, "pods");
    for (size_t i = 0; with_pods && i < view->count; i++)
        write_pod(&w, &view->pods[i]);
    json_array_end(&w);
    pod_view_free(view);
    end_line(&line, &w);
}

static void write_stream(struct json_writer *w, const char *key, const struct pod_mirror_stats *stats)
{
    json_object_begin(w, key);
    json_str(w, "state", pod_mirror_state_name(stats->state));
    json_int(w, "pods", (int64_t)stats->pods);
    json_int(w, "lists", (int64_t)stats->lists);
    json_int(w, "watches", (int64_t)stats->watches);
    json_int(w, "events", (int64_t)stats->events);
    json_int(w, "bookmarks", (int64_t)stats->bookmarks);
    json_int(w, "expired", (int64_t)stats->expired);
    json_int(w, "failures", (int64_t)stats->failures);
    json_int(w, "skipped", (int64_t)stats->skipped);
    json_int(w, "limits", (int64_t)stats->limits);
    json_str(w, "error", stats->error);
    json_object_end(w);
}

static void say_stats(struct pod_watch *watch)
{
    struct buf line;
    struct json_writer w;
    struct pod_watch_stats stats;
    pod_watch_get_stats(watch, &stats);
    begin_line(&line, &w);
    write_stream(&w, "core", &stats.core);
    write_stream(&w, "others", &stats.others);
    end_line(&line, &w);
}

static void confirm(struct pod_watch *watch, int64_t timeout_ms)
{
    struct buf line;
    struct json_writer w;
    struct error err = ERROR_INIT;
    int64_t began_ms = clock_mono_ms();
    int rc = pod_watch_confirm(watch, began_ms, began_ms + timeout_ms, &err);
    begin_line(&line, &w);
    json_int(&w, "confirm", rc);
    json_str(&w, "error", err.text);
    json_int(&w, "took_ms", clock_mono_ms() - began_ms);
    end_line(&line, &w);
}

static void obey(struct pod_watch *watch, const char *command)
{
    int64_t timeout_ms = CONFIRM_MS;
    if (strcmp(command, "view") == 0 || strcmp(command, "counts") == 0)
        say_view(watch, command[0] == 'v');
    else if (strcmp(command, "stats") == 0)
        say_stats(watch);
    else if (strncmp(command, "confirm ", 8) == 0 && str_to_int(command + 8, 0, 60000, &timeout_ms) == 0)
        confirm(watch, timeout_ms);
}

struct setting {
    const char *key;
    int64_t *value;
};

static void set(const struct setting *settings, size_t count, const char *argument)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(settings[i].key);
        if (strncmp(argument, settings[i].key, len) == 0 && argument[len] == '=' &&
            str_to_int(argument + len + 1, 0, INT32_MAX, settings[i].value) == 0)
            return;
    }
    (void)fprintf(stderr, "not known: %s\n", argument);
    exit(EXIT_FAILURE);
}

int main(int argc, char *argv[])
{
    if (argc < 4)
        return EXIT_FAILURE;
    struct pod_stream_patience patience = pod_stream_usual_patience;
    struct pod_watch_options options = {.api_server = argv[1],
                                        .token_file = argv[2],
                                        .ca_file = argv[3],
                                        .namespace = "proxysql",
                                        .app = "proxysql",
                                        .component = "core",
                                        .confirm_ms = 1000,
                                        .on_change = on_change,
                                        .patience = &patience};
    const struct setting settings[] = {
        {"list_ms", &patience.list_ms}, {"open_ms", &patience.open_ms},   {"silent_ms", &patience.silent_ms},
        {"watch_s", &patience.watch_s}, {"slack_ms", &patience.slack_ms}, {"confirm_ms", &options.confirm_ms},
    };
    for (int i = 4; i < argc; i++)
        set(settings, ARRAY_LEN(settings), argv[i]);
    log_configure(&(struct log_options){.level = LOG_LEVEL_DEBUG, .format = LOG_FORMAT_JSON, .fd = 2});

    struct pod_watch *watch;
    struct error err = ERROR_INIT;
    if (pod_watch_start(&watch, &options, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return EXIT_FAILURE;
    }
    char command[64];
    while (fgets(command, sizeof(command), stdin) != NULL) {
        command[strcspn(command, "\n")] = '\0';
        obey(watch, command);
    }
    int64_t began_us = clock_mono_us();
    pod_watch_stop(watch);
    (void)printf("{\"stopped_us\":%lld}\n", (long long)(clock_mono_us() - began_us));
    pod_watch_free(watch);
    return EXIT_SUCCESS;
}
