#pragma once

#include "shared/buf.h"

/* When their words were last looked through. */
#define PAGES_DATE "2026-11-25"

/* The manual pages, from the tables of options and commands. 0, or the error of out (256 KiB are plenty). */

/* proxysql-agentctl(1) */
MUST_CHECK int page_agentctl(struct buf *out);

/* proxysql-agent.yaml(5) */
MUST_CHECK int page_yaml(struct buf *out);

/* proxysql-agent(8) */
MUST_CHECK int page_agent(struct buf *out);
