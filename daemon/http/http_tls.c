#include "daemon/http/http_tls.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>

#include "shared/log.h"
#include "shared/mem.h"

/* What tells one content of a file from the next, also behind Kubernetes' swapped links. */
struct file_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

struct http_tls {
    char *cert_file;
    char *key_file;
    bool http2;
    SSL_CTX *context;
    struct file_stamp stamps[2]; /* of the files when they were read last, also in vain */
    _Atomic int64_t not_after_s;
    _Atomic uint64_t loads;
    _Atomic uint64_t load_failures;
};

static void stamp_file(const char *path, struct file_stamp *ret_stamp)
{
    struct stat st;
    memset(ret_stamp, 0, sizeof(*ret_stamp));
    if (stat(path, &st) < 0)
        return;
    ret_stamp->device = st.st_dev;
    ret_stamp->inode = st.st_ino;
    ret_stamp->size = st.st_size;
    ret_stamp->modified = st.st_mtim;
}

static void stamp_files(const struct http_tls *tls, struct file_stamp ret_stamps[2])
{
    stamp_file(tls->cert_file, &ret_stamps[0]);
    stamp_file(tls->key_file, &ret_stamps[1]);
}

static const char *openssl_text(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return text != NULL ? text : "unknown error";
}

/* The library's own texts do not say when a file is not there, and it would wait for somebody to write to a pipe. */
static int check_readable(const char *key, const char *path, struct error *err)
{
    struct stat st;
    if (stat(path, &st) < 0 || access(path, R_OK) < 0)
        return error_set(err, -errno, "%s: read %s: %s", key, path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return error_set(err, -EINVAL, "%s: %s is no regular file", key, path);
    return 0;
}

/* The library's own would ask at the terminal, in the loop's thread too. */
static int refuse_passphrase(char *buf, int size, int writing, void *asked)
{
    (void)buf;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static int use_key(SSL_CTX *context, const char *path, const bool *asked, struct error *err)
{
    if (SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) == 1)
        return 0;
    const char *why = openssl_text();
    if (*asked)
        return error_set(err, -EINVAL, "api.tls.key_file: %s needs a passphrase; give a key without one", path);
    return error_set(err, -EINVAL, "api.tls.key_file: %s holds no private key (PEM) of the certificate: %s", path, why);
}

static int use_certificate(SSL_CTX *context, const char *path, struct error *err)
{
    if (SSL_CTX_use_certificate_chain_file(context, path) == 1)
        return 0;
    return error_set(err, -EINVAL, "api.tls.cert_file: %s holds no certificate (PEM): %s", path, openssl_text());
}

static int use_files(SSL_CTX *context, const struct http_tls *tls, struct error *err)
{
    bool asked = false;
    int rc = check_readable("api.tls.cert_file", tls->cert_file, err);
    if (rc == 0)
        rc = check_readable("api.tls.key_file", tls->key_file, err);
    SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context, &asked);
    if (rc == 0)
        rc = use_certificate(context, tls->cert_file, err);
    if (rc == 0)
        rc = use_key(context, tls->key_file, &asked, err);
    SSL_CTX_set_default_passwd_cb(context, NULL);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    return rc;
}

static int select_protocol(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_len, const unsigned char *in,
                           unsigned in_len, void *arg)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1";
    enum { h2_len = 3 };
    const struct http_tls *tls = arg;
    const unsigned char *ours = tls->http2 ? both : both + h2_len;
    unsigned ours_len = (unsigned)sizeof(both) - 1 - (tls->http2 ? 0 : h2_len);
    unsigned char *name = NULL;
    (void)ssl;
    if (SSL_select_next_proto(&name, ret_len, ours, ours_len, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *ret_name = name;
    return SSL_TLSEXT_ERR_OK;
}

static int load(struct http_tls *tls, struct error *err)
{
    stamp_files(tls, tls->stamps);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        SSL_CTX_free(context);
        return error_set(err, -ENOMEM, "TLS: %s", openssl_text());
    }
    (void)SSL_CTX_set_options(context,
                              SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, select_protocol, tls);
    int rc = use_files(context, tls, err);
    if (rc < 0) {
        SSL_CTX_free(context);
        return rc;
    }
    SSL_CTX_free(tls->context);
    tls->context = context;
    return 0;
}

static void read_lifetime(struct http_tls *tls)
{
    struct tm tm = {0};
    const ASN1_TIME *end = X509_get0_notAfter(SSL_CTX_get0_certificate(tls->context));
    tls->not_after_s = ASN1_TIME_to_tm(end, &tm) == 1 ? timegm(&tm) : 0;
    tls->loads++;
}

int http_tls_new(struct http_tls **ret_tls, const char *cert_file, const char *key_file, bool http2, struct error *err)
{
    struct http_tls *tls = xcalloc(1, sizeof(*tls));
    tls->cert_file = xstrdup(cert_file);
    tls->key_file = xstrdup(key_file);
    tls->http2 = http2;
    int rc = load(tls, err);
    if (rc < 0) {
        http_tls_free(tls);
        return rc;
    }
    read_lifetime(tls);
    *ret_tls = tls;
    return 0;
}

void http_tls_free(struct http_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    free(tls->cert_file);
    free(tls->key_file);
    free(tls);
}

SSL_CTX *http_tls_context(struct http_tls *tls)
{
    (void)SSL_CTX_up_ref(tls->context);
    return tls->context;
}

void http_tls_refresh(struct http_tls *tls)
{
    struct file_stamp now[2];
    struct error err = ERROR_INIT;
    stamp_files(tls, now);
    if (memcmp(now, tls->stamps, sizeof(now)) == 0)
        return;
    if (load(tls, &err) < 0) {
        tls->load_failures++;
        log_warn("the new TLS certificate cannot be used, the one before stays", LOG_STR("error", err.text));
        return;
    }
    read_lifetime(tls);
    log_info("TLS certificate read again", LOG_STR("file", tls->cert_file));
}

void http_tls_get_stats(const struct http_tls *tls, struct http_tls_stats *ret_stats)
{
    *ret_stats = (struct http_tls_stats){
        .not_after_s = tls->not_after_s, .loads = tls->loads, .load_failures = tls->load_failures};
}
