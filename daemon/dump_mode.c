#include "daemon/dump_mode.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "daemon/dump_ask.h"
#include "daemon/jobs/job_table.h"
#include "daemon/jobs/pool_login.h"
#include "daemon/proxysql/db_library.h"
#include "daemon/queue/worker_pool.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/str.h"

enum { workers = 1 };

/* The agent's modules that a dump needs, and nothing else. */
struct dump_mode {
    struct job_context jobs;
    struct health_state health;
    struct phase_state phase;
    char admin_host[TRAFFIC_HOST_SIZE];
    uint16_t admin_port;
    struct worker_pool *workers;
    int done_fd;   /* eventfd: the job has ended */
    int signal_fd; /* of those that stop it */
    int code;      /* of the job, once done_fd is readable */
};

static int open_signals(struct error *err)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGQUIT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &signals, SFD_CLOEXEC);
    return fd < 0 ? error_set(err, -errno, "signalfd: %s", strerror(errno)) : fd;
}

static int start(struct dump_mode *m, const struct config *config, struct error *err)
{
    if (str_split_host_port(config->proxysql.address, m->admin_host, sizeof(m->admin_host), &m->admin_port) < 0)
        return error_set(err, -EINVAL, "proxysql.address: \"%s\" is not host:port", config->proxysql.address);
    m->done_fd = eventfd(0, EFD_CLOEXEC);
    if (m->done_fd < 0)
        return error_set(err, -errno, "eventfd: %s", strerror(errno));
    m->signal_fd = open_signals(err);
    if (m->signal_fd < 0)
        return m->signal_fd;
    struct db_pool_options options = pool_login(config);
    options.host = m->admin_host;
    options.port = m->admin_port;
    options.size = DB_POOL_SIZE_MIN;
    int rc = db_library_start(err);
    if (rc == 0)
        rc = db_pool_new(&m->jobs.pool, &options, err);
    if (rc < 0)
        return rc;
    m->jobs.queue = job_queue_new(job_table, JOB_IDS, workers, &m->jobs);
    job_queue_set_runner(m->jobs.queue, job_table_run);
    return worker_pool_start(&m->workers, m->jobs.queue, workers, db_thread_start, db_thread_end, err);
}

static void stop(struct dump_mode *m)
{
    if (m->jobs.queue != NULL)
        job_queue_stop(m->jobs.queue);
    if (m->jobs.pool != NULL)
        db_pool_cancel(m->jobs.pool);
    worker_pool_join(m->workers);
    job_queue_free(m->jobs.queue);
    db_pool_free(m->jobs.pool);
    db_library_stop();
    fd_close(m->done_fd);
    fd_close(m->signal_fd);
}

static void dump_ended(void *arg, const struct job_result *result)
{
    struct dump_mode *m = arg;
    const uint64_t one = 1;
    m->code = result->code;
    if (write(m->done_fd, &one, sizeof(one)) < 0)
        abort();
}

/* Until the job has ended; a signal makes it end. */
static void wait_for_end(struct dump_mode *m)
{
    struct pollfd fds[] = {{.fd = m->done_fd, .events = POLLIN}, {.fd = m->signal_fd, .events = POLLIN}};
    while (fds[0].revents == 0) {
        if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
            abort();
        if (fds[1].revents == 0)
            continue;
        struct signalfd_siginfo signal;
        if (read(m->signal_fd, &signal, sizeof(signal)) < 0)
            continue;
        log_info("stopping the dump", LOG_STR("signal", strsignal((int)signal.ssi_signo)));
        job_queue_stop(m->jobs.queue);
        db_pool_cancel(m->jobs.pool);
    }
}

static int dump(struct dump_mode *m, const struct config *config)
{
    struct error err = ERROR_INIT;
    int rc = start(m, config, &err);
    if (rc == 0)
        rc = job_queue_submit(m->jobs.queue, JOB_DUMP, dump_ended, m, &err);
    if (rc == 0)
        wait_for_end(m);
    else
        log_error("dump failed", LOG_STR("error", err.text));
    stop(m);
    return rc == 0 ? m->code : rc;
}

int dump_mode_run(struct config_live *live)
{
    struct dump_mode m = {.done_fd = -1, .signal_fd = -1};
    m.jobs = (struct job_context){.live = live, .health = &m.health, .phase = &m.phase};
    health_state_init(&m.health);
    phase_init(&m.phase);
    const struct config *config = config_live_get(live);
    struct error err = ERROR_INIT;
    int rc = dump_ask(config, &err);
    if (rc == DUMP_ASK_NOBODY)
        rc = dump(&m, config);
    config_live_put(config);
    health_state_fini(&m.health);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
