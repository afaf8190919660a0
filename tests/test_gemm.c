/* SPDX-License-Identifier: MIT */
/* Every GEMM provider, all four transposes, sizes around the edges of tiles, written and added to, against a product
 * in double. The matrices lie at odd offsets: what is beside C must survive, what is before A and B is NaN, and their
 * buffers end where they do, so that a simulator sees a read too far. */
#include "own_end.h"
#include "product/tuning.h"

#include <float.h>

static const size_t edges[] = {1, 2, 3, 5, 7, 8, 13, 31, 32, 33, 64, 100, 130};

enum { EDGES = sizeof edges / sizeof *edges, LARGEST = 300 * 260, BESIDE = 3, ROOM = LARGEST + 2 * BESIDE };
enum { OPERAND = 300 * 1030 + BESIDE };

typedef struct fixture {
    duet_device *device;
    cl_mem c;
    cl_program program; /* an instance of a provider's kernel, or NULL for its own */
    const char *kernel;
    float a_values[OPERAND], b_values[OPERAND], c_before[ROOM], c_after[ROOM];
} fixture;

/** Numbers in [-1, 1) that look random and are the same everywhere. */
static float draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)((double)(*state >> 8) / 8388608.0 - 1.0);
}

static int set_up(void **state)
{
    duet_error error = {0};
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->device = test_device_open();
    assert_ok(duet_buffer_new(f->device, sizeof f->c_before, false, &f->c, &error), &error);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    duet_buffer_free(&f->c);
    duet_device_close(&f->device);
    free(f);
    return 0;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/** A buffer of BESIDE NaNs and `count` drawn numbers, kept in `values` too. */
static cl_mem make_operand(fixture *f, float *values, size_t count, uint32_t seed)
{
    duet_error error = {0};
    cl_mem buffer = NULL;
    for (size_t i = 0; i < BESIDE; i++) values[i] = NAN;
    for (size_t i = 0; i < count; i++) values[BESIDE + i] = draw(&seed);
    const size_t bytes = (BESIDE + count) * sizeof *values;
    assert_ok(duet_buffer_new(f->device, bytes, false, &buffer, &error), &error);
    assert_ok(duet_buffer_write(f->device, buffer, 0, values, bytes, &error), &error);
    return buffer;
}

/** Runs one product with a workspace of exactly the size that was asked for. */
static void multiply(fixture *f, const duet_gemm_provider *provider, const duet_gemm_shape *shape,
                     const duet_gemm_parameters *parameters, bool adds)
{
    duet_error error = {0};
    uint32_t seed = (uint32_t)(shape->m * 1000003 + shape->n * 1009 + shape->k);
    duet_place a = {make_operand(f, f->a_values, shape->m * shape->k, seed), BESIDE};
    duet_place b = {make_operand(f, f->b_values, shape->k * shape->n, seed + 1), BESIDE};
    const duet_place c = {f->c, BESIDE};
    for (size_t i = 0; i < ROOM; i++) f->c_before[i] = draw(&seed);
    assert_ok(duet_buffer_write(f->device, f->c, 0, f->c_before, sizeof f->c_before, &error), &error);
    const size_t before = provider->workspace_from_start ? 0 : BESIDE,
                 bytes = provider->workspace(f->device, shape, parameters);
    duet_place workspace = {NULL, before};
    if (bytes != 0)
        assert_ok(duet_buffer_new(f->device, before * sizeof(float) + bytes, false, &workspace.buffer, &error), &error);
    duet_launch_list list = {0};
    const duet_gemm_product product = {.shape = *shape,
                                       .parameters = *parameters,
                                       .a = a,
                                       .b = b,
                                       .c = c,
                                       .workspace = workspace,
                                       .adds = adds,
                                       .program = f->program,
                                       .kernel = f->kernel};
    assert_ok(provider->lower(f->device, &product, &list, NULL, &error), &error);
    cl_event last = NULL;
    assert_ok(duet_launch_replay(f->device, &list, &last, &error), &error);
    assert_ok(duet_event_wait(&last, &error), &error);
    assert_null(last);
    assert_ok(duet_buffer_read(f->device, f->c, 0, f->c_after, sizeof f->c_after, &error), &error);
    duet_launch_list_clear(&list);
    duet_buffer_free(&a.buffer);
    duet_buffer_free(&b.buffer);
    duet_buffer_free(&workspace.buffer);
}

/** A sum of k products, and of what C held, is off by at most (k + 1) FLT_EPSILON sum|a b|, in whatever order and with
 * or without fused multiply-adds: k products and k sums are rounded, each by half of FLT_EPSILON of a number that is no
 * larger than sum|a b|. All else in C must not change. */
static void compare(const fixture *f, const duet_gemm_provider *provider, const duet_gemm_shape *shape, bool adds)
{
    const float *a = f->a_values + BESIDE, *b = f->b_values + BESIDE;
    for (size_t i = 0; i < ROOM; i++) {
        double expected = f->c_before[i], tolerance = 0;
        if (i >= BESIDE && i < BESIDE + shape->m * shape->n) {
            const size_t row = (i - BESIDE) / shape->n, column = (i - BESIDE) % shape->n;
            double sum = 0, size = adds ? fabs(expected) : 0;
            for (size_t j = 0; j < shape->k; j++) {
                const double product = (double)a[shape->transpose_a ? j * shape->m + row : row * shape->k + j] *
                                       b[shape->transpose_b ? column * shape->k + j : j * shape->n + column];
                sum += product;
                size += fabs(product);
            }
            expected = sum + (adds ? expected : 0);
            tolerance = FLT_EPSILON * (double)(shape->k + 1) * size;
        }
        if (fabs(f->c_after[i] - expected) <= tolerance) continue;
        fail_msg("%s: C %zux%zu, k %zu, transposed %d %d, adds %d: element %td is %.9g, expected %.9g +- %.2g",
                 provider->name, shape->m, shape->n, shape->k, shape->transpose_a, shape->transpose_b, adds,
                 (ptrdiff_t)i - BESIDE, (double)f->c_after[i], expected, tolerance);
    }
}

static void try_shape(fixture *f, const duet_gemm_provider *provider, size_t m, size_t n, size_t k)
{
    for (int variant = 0; variant < 8; variant++) {
        const duet_gemm_shape shape = {m, n, k, variant & 1, (variant >> 1) & 1};
        const bool adds = (variant & 4) != 0;
        assert_true(provider->fits(f->device, &shape));
        const duet_gemm_parameters parameters = provider->preset(f->device, &shape);
        multiply(f, provider, &shape, &parameters, adds);
        compare(f, provider, &shape, adds);
    }
}

static const duet_gemm_provider *find_provider(const char *name)
{
    const duet_gemm_provider *provider = NULL;
    for (size_t i = 0; (provider = duet_gemm_provider_at(i)) != NULL && strcmp(provider->name, name) != 0; i++)
        continue;
    assert_non_null(provider);
    return provider;
}

/** A simulator needs minutes for what a processor does in seconds; $DUET_TEST_LARGEST leaves large sizes out. */
static size_t largest_size(void)
{
    const char *text = getenv("DUET_TEST_LARGEST");
    return text != NULL ? strtoul(text, NULL, 10) : 130;
}

/** Each edge in each place; the two others run through the list, so that sizes meet in many combinations. */
static void try_provider(fixture *f, const char *name)
{
    const duet_gemm_provider *provider = find_provider(name);
    const size_t largest = largest_size();
    for (size_t i = 0; i < EDGES; i++) {
        const size_t m = edges[i], n = edges[(5 * i + 3) % EDGES], k = edges[(8 * i + 7) % EDGES];
        if (m > largest || n > largest || k > largest) continue;
        try_shape(f, provider, m, n, k);
        try_shape(f, provider, n, k, m);
        try_shape(f, provider, k, m, n);
        try_shape(f, provider, m, m, m);
        try_shape(f, provider, m, 1, k);
        try_shape(f, provider, 1, m, k);
    }
    if (largest < 130) return;
    try_shape(f, provider, 8192, 3, 5);
    try_shape(f, provider, 3, 8192, 5);
    try_shape(f, provider, 5, 3, 8192);
}

static void panel_is_right(void **state)
{
    try_provider(*state, "panel");
}

/** Sizes at which the panel provider works in several blocks of rows, of k, of strips, and with a copied A. */
static void panel_blocks_are_right(void **state)
{
    static const size_t shapes[][3] = {
        {263, 70, 1030}, {527, 33, 300}, {261, 40, 300}, {70, 260, 1024}, {300, 260, 1024}};
    fixture *f = *state;
    if (largest_size() < 130) return;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        try_shape(f, find_provider("panel"), shapes[i][0], shapes[i][1], shapes[i][2]);
}

static void clblast_is_right(void **state)
{
    try_provider(*state, "clblast");
}

static void plain_is_right(void **state)
{
    try_provider(*state, "plain");
}

static void tile_is_right(void **state)
{
    try_provider(*state, "tile");
}

/** The index of a provider's parameter of that name. */
static size_t find_parameter(const duet_gemm_provider *provider, const char *name)
{
    size_t index = 0;
    while (provider->parameters[index] != NULL && strcmp(provider->parameters[index], name) != 0) index++;
    assert_non_null(provider->parameters[index]);
    return index;
}

/** One set of parameters, with k whole and in pieces: more pieces than k has slices leave the last ones idle. */
static void try_candidate(fixture *f, const duet_gemm_provider *provider, const duet_gemm_shape *shape,
                          duet_gemm_parameters parameters)
{
    const size_t pieces = find_parameter(provider, "pieces");
    for (uint32_t count = 1; count <= 5; count += 2) {
        const bool adds = count != 3;
        parameters.value[pieces] = count;
        multiply(f, provider, shape, &parameters, adds);
        compare(f, provider, shape, adds);
    }
}

/** Each set of parameters in all four transposes, on shapes with something over a tile's edge in each direction. */
static void try_candidates(fixture *f, const char *name)
{
    static const size_t shapes[][3] = {{130, 129, 67}, {5, 130, 130}, {33, 3, 17}, {64, 128, 32}};
    const duet_gemm_provider *provider = find_provider(name);
    const size_t largest = largest_size();
    /* one pair of transposes for each set: all four with all sets would compile for minutes */
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        duet_gemm_shape shape = {min_size(shapes[i][0], largest), min_size(shapes[i][1], largest),
                                 min_size(shapes[i][2], largest), false, false};
        duet_gemm_parameters parameters;
        size_t tried = 0;
        for (; provider->candidate(f->device, &shape, tried, &parameters); tried++) {
            shape.transpose_a = (tried & 1) != 0;
            shape.transpose_b = (tried & 2) != 0;
            try_candidate(f, provider, &shape, parameters);
        }
        assert_in_range(tried, 4, 100);
    }
}

static void each_tile_is_right(void **state)
{
    try_candidates(*state, "tile");
}

/** Each element of C goes through FINISH once, at its place: here one that changes its sign. */
static void try_epilogue(fixture *f, const char *name, const duet_gemm_shape *shape, uint32_t pieces)
{
    const duet_gemm_provider *provider = find_provider(name);
    duet_gemm_parameters parameters = provider->preset(f->device, shape);
    if (pieces > 0) parameters.value[find_parameter(provider, "pieces")] = pieces;
    const duet_gemm_choice choice = {provider, parameters};
    own_end own;
    own_end_build(&own, f->device, &choice, shape,
                  "for (uint lane = 0; lane < count; lane++) c[(row) * n + (column) + lane] = -(product)[lane];");
    f->program = own.program;
    f->kernel = own.kernel;
    multiply(f, provider, shape, &parameters, true);
    for (size_t i = 0; i < shape->m * shape->n; i++) f->c_after[BESIDE + i] *= -1;
    compare(f, provider, shape, true);
    f->program = NULL;
    f->kernel = NULL;
    own_end_free(&own);
}

static void epilogues_see_each_element_once(void **state)
{
    const duet_gemm_shape shape = {37, 35, 41, false, true};
    try_epilogue(*state, "plain", &shape, 0);
    try_epilogue(*state, "panel", &shape, 0);
    try_epilogue(*state, "tile", &shape, 1);
    try_epilogue(*state, "tile", &shape, 3);
}

/** The first `most` of what tuning would try with each provider, on products that are no multiple of any tile and
 * larger than a block each way; the forms go round, since each set of parameters is a program to compile. */
static void try_first_candidates(fixture *f, size_t most)
{
    static const size_t extents[][3] = {{130, 70, 300}, {70, 130, 290}, {127, 67, 259}};
    const duet_gemm_provider *provider;
    size_t tried = 0;
    for (size_t i = 0; (provider = duet_gemm_provider_at(i)) != NULL; i++) {
        if (provider->convolves) continue; /* test_convolution.c */
        for (size_t index = 0; provider->candidate != NULL && index < most; index++, tried++) {
            const size_t *extent = extents[index % 3];
            const duet_gemm_shape shape = {extent[0], extent[1], extent[2], index & 1, (index >> 1) & 1};
            const bool adds = (index & 4) != 0;
            duet_gemm_choice choice = {.provider = provider};
            if (!provider->candidate(f->device, &shape, index, &choice.parameters)) break;
            assert_true(duet_gemm_offers(f->device, &shape, &choice));
            multiply(f, provider, &shape, &choice.parameters, adds);
            compare(f, provider, &shape, adds);
        }
    }
    assert_true(tried > 0);
}

static void first_candidates_are_right(void **state)
{
    if (getenv("DUET_TEST_LARGEST") != NULL) skip();
    try_first_candidates(*state, 6);
}

static void all_candidates_are_right(void **state)
{
    try_first_candidates(*state, SIZE_MAX);
}

/** The table is consulted unless a person has chosen; what is unfit is passed over. */
static void choice_follows_tuning(void **state)
{
    fixture *f = *state;
    duet_error error = {0};
    const duet_gemm_shape measured = {120, 400, 784, false, true}, near = {128, 390, 770, false, true};
    const duet_gemm_shape other = {129, 400, 784, false, true}, transposed = {128, 400, 784, true, true};
    const duet_gemm_provider *panel = duet_gemm_provider_find("panel");
    duet_tuned_product row = {.shape = measured, .choice = {.provider = panel}, .gflops = 1};
    assert_true(panel->candidate(f->device, &measured, 1, &row.choice.parameters));
    duet_tuning tuning = {0};
    assert_ok(duet_tuning_add_product(&tuning, &row, &error), &error);
    assert_ok(duet_device_set_tuning(f->device, &tuning, &error), &error);
    assert_null(tuning.products);
    duet_gemm_choice choice = duet_gemm_choose(f->device, &near);
    assert_true(duet_gemm_same_choice(&choice, &row.choice));
    const duet_gemm_choice plain = {.provider = duet_gemm_provider_find("plain")};
    const duet_gemm_choice preset = duet_gemm_choose_preset(f->device, &near);
    choice = duet_gemm_choose(f->device, &other);
    assert_false(duet_gemm_same_choice(&choice, &row.choice));
    choice = duet_gemm_choose(f->device, &transposed);
    assert_false(duet_gemm_same_choice(&choice, &row.choice));
    assert_ok(duet_device_set_gemm(f->device, "plain", &error), &error);
    choice = duet_gemm_choose(f->device, &near);
    assert_true(duet_gemm_same_choice(&choice, &plain));
    assert_ok(duet_device_set_gemm(f->device, NULL, &error), &error);

    const duet_unfit unfit[] = {{preset, false}, {preset, true}, {row.choice, false}};
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++) {
        assert_ok(duet_tuning_add_unfit(&tuning, &unfit[i], &error), &error);
        if (i == 2) assert_ok(duet_tuning_add_product(&tuning, &row, &error), &error);
        assert_ok(duet_device_set_tuning(f->device, &tuning, &error), &error);
        choice = duet_gemm_choose(f->device, &near);
        assert_true(choice.provider != preset.provider || i == 2);
        assert_false(duet_gemm_same_choice(&choice, &row.choice));
    }
    assert_ok(duet_device_set_tuning(f->device, &tuning, &error), &error); /* empty again */
    choice = duet_gemm_choose(f->device, &near);
    assert_true(duet_gemm_same_choice(&choice, &preset));
}

static void buckets_hold_neighbours(void **state)
{
    static const size_t extents[][2] = {{1, 1},      {2, 2},     {3, 3},     {4, 4},     {5, 6},
                                        {7, 8},      {96, 96},   {97, 128},  {128, 128}, {129, 192},
                                        {784, 1024}, {400, 512}, {768, 768}, {769, 1024}};
    (void)state;
    for (size_t i = 0; i < sizeof extents / sizeof *extents; i++) {
        const duet_gemm_shape shape = {extents[i][0], 1, extents[i][0], true, false};
        const duet_gemm_shape bucket = duet_gemm_bucket(&shape),
                              expected = {extents[i][1], 1, extents[i][1], true, false};
        assert_true(duet_gemm_same_shape(&bucket, &expected));
    }
}

static void choice_follows_presets_and_words(void **state)
{
    fixture *f = *state;
    duet_error error = {0};
    const duet_gemm_shape large = {128, 400, 784, false, true}, tiny = {2, 3, 4, false, false};
    const duet_device_kind kind = duet_device_describe(f->device)->kind;
    const bool gpu = kind == DUET_DEVICE_GPU || kind == DUET_DEVICE_INTEGRATED;
    assert_string_equal(duet_device_gemm(f->device), gpu ? "clblast" : "panel");
    assert_string_equal(duet_gemm_choose(f->device, &large).provider->name, gpu ? "clblast" : "panel");
    assert_string_equal(duet_gemm_choose(f->device, &tiny).provider->name, "plain");
    assert_ok(duet_device_set_gemm(f->device, "clblast", &error), &error);
    assert_string_equal(duet_device_gemm(f->device), "clblast");
    assert_string_equal(duet_gemm_choose(f->device, &tiny).provider->name, "clblast");
    assert_status(duet_device_set_gemm(f->device, "fastest", &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "\"fastest\"");
    assert_message(&error, "panel clblast tile plain");
    error = (duet_error){0};
    assert_ok(duet_device_set_gemm(f->device, "auto", &error), &error);
    assert_string_equal(duet_device_gemm(f->device), gpu ? "clblast" : "panel");
}

/** An A larger than any buffer of the device cannot be copied into slabs. */
static void panel_copies_what_fits(void **state)
{
    fixture *f = *state;
    const duet_gemm_shape large = {512, 512, 512, true, false}, huge = {SIZE_MAX / 8, 512, 512, true, false};
    duet_error error = {0};
    assert_ok(duet_device_set_gemm(f->device, "panel", &error), &error);
    for (int i = 0; i < 2; i++) {
        const duet_gemm_shape *shape = i == 0 ? &large : &huge;
        const duet_gemm_choice choice = duet_gemm_choose(f->device, shape);
        assert_string_equal(choice.provider->name, "panel");
        assert_int_equal(choice.provider->workspace(f->device, shape, &choice.parameters),
                         i == 0 ? sizeof(float) * 516 * 512 : 0);
    }
    assert_ok(duet_device_set_gemm(f->device, NULL, &error), &error);
}

static void profile_counts_products(void **state)
{
    fixture *f = *state;
    duet_error error = {0};
    const duet_gemm_shape shape = {33, 31, 13, false, false};
    assert_ok(duet_device_set_profiling(f->device, true, &error), &error);
    const duet_gemm_provider *panel = find_provider("panel");
    const duet_gemm_parameters parameters = panel->preset(f->device, &shape);
    for (int i = 0; i < 3; i++) multiply(f, panel, &shape, &parameters, false);
    compare(f, panel, &shape, false);
    duet_profile_row *rows = NULL;
    size_t count = 0;
    assert_ok(duet_device_profile(f->device, &rows, &count, &error), &error);
    assert_int_equal(count, 1);
    const duet_profile_row *product = &rows[0];
    assert_string_equal(product->kernel, "gemm panel 33x31x13 nn");
    assert_int_equal(product->launches, 3);
    assert_close(product->flops, 3 * 2.0 * 33 * 31 * 13, 0);
    assert_true(product->seconds > 0);
    free(rows);
    assert_ok(duet_device_set_profiling(f->device, false, &error), &error);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_is_right),
        cmocka_unit_test(panel_is_right),
        cmocka_unit_test(panel_blocks_are_right),
        cmocka_unit_test(clblast_is_right),
        cmocka_unit_test(tile_is_right),
        cmocka_unit_test(epilogues_see_each_element_once),
        cmocka_unit_test(choice_follows_presets_and_words),
        cmocka_unit_test(panel_copies_what_fits),
        cmocka_unit_test(profile_counts_products),
        cmocka_unit_test(buckets_hold_neighbours),
        cmocka_unit_test(choice_follows_tuning),
        cmocka_unit_test(first_candidates_are_right),
    };
    const struct CMUnitTest tile_tests[] = {cmocka_unit_test(each_tile_is_right)};
    const struct CMUnitTest candidate_tests[] = {cmocka_unit_test(all_candidates_are_right)};
    if (argc > 1 && strcmp(argv[1], "tiles") == 0) return RUN_TESTS("gemm", tile_tests, set_up, tear_down);
    if (argc > 1 && strcmp(argv[1], "candidates") == 0) return RUN_TESTS("gemm", candidate_tests, set_up, tear_down);
    return RUN_TESTS("gemm", tests, set_up, tear_down);
}
