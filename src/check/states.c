/* SPDX-License-Identifier: MIT */
/* States of every kind of update that training makes: a counter, a sum, two that change places, a table written one row
 * at a time. After a few runs each holds a number known beforehand. */
#include "check/note.h"
#include "check/special.h"
#include "duet/op.h"
#include "duet/plan.h"

enum { ROWS = 3, WIDTH = 5, REPLAYS = 7, ROOTS = 5 };

static duet_node constant_state(duet_graph *graph, const char *name, duet_type type, duet_shape shape, float value)
{
    const duet_initialiser start = {.kind = DUET_INIT_CONSTANT, .scale = value};
    return duet_state(graph, name, type, shape, start);
}

/* count += 1; sum += count; left, right = right + 1, left; table[count mod ROWS] = count */
static void build(duet_graph *graph, duet_node roots[ROOTS])
{
    duet_node count = constant_state(graph, "count", DUET_UINT32, DUET_SCALAR_SHAPE, 0);
    duet_node sum = constant_state(graph, "sum", DUET_FLOAT32, DUET_SHAPE(WIDTH), 0.5f);
    duet_node left = constant_state(graph, "left", DUET_FLOAT32, DUET_SHAPE(WIDTH), 10);
    duet_node right = constant_state(graph, "right", DUET_FLOAT32, DUET_SHAPE(WIDTH), 20);
    duet_node table = constant_state(graph, "table", DUET_FLOAT32, DUET_SHAPE(ROWS, WIDTH), -1);
    duet_node number = duet_to_float(count);
    roots[0] = duet_assign(count, duet_increment(count));
    roots[1] = duet_assign(sum, duet_add(sum, number));
    roots[2] = duet_assign(left, duet_shift(right, 1));
    roots[3] = duet_assign(right, left);
    roots[4] = duet_assign(table, duet_with_row(table, count, duet_broadcast(number, DUET_SHAPE(WIDTH))));
}

static duet_status compare(duet_store *store, duet_device *device, const char *name, const double *expected,
                           size_t count, duet_check_row *row, duet_error *error)
{
    float actual[ROWS * WIDTH];
    DUET_TRY(duet_store_read(store, device, name, actual, count * sizeof *actual, error));
    for (size_t i = 0; i < count; i++) {
        duet_check_note(row, &row->forward, name, "state", i, expected[i], actual[i], 0);
    }
    return DUET_OK;
}

static duet_status compare_all(duet_store *store, duet_device *device, duet_check_row *row, duet_error *error)
{
    double sum[WIDTH], left[WIDTH], right[WIDTH], table[ROWS * WIDTH];
    uint32_t count;
    DUET_TRY(duet_store_read(store, device, "count", &count, sizeof count, error));
    duet_check_note(row, &row->forward, "count", "state", 0, REPLAYS, count, 0);
    for (size_t i = 0; i < WIDTH; i++) {
        double a = 10, b = 20;
        sum[i] = 0.5;
        for (size_t step = 0; step < REPLAYS; step++) {
            double old = a;
            sum[i] += (double)step;
            a = b + 1;
            b = old;
            table[step % ROWS * WIDTH + i] = (double)step;
        }
        left[i] = a;
        right[i] = b;
    }
    DUET_TRY(compare(store, device, "sum", sum, WIDTH, row, error));
    DUET_TRY(compare(store, device, "left", left, WIDTH, row, error));
    DUET_TRY(compare(store, device, "right", right, WIDTH, row, error));
    return compare(store, device, "table", table, (size_t)ROWS * WIDTH, row, error);
}

duet_status duet_check_states(duet_device *device, duet_check_row *row, duet_error *error)
{
    duet_node roots[ROOTS];
    duet_store *store = duet_store_new(1);
    duet_graph *graph = store ? duet_graph_new(store) : NULL;
    duet_plan *plan = NULL;
    duet_check_begin(row, "states");
    duet_status status = graph ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for the checks");
    if (status == DUET_OK) {
        build(graph, roots);
        status = duet_plan_new(&plan, device, "states", roots, ROOTS, error);
    }
    for (size_t i = 0; i < REPLAYS && status == DUET_OK; i++) status = duet_plan_replay(plan, error);
    if (status == DUET_OK) status = compare_all(store, device, row, error);
    duet_plan_free(&plan);
    duet_graph_free(&graph);
    duet_store_free(&store);
    return status;
}
