/* SPDX-License-Identifier: MIT */
/* Which steps share a launch. Products keep their order and run as soon as they can; maps and reductions wait until a
 * product needs one of them, and then all that are ready run side by side, as parts of one kernel. Waiting keeps what
 * they read in memory, so it ends where that would cost more than a little. Sums over ranks come when nothing else is left to
 * do without them, all of a level in one turn. */
#include "plan/lower.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"

enum {
    TOUCHES = DUET_STEP_LOADS + DUET_STEP_ROOTS + 1, /* the most tensors of a step */
    PARTS = 24,                                      /* the most steps of a launch */
    ARGUMENT_BYTES = 1024,                           /* of a kernel's arguments; what every device takes */
    SMALL = 4096, /* elements of a map that costs a CPU no more than its launch, whatever its form */
};

/** A tensor that a step reads or writes. */
typedef struct touch {
    int tensor;
    bool writes;
} touch;

/** The memory of a tensor: elements of a storage, of a pack, or the tensor itself. */
typedef struct span {
    const void *owner;
    size_t begin, end;
} span;

typedef struct bundler {
    duet_lowering *lowering;
    size_t count;         /* of steps */
    span *spans;          /* by tensor */
    touch *touches;       /* by step, TOUCHES each */
    size_t *touch_counts; /* by step */
    bool *follows;        /* [count][count]: whether the step has to come after the other one, an earlier one */
    size_t *waits;        /* by step: how many of those have not had their turn */
    bool *done, *wanted;  /* by step; wanted: the next product needs it */
    bool *blocked;        /* by step: it needs a sum over ranks that has had no turn */
    bool *is_live;        /* by tensor of the arena */
    size_t *users;        /* by tensor: steps to come that touch it */
    size_t *order;        /* the steps in their new order */
    size_t ordered, turn;
    size_t live, limit; /* bytes of the arena in use, and how many may be before waiting ends */
} bundler;

/* What depends on what. */

static span span_of(const duet_lowering *lowering, int index)
{
    const duet_tensor *tensor = &lowering->tensors[index];
    size_t begin = 0;
    const size_t elements = tensor->elements;
    for (; tensor->home == DUET_HOME_PART; tensor = &lowering->tensors[tensor->whole]) begin += tensor->part_offset;
    if (tensor->home != DUET_HOME_VARIABLE) return (span){tensor, begin, begin + elements};
    begin += tensor->variable->offset;
    return (span){tensor->variable->storage, begin, begin + elements};
}

static void touch_tensor(bundler *b, size_t step, int tensor, bool writes)
{
    touch *touches = b->touches + step * TOUCHES;
    size_t i = 0;
    if (tensor == DUET_NO_TENSOR) return;
    while (i < b->touch_counts[step] && touches[i].tensor != tensor) i++;
    if (i == b->touch_counts[step]) {
        touches[i] = (touch){tensor, false};
        b->touch_counts[step]++;
        b->users[tensor]++;
    }
    touches[i].writes |= writes;
}

static void find_touches(bundler *b)
{
    for (size_t i = 0; i < b->count; i++) {
        const duet_step *step = &b->lowering->steps[i];
        for (size_t j = 0; j < step->read_count; j++) touch_tensor(b, i, step->reads[j].tensor, false);
        for (size_t j = 0; j < step->root_count; j++) touch_tensor(b, i, step->roots[j].target, true);
        touch_tensor(b, i, step->scratch, true);
    }
}

static bool overlap(const span *a, const span *b)
{
    return a->owner == b->owner && a->begin < b->end && b->begin < a->end;
}

/* Whether one of the steps writes what the other one touches. */
static bool conflict(const bundler *b, size_t one, size_t other)
{
    const touch *left = b->touches + one * TOUCHES, *right = b->touches + other * TOUCHES;
    for (size_t i = 0; i < b->touch_counts[one]; i++)
        for (size_t j = 0; j < b->touch_counts[other]; j++)
            if ((left[i].writes || right[j].writes) && overlap(&b->spans[left[i].tensor], &b->spans[right[j].tensor]))
                return true;
    return false;
}

static void find_order(bundler *b)
{
    for (size_t i = 0; i < b->lowering->tensor_count; i++) b->spans[i] = span_of(b->lowering, (int)i);
    find_touches(b);
    for (size_t i = 0; i < b->count; i++)
        for (size_t j = 0; j < i; j++) {
            b->follows[i * b->count + j] = conflict(b, i, j);
            b->waits[i] += b->follows[i * b->count + j];
        }
}

/* Memory in use. */

static size_t arena_bytes(const bundler *b, int index)
{
    const duet_tensor *tensor = &b->lowering->tensors[index];
    return tensor->home == DUET_HOME_ARENA ? tensor->elements * duet_type_size(tensor->type) : 0;
}

/* Bytes that the step takes up, and those that nobody needs after it. */
static size_t bytes_taken(const bundler *b, size_t step)
{
    size_t bytes = 0;
    for (size_t i = 0; i < b->touch_counts[step]; i++) {
        int tensor = b->touches[step * TOUCHES + i].tensor;
        if (!b->is_live[tensor]) bytes += arena_bytes(b, tensor);
    }
    return bytes;
}

static size_t bytes_left(const bundler *b, size_t step)
{
    size_t bytes = 0;
    for (size_t i = 0; i < b->touch_counts[step]; i++) {
        int tensor = b->touches[step * TOUCHES + i].tensor;
        if (b->users[tensor] == 1) bytes += arena_bytes(b, tensor);
    }
    return bytes;
}

static void use_memory(bundler *b, size_t step)
{
    b->live += bytes_taken(b, step);
    for (size_t i = 0; i < b->touch_counts[step]; i++) b->is_live[b->touches[step * TOUCHES + i].tensor] = true;
}

static void leave_memory(bundler *b, size_t step)
{
    b->live -= bytes_left(b, step);
    for (size_t i = 0; i < b->touch_counts[step]; i++) b->users[b->touches[step * TOUCHES + i].tensor]--;
}

/* The most bytes in use where no step waits, and an eighth. */
static void find_limit(bundler *b)
{
    for (size_t i = 0; i < b->count; i++) {
        use_memory(b, i);
        if (b->limit < b->live) b->limit = b->live;
        leave_memory(b, i);
    }
    b->limit += b->limit / 8;
    memset(b->is_live, 0, b->lowering->tensor_count * sizeof *b->is_live);
    memset(b->users, 0, b->lowering->tensor_count * sizeof *b->users);
    for (size_t i = 0; i < b->count; i++)
        for (size_t j = 0; j < b->touch_counts[i]; j++) b->users[b->touches[i * TOUCHES + j].tensor]++;
}

/* Turns. */

/* Whether a step can be a part of a kernel without loss. On a CPU a map of many elements has to be cut into runs for
 * that, as compilers make vectors across the work-items of a whole kernel alone. */
static bool can_share(const bundler *b, size_t index)
{
    const duet_step *step = &b->lowering->steps[index];
    if (step->kind == DUET_STEP_PRODUCT || step->kind == DUET_STEP_ALL_REDUCE ||
        !duet_device_bundles(b->lowering->device))
        return false;
    return step->kind != DUET_STEP_MAP || duet_is_wide(b->lowering->device) || step->elements <= SMALL ||
           duet_can_run(b->lowering, step, step->row_length);
}

static bool is_ready(const bundler *b, size_t step)
{
    return !b->done[step] && b->waits[step] == 0;
}

/* The steps have the next turn. */
static void run_together(bundler *b, const size_t *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) use_memory(b, steps[i]);
    for (size_t i = 0; i < count; i++) {
        size_t step = steps[i];
        leave_memory(b, step);
        b->done[step] = true;
        b->lowering->steps[step].turn = b->turn;
        b->order[b->ordered++] = step;
        for (size_t later = step + 1; later < b->count; later++) b->waits[later] -= b->follows[later * b->count + step];
    }
    b->turn++;
}

static size_t argument_bytes(const duet_step *step)
{
    return (step->read_count + step->root_count + 1) * (sizeof(cl_mem) + sizeof(cl_ulong)) +
           step->numbers * sizeof(cl_float);
}

/* Runs all steps of a list, in as few launches as take their arguments. */
static void run_list(bundler *b, const size_t *steps, size_t count)
{
    for (size_t first = 0, end; first < count; first = end) {
        size_t bytes = 0;
        for (end = first; end < count && end - first < PARTS; end++) {
            bytes += argument_bytes(&b->lowering->steps[steps[end]]);
            if (bytes > ARGUMENT_BYTES && end > first) break;
        }
        run_together(b, steps + first, end - first);
    }
}

/* Runs what is ready and can share a launch: what is wanted, and what takes no more memory than it leaves. */
static void run_ready(bundler *b, size_t *list)
{
    const size_t little = b->limit / 64;
    size_t count = 0;
    for (size_t i = 0; i < b->count; i++)
        if (is_ready(b, i) && !b->blocked[i] && can_share(b, i) && (b->wanted[i] || bytes_taken(b, i) <= bytes_left(b, i) + little))
            list[count++] = i;
    run_list(b, list, count);
}

/* Runs the steps before `end` that are ready and cannot share a launch, so gain nothing by waiting. Whether there were
 * any. */
static bool run_single(bundler *b, size_t end)
{
    bool found = false;
    for (size_t i = 0; i < end; i++) {
        if (!is_ready(b, i) || b->blocked[i] || b->lowering->steps[i].kind == DUET_STEP_PRODUCT || can_share(b, i))
            continue;
        run_together(b, &i, 1);
        found = true;
    }
    return found;
}

/* Bytes that would be left if all that is ready and can share a launch ran now. */
static size_t bytes_waiting(const bundler *b)
{
    size_t taken = 0, left = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (!is_ready(b, i) || !can_share(b, i)) continue;
        taken += bytes_taken(b, i);
        left += bytes_left(b, i);
    }
    return left > taken ? left - taken : 0;
}

/* Marks the steps that have to run before `step` does. */
static void want(bundler *b, size_t step)
{
    memset(b->wanted, 0, b->count * sizeof *b->wanted);
    b->wanted[step] = true;
    for (size_t i = step + 1; i-- > 0;)
        for (size_t j = 0; j < i && b->wanted[i]; j++) b->wanted[j] |= !b->done[j] && b->follows[i * b->count + j];
}

/* The first product to come, or else the first step to come, of those that need no sum over ranks first; `count` if
 * there is none. */
static size_t next_step(const bundler *b)
{
    size_t next = b->count;
    for (size_t i = b->count; i-- > 0;)
        if (!b->done[i] && !b->blocked[i] && b->lowering->steps[i].kind == DUET_STEP_PRODUCT) next = i;
    for (size_t i = 0; i < b->count && next == b->count; i++)
        if (!b->done[i] && !b->blocked[i]) next = i;
    return next;
}

/* Sums over ranks. */

static void find_blocked(bundler *b)
{
    for (size_t i = 0; i < b->count; i++) {
        b->blocked[i] = !b->done[i] && b->lowering->steps[i].kind == DUET_STEP_ALL_REDUCE;
        for (size_t j = 0; j < i && !b->blocked[i]; j++) b->blocked[i] = b->blocked[j] && b->follows[i * b->count + j];
    }
}

/* Gives the sums of the lowest level to come their turn. They need those of lower levels and nothing that is blocked. */
static bool run_exchange(bundler *b, size_t *list)
{
    size_t level = SIZE_MAX, count = 0;
    for (size_t i = 0; i < b->count; i++)
        if (is_ready(b, i) && b->lowering->steps[i].level < level) level = b->lowering->steps[i].level;
    for (size_t i = 0; i < b->count; i++) {
        const duet_step *step = &b->lowering->steps[i];
        if (b->done[i] || step->kind != DUET_STEP_ALL_REDUCE || step->level != level) continue;
        if (!is_ready(b, i)) return false;
        list[count++] = i;
    }
    if (count > 0) run_together(b, list, count);
    find_blocked(b);
    return count > 0;
}

/* Until no step is left that can have a turn. */
static void run_all(bundler *b, size_t *list)
{
    find_blocked(b);
    for (size_t next; (next = next_step(b)) < b->count || run_exchange(b, list);) {
        if (next == b->count) continue;
        const bool is_product = b->lowering->steps[next].kind == DUET_STEP_PRODUCT;
        if (run_single(b, is_product ? next : next + 1)) continue;
        want(b, next);
        if (!is_product || !is_ready(b, next)) {
            run_ready(b, list);
            continue;
        }
        if (b->live + bytes_taken(b, next) > b->limit && bytes_waiting(b) > 0) run_ready(b, list);
        run_together(b, &next, 1);
    }
}

static duet_status put_in_order(bundler *b)
{
    duet_step *steps = calloc(b->count + 1, sizeof *steps);
    if (steps == NULL) return duet_lowering_no_memory(b->lowering);
    for (size_t i = 0; i < b->count; i++) steps[i] = b->lowering->steps[b->order[i]];
    free(b->lowering->steps);
    b->lowering->steps = steps;
    b->lowering->step_capacity = b->count + 1;
    return DUET_OK;
}

size_t duet_lowering_turn_end(const duet_lowering *lowering, size_t first)
{
    size_t end = first + 1;
    while (end < lowering->step_count && lowering->steps[end].turn == lowering->steps[first].turn) end++;
    return end;
}

static bool make_room(bundler *b)
{
    size_t tensors = b->lowering->tensor_count + 1, steps = b->count + 1, pairs, touches;
    if (!duet_size_multiply(steps, steps, &pairs) || !duet_size_multiply(steps, TOUCHES, &touches)) return false;
    b->spans = calloc(tensors, sizeof *b->spans);
    b->is_live = calloc(tensors, sizeof *b->is_live);
    b->users = calloc(tensors, sizeof *b->users);
    b->touches = calloc(touches, sizeof *b->touches);
    b->touch_counts = calloc(steps, sizeof *b->touch_counts);
    b->follows = calloc(pairs, sizeof *b->follows);
    b->waits = calloc(steps, sizeof *b->waits);
    b->done = calloc(steps, sizeof *b->done);
    b->wanted = calloc(steps, sizeof *b->wanted);
    b->blocked = calloc(steps, sizeof *b->blocked);
    b->order = calloc(2 * steps, sizeof *b->order); /* and a list of steps that run together */
    return b->spans != NULL && b->is_live != NULL && b->users != NULL && b->touches != NULL &&
           b->touch_counts != NULL && b->follows != NULL && b->waits != NULL && b->done != NULL && b->wanted != NULL &&
           b->blocked != NULL && b->order != NULL;
}

static void leave_room(bundler *b)
{
    void *const all[] = {b->spans,   b->is_live, b->users, b->touches, b->touch_counts,
                         b->follows, b->waits,   b->done,  b->wanted,  b->blocked, b->order};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

duet_status duet_lowering_bundle(duet_lowering *lowering)
{
    bundler b = {.lowering = lowering, .count = lowering->step_count};
    duet_status status = make_room(&b) ? DUET_OK : duet_lowering_no_memory(lowering);
    if (status == DUET_OK) {
        find_order(&b);
        find_limit(&b);
        run_all(&b, b.order + b.count + 1);
        status = b.ordered == b.count ? put_in_order(&b)
                                      : duet_fail(lowering->error, DUET_ERROR_GRAPH,
                                                  "the plan's sums over ranks wait for each other");
    }
    leave_room(&b);
    return status;
}
