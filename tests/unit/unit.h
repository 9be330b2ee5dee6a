/* unit.h - what every unit test includes: cmocka with the headers it needs first. */
#ifndef AGLM_TESTS_UNIT_H
#define AGLM_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#endif
