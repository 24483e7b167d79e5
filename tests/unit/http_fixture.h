#pragma once

/* A real HTTP server with a few routes, and clients that speak to it byte by byte. Whatever goes wrong ends the test;
 * what a test opens is closed at its end. */
#include <stdbool.h>

#include "daemon/http/http_server.h"
#include "shared/thread.h"
#include "tests/unit/unit.h"

enum { wait_ms = 20 * 1000, deferred_max = 256, clients_max = 256 };

/* What the server's handlers share with the tests. */
struct world {
    struct http_server *server;
    int clients[clients_max];
    unsigned client_count;
    struct mutex lock;
    struct cond changed;
    struct http_deferred *deferred[deferred_max];
    unsigned deferred_count;
    unsigned woken;
    unsigned resumed;
    unsigned data_freed; /* of http_defer_with() */
    int64_t defer_ms;
};

/* GET /now, /both, /path, /nothing, /later (deferred for defer_ms), /data-later (the same, with data), /seen (what the
 * server sees of the request's header x-test and of its peer); POST /data, /both,
 * /echo; GET without HEAD and POST /act. */
extern const struct http_route world_routes[];

struct world *world_start(struct http_server_options options);
void world_free(struct world *w); /* after http_server_stop() */
void world_stop(struct world *w);

/* For tests that are content with the usual options: the world is *state. */
int world_setup(void **state);
int world_teardown(void **state);
#define WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

/* Wait until `count` requests were deferred. */
void wait_deferred(struct world *w, unsigned count);
void set_defer_ms(struct world *w, int64_t defer_ms);
unsigned resumed(struct world *w);

/* Wake all that were deferred so far, from a thread of its own. */
void wake_all(struct world *w);

/* A connection of this world; also to ::1, also from an address of its own (127.0.0.host). */
int client_new(struct world *w);
int connect_to(struct world *w, const char *address);
int client_from(struct world *w, uint8_t host);
void client_close(struct world *w, int fd);

/* A connection whose request for /later is deferred. */
int client_deferred(struct world *w);

void send_bytes(int fd, const void *data, size_t len);
void send_text(int fd, const char *text);

/* Bytes read, 0 at the end of the stream (also when it was reset). */
size_t read_some(int fd, char *data, size_t size);
void assert_closed(int fd);

struct response {
    char text[8192]; /* status line and headers */
    int status;
    char *body; /* in text */
};

#define GET(path) "GET " path " HTTP/1.1\r\nHost: agent\r\n\r\n"

/* One response; with_body: Content-Length bytes follow the headers. */
void read_response(int fd, bool with_body, struct response *r);

/* Send a request and read its response. */
void ask(int fd, const char *request, struct response *r);
void assert_answer(int fd, const char *request, int status, const char *body);

/* Read a response with this body; the last one says so, and the connection ends. */
void assert_body(int fd, const char *body);
void assert_last_body(int fd, const char *body);

/* The server answers a new client. */
void assert_works(struct world *w);

/* HTTP/2 by hand, for what no polite client does. */
enum { frame_data = 0, frame_headers = 1, frame_rst = 3, frame_settings = 4, frame_goaway = 7 };

int h2_new(struct world *w, const void *settings, uint8_t len);
void send_frame(int fd, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, uint8_t len);
void h2_get(int fd, uint32_t stream, const char *path);
void h2_reset(int fd, uint32_t stream);

/* Read frames until one of this type on this stream. */
void h2_wait(int fd, uint8_t type, uint32_t stream);
