/* SPDX-License-Identifier: MIT */
/* Every provider of convolutions, each member of the family, over windows of every kind, written and added to, against
 * the loops that define a convolution, in double. The tensors lie at odd offsets: what is beside the result must
 * survive, what is before the operands is NaN, and their buffers end where they do. */
#include "base/size.h"
#include "check/plain.h"
#include "own_end.h"
#include "product/tuning.h"
#include "workshop.h"

#include <float.h>

enum { BESIDE = 3, ALIGNED = 64 }; /* plans align what they place, so that scratch memory may hold vectors */

typedef struct geometry {
    size_t images, height, width, channels, features, groups;
    duet_window window;
} geometry;

static const geometry geometries[] = {
    {3, 9, 8, 1, 8, 1, DUET_SQUARE(3, 2, 0, 0)},
    {2, 7, 7, 16, 16, 1, DUET_SQUARE(3, 1, 1, 1)},
    {3, 7, 8, 5, 12, 1, DUET_SQUARE(5, 2, 1, 2)}, /* SAME with a stride: asymmetric */
    {2, 6, 5, 8, 12, 2, DUET_SQUARE(3, 1, 1, 0)},
    {2, 6, 7, 6, 6, 6, DUET_SQUARE(3, 2, 1, 1)}, /* depthwise */
    {1, 5, 6, 3, 9, 3, DUET_SQUARE(3, 1, 1, 1)}, /* depthwise, three features a channel */
    {2, 7, 9, 4, 7, 1, {{2, 3}, {3, 2}, {2, 3}, {1, 2}, {0, 3}}},
    {2, 9, 8, 5, 6, 1, {{3, 2}, {2, 4}, {2, 2}, {2, 0}, {1, 1}}}, /* strides and dilations that share a factor */
    {2, 4, 3, 33, 65, 1, DUET_SQUARE(1, 1, 0, 0)},
    {2, 5, 6, 3, 4, 1, DUET_SQUARE(1, 2, 0, 0)}, /* pixels that no window meets */
    {3, 2, 3, 2, 5, 1, DUET_SQUARE(5, 1, 2, 2)}, /* a window larger than the picture */
    {1, 28, 28, 1, 20, 1, DUET_SQUARE(5, 2, 1, 2)},
    {1, 4, 4, 130, 70, 1, DUET_SQUARE(3, 1, 1, 1)},
    {33, 6, 5, 6, 1, 1, DUET_SQUARE(3, 1, 1, 1)},
    {33, 5, 5, 4, 18, 1, DUET_SQUARE(4, 2, 1, 1)},
    {2, 3, 3, 40, 44, 2, DUET_SQUARE(2, 1, 0, 1)},
    {2, 9, 9, 64, 64, 1, DUET_SQUARE(1, 2, 0, 0)},                     /* pixels without taps, long runs of k */
    {2, 4, 4, 64, 64, 2, DUET_SQUARE(1, 1, 1, 1)},                     /* results without taps, in groups */
    {2, 4, 10, 32, 32, 1, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 300}}}, /* windows past the picture */
    {1, 1, 200, 8, 8, 1, {{1, 5}, {1, 1}, {1, 40}, {0, 80}, {0, 80}}}, /* a wide reach */
    {2, 13, 12, 20, 20, 1, DUET_SQUARE(7, 1, 3, 3)},
    {1, 3, 40, 9, 8, 1, {{2, 30}, {1, 1}, {1, 1}, {0, 2}, {1, 2}}}, /* more taps than share a copy */
    {5, 28, 28, 32, 40, 1, DUET_SQUARE(3, 2, 0, 1)},                /* weights in pieces of the images */
    {1, 36, 34, 70, 20, 1, DUET_SQUARE(3, 1, 1, 1)},
    {1, 4, 300, 16, 17, 1, DUET_SQUARE(3, 1, 1, 1)}, /* rows longer than a panel */
    {7, 3, 3, 16, 16, 1, DUET_SQUARE(3, 2, 1, 1)},
    {13, 3, 70, 1, 20, 1, DUET_SQUARE(3, 1, 1, 1)}, /* its data gradient in runs of a row, one of them short */
    {9, 7, 9, 16, 48, 1, DUET_SQUARE(3, 1, 2, 0)},  /* for conv-winograd: tiles over edges, blocks of unlike size */
    {3, 5, 8, 32, 32, 1, DUET_SQUARE(5, 1, 1, 3)},
    {2, 3, 9, 64, 16, 1, DUET_SQUARE(5, 1, 4, 4)},
};
enum {
    GEOMETRIES = sizeof geometries / sizeof *geometries,
    SHORT = GEOMETRIES - 2, /* that conv-winograd takes */
    THIN = GEOMETRIES - 4   /* whose data gradient has a single column */
};

static duet_gemm_shape shape_of(const geometry *it, duet_convolution_use use)
{
    const duet_convolution_product told = {use,          it->images,   it->height, it->width,
                                           it->channels, it->features, it->groups, it->window};
    duet_convolution convolution;
    assert_null(duet_convolution_read(&told, &convolution));
    const duet_convolution_product again = duet_convolution_told(&convolution);
    duet_convolution same;
    assert_null(duet_convolution_read(&again, &same));
    assert_memory_equal(&convolution, &same, sizeof same);
    return duet_gemm_shape_of(&convolution);
}

/** Numbers in [-1, 1) that look random and are the same everywhere. */
static float draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)((double)(*state >> 8) / 8388608.0 - 1.0);
}

/** A tensor between BESIDE other numbers on the host, and its buffer. Operands have them before only. */
typedef struct tensor {
    size_t count;
    float *values;
    cl_mem buffer;
} tensor;

static tensor tensor_new(size_t count, size_t after, bool nan_before, uint32_t seed)
{
    duet_error error = {0};
    const size_t all = BESIDE + count + after;
    tensor it = {.count = count, .values = malloc(all * sizeof(float))};
    assert_non_null(it.values);
    for (size_t i = 0; i < all; i++) it.values[i] = i < BESIDE && nan_before ? NAN : draw(&seed);
    assert_ok(duet_buffer_new(device, all * sizeof(float), false, &it.buffer, &error), &error);
    assert_ok(duet_buffer_write(device, it.buffer, 0, it.values, all * sizeof(float), &error), &error);
    return it;
}

static void tensor_free(tensor *it)
{
    free(it->values);
    duet_buffer_free(&it->buffer);
}

/** What the result must be, and the sum of the sizes of what was added for it. */
typedef struct expectation {
    double *sum, *size;
} expectation;

static void add_product(expectation *it, size_t at, float a, float b)
{
    it->sum[at] += (double)a * b;
    it->size[at] += fabs((double)a * b);
}

static void convolve(const duet_convolution *v, const float *a, const float *b, expectation *it)
{
    const size_t channels = v->channels / v->groups, features = v->features / v->groups;
    for (size_t image = 0; image < v->images; image++)
        for (size_t h = 0; h < v->result[0]; h++)
            for (size_t w = 0; w < v->result[1]; w++)
                for (size_t tap = 0; tap < (size_t)v->kernel[0] * v->kernel[1]; tap++) {
                    const long long ph =
                        (long long)(h * v->stride[0] + tap / v->kernel[1] * v->dilation[0]) - v->pad[0];
                    const long long pw =
                        (long long)(w * v->stride[1] + tap % v->kernel[1] * v->dilation[1]) - v->pad[1];
                    if (ph < 0 || ph >= v->picture[0] || pw < 0 || pw >= v->picture[1]) continue;
                    const size_t pixel = (image * v->picture[0] + (size_t)ph) * v->picture[1] + (size_t)pw;
                    const size_t result = (image * v->result[0] + h) * v->result[1] + w;
                    for (size_t f = 0; f < v->features; f++)
                        for (size_t c = 0; c < channels; c++) {
                            const size_t x = pixel * v->channels + f / features * channels + c;
                            const size_t y = result * v->features + f, k = (tap * channels + c) * v->features + f;
                            if (v->use == DUET_CONVOLUTION_FORWARD) add_product(it, y, a[x], b[k]);
                            if (v->use == DUET_CONVOLUTION_DATA) add_product(it, x, a[y], b[k]);
                            if (v->use == DUET_CONVOLUTION_WEIGHTS) add_product(it, k, a[x], b[y]);
                        }
                }
}

/** As `duet bench` counts them: by the names of launches. */
static double counted_flops(const duet_launch_list *list)
{
    double flops = 0;
    for (size_t i = 0; i < list->count; i++) {
        const char *name = list->items[i].name;
        if (strncmp(name, "gemm ", 5) == 0 || strncmp(name, "conv ", 5) == 0) flops += list->items[i].flops;
    }
    return flops;
}

static void run(const duet_gemm_choice *choice, const duet_gemm_shape *shape, tensor operands[3], bool adds,
                const own_end *own)
{
    duet_error error = {0};
    const duet_gemm_provider *provider = choice->provider;
    const size_t before = provider->workspace_from_start ? 0 : ALIGNED,
                 bytes = provider->workspace(device, shape, &choice->parameters);
    duet_place workspace = {NULL, before};
    if (bytes != 0)
        assert_ok(duet_buffer_new(device, before * sizeof(float) + bytes, false, &workspace.buffer, &error), &error);
    duet_launch_list list = {0};
    const duet_gemm_product product = {.shape = *shape,
                                       .parameters = choice->parameters,
                                       .a = {operands[0].buffer, BESIDE},
                                       .b = {operands[1].buffer, BESIDE},
                                       .c = {operands[2].buffer, BESIDE},
                                       .workspace = workspace,
                                       .adds = adds,
                                       .program = own != NULL ? own->program : NULL,
                                       .kernel = own != NULL ? own->kernel : NULL};
    assert_ok(provider->lower(device, &product, &list, NULL, &error), &error);
    cl_event last = NULL;
    assert_ok(duet_launch_replay(device, &list, &last, &error), &error);
    assert_ok(duet_event_wait(&last, &error), &error);
    assert_true(counted_flops(&list) >= 0.999 * duet_gemm_flops(shape));
    duet_launch_list_clear(&list);
    duet_buffer_free(&workspace.buffer);
}

/** max(sum - column / 8, 0): what a bias and an activation do. */
static double finish(double sum, size_t column)
{
    return fmax(sum - (double)column / 8, 0);
}

/** "conv-winograd" mixes the numbers of a tile: what is off goes by the largest sum, not by each one. */
static double largest(const double *sizes, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) most = fmax(most, sizes[i]);
    return most;
}

/** A sum of k products, and of what C held, is off by at most (k + 1) FLT_EPSILON sum|a b| in whatever order
 *  (test_gemm.c); the epilogue adds one number more. All else must not change. */
static void check(const duet_gemm_choice *choice, const duet_gemm_shape *shape, bool adds, const own_end *own)
{
    duet_error error = {0};
    size_t elements[3];
    assert_true(duet_gemm_elements(shape, elements));
    const uint32_t seed = (uint32_t)(shape->m * 1000003 + shape->n * 1009 + shape->k);
    tensor operands[3];
    for (size_t i = 0; i < 3; i++)
        operands[i] = tensor_new(elements[i], i == 2 ? BESIDE : 0, i < 2, seed + (uint32_t)i);
    const size_t count = elements[2], all = count + 2 * (size_t)BESIDE;
    expectation expected = {calloc(count, sizeof(double)), calloc(count, sizeof(double))};
    float *after = malloc(all * sizeof *after);
    assert_true(expected.sum != NULL && expected.size != NULL && after != NULL);
    convolve(&shape->convolution, operands[0].values + BESIDE, operands[1].values + BESIDE, &expected);
    if (strcmp(choice->provider->name, "conv-winograd") == 0) {
        const double most = largest(expected.size, count);
        for (size_t i = 0; i < count; i++) expected.size[i] = most;
    }
    run(choice, shape, operands, adds, own);
    assert_ok(duet_buffer_read(device, operands[2].buffer, 0, after, all * sizeof *after, &error), &error);
    for (size_t i = 0; i < all; i++) {
        double value = operands[2].values[i], tolerance = 0;
        if (i >= BESIDE && i < BESIDE + count) {
            const double size = expected.size[i - BESIDE] + (adds ? fabs(value) : 0);
            value = expected.sum[i - BESIDE] + (adds ? value : 0);
            if (own != NULL) value = finish(value, (i - BESIDE) % own->columns);
            tolerance = FLT_EPSILON * (double)(shape->k + 1) * (size + (own != NULL ? (double)own->columns / 8 : 0));
        }
        if (fabs(after[i] - value) <= tolerance) continue;
        char words[DUET_PRODUCT_WORDS];
        fail_msg("%s, %s, adds %d, %s: element %td is %.9g, expected %.9g +- %.2g", choice->provider->name,
                 duet_gemm_words(shape, words), adds, own != NULL ? "with an end" : "alone", (ptrdiff_t)i - BESIDE,
                 (double)after[i], value, tolerance);
    }
    free(after);
    free(expected.sum);
    free(expected.size);
    for (size_t i = 0; i < 3; i++) tensor_free(&operands[i]);
}

static void check_with_end(const duet_gemm_choice *choice, const duet_gemm_shape *shape)
{
    own_end own;
    static const char finish[] =
        "for (uint lane = 0; lane < count; lane++) c[(size_t)(row) * COLUMNS_OF_C + (column) + lane] = "
        "fmax((product)[lane] - (float)((column) + lane) / 8.0f, 0.0f);";
    own_end_build(&own, device, choice, shape, finish);
    check(choice, shape, true, &own);
    own_end_free(&own);
}

/** The next provider of convolutions from `*index` on. */
static const duet_gemm_provider *next_provider(size_t *index)
{
    const duet_gemm_provider *provider;
    do {
        provider = duet_gemm_provider_at((*index)++);
    } while (provider != NULL && !provider->convolves);
    return provider;
}

/** A simulator needs minutes for what a processor does in seconds. */
static bool is_simulated(void)
{
    return getenv("DUET_TEST_LARGEST") != NULL;
}

static void try_provider(const duet_gemm_provider *provider)
{
    for (size_t i = 0; i < GEOMETRIES; i++)
        for (int use = DUET_CONVOLUTION_FORWARD; use < DUET_CONVOLUTION_USES; use++) {
            const duet_gemm_shape shape = shape_of(&geometries[i], use);
            if (is_simulated() && duet_gemm_flops(&shape) > 1e5) continue;
            if (!duet_gemm_fits(provider, device, &shape)) continue;
            const duet_gemm_choice choice = {provider, provider->preset(device, &shape)};
            check(&choice, &shape, false, NULL);
            check(&choice, &shape, true, NULL);
        }
}

/** A tile for each size of product: what compiles for a minute is a test of its own. */
static bool is_tiled(const duet_gemm_provider *provider)
{
    return strcmp(provider->name, "conv-tile") == 0;
}

static void convolutions_are_right(void **state)
{
    size_t index = 0, providers = 0;
    (void)state;
    for (const duet_gemm_provider *provider; (provider = next_provider(&index)) != NULL; providers++)
        if (!is_tiled(provider)) try_provider(provider);
    assert_true(providers >= 3);
}

static void tiled_convolutions_are_right(void **state)
{
    (void)state;
    try_provider(duet_gemm_provider_find("conv-tile"));
}

static void all_but_unfolding_take_groups(void **state)
{
    size_t index = 0;
    (void)state;
    for (const duet_gemm_provider *provider; (provider = next_provider(&index)) != NULL;)
        for (size_t i = 0; i < GEOMETRIES; i++) {
            const duet_gemm_shape shape = shape_of(&geometries[i], DUET_CONVOLUTION_DATA);
            const bool expected = geometries[i].groups == 1 || strcmp(provider->name, "unfold") != 0;
            if (strcmp(provider->name, "conv-panel") == 0) continue;    /* which may leave some to the twin */
            if (strcmp(provider->name, "conv-winograd") == 0) continue; /* which leaves most to others */
            assert_int_equal(duet_gemm_fits(provider, device, &shape), expected);
            const duet_gemm_shape product = {.m = 3, .n = 4, .k = 5};
            assert_false(duet_gemm_fits(provider, device, &product));
        }
}

/** Where "conv-winograd" fits, and where a processor takes it unasked: with half of the products, and for weights with
 *  more channels and parts for all its compute units. */
static void short_convolutions_are_chosen_where_they_pay(void **state)
{
    static const struct {
        geometry it;
        bool fits, pays;
    } rows[] = {
        {{8, 14, 14, 32, 32, 1, DUET_SQUARE(3, 1, 1, 1)}, true, true},
        {{8, 7, 7, 128, 256, 1, DUET_SQUARE(5, 1, 2, 2)}, true, true},
        {{8, 12, 12, 64, 64, 1, DUET_SQUARE(3, 1, 1, 1)}, true, true},
        {{8, 5, 5, 64, 64, 1, DUET_SQUARE(3, 1, 1, 1)}, true, false}, /* mostly beside the picture */
        {{8, 14, 14, 32, 32, 1, DUET_SQUARE(3, 2, 1, 1)}, false, false},
        {{8, 14, 14, 32, 32, 1, DUET_SQUARE(7, 1, 3, 3)}, false, false},
        {{8, 14, 14, 32, 32, 2, DUET_SQUARE(3, 1, 1, 1)}, false, false},
        {{8, 14, 14, 32, 32, 1, {{3, 3}, {1, 1}, {2, 2}, {2, 2}, {2, 2}}}, false, false},
        {{8, 14, 14, 32, 32, 1, DUET_SQUARE(3, 1, 3, 3)}, false, false}, /* its data gradient begins inside */
        {{8, 14, 14, 30, 30, 1, DUET_SQUARE(3, 1, 1, 1)}, false, false}, /* no whole vectors */
    };
    const duet_gemm_provider *winograd = duet_gemm_provider_find("conv-winograd");
    const duet_device_info *about = duet_device_describe(device);
    const bool gpu = about->kind == DUET_DEVICE_GPU || about->kind == DUET_DEVICE_INTEGRATED;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int use = DUET_CONVOLUTION_FORWARD; use < DUET_CONVOLUTION_USES; use++) {
            const duet_gemm_shape shape = shape_of(&rows[i].it, use);
            const uint32_t lanes = winograd->preset(device, &shape).value[1];
            const size_t parts = rows[i].it.channels / lanes * duet_size_pieces(rows[i].it.features, 2 * (size_t)lanes);
            const bool is_shared =
                use != DUET_CONVOLUTION_WEIGHTS || (rows[i].it.channels >= 64 && parts >= about->compute_units);
            assert_int_equal(duet_gemm_fits(winograd, device, &shape), rows[i].fits);
            assert_int_equal(duet_gemm_choose_preset(device, &shape).provider == winograd,
                             rows[i].pays && is_shared && !gpu);
        }
}

/** One geometry for each use: each end is a program to compile. */
static void ends_see_each_element_once(void **state)
{
    size_t index = 0;
    (void)state;
    for (const duet_gemm_provider *provider; (provider = next_provider(&index)) != NULL;)
        for (int use = DUET_CONVOLUTION_FORWARD; use < DUET_CONVOLUTION_USES; use++) {
            const bool is_short = strcmp(provider->name, "conv-winograd") == 0;
            const duet_gemm_shape shape = shape_of(&geometries[is_short                       ? SHORT
                                                               : use == DUET_CONVOLUTION_DATA ? 3
                                                                                              : 2],
                                                   use);
            if (provider->source == NULL || !duet_gemm_fits(provider, device, &shape)) continue;
            const duet_gemm_choice choice = {provider, provider->preset(device, &shape)};
            check_with_end(&choice, &shape);
        }
    const duet_gemm_shape thin = shape_of(&geometries[THIN], DUET_CONVOLUTION_DATA);
    const duet_gemm_provider *panel = duet_gemm_provider_find("conv-panel");
    const duet_gemm_choice choice = {panel, panel->preset(device, &thin)};
    if (duet_gemm_fits(panel, device, &thin)) check_with_end(&choice, &thin);
}

/** k in pieces, of which some are empty, with and without an end. */
static void pieces_are_added_up(void **state)
{
    const duet_gemm_provider *provider = duet_gemm_provider_find("conv-tile");
    size_t pieces = 0;
    (void)state;
    while (strcmp(provider->parameters[pieces], "pieces") != 0) pieces++;
    for (int use = DUET_CONVOLUTION_FORWARD; use < DUET_CONVOLUTION_USES; use++)
        for (uint32_t count = 2; count <= 5; count += 3) {
            const duet_gemm_shape shape = shape_of(&geometries[3], use);
            duet_gemm_choice choice = {provider, provider->preset(device, &shape)};
            choice.parameters.value[pieces] = count;
            check(&choice, &shape, count == 2, NULL);
            if (use == DUET_CONVOLUTION_WEIGHTS && count == 2) check_with_end(&choice, &shape);
        }
}

/** What conv-panel takes where local memory is small: rows of a picture come in many parts, taps share less. */
static void little_local_memory_is_enough(void **state)
{
    static const duet_gemm_parameters small = {.value = {12, 4, 16, 360, 2}};
    const duet_gemm_choice choice = {duet_gemm_provider_find("conv-panel"), small};
    (void)state;
    for (size_t i = 0; i < GEOMETRIES; i++)
        for (int use = DUET_CONVOLUTION_FORWARD; use < DUET_CONVOLUTION_USES; use++) {
            const duet_gemm_shape shape = shape_of(&geometries[i], use);
            const duet_window *window = &geometries[i].window;
            const bool too_wide = window->size[1] * window->dilation[1] > 48; /* of what 16 rows of a panel go with */
            if (is_simulated() && duet_gemm_flops(&shape) > 1e5) continue;
            if (!too_wide && duet_gemm_fits(choice.provider, device, &shape)) check(&choice, &shape, true, NULL);
        }
}

/** The first `most` of what tuning would try; geometries go round, since each set of parameters is a program. */
static void try_candidates(size_t most)
{
    static const size_t chosen[] = {SHORT, 2, 15, 14};
    size_t index = 0, tried = 0;
    for (const duet_gemm_provider *provider; (provider = next_provider(&index)) != NULL;)
        for (size_t i = 0; provider->candidate != NULL && i < most; i++) {
            const duet_gemm_shape shape = shape_of(&geometries[chosen[i % 4]], (int)(i % 3) + 1);
            duet_gemm_choice choice = {.provider = provider};
            if (!duet_gemm_fits(provider, device, &shape)) continue;
            if (!provider->candidate(device, &shape, i, &choice.parameters)) break;
            assert_true(duet_gemm_offers(device, &shape, &choice));
            check(&choice, &shape, (i & 1) != 0, NULL);
            tried++;
        }
    assert_true(tried > 0);
}

static void first_candidates_are_right(void **state)
{
    (void)state;
    if (is_simulated()) skip();
    try_candidates(4);
}

static void all_candidates_are_right(void **state)
{
    (void)state;
    try_candidates(SIZE_MAX);
}

/** What is unfolded at a time is bounded: here a picture of which some images fit, in a memory for less than all. */
static void unfolding_takes_some_images_at_a_time(void **state)
{
    static const geometry large = {33, 112, 112, 2, 3, 1, DUET_SQUARE(5, 1, 2, 2)}; /* 83 MB unfolded */
    (void)state;
    if (is_simulated()) skip();
    for (int use = DUET_CONVOLUTION_FORWARD; use < DUET_CONVOLUTION_USES; use++) {
        const duet_gemm_shape shape = shape_of(&large, use);
        const duet_gemm_provider *unfold = duet_gemm_provider_find("unfold");
        const duet_gemm_choice choice = {unfold, unfold->preset(device, &shape)};
        assert_true(unfold->fits(device, &shape));
        assert_in_range(unfold->workspace(device, &shape, &choice.parameters), 1 << 20, (size_t)80 << 20);
        check(&choice, &shape, use == DUET_CONVOLUTION_WEIGHTS, NULL);
    }
}

/** A convolution provider's name is for convolutions, a product provider's for products, "plain" for both. */
static void names_choose_their_kind(void **state)
{
    static const struct {
        const char *asked, *convolution, *product; /* NULL: the preset */
    } rows[] = {{"plain", "conv-plain", "plain"}, {"conv-plain", "conv-plain", NULL}, {"conv-tile", "conv-tile", NULL},
                {"unfold", "unfold", NULL},       {"panel", NULL, "panel"},           {"auto", NULL, NULL}};
    const duet_gemm_shape convolution = shape_of(&geometries[12], DUET_CONVOLUTION_DATA);
    const duet_gemm_shape product = {.m = 128, .n = 400, .k = 784, .transpose_b = true};
    duet_error error = {0};
    (void)state;
    const char *const presets[] = {duet_gemm_choose_preset(device, &convolution).provider->name,
                                   duet_gemm_choose_preset(device, &product).provider->name};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_ok(duet_device_set_gemm(device, rows[i].asked, &error), &error);
        assert_string_equal(duet_gemm_choose(device, &convolution).provider->name,
                            rows[i].convolution != NULL ? rows[i].convolution : presets[0]);
        assert_string_equal(duet_gemm_choose(device, &product).provider->name,
                            rows[i].product != NULL ? rows[i].product : presets[1]);
    }
    /* what does not fit goes to the twin */
    const duet_gemm_shape groups = shape_of(&geometries[3], DUET_CONVOLUTION_FORWARD);
    assert_ok(duet_device_set_gemm(device, "unfold", &error), &error);
    assert_string_equal(duet_gemm_choose(device, &groups).provider->name, "conv-plain");
    assert_ok(duet_device_set_gemm(device, NULL, &error), &error);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_are_right),
        cmocka_unit_test(tiled_convolutions_are_right),
        cmocka_unit_test(all_but_unfolding_take_groups),
        cmocka_unit_test(short_convolutions_are_chosen_where_they_pay),
        cmocka_unit_test(ends_see_each_element_once),
        cmocka_unit_test(pieces_are_added_up),
        cmocka_unit_test(little_local_memory_is_enough),
        cmocka_unit_test(first_candidates_are_right),
        cmocka_unit_test(unfolding_takes_some_images_at_a_time),
        cmocka_unit_test(names_choose_their_kind),
    };
    const struct CMUnitTest candidate_tests[] = {cmocka_unit_test(all_candidates_are_right)};
    if (argc > 1 && strcmp(argv[1], "candidates") == 0)
        return RUN_TESTS("convolution", candidate_tests, open_device, close_device);
    return RUN_TESTS("convolution", tests, open_device, close_device);
}
