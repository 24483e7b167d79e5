#pragma once

#include "daemon/http/http_server.h"

/*
 * GET or POST /shutdown, made for a preStop hook: drains this node and stops ProxySQL, then the agent (docs/drain.md).
 * The answer comes at the end, for everybody who asked or joined: 200 `{"message":"shutdown initiated","status":"ok"}`,
 * or 500 with "shutdown failed" and the reason. A client that hangs up stops nothing. Who may ask: access.h.
 */
void api_shutdown(void *context, struct http_request *request);
