#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "shared/buf.h"
#include "tests/fakes/proxysql/packet.h"

/*
 * A MySQL server that says what a test wrote down, however wrong: the first answer when a client connects, each further
 * one after a packet of the client. Serves one client after another, each from the first answer on, until it is
 * stopped. Answers are written before it runs.
 */
enum { SCRIPT_ANSWERS_MAX = 8, SCRIPT_HEARD_MAX = 64 * 1024 };

struct scripted_server {
    uint16_t port;
    int listen_fd;
    int stop_fd; /* eventfd: readable once stopping */
    pthread_t thread;
    uint32_t capabilities; /* what its greeting offers */
    size_t count;
    struct packet_writer answers[SCRIPT_ANSWERS_MAX];
    struct packet_writer endless; /* sent again and again behind the last answer, unless empty */
    atomic_uint seen;             /* clients so far */
    struct buf heard;             /* what clients sent; look at it when the server was stopped */
};

void scripted_server_init(struct scripted_server *s);
void scripted_server_run(struct scripted_server *s);
void scripted_server_stop(struct scripted_server *s);
void scripted_server_fini(struct scripted_server *s);

/* The next answer, whose first packet has the number seq; to be filled with packet_ functions. */
struct packet_writer *scripted_answer(struct scripted_server *s, uint8_t seq);

/* Answers: a greeting that offers this plugin; OK to the login; one row of texts (NULL = SQL's NULL). */
void scripted_greeting(struct scripted_server *s, const char *plugin);
void scripted_login_ok(struct scripted_server *s);
void scripted_rows(struct scripted_server *s, unsigned columns, unsigned rows, const char *const *values);

/* The packets of a result set before its rows, one row, and its end. */
void scripted_columns(struct packet_writer *w, unsigned columns);
void scripted_row(struct packet_writer *w, unsigned columns, const char *const *values);
