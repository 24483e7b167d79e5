#pragma once

/*
 * The control protocol's version and limits; docs/control-protocol.md says it in words. A frame is a length of
 * PROTOCOL_LENGTH_BYTES, big-endian, and so many bytes of MessagePack: one map. Requests have the keys version, id,
 * command and args; answers version, id and exactly one of progress, result and error. What follows holds in every
 * version, so that any two can tell each other that they differ: the frame, the keys version and id, and an error's
 * map with a message.
 */
enum {
    PROTOCOL_VERSION = 1,
    PROTOCOL_LENGTH_BYTES = 4,
    PROTOCOL_REQUEST_BYTES_MAX = 64 * 1024,
    PROTOCOL_ANSWER_BYTES_MAX = 4 * 1024 * 1024,
    PROTOCOL_DEPTH_MAX = 16,                /* maps and arrays in each other, the message's own map counted */
    PROTOCOL_REQUEST_VALUES_MAX = 1024,     /* values in a request, keys counted */
    PROTOCOL_ANSWER_VALUES_MAX = 256 * 1024 /* the same of an answer */
};
