#include "daemon/dump/upload.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon/dump/upload_url.h"
#include "shared/backoff.h"
#include "shared/buf.h"
#include "shared/clock.h"
#include "shared/file.h"
#include "shared/log.h"
#include "shared/mem.h"

enum { key_bytes_max = 8 * 1024, answer_bytes_max = 2048, code_bytes_max = 64, pause_slice_ms = 100 };
enum { hash_chunk_bytes = 64 * 1024 };
enum { ok_first = 200, ok_last = 299, status_timeout = 408, status_too_many = 429, status_server = 500 };

struct upload {
    const struct upload_options *options;
    CURL *easy;
    struct curl_slist *headers;
    FILE *file;
    uint64_t size;
    uint64_t sent;      /* of this attempt */
    struct error abort; /* what a callback of ours says */
    struct buf answer;  /* the begin of the server's */
    char sha256[65];    /* of the file, "" = not known yet */
    bool again;         /* the last attempt's failure may pass */
    char curl_error[CURL_ERROR_SIZE];
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

static size_t on_read(char *data, size_t size, size_t count, void *arg)
{
    struct upload *u = arg;
    size_t n = fread(data, size, count, u->file);
    if (n == 0 && ferror(u->file) != 0) {
        (void)error_set(&u->abort, -EIO, "cannot read %s", u->options->path);
        return CURL_READFUNC_ABORT;
    }
    return n;
}

static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct upload *u = arg;
    return fseeko(u->file, offset, origin) == 0 ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

static size_t on_answer(char *data, size_t size, size_t count, void *arg)
{
    struct upload *u = arg;
    size_t len = size * count;
    size_t room = u->answer.max - u->answer.len;
    return buf_append(&u->answer, data, len < room ? len : room) < 0 ? CURL_WRITEFUNC_ERROR : len;
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    struct upload *u = arg;
    (void)down_total;
    (void)down;
    (void)up_total;
    u->sent = (uint64_t)up;
    return u->options->tick(u->options->arg, u->sent, u->size, &u->abort) < 0 ? 1 : 0;
}

static int open_file(struct upload *u, struct error *err)
{
    struct stat status;
    u->file = fopen(u->options->path, "re");
    if (u->file == NULL || fstat(fileno(u->file), &status) < 0)
        return error_set(err, -EIO, "cannot read %s: %s", u->options->path, strerror(errno));
    u->size = (uint64_t)status.st_size;
    return 0;
}

static int add_header(struct upload *u, const char *name, const char *value)
{
    if (value[0] == '\0')
        return 0;
    cleanup_free char *line = xasprintf("%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(u->headers, line);
    explicit_bzero(line, strlen(line));
    if (longer == NULL)
        return -ENOMEM;
    u->headers = longer;
    return 0;
}

/* What a key file holds, without the line's end. */
static int read_key(const char *option, const char *path, struct buf *out, struct error *err)
{
    struct error why = ERROR_INIT;
    if (file_read(path, out, &why) < 0)
        return error_set(err, -EACCES, "%s: %s", option, why.text);
    while (out->len > 0 && isspace((unsigned char)out->data[out->len - 1]) != 0)
        buf_truncate(out, out->len - 1);
    if (out->len == 0 || strlen(out->data) != out->len || strpbrk(out->data, "\r\n") != NULL)
        return error_set(err, -EACCES, "%s: %s does not hold one line", option, path);
    return 0;
}

/* All of the file, a chunk at a time: between two of them it is asked whether to go on. */
static int feed_hash(struct upload *u, EVP_MD_CTX *hash, struct error *err)
{
    cleanup_free char *chunk = xcalloc(1, hash_chunk_bytes);
    for (size_t n = 1; n > 0;) {
        n = fread(chunk, 1, hash_chunk_bytes, u->file);
        if (ferror(u->file) != 0)
            return error_set(err, -EIO, "cannot read %s", u->options->path);
        if (EVP_DigestUpdate(hash, chunk, n) != 1)
            return error_set(err, -ENOMEM, "out of memory");
        int rc = u->options->tick(u->options->arg, 0, u->size, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* What is signed besides the headers; libcurl 7.88 takes it from the header and does not make it itself. */
static int hash_file(struct upload *u, struct error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    int rc = 0;
    if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
        rc = error_set(err, -ENOMEM, "out of memory");
    if (rc == 0)
        rc = feed_hash(u, hash, err);
    if (rc == 0 && EVP_DigestFinal_ex(hash, digest, &len) != 1)
        rc = error_set(err, -ENOMEM, "out of memory");
    EVP_MD_CTX_free(hash);
    if (rc < 0)
        return rc;
    rewind(u->file);
    for (unsigned i = 0; i < len; i++)
        (void)snprintf(u->sha256 + (size_t)2 * i, 3, "%02x", digest[i]);
    return 0;
}

static int sign_with(struct upload *u, struct buf *access, struct buf *secret, struct buf *token, struct error *err)
{
    const struct upload_options *o = u->options;
    int rc = read_key("dump.upload.access_key_file", o->access_key_file, access, err);
    if (rc == 0)
        rc = read_key("dump.upload.secret_key_file", o->secret_key_file, secret, err);
    if (rc == 0 && o->session_token_file[0] != '\0')
        rc = read_key("dump.upload.session_token_file", o->session_token_file, token, err);
    if (rc < 0)
        return rc;
    (void)curl_easy_setopt(u->easy, CURLOPT_USERNAME, access->data);
    (void)curl_easy_setopt(u->easy, CURLOPT_PASSWORD, secret->data);
    if (curl_easy_setopt(u->easy, CURLOPT_AWS_SIGV4, o->sigv4) != CURLE_OK)
        return error_set(err, -EINVAL, "dump.upload.sigv4: this libcurl cannot sign");
    if (add_header(u, "x-amz-content-sha256", u->sha256) < 0 || add_header(u, "x-amz-security-token", token->data) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    return 0;
}

static int set_signature(struct upload *u, struct error *err)
{
    if (u->options->sigv4[0] == '\0')
        return 0;
    int rc = u->sha256[0] == '\0' ? hash_file(u, err) : 0;
    if (rc < 0)
        return rc;
    struct buf keys[3];
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        buf_init(&keys[i], key_bytes_max);
    rc = sign_with(u, &keys[0], &keys[1], &keys[2], err);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        explicit_bzero(keys[i].data, keys[i].len);
        buf_fini(&keys[i]);
    }
    return rc;
}

static void set_options(struct upload *u)
{
    const struct upload_options *o = u->options;
    CURL *easy = u->easy;
    (void)curl_easy_setopt(easy, CURLOPT_URL, o->url);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)u->size);
    (void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    (void)curl_easy_setopt(easy, CURLOPT_READDATA, u);
    (void)curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    (void)curl_easy_setopt(easy, CURLOPT_SEEKDATA, u);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, u);
    (void)curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(easy, CURLOPT_XFERINFODATA, u);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, u->curl_error);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)UPLOAD_CONNECT_MS);
    (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)UPLOAD_STALL_S);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "proxysql-agent/" PROJECT_VERSION);
    if (o->ca_file[0] != '\0') {
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, o->ca_file);
        (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* Debian's libcurl would go on trusting the public CAs */
    }
}

static int prepare(struct upload *u, struct error *err)
{
    u->easy = curl_easy_init();
    if (u->easy == NULL)
        return error_set(err, -ENOMEM, "out of memory");
    int rc = open_file(u, err);
    if (rc < 0)
        return rc;
    set_options(u);
    if (add_header(u, "Content-Type", u->options->content_type) < 0 ||
        add_header(u, "Content-Encoding", u->options->content_encoding) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    rc = set_signature(u, err);
    (void)curl_easy_setopt(u->easy, CURLOPT_HTTPHEADER, u->headers);
    return rc;
}

static void end_attempt(struct upload *u)
{
    curl_easy_cleanup(u->easy);
    curl_slist_free_all(u->headers);
    if (u->file != NULL)
        (void)fclose(u->file);
    u->easy = NULL;
    u->headers = NULL;
    u->file = NULL;
}

/* S3 and GCS name the error in XML: <Code>SignatureDoesNotMatch</Code>. More of an answer is not shown: it may repeat
 * what was signed. */
static void find_code(const struct buf *answer, char ret_code[static code_bytes_max])
{
    const char *begin = memmem(answer->data, answer->len, "<Code>", 6);
    size_t len = 0;
    if (begin != NULL)
        for (begin += 6; len < code_bytes_max - 1 && isalnum((unsigned char)begin[len]) != 0;)
            len++;
    (void)snprintf(ret_code, code_bytes_max, "%.*s", (int)len, begin != NULL ? begin : "");
}

static int judge_status(struct upload *u, struct error *err)
{
    long status = 0;
    (void)curl_easy_getinfo(u->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= ok_first && status <= ok_last)
        return 0;
    u->again = status == status_timeout || status == status_too_many || status >= status_server;
    char code[code_bytes_max];
    find_code(&u->answer, code);
    return error_set(err, -EREMOTEIO, "the server answers %ld%s%s", status, code[0] == '\0' ? "" : " ", code);
}

/* Which failures may pass by themselves; a certificate, an option or a local file do not. */
static bool may_pass(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SEND_FAIL_REWIND:
        return true;
    default:
        return false;
    }
}

static int attempt(struct upload *u, struct error *err)
{
    u->again = false;
    u->curl_error[0] = '\0';
    buf_reset(&u->answer);
    int rc = prepare(u, err);
    if (rc < 0)
        return rc;
    CURLcode code = curl_easy_perform(u->easy);
    if (u->abort.code != 0)
        return error_set(err, u->abort.code, "%s", u->abort.text);
    if (code == CURLE_OK)
        return judge_status(u, err);
    u->again = may_pass(code);
    return error_set(err, code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -ECONNRESET, "%s",
                     u->curl_error[0] != '\0' ? u->curl_error : curl_easy_strerror(code));
}

static int64_t retry_after_ms(const struct upload *u)
{
    curl_off_t seconds = 0;
    (void)curl_easy_getinfo(u->easy, CURLINFO_RETRY_AFTER, &seconds);
    return seconds <= 0 ? 0 : seconds < UPLOAD_PAUSE_CAP_MS / 1000 ? seconds * 1000 : UPLOAD_PAUSE_CAP_MS;
}

static int pause_for(const struct upload *u, int64_t pause_ms, struct error *err)
{
    const struct timespec slice = {.tv_nsec = pause_slice_ms * 1000000L};
    int64_t until_ms = clock_mono_ms() + pause_ms;
    int rc = 0;
    while (rc == 0 && clock_left_ms(until_ms) > 0) {
        (void)nanosleep(&slice, NULL);
        rc = u->options->tick(u->options->arg, 0, u->size, err);
    }
    return rc;
}

static int attempts(struct upload *u, const char *shown, int *ret_attempts, struct error *err)
{
    struct backoff backoff;
    int64_t pause_ms = u->options->pause_ms > 0 ? u->options->pause_ms : UPLOAD_PAUSE_MS;
    backoff_init(&backoff, pause_ms, UPLOAD_PAUSE_CAP_MS);
    for (int n = 1;; n++) {
        struct error failure = ERROR_INIT;
        int rc = attempt(u, &failure);
        int64_t asked_ms = u->easy == NULL ? 0 : retry_after_ms(u);
        end_attempt(u);
        *ret_attempts = n;
        if (rc == 0 || !u->again || n >= u->options->attempts)
            return rc == 0 ? 0
                           : error_set(err, rc, "%s (attempt %d of %lld)", failure.text, n,
                                       (long long)u->options->attempts);
        int64_t wait_ms = asked_ms > 0 ? asked_ms : backoff_next_ms(&backoff);
        log_warn("upload failed, trying again", LOG_STR("to", shown), LOG_STR("error", failure.text),
                 LOG_INT("attempt", n), LOG_INT("in_ms", wait_ms));
        rc = pause_for(u, wait_ms, err);
        if (rc < 0)
            return rc;
    }
}

int upload_file(const struct upload_options *options, int *ret_attempts, struct error *err)
{
    (void)pthread_once(&curl_once, start_curl);
    struct upload u = {.options = options};
    int done = 0;
    buf_init(&u.answer, answer_bytes_max);
    cleanup_free char *shown = upload_url_shown(options->url);
    int rc = attempts(&u, shown, &done, err);
    buf_fini(&u.answer);
    if (ret_attempts != NULL)
        *ret_attempts = done;
    return rc < 0 ? error_wrap(err, "%s", shown) : 0;
}
