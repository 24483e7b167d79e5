#include "shared/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { default_stack_bytes = 256 * 1024, sanitizer_stack_factor = 8 };

static void must(int rc, const char *what)
{
    if (rc == 0)
        return;
    (void)fprintf(stderr, "%s: %s\n", what, strerror(rc));
    abort();
}

void mutex_init(struct mutex *m)
{
    must(pthread_mutex_init(&m->pthread, NULL), "pthread_mutex_init");
}

void mutex_fini(struct mutex *m)
{
    must(pthread_mutex_destroy(&m->pthread), "pthread_mutex_destroy");
}

void mutex_lock(struct mutex *m) NO_THREAD_ANALYSIS
{
    must(pthread_mutex_lock(&m->pthread), "pthread_mutex_lock");
}

void mutex_unlock(struct mutex *m) NO_THREAD_ANALYSIS
{
    must(pthread_mutex_unlock(&m->pthread), "pthread_mutex_unlock");
}

void cond_init(struct cond *c)
{
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr), "pthread_condattr_init");
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "pthread_condattr_setclock");
    must(pthread_cond_init(&c->pthread, &attr), "pthread_cond_init");
    must(pthread_condattr_destroy(&attr), "pthread_condattr_destroy");
}

void cond_fini(struct cond *c)
{
    must(pthread_cond_destroy(&c->pthread), "pthread_cond_destroy");
}

bool cond_wait_until(struct cond *c, struct mutex *m, int64_t deadline_ms)
{
    if (deadline_ms < 0)
        deadline_ms = 0;
    struct timespec ts = {.tv_sec = (time_t)(deadline_ms / 1000), .tv_nsec = (long)(deadline_ms % 1000) * 1000000};
    int rc = pthread_cond_timedwait(&c->pthread, &m->pthread, &ts);
    if (rc == ETIMEDOUT)
        return false;
    must(rc, "pthread_cond_timedwait");
    return true;
}

void cond_signal(struct cond *c)
{
    must(pthread_cond_signal(&c->pthread), "pthread_cond_signal");
}

void cond_broadcast(struct cond *c)
{
    must(pthread_cond_broadcast(&c->pthread), "pthread_cond_broadcast");
}

int thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *), void *arg, struct error *err)
{
    return thread_start_stack(ret_thread, name, default_stack_bytes, run, arg, err);
}

int thread_start_stack(pthread_t *ret_thread, const char *name, size_t stack_bytes, void *(*run)(void *), void *arg,
                       struct error *err)
{
    if (BUILT_WITH_SANITIZER)
        stack_bytes *= sanitizer_stack_factor;
    pthread_attr_t attr;
    must(pthread_attr_init(&attr), "pthread_attr_init");
    must(pthread_attr_setstacksize(&attr, stack_bytes), "pthread_attr_setstacksize");
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    must(pthread_sigmask(SIG_SETMASK, &all, &before), "pthread_sigmask");
    pthread_t thread;
    int rc = pthread_create(&thread, &attr, run, arg);
    must(pthread_sigmask(SIG_SETMASK, &before, NULL), "pthread_sigmask");
    must(pthread_attr_destroy(&attr), "pthread_attr_destroy");
    if (rc != 0)
        return error_set(err, -rc, "start thread %s: %s", name, strerror(rc));
    char shortened[16];
    (void)snprintf(shortened, sizeof(shortened), "%s", name);
    (void)pthread_setname_np(thread, shortened);
    *ret_thread = thread;
    return 0;
}

void thread_join(pthread_t thread)
{
    must(pthread_join(thread, NULL), "pthread_join");
}
