#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether it is to be said that the own pod is not among the core pods: selector or namespace is wrong then. Only a
 * confirmed view can say so, and only one that says so for ABSENCE_MS without a break: a pod is created before its
 * labels are seen everywhere. Pure; zero is the begin; not thread-safe.
 */
enum { ABSENCE_MS = 30 * 1000 };

struct absence {
    int64_t since_ms; /* monotonic; 0 = the pod is there, or nobody knows */
    bool told;
};

/* A look at the view: is the own pod among its core pods, a terminating one too, and is the view confirmed? True once
 * in each absence: now it is to be said. now_ms is monotonic, > 0. */
bool absence_look(struct absence *absence, bool present, bool confirmed, int64_t now_ms);
