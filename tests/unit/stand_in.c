#include "tests/unit/stand_in.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/mem.h"

enum { flags_max = 32, wait_ms = 20000, ask_again_ms = 2 };

static NORETURN void run_child(int out, const char *const *arguments)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(out, STDOUT_FILENO) >= 0)
        (void)execv(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

/* One line, its newline cut off. */
static void read_line(int fd, char *ret_line, size_t size)
{
    size_t len = 0;
    do {
        ssize_t n = read(fd, ret_line + len, 1);
        if (n < 0 && errno == EINTR)
            continue;
        assert_int_equal(n, 1);
        len++;
        assert_true(len < size);
    } while (ret_line[len - 1] != '\n');
    ret_line[len - 1] = '\0';
}

static uint16_t port_of(const char *line, const char *field)
{
    char key[32];
    (void)snprintf(key, sizeof(key), "\"%s\":\"127.0.0.1:", field);
    const char *at = strstr(line, key);
    assert_non_null(at);
    return (uint16_t)strtol(at + strlen(key), NULL, 10);
}

static int connect_control(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* The line with the ports comes before the control socket only when the latter exists. */
static void spawn(struct stand_in *s, const char *admin, const char *traffic, const char *const *flags)
{
    char control[96];
    (void)snprintf(control, sizeof(control), "%s/control", s->folder);
    const char *arguments[flags_max] = {FAKE_PROXYSQL, "--admin", admin, "--traffic", traffic, "--control", control};
    for (size_t i = 7; flags != NULL && *flags != NULL; i++, flags++) {
        assert_true(i < flags_max - 1);
        arguments[i] = *flags;
    }
    int out[2];
    assert_int_equal(pipe(out), 0);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0)
        run_child(out[1], arguments);
    fd_close(out[1]);
    char line[256];
    read_line(out[0], line, sizeof(line));
    fd_close(out[0]);
    s->admin_port = port_of(line, "admin");
    s->traffic_port = port_of(line, "traffic");
    s->control_fd = connect_control(control);
}

void stand_in_start(struct stand_in *s, const char *const *flags)
{
    *s = (struct stand_in){.folder = "/tmp/stand-in-XXXXXX"};
    assert_non_null(mkdtemp(s->folder));
    spawn(s, "127.0.0.1:0", "127.0.0.1:0", flags);
}

static void end_process(struct stand_in *s)
{
    fd_close(take_fd(&s->control_fd));
    (void)kill(s->pid, SIGCONT);
    (void)kill(s->pid, SIGTERM);
    int status = 0;
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    assert_int_equal(status, 0);
    s->pid = 0;
}

void stand_in_stop(struct stand_in *s)
{
    if (s->pid != 0)
        end_process(s);
    (void)rmdir(s->folder);
}

void stand_in_restart(struct stand_in *s, const char *const *flags)
{
    char admin[32];
    char traffic[32];
    (void)snprintf(admin, sizeof(admin), "127.0.0.1:%u", s->admin_port);
    (void)snprintf(traffic, sizeof(traffic), "127.0.0.1:%u", s->traffic_port);
    if (s->pid != 0)
        end_process(s);
    spawn(s, admin, traffic, flags);
}

static void ask(struct stand_in *s, const char *command, char ret_answer[static STAND_IN_ANSWER_SIZE])
{
    cleanup_free char *line = xasprintf("%s\n", command);
    assert_int_equal(send(s->control_fd, line, strlen(line), MSG_NOSIGNAL), (ssize_t)strlen(line));
    read_line(s->control_fd, ret_answer, STAND_IN_ANSWER_SIZE);
    if (strstr(ret_answer, "\"ok\":true") == NULL)
        fail_msg("stand-in: %s: %s", command, ret_answer);
}

void stand_in_tell(struct stand_in *s, const char *fmt, ...)
{
    char command[1024];
    static char answer[STAND_IN_ANSWER_SIZE];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(command, sizeof(command), fmt, args);
    va_end(args);
    ask(s, command, answer);
}

int64_t stand_in_number(struct stand_in *s, const char *command, const char *field)
{
    static char answer[STAND_IN_ANSWER_SIZE];
    ask(s, command, answer);
    char key[64];
    (void)snprintf(key, sizeof(key), "\"%s\":", field);
    const char *at = strstr(answer, key);
    if (at == NULL)
        fail_msg("stand-in: %s: no %s in %s", command, field, answer);
    return strtoll(at + strlen(key), NULL, 10);
}

static void wait_between(struct stand_in *s, const char *command, const char *field, int64_t min, int64_t max)
{
    int64_t deadline_ms = clock_mono_ms() + wait_ms;
    for (;;) {
        int64_t value = stand_in_number(s, command, field);
        if (value >= min && value <= max)
            return;
        if (clock_mono_ms() >= deadline_ms)
            fail_msg("stand-in: %s: %s stays at %lld", command, field, (long long)value);
        (void)nanosleep(&(struct timespec){.tv_nsec = ask_again_ms * 1000000L}, NULL);
    }
}

void stand_in_wait_min(struct stand_in *s, const char *command, const char *field, int64_t min)
{
    wait_between(s, command, field, min, INT64_MAX);
}

void stand_in_wait_max(struct stand_in *s, const char *command, const char *field, int64_t max)
{
    wait_between(s, command, field, INT64_MIN, max);
}
