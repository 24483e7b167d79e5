#include <h2o.h>
#include <h2o/http2.h>
#include <h2o/version.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <h2o/http2_internal.h>
#pragma GCC diagnostic pop

#include "daemon/http/http_private.h"

/*
 * libh2o 2.2.5 shows a handler whole requests only. What it holds of the others is in its socket's buffer (HTTP/1.1:
 * all of it), and for HTTP/2 in the connection and in its streams. How large the streams' buffers are is not seen from
 * here, but how many there are: each counts as if its whole body had come.
 */
#if H2O_LIBRARY_VERSION_MAJOR != 0 || H2O_LIBRARY_VERSION_MINOR != 13
#error "http2_internal.h is read as libh2o 0.13 (2.2) has it"
#endif

enum { stream_bytes = HTTP_REQUEST_BYTES + HTTP_ENTITY_BYTES_MAX };

/* An empty one is the prototype of its kind, which belongs to all. */
static size_t capacity(const h2o_buffer_t *buffer)
{
    return buffer != NULL && buffer->bytes != NULL ? buffer->capacity : 0;
}

/* The data of a socket that is read from is the connection of either protocol; both begin with what they share. */
static const h2o_http2_conn_t *http2_of(const struct http_link *link)
{
    const h2o_conn_t *conn = link->handshaking ? NULL : link->socket->data;
    bool is_http2 = conn != NULL && conn->callbacks->push_path != NULL; /* HTTP/1.1 has none */
    return is_http2 ? (const h2o_http2_conn_t *)conn : NULL;
}

/* Streams that are open and not half closed: libh2o counts that when it hands the request to us. */
static unsigned streams_receiving(const h2o_http2_conn_t *conn)
{
    return conn->num_streams.pull.open - conn->num_streams.pull.half_closed;
}

/* A socket that is not read from may be one that libh2o has closed, which lives on until TLS has said so to the client,
 * while its connection is gone. What was seen last still holds: nothing came in since. */
size_t http_receiving_bytes(const struct http_link *link)
{
    if (!h2o_socket_is_reading(link->socket))
        return link->conn.receiving;
    size_t bytes = capacity(link->socket->input);
    const h2o_http2_conn_t *http2 = http2_of(link);
    if (http2 == NULL)
        return bytes;
    return bytes + capacity(http2->_headers_unparsed) + (size_t)streams_receiving(http2) * stream_bytes;
}
