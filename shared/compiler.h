#pragma once

/* Attributes understood by gcc and clang, and clang's thread-safety annotations (-Wthread-safety). */

/* The caller must look at the returned value. */
#define MUST_CHECK __attribute__((warn_unused_result))
/* The argument number `fmt` is a printf format, its values start at argument number `first` (0 for a va_list). */
#define PRINTF_FORMAT(fmt, first) __attribute__((format(printf, fmt, first)))
#define NORETURN                  __attribute__((noreturn))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#if defined(__clang__)
#define THREAD_ANNOTATION(x) __attribute__((x))
#else
#define THREAD_ANNOTATION(x)
#endif

#define CAPABILITY(name) THREAD_ANNOTATION(capability(name))
/* The field may be touched only while a lock is held. clang 14 cannot name a sibling field in C, so the lock is not
 * named: the structure's one lock is meant. */
#define GUARDED            THREAD_ANNOTATION(guarded_var)
#define REQUIRES(...)      THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define EXCLUDES(...)      THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...)       THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define RELEASE(...)       THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define NO_THREAD_ANALYSIS THREAD_ANNOTATION(no_thread_safety_analysis)

/* True when built with a sanitizer that needs larger stacks and slows everything down. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BUILT_WITH_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BUILT_WITH_SANITIZER 1
#endif
#endif
#ifndef BUILT_WITH_SANITIZER
#define BUILT_WITH_SANITIZER 0
#endif
