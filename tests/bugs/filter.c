/* SPDX-License-Identifier: Apache-2.0 */
/* In a build with seeded bugs every test program heeds TEST, the name of the one test to run, with
 * stars as in a shell. A bug that one test is for need not wait for the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void heed_test(void)
{
    if (getenv("TEST") != NULL)
        cmocka_set_test_filter(getenv("TEST"));
}
