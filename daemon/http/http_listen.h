#pragma once

#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"

/* A listening TCP socket, non-blocking, without any library. */

/* What the kernel buffers of one connection, each way; without a limit it is megabytes, which count as the pod's
 * memory. The library reads whatever is there, so the first one bounds its memory as well. */
enum { HTTP_RECEIVE_BYTES = 64 * 1024, HTTP_SEND_BYTES = 128 * 1024 };

/* Listen on a numeric address and port (0 = any free one). "" = every address: IPv6 and IPv4 on one socket, or IPv4
 * alone where the system has no IPv6; "::" is every IPv6 address and no IPv4 one. The caller closes *ret_fd.
 * -EINVAL when it is no address, else what socket(2), bind(2) or listen(2) says; the text names address and port.
 * Thread-safe. */
MUST_CHECK int http_listen(const char *address, uint16_t port, int *ret_fd, uint16_t *ret_port, struct error *err);
