/* SPDX-License-Identifier: MIT */
/* The doctor: every group of the table of op cases, then the checks that stand for themselves. */
#include "check/case.h"
#include "check/special.h"

static duet_status (*const special[])(duet_device *device, duet_check_row *row, duet_error *error) = {
    duet_check_random,
    duet_check_states,
};
enum { SPECIAL = sizeof special / sizeof special[0] };

static size_t group_count(void)
{
    size_t count = 0;
    while (duet_case_group_at(count)) count++;
    return count;
}

size_t duet_check_count(void)
{
    return group_count() + SPECIAL;
}

duet_status duet_check_run(duet_device *device, size_t index, duet_check_row *row, duet_error *error)
{
    size_t groups = group_count();
    if (index < groups) return duet_case_group_run(device, duet_case_group_at(index), row, error);
    if (index < groups + SPECIAL) return special[index - groups](device, row, error);
    return duet_fail(error, DUET_ERROR_USAGE, "there is no check %zu: there are %zu", index, groups + SPECIAL);
}
