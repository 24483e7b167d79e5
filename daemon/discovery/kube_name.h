#pragma once

#include <stdbool.h>

/* The forms of Kubernetes' names and values. Thread-safe. */

/* DNS-1123 label: 1 to 63 of a-z 0-9 '-', beginning and ending with a letter or digit. */
bool kube_is_dns_label(const char *text);

/* DNS-1123 subdomain: parts like labels, of any length (so Kubernetes has it), joined by dots; 253 bytes at most. */
bool kube_is_dns_subdomain(const char *text);

/* A label's value that is not empty: 1 to 63 of letters, digits, '-', '_', '.', beginning and ending with a letter or
 * digit. */
bool kube_is_label_value(const char *text);

/* 1 to 63 letters, digits and '-'. */
bool kube_is_uid(const char *text);
