#pragma once

#include "ctl/screen.h"
#include "proto/command.h"
#include "proto/tree.h"

/* The answers as tables, one function a command. result is what the agent sent; what it left out is left out here. */
typedef void render_fn(const struct msgpack_object *result, struct screen *screen);

/* COMMAND_IDS rows, indexed by enum command_id. */
extern render_fn *const renderers[COMMAND_IDS];

/* What a result means for the exit status: true when the command has found something broken (doctor, health). */
bool render_is_bad(const struct command *command, const struct msgpack_object *result);

void render_status(const struct msgpack_object *result, struct screen *screen);
void render_health(const struct msgpack_object *result, struct screen *screen);
void render_jobs(const struct msgpack_object *result, struct screen *screen);
void render_members(const struct msgpack_object *result, struct screen *screen);
void render_config(const struct msgpack_object *result, struct screen *screen);

/* Parts of the status: what is known of the cluster in two lines; each module of each peer. */
void render_cluster(const struct msgpack_object *result, struct screen *screen);
void render_modules(const struct msgpack_object *result, struct screen *screen);
