#include <errno.h>
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
#include "daemon/proxysql/db_conn.h"
#include "daemon/status/status.h"
#include "shared/buf.h"
#include "shared/log.h"

enum { printed_bytes_max = 256 * 1024 };

static const int handled_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

static void block_signals(sigset_t *ret_set)
{
    (void)sigemptyset(ret_set);
    for (size_t i = 0; i < ARRAY_LEN(handled_signals); i++)
        (void)sigaddset(ret_set, handled_signals[i]);
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

/* Serve signals until one of them says to stop. */
static void serve(struct agent *agent, const sigset_t *signals)
{
    for (;;) {
        int number = sigwaitinfo(signals, NULL);
        switch (number) {
        case SIGTERM:
        case SIGINT:
            log_info("stopping", LOG_STR("signal", number == SIGTERM ? "SIGTERM" : "SIGINT"));
            return;
        case SIGUSR1:
            agent_log_status(agent);
            break;
        case SIGHUP:
        case SIGUSR2:
            agent_reload(agent);
            break;
        default: /* interrupted: wait again */
            break;
        }
    }
}

static int run(struct config_live *live, int run_mode)
{
    struct error err = ERROR_INIT;
    sigset_t signals;
    block_signals(&signals);
    log_info("proxysql-agent starts", LOG_STR("version", PROJECT_VERSION), LOG_STR("run_mode", run_mode_name(run_mode)),
             LOG_INT("pid", getpid()));
    struct agent *agent = NULL;
    if (db_library_start(&err) < 0 || agent_start(&agent, live, &err) < 0) {
        log_error("cannot start", LOG_STR("error", err.text));
        return EXIT_FAILURE;
    }
    serve(agent, &signals);
    agent_drain(agent);
    agent_stop(agent);
    db_library_stop();
    log_info("stopped");
    return EXIT_SUCCESS;
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
