/* SPDX-License-Identifier: MIT */
/* Pictures of known factors: device and host draw the same, options drop what they name, and factors can be read off
 * pictures again. */
#include "data_files.h"

#include "data/shapes.h"
#include "duet/op.h"
#include "duet/plan.h"
#include "metric/shape_reader.h"

enum { COUNT = 2000, BATCH = 2000 };

static float pictures[COUNT * SHAPES_NUMBERS], factors[COUNT * SHAPES_FACTORS];

static duet_data *open_shapes(const char *name)
{
    duet_error error = {0};
    duet_data *data;
    assert_ok(duet_data_open(&data, name, &error), &error);
    return data;
}

static void read_all(duet_data *data, duet_split split)
{
    duet_error error = {0};
    assert_ok(duet_data_read(data, split, 0, COUNT, pictures, &error), &error);
    assert_ok(duet_data_factors(data, split, 0, COUNT, factors, &error), &error);
}

static void the_set_says_what_it_is(void **state)
{
    (void)state;
    duet_data *data = open_shapes("shapes");
    const duet_data_info *info = duet_data_describe(data);
    assert_true(info->generated && info->unit_range && info->picture && info->type == DUET_FLOAT32);
    assert_int_equal(info->classes, 3);
    assert_string_equal(info->class_names[2], "triangle");
    assert_int_equal(info->factor_count, SHAPES_FACTORS);
    assert_string_equal(info->factors[SHAPES_COLOUR].names[3], "yellow");
    assert_true(info->factors[SHAPES_ANGLE].continuous && info->factors[SHAPES_ANGLE].count == 0);
    duet_data_close(&data);

    duet_error error = {0};
    data = open_shapes("ring8");
    assert_int_equal(duet_data_factors(data, DUET_TEST, 0, 1, factors, &error), DUET_ERROR_USAGE);
    assert_message(&error, "is not known");
    duet_data_close(&data);
}

/* All combinations equally often (chi-squared of 215 degrees), continuous factors uniform, classes the shapes. */
static void factors_are_drawn_uniformly(void **state)
{
    (void)state;
    enum { DRAWS = 20000 };
    static float drawn[DRAWS * SHAPES_FACTORS];
    static uint8_t labels[DRAWS];
    static size_t counts[SHAPES_COMBINATIONS + 1];
    duet_error error = {0};
    duet_data *data = open_shapes("shapes");
    assert_ok(duet_data_factors(data, DUET_TEST, 0, DRAWS, drawn, &error), &error);
    assert_ok(duet_data_labels(data, DUET_TEST, 0, DRAWS, labels, &error), &error);
    double means[SHAPES_FACTORS] = {0}, squares = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        const float *own = drawn + i * SHAPES_FACTORS;
        assert_int_equal(labels[i], (int)own[SHAPES_SHAPE]);
        counts[duet_shapes_combination(own)]++;
        for (size_t k = 0; k < SHAPES_FACTORS; k++) means[k] += own[k] / (double)DRAWS;
    }
    assert_int_equal(counts[SHAPES_COMBINATIONS], 0);
    const double expected = (double)DRAWS / SHAPES_COMBINATIONS;
    for (size_t c = 0; c < SHAPES_COMBINATIONS; c++)
        squares += ((double)counts[c] - expected) * ((double)counts[c] - expected) / expected;
    assert_close(squares, SHAPES_COMBINATIONS - 1, 5 * sqrt(2.0 * SHAPES_COMBINATIONS));
    for (size_t k = SHAPES_X; k < SHAPES_FACTORS; k++) {
        const duet_factor *factor = &duet_shapes_factors[k];
        double width = factor->high - factor->low;
        assert_close(means[k], (factor->low + factor->high) / 2, 5 * width / sqrt(12.0 * DRAWS));
    }
    duet_data_close(&data);
}

/* Counting finer, a picture's pixels are the share of them inside the shape. */
static void edges_are_smooth_and_areas_right(void **state)
{
    (void)state;
    duet_data *data = open_shapes("shapes");
    read_all(data, DUET_TEST);
    for (size_t i = 0; i < 200; i++) {
        const float *own = factors + i * SHAPES_FACTORS;
        float mask[SHAPES_SIDE * SHAPES_SIDE];
        double area = 0, x = 0, y = 0, size = own[SHAPES_SIZE];
        duet_shapes_cover(own, mask);
        for (size_t p = 0; p < SHAPES_SIDE * SHAPES_SIDE; p++) {
            area += mask[p];
            x += mask[p] * ((double)(p % SHAPES_SIDE) + 0.5);
            y += mask[p] * ((double)(p / SHAPES_SIDE) + 0.5);
        }
        assert_close(area / (3.14159265 * size * size), 1, 0.04);
        assert_close(x / area, own[SHAPES_X], 0.1);
        assert_close(y / area, own[SHAPES_Y], 0.1);
    }
    for (size_t i = 0; i < COUNT * SHAPES_NUMBERS; i++) assert_true(pictures[i] >= 0 && pictures[i] <= 1);
    duet_data_close(&data);
}

/* On the device. */

typedef struct drawing {
    duet_device *device;
    duet_store *store;
    duet_graph *graph;
    duet_node labels, batch, input;
    duet_plan *plan;
} drawing;

static void drawing_open(drawing *it)
{
    *it = (drawing){.device = test_device_open(), .store = duet_store_new(5)};
    it->graph = duet_graph_new(it->store);
}

static void drawing_close(drawing *it, duet_data **data)
{
    duet_plan_free(&it->plan);
    duet_graph_free(&it->graph);
    duet_store_free(&it->store);
    duet_data_close(data);
    duet_device_close(&it->device);
}

static void the_device_renders_what_the_host_does(void **state)
{
    (void)state;
    static float drawn[COUNT * SHAPES_NUMBERS];
    duet_error error = {0};
    drawing it;
    duet_data *data = open_shapes("shapes");
    read_all(data, DUET_TRAIN);
    drawing_open(&it);
    it.input = duet_input(it.graph, "factors", DUET_FLOAT32, DUET_SHAPE(COUNT, SHAPES_FACTORS));
    it.batch = duet_shapes_render_node(it.input);
    assert_ok(duet_plan_new(&it.plan, it.device, "render", &it.batch, 1, &error), &error);
    assert_ok(duet_plan_write(it.plan, it.input, factors, sizeof factors, &error), &error);
    assert_ok(duet_plan_replay(it.plan, &error), &error);
    assert_ok(duet_plan_read(it.plan, it.batch, drawn, sizeof drawn, &error), &error);
    for (size_t i = 0; i < COUNT * SHAPES_NUMBERS; i++) assert_close(drawn[i], pictures[i], 1e-4);
    drawing_close(&it, &data);
}

/* What the device draws is read off its pictures: every combination there may be as often as the others, none that is
 * dropped, and the labels are the shapes. */
static void the_device_draws_what_is_asked(void **state)
{
    (void)state;
    static float drawn[BATCH * SHAPES_NUMBERS], labels[BATCH * 3];
    static size_t counts[SHAPES_COMBINATIONS];
    duet_error error = {0};
    drawing it;
    duet_data *data = open_shapes("shapes:drop=red,ellipse-left,small-top");
    drawing_open(&it);
    duet_node draws = duet_input(it.graph, "draws", DUET_UINT32, DUET_SCALAR_SHAPE), clock = duet_clock(it.graph);
    it.batch = duet_data_labelled_batch(data, it.graph, DUET_TRAIN, BATCH, draws, true, &it.labels);
    duet_node roots[] = {it.batch, it.labels, duet_assign(clock, duet_increment(clock))};
    assert_ok(duet_plan_new(&it.plan, it.device, "draw", roots, 3, &error), &error);
    assert_ok(duet_plan_replay(it.plan, &error), &error);
    assert_ok(duet_plan_read(it.plan, it.batch, drawn, sizeof drawn, &error), &error);
    assert_ok(duet_plan_read(it.plan, it.labels, labels, sizeof labels, &error), &error);
    size_t near_edges = 0;
    for (size_t i = 0; i < BATCH; i++) {
        duet_shape_reading reading;
        duet_shape_read(drawn + i * SHAPES_NUMBERS, &reading);
        size_t combination = duet_shapes_combination(reading.factors), there = 0;
        for (size_t c = 0; c < data->combination_count; c++) there += data->combinations[c] == combination;
        near_edges += there == 0;
        if (combination < SHAPES_COMBINATIONS) counts[combination]++;
        for (size_t k = 0; k < 3; k++) assert_close(labels[3 * i + k], k == (size_t)reading.factors[SHAPES_SHAPE], 0);
    }
    assert_in_range(near_edges, 0, BATCH / 50); /* read as lying over a border by a tenth of a pixel */
    const double expected = (double)BATCH / (double)data->combination_count;
    for (size_t c = 0; c < data->combination_count; c++)
        assert_close((double)counts[data->combinations[c]], expected, 5 * sqrt(expected));
    drawing_close(&it, &data);
}

static void combinations_are_dropped(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t left;
    } rows[] = {{"shapes", 216},
                {"shapes:drop=square", 144},
                {"shapes:drop=square-red", 198},
                {"shapes:drop=red-square,square-red", 198},
                {"shapes:drop=square-red,ellipse-left", 174},
                {"shapes:drop=triangle-blue-left-top-small", 215}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_data *data = open_shapes(rows[i].name);
        assert_int_equal(data->combination_count, rows[i].left);
        assert_string_equal(duet_data_describe(data)->name, rows[i].name);
        duet_data_close(&data);
    }
    duet_data *data = open_shapes("shapes:drop=square-red,ellipse-left");
    read_all(data, DUET_TEST);
    for (size_t i = 0; i < COUNT; i++) {
        const float *own = factors + i * SHAPES_FACTORS;
        assert_false(own[SHAPES_SHAPE] == 0 && own[SHAPES_COLOUR] == 0);
        assert_false(own[SHAPES_SHAPE] == 1 && own[SHAPES_X] < 12);
    }
    duet_data_close(&data);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *name, *piece;
    } rows[] = {{"shapes:", "has no option \"\""},
                {"shapes:colours=3", "there is drop, as in"},
                {"shapes:drop=", "\"\" is no value of a factor; there are square ellipse"},
                {"shapes:drop=square-pink", "\"pink\" is no value of a factor"},
                {"shapes:drop=square-red,", "\"\" is no value"},
                {"shapes:drop=red-blue", "no example is both red and blue"},
                {"shapes:drop=red,green,blue,yellow", "leaves nothing to draw"},
                {"ring8:drop=1", "ring8 has no options"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_data *data = NULL;
        duet_error opened = {0}, checked = {0};
        assert_int_equal(duet_data_open(&data, rows[i].name, &opened), DUET_ERROR_USAGE);
        assert_null(data);
        assert_message(&opened, rows[i].piece);
        assert_int_equal(duet_data_check(rows[i].name, &checked), DUET_ERROR_USAGE);
        assert_string_equal(opened.message, checked.message);
    }
}

/* Reading factors off pictures, against the factors that they were made of: what counting combinations rests on. */
static void factors_are_read_off_pictures(void **state)
{
    (void)state;
    duet_data *data = open_shapes("shapes");
    read_all(data, DUET_TEST);
    double squares[SHAPES_FACTORS] = {0}, worst = 0;
    for (size_t i = 0; i < COUNT; i++) {
        const float *own = factors + i * SHAPES_FACTORS;
        duet_shape_reading reading;
        duet_shape_read(pictures + i * SHAPES_NUMBERS, &reading);
        assert_close(reading.factors[SHAPES_SHAPE], own[SHAPES_SHAPE], 0);
        assert_close(reading.factors[SHAPES_COLOUR], own[SHAPES_COLOUR], 0);
        for (size_t k = 0; k < SHAPES_FACTORS; k++) squares[k] += pow(reading.factors[k] - own[k], 2) / COUNT;
        worst = fmax(worst, reading.unexplained);
    }
    (void)printf("deviations: x %.3f, y %.3f, size %.3f, angle %.2f; unexplained at most %.4f\n", sqrt(squares[2]),
                 sqrt(squares[3]), sqrt(squares[4]), sqrt(squares[5]), worst);
    assert_true(sqrt(squares[SHAPES_X]) < 0.05 && sqrt(squares[SHAPES_Y]) < 0.05);
    assert_true(sqrt(squares[SHAPES_SIZE]) < 0.05 && sqrt(squares[SHAPES_ANGLE]) < 3);
    assert_true(worst < 0.02);
    duet_data_close(&data);
}

static void pictures_of_nothing_are_not_read(void **state)
{
    (void)state;
    static float picture[SHAPES_NUMBERS], other[SHAPES_NUMBERS];
    duet_shape_reading reading;
    duet_shape_read(picture, &reading); /* black */
    assert_close(reading.unexplained, 1, 0);
    for (size_t i = 0; i < SHAPES_NUMBERS; i++) picture[i] = 0.5f;
    duet_shape_read(picture, &reading);
    assert_true(reading.unexplained > 0.5);
    picture[7] = NAN;
    duet_shape_read(picture, &reading);
    assert_close(reading.unexplained, 1, 0);
    const float left[] = {0, 1, 8, 8, 4, 0}, right[] = {0, 1, 20, 20, 4, 0};
    duet_shapes_render(left, picture);
    duet_shapes_render(right, other);
    for (size_t i = 0; i < SHAPES_NUMBERS; i++) picture[i] += other[i]; /* two at once */
    duet_shape_read(picture, &reading);
    assert_true(reading.unexplained > 0.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_set_says_what_it_is),
        cmocka_unit_test(factors_are_drawn_uniformly),
        cmocka_unit_test(edges_are_smooth_and_areas_right),
        cmocka_unit_test(combinations_are_dropped),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(factors_are_read_off_pictures),
        cmocka_unit_test(pictures_of_nothing_are_not_read),
        cmocka_unit_test(the_device_renders_what_the_host_does),
        cmocka_unit_test(the_device_draws_what_is_asked),
    };
    return RUN_TESTS("shapes", tests, NULL, NULL);
}
