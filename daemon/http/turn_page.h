#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/buf.h"

struct http_server;

/*
 * An answer for everybody who asks in one turn of the event loop: the metrics take as long to make as a hundred probes,
 * and one HTTP/2 client may ask a hundred times at once. Loop thread only.
 */
struct turn_page {
    struct buf text;
    uint64_t turn;
    int form; /* which of its forms; the caller's number */
    bool is_made;
};

void turn_page_init(struct turn_page *page);
void turn_page_fini(struct turn_page *page);

/* True: text is the answer in this form. Else it is empty now, to be filled; then say turn_page_made(). */
bool turn_page_is_made(struct turn_page *page, const struct http_server *server, int form);
void turn_page_made(struct turn_page *page);
