#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/agent.h"
#include "daemon/config/live.h"
#include "daemon/config/show.h"
#include "daemon/dump_mode.h"
#include "daemon/proxysql/db_library.h"
#include "daemon/status/status.h"
#include "shared/buf.h"
#include "shared/clock.h"
#include "shared/log.h"

enum { printed_bytes_max = 256 * 1024 };
/* Enough for a dozen threads that seldom allocate. By default glibc gives each one its own, and what is free in it
 * serves nobody else: 0.4 MB in a core among 2,000 pods. */
enum { malloc_arenas = 2 };
/* A drain keeps to its own budget, of which 2 s are the least: this is for one that does not. */
enum { drain_late_ms = 1000 };

static const int handled_signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};

static void block_signals(sigset_t *ret_set)
{
    (void)sigemptyset(ret_set);
    for (size_t i = 0; i < ARRAY_LEN(handled_signals); i++)
        (void)sigaddset(ret_set, handled_signals[i]);
    (void)sigaddset(ret_set, agent_stop_signal());
    (void)pthread_sigmask(SIG_BLOCK, ret_set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static void configure_log(const struct config *config)
{
    bool taken = config->run_mode == RUN_MODE_DUMP && config->dump.output[0] != '\0';
    int fd = taken ? STDERR_FILENO : STDOUT_FILENO;
    const struct log_options options = {.level = (enum log_level)config->log.level,
                                        .format = (enum log_format)config->log.format,
                                        .source = config->log.source,
                                        .color = isatty(fd) == 1,
                                        .fd = fd};
    log_configure(&options);
}

/* How the agent comes to its end. */
struct stop {
    int64_t deadline_ms; /* monotonic: a signal asked for it, and it must be over by then; 0 = nobody did */
    bool due;            /* the drain has ended, or there is none */
    bool failed;
};

static const char *signal_name(int number)
{
    return number == SIGTERM ? "SIGTERM" : number == SIGINT ? "SIGINT" : "SIGQUIT";
}

static bool drains_on_signal(struct config_live *live)
{
    cleanup_config const struct config *config = config_live_get(live);
    return config->shutdown.drain_on_signal;
}

static int64_t shutdown_timeout_ms(struct config_live *live)
{
    cleanup_config const struct config *config = config_live_get(live);
    return config->shutdown.shutdown_timeout * 1000;
}

/* Ask for the drain. A second signal changes nothing, but SIGQUIT hurries it. */
static void begin_stop(struct agent *agent, struct config_live *live, int number, struct stop *stop)
{
    struct error err = ERROR_INIT;
    log_info("stopping", LOG_STR("signal", signal_name(number)));
    if (!drains_on_signal(live) && !agent_is_stopping(agent)) {
        stop->due = true;
        return;
    }
    if (stop->deadline_ms == 0)
        stop->deadline_ms = clock_mono_ms() + shutdown_timeout_ms(live) + drain_late_ms;
    if (agent_drain(agent, signal_name(number), number == SIGQUIT, &err) == 0)
        return;
    log_error("draining failed", LOG_STR("error", err.text));
    stop->due = stop->failed = true;
}

/* The next signal; 0 when the stop is not over in time, -1 when interrupted. */
static int wait_signal(const sigset_t *signals, const struct stop *stop)
{
    if (stop->deadline_ms == 0)
        return sigwaitinfo(signals, NULL);
    int left_ms = clock_left_ms(stop->deadline_ms);
    const struct timespec timeout = {.tv_sec = left_ms / 1000, .tv_nsec = (long)(left_ms % 1000) * 1000 * 1000};
    int number = sigtimedwait(signals, NULL, &timeout);
    return number < 0 && errno == EAGAIN ? 0 : number;
}

static void handle_signal(struct agent *agent, struct config_live *live, int number, struct stop *stop)
{
    switch (number) {
    case 0:
        log_error("draining failed", LOG_STR("error", "it did not end within shutdown.shutdown_timeout"));
        stop->due = stop->failed = true;
        break;
    case SIGTERM:
    case SIGINT:
    case SIGQUIT:
        begin_stop(agent, live, number, stop);
        break;
    case SIGUSR1:
        agent_log_status(agent);
        break;
    case SIGHUP:
    case SIGUSR2:
        agent_reload(agent);
        break;
    default: /* interrupted, or the drain has ended */
        if (number != agent_stop_signal())
            break;
        stop->due = true;
        stop->failed = !agent_drained_well(agent);
    }
}

static int run(struct config_live *live, int run_mode)
{
    struct error err = ERROR_INIT;
    struct stop stop = {.deadline_ms = 0};
    sigset_t signals;
    block_signals(&signals);
    log_info("proxysql-agent starts", LOG_STR("version", PROJECT_VERSION), LOG_STR("run_mode", run_mode_name(run_mode)),
             LOG_INT("pid", getpid()));
    struct agent *agent = NULL;
    if (db_library_start(&err) < 0 || agent_start(&agent, live, &err) < 0) {
        log_error("cannot start", LOG_STR("error", err.text));
        return EXIT_FAILURE;
    }
    while (!stop.due)
        handle_signal(agent, live, wait_signal(&signals, &stop), &stop);
    agent_stop(agent);
    db_library_stop();
    log_info("stopped");
    return stop.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print_and_exit(const struct loaded_config *loaded)
{
    cleanup_buf struct buf out;
    buf_init(&out, printed_bytes_max);
    int rc = 0;
    if (loaded->action == CONFIG_VERSION)
        rc = buf_printf(&out, "proxysql-agent %s\n", PROJECT_VERSION);
    else if (loaded->action == CONFIG_HELP)
        rc = config_help(&out);
    else if (loaded->action == CONFIG_SHOW)
        rc = config_show(loaded, &out);
    else
        rc = buf_puts(&out, "the configuration is valid\n");
    for (size_t i = 0; i < loaded->warnings.count; i++)
        (void)fprintf(stderr, "warning: %s\n", loaded->warnings.items[i]);
    if (rc < 0 || fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0) {
        (void)fprintf(stderr, "proxysql-agent: cannot write to standard output\n");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static int act(struct config_live *live, int run_mode)
{
    switch (run_mode) {
    case RUN_MODE_NONE:
        log_info("no run_mode is set (core, satellite or dump): nothing to do");
        return EXIT_SUCCESS;
    case RUN_MODE_DUMP:
        return dump_mode_run(live);
    default:
        return run(live, run_mode);
    }
}

int main(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    struct loaded_config *loaded = NULL;
    (void)mallopt(M_ARENA_MAX, malloc_arenas);
    if (config_load(argc, argv, environ, &loaded, &err) < 0) {
        (void)fprintf(stderr, "proxysql-agent: %s\n", err.text);
        return EXIT_FAILURE;
    }
    if (loaded->action != CONFIG_RUN) {
        int printed = print_and_exit(loaded);
        config_free(loaded);
        return printed;
    }
    configure_log(&loaded->config);
    config_warnings_log(&loaded->warnings);
    int run_mode = loaded->config.run_mode;
    struct config_live *live = config_live_new(loaded);
    int status = act(live, run_mode);
    config_live_free(live);
    return status;
}
