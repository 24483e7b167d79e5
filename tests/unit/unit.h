#pragma once

/* What every cmocka test includes, in the order that cmocka 1.1 needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
