/* proxysql-agentctl: one command to the agent on this machine, see proxysql-agentctl(1). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/completion.h"
#include "ctl/help.h"
#include "ctl/options.h"
#include "ctl/progress.h"
#include "ctl/render.h"
#include "shared/clock.h"
#include "shared/json_writer.h"

enum { timeout_s = 10, watch_interval_s = 2, printed_bytes_max = 256 * 1024 };

static bool wants_color(const struct options *o, int fd)
{
    const char *term = getenv("TERM");
    return o->color && isatty(fd) == 1 && getenv("NO_COLOR") == NULL && (term == NULL || strcmp(term, "dumb") != 0);
}

static int print_json(const struct msgpack_object *result)
{
    struct json_writer w;
    cleanup_buf struct buf out;
    buf_init(&out, SCREEN_BYTES_MAX);
    json_writer_init(&w, &out);
    tree_write_json(result, &w, NULL);
    int rc = json_writer_end(&w);
    if (rc == 0)
        rc = buf_puts(&out, "\n");
    if (rc == 0 && fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0)
        return EXIT_DONE;
    (void)fprintf(stderr, "proxysql-agentctl: cannot write to standard output\n");
    return EXIT_REFUSED;
}

static int print_result(const struct options *o, const struct msgpack_object *result, bool clear)
{
    struct screen screen;
    if (o->json)
        return print_json(result);
    screen_init(&screen, wants_color(o, STDOUT_FILENO));
    if (clear)
        (void)fputs("\033[H\033[2J", stdout);
    renderers[command_id_of(o->command)](result, &screen);
    bool written = screen_flush(&screen);
    screen_fini(&screen);
    if (written)
        return EXIT_DONE;
    (void)fprintf(stderr, "proxysql-agentctl: cannot write to standard output\n");
    return EXIT_REFUSED;
}

/* The agent's refusal: in words for a human, as it came for a program. */
static int print_error(const struct options *o, const struct msgpack_object *error)
{
    struct screen screen;
    const char *hint = tree_text(error, "hint");
    if (o->json)
        (void)print_json(error);
    screen_init(&screen, false);
    screen_print(&screen, COLOR_NONE, "%s", tree_text(error, "message"));
    if (hint[0] != '\0')
        screen_print(&screen, COLOR_NONE, "; %s", hint);
    (void)fprintf(stderr, "proxysql-agentctl: %s: %s\n", o->command->name, screen.out.data);
    screen_fini(&screen);
    return EXIT_REFUSED;
}

static void on_progress(void *arg, const struct msgpack_object *message)
{
    progress_show(arg, message);
}

static int64_t deadline_of(const struct options *o)
{
    if (o->timeout_s == 0 && o->command->is_long)
        return INT64_MAX;
    return clock_mono_ms() + 1000 * (o->timeout_s == 0 ? timeout_s : o->timeout_s);
}

static int status_of_failure(int code)
{
    return code == -ETIMEDOUT || code == -ECONNRESET ? EXIT_UNREACHABLE : EXIT_REFUSED;
}

static int call_once(const struct options *o, struct client *client, bool clear)
{
    struct error err = ERROR_INIT;
    struct answer answer;
    struct progress progress = {.bar = isatty(STDERR_FILENO) == 1};
    int rc = client_call(client, o->command, &o->values, deadline_of(o), on_progress, &progress, &answer, &err);
    progress_end(&progress);
    if (rc < 0) {
        (void)fprintf(stderr, "proxysql-agentctl: %s\n", err.text);
        return status_of_failure(rc);
    }
    int status = answer.kind == MESSAGE_ERROR ? print_error(o, answer.body) : print_result(o, answer.body, clear);
    if (status == EXIT_DONE && answer.kind == MESSAGE_RESULT && render_is_bad(o->command, answer.body))
        status = EXIT_REFUSED;
    answer_fini(&answer);
    return status;
}

static int connect_and_call(const struct options *o, bool clear)
{
    struct client client;
    char why[CLIENT_WHY_SIZE];
    if (client_connect(&client, o->socket, why) < 0) {
        (void)fprintf(stderr, "proxysql-agentctl: cannot reach an agent:\n%s", why);
        return EXIT_UNREACHABLE;
    }
    int status = call_once(o, &client, clear);
    client_close(&client);
    return status;
}

/* Every screen is a connection of its own, so that an agent that restarts is found again. */
static int watch(const struct options *o)
{
    bool clear = isatty(STDOUT_FILENO) == 1 && !o->json;
    int64_t interval_s = command_value(o->command, &o->values, "interval", watch_interval_s);
    for (;;) {
        int status = connect_and_call(o, clear);
        if (status == EXIT_REFUSED)
            return status;
        const struct timespec pause = {.tv_sec = (time_t)interval_s};
        (void)nanosleep(&pause, NULL);
    }
}

static int print_buf(const struct buf *out, int rc)
{
    if (rc == 0 && fwrite(out->data, 1, out->len, stdout) == out->len && fflush(stdout) == 0)
        return EXIT_DONE;
    (void)fprintf(stderr, "proxysql-agentctl: cannot write to standard output\n");
    return EXIT_REFUSED;
}

static int print_help(const struct options *o)
{
    cleanup_buf struct buf out;
    buf_init(&out, printed_bytes_max);
    int rc = help_write(o->command, &out);
    return print_buf(&out, rc);
}

static int print_version(void)
{
    cleanup_buf struct buf out;
    buf_init(&out, printed_bytes_max);
    int rc = buf_printf(&out, "proxysql-agentctl %s\n", PROJECT_VERSION);
    return print_buf(&out, rc);
}

static int print_completion(enum shell shell)
{
    cleanup_buf struct buf out;
    buf_init(&out, printed_bytes_max);
    int rc = completion_write(shell, &out);
    return print_buf(&out, rc);
}

/* A presigned URL is a password. Without a query it holds no secret. */
static void warn_of_secrets(const struct options *o)
{
    const char *url =
        command_id_of(o->command) == COMMAND_DUMP ? command_text(o->command, &o->values, "upload-url") : NULL;
    if (url != NULL && strchr(url, '?') != NULL)
        (void)fprintf(stderr, "proxysql-agentctl: dump: every process on this machine can read --upload-url in the "
                              "command line; dump.upload_url in the agent's configuration file is safer\n");
}

static int run_command(const struct options *o)
{
    warn_of_secrets(o);
    bool watches =
        command_id_of(o->command) == COMMAND_STATUS && command_value(o->command, &o->values, "watch", 0) != 0;
    return watches ? watch(o) : connect_and_call(o, false);
}

int main(int argc, char *argv[])
{
    struct options options;
    struct error err = ERROR_INIT;
    (void)signal(SIGPIPE, SIG_IGN);
    if (options_parse(argc, argv, &options, &err) < 0) {
        (void)fprintf(stderr, "proxysql-agentctl: %s; proxysql-agentctl help says more\n", err.text);
        return EXIT_USAGE;
    }
    switch (options.action) {
    case ACTION_HELP:
        return print_help(&options);
    case ACTION_VERSION:
        return print_version();
    case ACTION_COMPLETION:
        return print_completion(options.shell);
    case ACTION_COMMAND:
        break;
    }
    return run_command(&options);
}
