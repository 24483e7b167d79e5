/*
 * fake-proxysql: a stand-in for ProxySQL's admin and traffic ports, for tests. Prints one line of JSON with the real
 * ports when it is ready, runs until SIGTERM or SIGINT.
 */
#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "tests/fakes/proxysql/admin_server.h"
#include "tests/fakes/proxysql/cluster.h"
#include "tests/fakes/proxysql/control.h"
#include "tests/fakes/proxysql/node.h"
#include "tests/fakes/proxysql/options.h"

enum {
    init_max = 1024 * 1024,
    address_max = 64,
    first_connects_ms = 300,
    stop_within_s = 2 * (BUILT_WITH_SANITIZER ? 10 : 1)
};

struct fake {
    struct options options;
    SSL_CTX *tls;
    struct traffic_server *traffic;
    struct admin_server *admin;
    struct node node;
    bool node_ready; /* node_init() was called */
    struct control *control;
    char admin_address[address_max];
    char traffic_address[address_max];
};

static int load_tls(struct fake *f, struct error *err)
{
    if (f->options.tls_cert == NULL)
        return 0;
    f->tls = SSL_CTX_new(TLS_server_method());
    if (f->tls == NULL || SSL_CTX_use_certificate_chain_file(f->tls, f->options.tls_cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(f->tls, f->options.tls_key, SSL_FILETYPE_PEM) != 1)
        return error_set(err, -EINVAL, "cannot use %s with %s", f->options.tls_cert, f->options.tls_key);
    return 0;
}

static int read_file(const char *path, struct buf *ret_text, struct error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_set(err, -errno, "%s: %s", path, strerror(errno));
    char chunk[4096];
    int r = 0;
    for (size_t n = fread(chunk, 1, sizeof chunk, file); n > 0 && r == 0; n = fread(chunk, 1, sizeof chunk, file))
        r = buf_append(ret_text, chunk, n);
    if (r == 0 && ferror(file) != 0)
        r = -EIO;
    (void)fclose(file);
    return r < 0 ? error_set(err, r, "%s: %s", path, strerror(-r)) : 0;
}

static int init_node(struct fake *f, struct error *err)
{
    struct buf init;
    buf_init(&init, init_max);
    int r = f->options.init != NULL ? read_file(f->options.init, &init, err) : 0;
    if (r == 0) {
        bool sha2 = f->options.auth != NULL && strcmp(f->options.auth, "caching_sha2") == 0;
        cleanup_free char *disk = f->options.data != NULL ? xasprintf("%s/proxysql.db", f->options.data) : NULL;
        struct node_options options = {
            .version = f->options.version,
            .config_path = f->options.config,
            .disk_path = disk,
            .admin_credentials = f->options.users,
            .authentication_plugin = f->options.auth == NULL ? NULL
                                     : sha2                  ? "caching_sha2_password"
                                                             : "mysql_native_password",
            .init_sql = init.data,
        };
        f->node_ready = true;
        r = node_init(&f->node, &options, err);
    }
    buf_fini(&init);
    return r;
}

/* Bind the ports: the command line's, else what the node is configured to listen on. */
static int bind_ports(struct fake *f, struct error *err)
{
    cleanup_free char *admin =
        f->options.admin != NULL ? xstrdup(f->options.admin) : node_interface(&f->node, "admin-mysql_ifaces");
    cleanup_free char *traffic =
        f->options.traffic != NULL ? xstrdup(f->options.traffic) : node_interface(&f->node, "mysql-interfaces");
    int r = traffic_server_start(traffic, &f->node.faults, &f->node.next_session_id, &f->traffic, err);
    if (r == 0)
        r = admin_server_new(admin, f->tls, &f->admin, err);
    if (r < 0)
        return r;
    traffic_server_address(f->traffic, f->traffic_address, sizeof f->traffic_address);
    admin_server_address(f->admin, f->admin_address, sizeof f->admin_address);
    return 0;
}

static int start(struct fake *f, struct error *err)
{
    int r = load_tls(f, err);
    if (r == 0)
        r = init_node(f, err);
    if (r == 0)
        r = bind_ports(f, err);
    if (r < 0)
        return r;
    node_start(&f->node, f->traffic, f->admin_address, f->traffic_address);
    if (f->options.control != NULL)
        r = control_start(f->options.control, &f->node, f->admin, &f->control, err);
    /* ProxySQL checks its peers before it listens: a name that is also its own leads to another node at first */
    cluster_wait_tried(f->node.cluster, clock_mono_ms() + first_connects_ms);
    if (r == 0)
        r = admin_server_start(f->admin, &f->node, err);
    return r;
}

static void stop(struct fake *f)
{
    control_stop(f->control);
    if (f->node_ready)
        node_stop(&f->node);
    admin_server_stop(f->admin);
    traffic_server_stop(f->traffic);
    if (f->node_ready)
        node_fini(&f->node);
    SSL_CTX_free(f->tls);
}

int main(int argc, char **argv)
{
    static struct fake fake;
    struct error err = ERROR_INIT;
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    atomic_store(&fake.node.next_session_id, 1);

    int r = options_parse(&fake.options, argc, argv, &err);
    if (r == 0)
        r = start(&fake, &err);
    if (r == 0) {
        (void)printf("{\"admin\":\"%s\",\"traffic\":\"%s\",\"pid\":%d}\n", fake.admin_address, fake.traffic_address,
                     (int)getpid());
        (void)fflush(stdout);
        int signal_number = 0;
        (void)sigwait(&signals, &signal_number);
        (void)alarm(stop_within_s); /* whatever hangs then: SIGALRM ends the process */
    } else {
        (void)fprintf(stderr, "fake-proxysql: %s\n", err.text);
    }
    stop(&fake);
    (void)alarm(0);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
