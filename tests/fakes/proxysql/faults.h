#pragma once

#include <stdatomic.h>
#include <stdbool.h>

/*
 * What the stand-in does wrong on purpose, set through the control socket while everything runs. Every field stands
 * alone and may be read from any thread.
 */
enum garbage_mode { GARBAGE_OFF, GARBAGE_ANSWERS, GARBAGE_GREETING };
enum traffic_mode { TRAFFIC_GREET, TRAFFIC_SILENT, TRAFFIC_ERR, TRAFFIC_REFUSE };
enum pause_mode { PAUSE_WORKS, PAUSE_ANSWERS_TWICE, PAUSE_FAILS };

struct faults {
    atomic_int drip_bytes_per_s; /* admin sends byte by byte at this pace; 0 = off */
    atomic_int slow_login_ms;    /* admin waits this long before it answers a login */
    atomic_bool silent;          /* admin accepts connections and never greets */
    atomic_int garbage;          /* enum garbage_mode: admin sends random bytes in place of packets */
    atomic_int traffic;          /* enum traffic_mode: how the traffic port treats new connections */
    atomic_int pause;            /* enum pause_mode: how PROXYSQL PAUSE and RESUME are answered */
    atomic_int pause_ms;         /* how long they hold the admin mutex, their work done */
};
