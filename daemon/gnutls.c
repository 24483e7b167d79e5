/*
 * libgnutls comes with libcurl, which needs it for LDAP and RTMP only; we speak neither. It would initialise itself
 * when it is loaded, for 0.9 MB and some milliseconds, and asks this first (GNUTLS_SKIP_GLOBAL_INIT in
 * gnutls/gnutls.h).
 */
int _gnutls_global_init_skip(void);

int _gnutls_global_init_skip(void)
{
    return 1;
}
