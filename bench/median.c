/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/median.h"

#include <stdlib.h>

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

double median(double *numbers, uint32_t count)
{
    if (count == 0)
        return 0;
    qsort(numbers, count, sizeof *numbers, compare);
    return (numbers[(count - 1) / 2] + numbers[count / 2]) / 2;
}
