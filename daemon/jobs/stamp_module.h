#pragma once

#include "daemon/jobs/publish.h"
#include "daemon/jobs/stamp_record.h"

/*
 * Stamping one module: the rows of ProxySQL's configuration file become what memory and runtime have of it. Runs on the
 * job's thread and connection, and asks between two statements whether the agent drains or stops (publish.h).
 *
 * What is done is written down before it is done, so that whoever comes after an agent that was killed between two
 * statements knows whether memory has to be restored and whether runtime has the file's rows.
 */

/* Keeps what is known of a module; called before and after steps. */
typedef void stamp_note_fn(void *arg, enum admin_module module, const struct stamp_module *now);

struct stamp_step {
    const struct publisher *to;
    enum admin_module module;
    struct stamp_module *state; /* what is known of it; changed as the steps go */
    stamp_note_fn *note;
    void *arg;
};

/* Take it as far as it goes: from WAITING (or what an earlier agent left half done) to DONE or LEFT_ALONE. Then 0.
 * Otherwise a negative errno, and the state tells what is left to do: WAITING: memory was restored from runtime; BEGUN
 * or LOADING: it has to be. why: the reason that is logged with the LOAD. */
MUST_CHECK int stamp_module_run(const struct stamp_step *step, const char *why, struct error *err);

/* LOAD ... TO RUNTIME of a module that is DONE, once more. */
MUST_CHECK int stamp_module_load_again(const struct stamp_step *step, struct error *err);

/* Memory gets the file's rows as above, but runtime does not. *ret_rows as LOAD ... FROM CONFIG tells; 0: memory is
 * untouched. */
MUST_CHECK int stamp_module_stage(const struct publisher *to, enum admin_module module, uint64_t *ret_rows,
                                  struct error *err);
