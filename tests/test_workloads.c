/* SPDX-License-Identifier: MIT */
/* The table of the benchmark's workloads. */
#include "test.h"

#include "cli/workloads.h"

static void the_table_of_workloads_is_sound(void **state)
{
    (void)state;
    const cli_workload *row;
    size_t count = 0;
    for (; (row = cli_workload_at(count)) != NULL; count++) {
        assert_ptr_equal(cli_workload_find(row->name), row);
        assert_non_null(cli_workload_family(row));
        assert_true(row->batch > 0 && row->summary[0] != '\0');
        const duet_family *same = duet_family_find(row->name); /* or `--workload` could mean either */
        assert_true(same == NULL || same == cli_workload_family(row));
    }
    assert_true(count >= 4);
    assert_null(cli_workload_find("none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_of_workloads_is_sound),
    };
    return RUN_TESTS("workloads", tests, NULL, NULL);
}
