#pragma once

#include "shared/compiler.h"
#include "tests/fakes/proxysql/checksums.h"
#include "tests/fakes/proxysql/peer.h"

/* Pull module `which` because a check of the thread's own peer found it newer (seen): read it from the peer with the
 * highest epoch, put it into memory, runtime and disk. False: it failed, the caller waits a second. Under pull_lock. */
MUST_CHECK bool cluster_pull(struct peer *own, int which, const struct checksum *seen);
