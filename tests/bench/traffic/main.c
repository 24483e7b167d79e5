/*
 * bench-traffic: applications with pooled connections, and their balancer. Commands on stdin, one a line:
 *   route MASK   new connections go to the nodes of these bits only
 *   long         the long operations begin
 * At the end of stdin everybody finishes the operation under way. What happens is told on stdout as lines of JSON.
 */
#include <errno.h>
#include <getopt.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shared/mem.h"
#include "shared/str.h"
#include "tests/bench/traffic/client.h"

enum { clients_max = 1000, long_max = 2, command_max = 64 };

struct settings {
    int64_t clients;
    int64_t seed;
    int64_t long_s; /* 0 = no long operations */
};

static void die(const char *what)
{
    (void)fprintf(stderr, "bench-traffic: %s\n", what);
    exit(2);
}

static int64_t number(const char *text, int64_t max)
{
    int64_t value = 0;
    if (str_to_int(text, 0, max, &value) < 0)
        die("a number is out of range");
    return value;
}

static void add_node(struct traffic *t, const char *text)
{
    uint16_t port = 0;
    if (t->node_count == NODES_MAX || str_split_host_port(text, t->nodes[t->node_count].host, HOST_MAX, &port) < 0)
        die("--node HOST:PORT, a few of them");
    t->nodes[t->node_count++].port = port;
}

static enum temporary temporary_of(const char *text)
{
    static const char *const names[] = {
        [TEMPORARY_RESET] = "reset", [TEMPORARY_CLOSE] = "close", [TEMPORARY_KEEP] = "keep"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(text, names[i]) == 0)
            return (enum temporary)i;
    die("--temporary reset, close or keep");
    return TEMPORARY_RESET;
}

static void parse(int argc, char **argv, struct traffic *t, struct settings *s)
{
    static const struct option flags[] = {{"node", required_argument, NULL, 'n'},
                                          {"clients", required_argument, NULL, 'c'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"user", required_argument, NULL, 'u'},
                                          {"password", required_argument, NULL, 'p'},
                                          {"database", required_argument, NULL, 'd'},
                                          {"temporary", required_argument, NULL, 't'},
                                          {"long", required_argument, NULL, 'l'},
                                          {NULL, 0, NULL, 0}};
    for (int flag = getopt_long(argc, argv, "", flags, NULL); flag != -1;
         flag = getopt_long(argc, argv, "", flags, NULL)) {
        switch (flag) {
        case 'n':
            add_node(t, optarg);
            break;
        case 'c':
            s->clients = number(optarg, clients_max);
            break;
        case 's':
            s->seed = number(optarg, INT32_MAX);
            break;
        case 'u':
            t->user = optarg;
            break;
        case 'p':
            t->password = optarg;
            break;
        case 'd':
            t->database = optarg;
            break;
        case 't':
            t->temporary = temporary_of(optarg);
            break;
        case 'l':
            s->long_s = number(optarg, 3600);
            break;
        default:
            exit(2);
        }
    }
    if (t->node_count == 0)
        die("--node HOST:PORT is missing");
}

static void signal_fd(int fd, uint64_t count)
{
    if (write(fd, &count, sizeof count) < 0)
        abort();
}

/* Until stdin ends. */
static void obey(struct traffic *t, int start_fd)
{
    char line[command_max];
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "route ", strlen("route ")) == 0)
            atomic_store(&t->routed, (unsigned)number(line + strlen("route "), (1 << NODES_MAX) - 1));
        else if (strcmp(line, "long") == 0)
            signal_fd(start_fd, long_max);
        else
            die("unknown command");
    }
}

static void run(struct traffic *t, const struct settings *s)
{
    static struct client *clients[clients_max + long_max];
    static const enum operation longs[long_max] = {OP_LONG_TRANSACTION, OP_LONG_STATEMENT};
    struct error err = ERROR_INIT;
    size_t count = 0;
    int r = 0;
    int start_fd = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
    for (unsigned i = 0; r == 0 && s->long_s > 0 && i < long_max; i++)
        r = client_start_long(t, longs[i], (int)s->long_s, start_fd, &clients[count++], &err);
    for (unsigned i = 1; r == 0 && i <= s->clients; i++)
        r = client_start(t, i, (uint32_t)s->seed * clients_max + i, &clients[count++], &err);
    if (r < 0)
        die(err.text);
    obey(t, start_fd);
    atomic_store(&t->stop, true);
    signal_fd(t->stop_fd, 1);
    unsigned stale_most = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned stale = client_join(clients[i]);
        stale_most = stale > stale_most ? stale : stale_most;
    }
    report_total(&t->report, stale_most);
    fd_close(start_fd);
}

int main(int argc, char **argv)
{
    static struct traffic traffic = {.user = "app", .password = "app", .database = "test"};
    struct settings settings = {.clients = 40};
    parse(argc, argv, &traffic, &settings);
    atomic_store(&traffic.routed, (1U << traffic.node_count) - 1);
    traffic.stop_fd = eventfd(0, EFD_CLOEXEC);
    report_init(&traffic.report);
    if (mysql_library_init(0, NULL, NULL) != 0)
        die("no MySQL client library");
    run(&traffic, &settings);
    mysql_library_end();
    report_fini(&traffic.report);
    fd_close(traffic.stop_fd);
    return 0;
}
