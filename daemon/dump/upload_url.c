#include "daemon/dump/upload_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/mem.h"

enum { url_bytes_max = 16 * 1024 };

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (strcmp(host, "[::1]") == 0)
        return inet_pton(AF_INET6, "::1", &v6) == 1;
    return strcmp(host, "localhost") == 0; /* libcurl resolves it to loopback itself */
}

/* The name that stands at pattern[0] = '%', NULL for an escaped byte. */
static const char *name_at(const char *pattern, const struct upload_names *names)
{
    switch (pattern[1]) {
    case 'h':
        return names->host;
    case 't':
        return names->time;
    case 'n':
        return names->namespace;
    case 'k':
        return names->kind;
    default:
        return NULL;
    }
}

static int check_percents(const char *pattern, struct error *err)
{
    static const struct upload_names any = {"", "", "", ""};
    for (const char *p = strchr(pattern, '%'); p != NULL; p = strchr(p + 1, '%')) {
        bool escaped = isxdigit((unsigned char)p[1]) != 0 && isxdigit((unsigned char)p[2]) != 0;
        if (!escaped && name_at(p, &any) == NULL)
            return error_set(err, -EINVAL,
                             "\"%%%.*s\" in it stands for nothing (allowed: %%h, %%t, %%n, %%k and %% with two "
                             "hexadecimal digits)",
                             isprint((unsigned char)p[1]) != 0 ? 1 : 0, p + 1);
    }
    return 0;
}

/* One part of a URL that was parsed; NULL when it has none. curl_free() it. */
static char *part(CURLU *url, CURLUPart what)
{
    char *text = NULL;
    return curl_url_get(url, what, &text, 0) == CURLUE_OK ? text : NULL;
}

static int check_parts(CURLU *url, struct error *err)
{
    char *scheme = part(url, CURLUPART_SCHEME);
    char *host = part(url, CURLUPART_HOST);
    char *user = part(url, CURLUPART_USER);
    int rc = 0;
    if (scheme == NULL || host == NULL || (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0))
        rc = error_set(err, -EINVAL, "it is not an https URL");
    else if (user != NULL)
        rc = error_set(err, -EINVAL, "it holds a user name (use a presigned URL or dump.upload.sigv4)");
    else if (strcmp(scheme, "http") == 0 && !is_loopback(host))
        rc = error_set(err, -EINVAL, "it is http and its host \"%.64s\" is not loopback: use https", host);
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    return rc;
}

int upload_url_check(const char *pattern, struct error *err)
{
    static const struct upload_names sample = {"host", "time", "namespace", "kind"};
    if (strlen(pattern) > url_bytes_max / 4)
        return error_set(err, -EINVAL, "it is longer than %d bytes", url_bytes_max / 4);
    int rc = check_percents(pattern, err);
    if (rc < 0)
        return rc;
    cleanup_free char *expanded = upload_url_expand(pattern, &sample);
    CURLU *url = curl_url();
    if (url == NULL)
        return error_set(err, -ENOMEM, "out of memory");
    rc = curl_url_set(url, CURLUPART_URL, expanded, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK
             ? check_parts(url, err)
             : error_set(err, -EINVAL, "it is not an https URL");
    curl_url_cleanup(url);
    return rc;
}

static int put_escaped(struct buf *out, const char *text)
{
    int rc = 0;
    for (; rc == 0 && *text != '\0'; text++) {
        bool plain = isalnum((unsigned char)*text) != 0 || strchr("-._~", *text) != NULL;
        rc = plain ? buf_append(out, text, 1) : buf_printf(out, "%%%02X", (unsigned char)*text);
    }
    return rc;
}

char *upload_url_expand(const char *pattern, const struct upload_names *names)
{
    struct buf out;
    buf_init(&out, BUF_MAX);
    int rc = 0;
    for (const char *p = pattern; rc == 0 && *p != '\0'; p++) {
        const char *name = *p == '%' ? name_at(p, names) : NULL;
        rc = name != NULL ? put_escaped(&out, name) : buf_append(&out, p, 1);
        p += name != NULL ? 1 : 0;
    }
    if (rc < 0)
        abort(); /* no memory for a few kilobytes */
    char *text = xstrdup(out.data);
    buf_fini(&out);
    return text;
}

bool upload_url_tells_kinds(const char *pattern)
{
    return strstr(pattern, "%k") != NULL;
}

char *upload_url_shown(const char *url)
{
    const char *begin = strstr(url, "://");
    begin = begin == NULL ? url : begin + 3;
    size_t authority = strcspn(begin, "/?#");
    const char *at = memrchr(begin, '@', authority);
    const char *host = at == NULL ? begin : at + 1;
    return xasprintf("%.*s%.*s", (int)(begin - url), url, (int)strcspn(host, "?#"), host);
}
