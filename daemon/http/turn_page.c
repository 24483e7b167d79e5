#include "daemon/http/turn_page.h"

#include "daemon/http/http_server.h"

void turn_page_init(struct turn_page *page)
{
    *page = (struct turn_page){0};
    buf_init(&page->text, HTTP_REPLY_BYTES_MAX);
}

void turn_page_fini(struct turn_page *page)
{
    buf_fini(&page->text);
}

bool turn_page_is_made(struct turn_page *page, const struct http_server *server, int form)
{
    uint64_t turn = http_server_turn(server);
    if (page->is_made && page->turn == turn && page->form == form)
        return true;
    buf_reset(&page->text);
    page->is_made = false;
    page->turn = turn;
    page->form = form;
    return false;
}

void turn_page_made(struct turn_page *page)
{
    page->is_made = true;
}
