#pragma once

#include "daemon/http/http_server.h"

/*
 * POST /api/v1/...: those commands of proto/command.h that have a path. Each asks http_access_check() first, reads its
 * JSON body strictly, and either acts at once or submits a job and waits for it, wait_s at most: 200 with the job's
 * summary when it has ended well, 202 when it goes on, an error's status and its reason otherwise. A client that hangs
 * up stops nothing. docs/openapi.yaml describes all of it; a test compares it with the running server.
 */
enum { API_WAIT_DEFAULT_S = 10 };

/* The handler of every such route; its context is a struct api_context. */
void api_post_command(void *context, struct http_request *request);
