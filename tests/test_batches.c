/* SPDX-License-Identifier: MIT */
/* Named and generated data sets, and batches on the device: what a plan draws is what the host reads. */
#include "data_files.h"

#include "duet/op.h"
#include "duet/plan.h"

/* Named sets. */

static bool is_present(const char *name)
{
    duet_dataset_row rows[16];
    size_t count = duet_dataset_list(rows, 16);
    for (size_t i = 0; i < count && i < 16; i++)
        if (strcmp(rows[i].name, name) == 0) return rows[i].present;
    fail_msg("%s is not listed", name);
    return false;
}

static void sets_are_listed(void **state)
{
    (void)state;
    duet_dataset_row rows[16];
    size_t count = duet_dataset_list(rows, 16);
    assert_int_equal(count, 5);
    assert_int_equal(duet_dataset_list(NULL, 0), count);
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(rows[i].name) > 0 && strlen(rows[i].summary) > 0 && strlen(rows[i].source) > 0);
        duet_error error = {0};
        duet_data *data = NULL;
        duet_status status = duet_data_open(&data, rows[i].name, &error);
        assert_int_equal(status == DUET_OK, rows[i].present);
        if (status == DUET_OK) assert_string_equal(duet_data_describe(data)->source, rows[i].source);
        duet_data_close(&data);
    }
}

/* The four files, in the ways in which their names are met. */
static void write_set(const char *prefix)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%strain-images-idx3-ubyte", prefix);
    write_idx(name, DIMS(9, 3, 2), 0);
    (void)snprintf(name, sizeof name, "%strain-labels.idx1-ubyte", prefix);
    write_idx(name, DIMS(9), 0);
    (void)snprintf(name, sizeof name, "%st10k-images.idx3-ubyte.gz", prefix);
    write_idx(name, DIMS(3, 3, 2), 0);
    (void)snprintf(name, sizeof name, "%st10k-labels-idx1-ubyte.gz", prefix);
    write_idx(name, DIMS(3), 0);
}

/* Other data under $DUET_DATA, or a part of the set, is not the set: the search goes on. */
static void other_data_is_not_the_set(void **state)
{
    (void)state;
    static const char *const names[] = {"DUET_DATA", "XDG_DATA_HOME"};
    const char *kept[2], *set = "datasets/fashion-mnist";
    char path[2 * TEST_PATH_SIZE];
    for (int k = 0; k < 2; k++) {
        kept[k] = getenv(names[k]);
        assert_int_equal(setenv(names[k], folder, 1), 0);
    }
    write_npy("faces.npy", 1, ARRAY("<f4", "False", "(4, 2)"), (float[8]){0}, 32);
    write_idx("train-images-idx3-ubyte", DIMS(9, 3, 2), 0);
    assert_int_equal(mkdir(in_folder("datasets"), 0777), 0);
    assert_int_equal(mkdir(in_folder(set), 0777), 0);
    (void)snprintf(path, sizeof path, "%s/%s", folder, set);
    write_set("datasets/fashion-mnist/");
    duet_data *data = open_sound("fashion-mnist");
    assert_string_equal(duet_data_describe(data)->source, path);
    assert_non_null(strstr(duet_data_note(data, 0, NULL), "does not hold all its files")); /* and it is said */
    duet_data_close(&data);
    assert_int_equal(setenv("DUET_DATA", "/nowhere", 1), 0);
    data = open_sound("fashion-mnist");
    assert_non_null(strstr(duet_data_note(data, 0, NULL), "DUET_DATA=/nowhere does not"));
    duet_data_close(&data);
    for (int k = 0; k < 2; k++)
        assert_int_equal(kept[k] == NULL ? unsetenv(names[k]) : setenv(names[k], kept[k], 1), 0);
}

/* Sixty thousand examples of a byte, labelled as MNIST's are, by their numbers; of the first two kinds `moved` less and
 * more. */
static void write_digits(const char *examples, const char *labels, size_t moved)
{
    static const size_t counts[] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
    static uint8_t bytes[8 + 60000], file[16 + 60000];
    const uint8_t head[] = {0, 0, 8, 1, 0, 0, 60000 >> 8, 60000 & 255};
    const uint8_t file_head[] = {0, 0, 8, 3, 0, 0, 60000 >> 8, 60000 & 255, 0, 0, 0, 1, 0, 0, 0, 1};
    uint8_t *at = bytes + sizeof head;
    memcpy(bytes, head, sizeof head);
    memcpy(file, file_head, sizeof file_head);
    for (uint8_t i = 0; i < 10; i++)
        for (size_t k = 0; k < counts[i] + (i == 0 ? -moved : i == 1 ? moved : 0); k++) *at++ = i;
    for (size_t i = 0; i < 60000; i++) file[16 + i] = pattern(i);
    write_file(labels, bytes, sizeof bytes);
    write_file(examples, file, sizeof file);
}

/* MNIST, and others after it, have the same names of files. */
static void sets_of_the_same_files_are_told_of(void **state)
{
    (void)state;
    static const char *const what[] = {"it is MNIST, the digits", "it is some other set"};
    const char *kept = getenv("DUET_DATA");
    assert_int_equal(setenv("DUET_DATA", folder, 1), 0);
    write_idx("t10k-images-idx3-ubyte", DIMS(3, 1, 1), 0);
    write_idx("t10k-labels-idx1-ubyte", DIMS(3), 0);
    for (size_t moved = 0; moved < 2; moved++) {
        bool question, asked = false;
        write_digits("train-images-idx3-ubyte", "train-labels-idx1-ubyte", moved);
        duet_data *data = open_sound("fashion-mnist");
        const char *note;
        for (size_t i = 0; (note = duet_data_note(data, i, &question)) != NULL; i++)
            asked = asked || (strstr(note, what[moved]) != NULL && question);
        assert_true(asked);
        duet_data_close(&data);
    }
    assert_int_equal(kept == NULL ? unsetenv("DUET_DATA") : setenv("DUET_DATA", kept, 1), 0);
}

static void namesakes_of_sets_are_told_of(void **state)
{
    (void)state;
    char here[4 * TEST_PATH_SIZE];
    assert_non_null(getcwd(here, sizeof here));
    make_inner("ring8");
    assert_int_equal(chdir(folder), 0);
    duet_data *data = open_sound("ring8");
    assert_non_null(duet_data_note(data, 0, NULL));
    assert_non_null(strstr(duet_data_note(data, 0, NULL), "./ring8, which lies here, is given by that path"));
    duet_data_close(&data);
    data = open_sound("two-peaks");
    assert_null(duet_data_note(data, 0, NULL));
    duet_data_close(&data);
    write_file("ring8/run.json", "{}", 2); /* --out ring8 */
    data = open_sound("ring8");
    assert_null(duet_data_note(data, 0, NULL));
    duet_data_close(&data);
    assert_int_equal(chdir(here), 0);
}

/* Where $DUET_DATA leads from this folder, a run says in a form that holds from any. */
static void a_relative_folder_is_said_in_full(void **state)
{
    (void)state;
    char here[4 * TEST_PATH_SIZE];
    const char *kept = getenv("DUET_DATA");
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(mkdir(in_folder("set"), 0777), 0);
    write_set("set/");
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(setenv("DUET_DATA", "set", 1), 0);
    duet_data *data = open_sound("fashion-mnist");
    const char *source = duet_data_describe(data)->source;
    assert_true(source[0] == '/' && access(source, R_OK) == 0);
    assert_int_equal(chdir(here), 0);
    assert_int_equal(access(source, R_OK), 0);
    duet_data_close(&data);
    assert_int_equal(kept == NULL ? unsetenv("DUET_DATA") : setenv("DUET_DATA", kept, 1), 0);
}

/* $DUET_DATA may be the folder itself or the one above; without any the message helps. */
static void set_folder_is_found(void **state)
{
    (void)state;
    static const char *const names[] = {"DUET_DATA", "XDG_DATA_HOME", "XDG_DATA_DIRS"};
    static const char *const below[] = {"", "/fashion-mnist", "/datasets/fashion-mnist"};
    char set[2 * TEST_PATH_SIZE], root[TEST_PATH_SIZE];
    memcpy(root, folder, sizeof root);
    for (int i = 0; i < 3; i++) {
        const char *kept[3];
        for (int k = 0; k < 3; k++) kept[k] = getenv(names[k]);
        (void)snprintf(folder, sizeof folder, "%.400s/root%d", root, i);
        assert_int_equal(mkdir(folder, 0777), 0);
        assert_int_equal(setenv(names[i == 0 ? 0 : i - 1], folder, 1), 0);
        if (i == 2) assert_int_equal(mkdir(in_folder("datasets"), 0777), 0);
        (void)snprintf(set, sizeof set, "%s%s", folder, below[i]);
        if (i > 0) assert_int_equal(mkdir(set, 0777), 0);
        memcpy(folder, set, sizeof folder);
        write_set("");
        duet_data *data = open_sound("fashion-mnist");
        assert_string_equal(duet_data_describe(data)->source, set);
        assert_string_equal(duet_data_describe(data)->name, "fashion-mnist");
        duet_data_close(&data);
        for (int k = 0; k < 3; k++)
            assert_int_equal(kept[k] == NULL ? unsetenv(names[k]) : setenv(names[k], kept[k], 1), 0);
        memcpy(folder, root, sizeof folder);
    }
}

static void fashion_mnist(void **state)
{
    (void)state;
    if (!is_present("fashion-mnist")) skip();
    static const uint8_t first_labels[2][8] = {{9, 0, 0, 3, 0, 2, 7, 2}, {9, 2, 1, 1, 6, 1, 4, 6}};
    static const size_t counts[2] = {60000, 10000};
    duet_error error = {0};
    duet_data *data = open_sound(NULL);
    const duet_data_info *info = duet_data_describe(data);
    assert_int_equal(info->classes, 10);
    assert_int_equal(info->shape.rank, 3);
    assert_int_equal(info->shape.dims[0], 28);
    assert_int_equal(info->shape.dims[1], 28);
    assert_int_equal(info->shape.dims[2], 1);
    float *values = malloc(784 * 1000 * sizeof *values);
    assert_non_null(values);
    for (int split = 0; split < 2; split++) {
        uint8_t labels[8];
        assert_int_equal(info->count[split], counts[split]);
        assert_ok(duet_data_labels(data, split, 0, 8, labels, &error), &error);
        assert_memory_equal(labels, first_labels[split], 8);
        double sum = 0;
        for (size_t first = 0; first < counts[split]; first += 1000) {
            assert_ok(duet_data_read(data, split, first, 1000, values, &error), &error);
            for (size_t i = 0; i < 784 * 1000; i++) sum += values[i];
        }
        /* the means that the set is usually normalised by */
        assert_close(sum / (784.0 * (double)counts[split]), split == 0 ? 0.2860 : 0.2868, 5e-5);
    }
    assert_ok(duet_data_read(data, DUET_TRAIN, 0, 1, values, &error), &error);
    static const uint8_t row[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t fourth[28] = {0, 0,  0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0,
                                       0, 13, 73, 0, 0, 1, 4, 0, 0, 0, 0, 1, 1, 0};
    for (size_t i = 0; i < 12; i++) assert_close(values[i] * 255, row[i], 1e-4);
    for (size_t i = 0; i < 28; i++) assert_close(values[3 * 28 + i] * 255, fourth[i], 1e-4);
    assert_null(duet_data_note(data, 0, NULL)); /* such as that they are another set */
    free(values);
    duet_data_close(&data);
}

static const double pi = 3.14159265358979323846;

/* The centre of a mode, written down once more from the documentation. */
static void toy_centre(const char *name, size_t mode, double centre[2])
{
    if (strcmp(name, "ring8") == 0) {
        centre[0] = cos(pi / 4 * (double)mode);
        centre[1] = sin(pi / 4 * (double)mode);
    } else if (strcmp(name, "grid25") == 0) {
        centre[0] = -4 + 2 * (double)(mode / 5);
        centre[1] = -4 + 2 * (double)(mode % 5);
    } else {
        centre[0] = mode == 0 ? -2 : 2;
    }
}

static const struct {
    const char *name;
    size_t dimensions, modes;
    double sigma;
} toys[] = {{"ring8", 2, 8, 0.01}, {"grid25", 2, 25, 0.05}, {"two-peaks", 1, 2, 0.5}};

/* Modes equally often; around each centre the mean is 0 and the variance sigma^2, all within 5 standard errors. */
static void check_toy(size_t toy, const float *values, size_t count, const uint8_t *labels)
{
    size_t dimensions = toys[toy].dimensions, modes = toys[toy].modes, counts[25] = {0};
    double sum = 0, squares = 0, n = (double)(count * dimensions);
    for (size_t i = 0; i < count; i++) {
        double nearest = INFINITY, centre[2];
        size_t mode = 0;
        for (size_t m = 0; m < modes; m++) {
            double distance = 0;
            toy_centre(toys[toy].name, m, centre);
            for (size_t k = 0; k < dimensions; k++) distance += pow(values[i * dimensions + k] - centre[k], 2);
            if (distance < nearest) {
                nearest = distance;
                mode = m;
            }
        }
        if (labels != NULL) mode = labels[i];
        assert_in_range(mode, 0, modes - 1);
        toy_centre(toys[toy].name, mode, centre);
        counts[mode]++;
        for (size_t k = 0; k < dimensions; k++) {
            double deviation = (values[i * dimensions + k] - centre[k]) / toys[toy].sigma;
            assert_close(deviation, 0, 6);
            sum += deviation;
            squares += deviation * deviation;
        }
    }
    double share = 1 / (double)modes, error = 5 * sqrt(share * (1 - share) / (double)count);
    for (size_t m = 0; m < modes; m++) assert_close((double)counts[m] / (double)count, share, error);
    assert_close(sum / n, 0, 5 / sqrt(n));
    assert_close(squares / n, 1, 5 * sqrt(2 / n));
}

static void generated_sets_on_the_host(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static float values[2][2 * COUNT];
    static uint8_t labels[COUNT];
    duet_error error = {0};
    for (size_t i = 0; i < 3; i++) {
        duet_data *data = open_sound(toys[i].name);
        const duet_data_info *info = duet_data_describe(data);
        assert_true(info->generated && !info->unit_range && !info->picture && info->type == DUET_FLOAT32);
        assert_int_equal(info->shape.rank, 1);
        assert_int_equal(info->shape.dims[0], toys[i].dimensions);
        assert_int_equal(info->classes, toys[i].modes);
        for (int split = 0; split < 2; split++) {
            assert_ok(duet_data_read(data, split, 0, COUNT, values[split], &error), &error);
            assert_ok(duet_data_labels(data, split, 0, COUNT, labels, &error), &error);
            check_toy(i, values[split], COUNT, labels);
        }
        assert_memory_not_equal(values[0], values[1], sizeof(float) * 100);
        float again[2];
        assert_ok(duet_data_read(data, DUET_TEST, 77, 1, again, &error), &error);
        assert_memory_equal(again, values[1] + 77 * toys[i].dimensions, toys[i].dimensions * sizeof(float));
        duet_data_close(&data);
    }
}

/* On the device. */

/* A plan that draws batches of a split; `draws` is its input. */
typedef struct drawing {
    duet_device *device;
    duet_store *store;
    duet_graph *graph;
    duet_node draws, batch;
    duet_plan *plan;
    bool counted; /* generated sets read no counter */
} drawing;

static duet_status drawing_new(drawing *to, duet_data *data, duet_split split, size_t batch, bool shuffled,
                               duet_error *error)
{
    *to = (drawing){.device = test_device_open(), .store = duet_store_new(5)};
    to->counted = !duet_data_describe(data)->generated;
    to->graph = duet_graph_new(to->store);
    to->draws = duet_input(to->graph, "draws", DUET_UINT32, DUET_SCALAR_SHAPE);
    to->batch = duet_data_batch(data, to->graph, split, batch, to->draws, shuffled);
    duet_node clock = duet_clock(to->graph);
    duet_node roots[] = {to->batch, duet_assign(clock, duet_increment(clock))};
    return duet_plan_new(&to->plan, to->device, "draw", roots, 2, error);
}

/* The data goes first: its examples live on the device. */
static void drawing_free(drawing *of, duet_data **data)
{
    duet_plan_free(&of->plan);
    duet_graph_free(&of->graph);
    duet_store_free(&of->store);
    duet_data_close(data);
    duet_device_close(&of->device);
}

static void draw(drawing *from, uint32_t number, float *values, size_t count)
{
    duet_error error = {0};
    assert_non_null(from->plan);
    if (from->counted) assert_ok(duet_plan_write(from->plan, from->draws, &number, sizeof number, &error), &error);
    assert_ok(duet_plan_replay(from->plan, &error), &error);
    assert_ok(duet_plan_read(from->plan, from->batch, values, count * sizeof *values, &error), &error);
}

static void batches_in_order(void **state)
{
    (void)state;
    write_idx("a-idx3.gz", DIMS(33, 3, 5), 0);
    float singles[33 * 4];
    for (size_t i = 0; i < 33 * 4; i++) singles[i] = (float)i / 8 - 3;
    write_npy("b.npy", 1, ARRAY("<f4", "False", "(33, 4)"), singles, sizeof singles);
    double doubles[33 * 4];
    for (size_t i = 0; i < 33 * 4; i++) doubles[i] = singles[i];
    write_npy("c.npy.gz", 1, ARRAY("<f8", "False", "(33, 2, 2)"), doubles, sizeof doubles);
    static const char *const names[] = {"a-idx3.gz", "b.npy", "c.npy.gz"};
    for (size_t i = 0; i < 3; i++)
        for (int split = 0; split < 2; split++) {
            duet_error error = {0};
            drawing plan;
            float drawn[4 * 15], expected[30 * 15];
            duet_data *data = open_sound(in_folder(names[i]));
            const duet_data_info *info = duet_data_describe(data);
            size_t elements = duet_shape_elements(info->shape), count = info->count[split];
            assert_ok(drawing_new(&plan, data, split, 4, false, &error), &error);
            assert_int_equal(duet_node_shape(plan.batch).rank, info->shape.rank + 1);
            assert_int_equal(duet_node_type(plan.batch), DUET_FLOAT32);
            assert_ok(duet_data_read(data, split, 0, count, expected, &error), &error);
            for (uint32_t k = 0; k < 9; k++) {
                draw(&plan, k, drawn, 4 * elements);
                for (size_t e = 0; e < 4 * elements; e++)
                    assert_close(drawn[e], expected[((4 * k + e / elements) % count) * elements + e % elements], 1e-7);
            }
            drawing_free(&plan, &data);
        }
}

/* Every example once an epoch, and another order in the next. */
static void batches_shuffled(void **state)
{
    (void)state;
    enum { ROWS = 40, BATCH = 9, BATCHES = 4 /* whole ones of 36 training rows */ };
    float values[ROWS], drawn[2][BATCH * BATCHES];
    for (size_t i = 0; i < ROWS; i++) values[i] = (float)i;
    write_npy("a.npy", 1, ARRAY("<f4", "False", "(40, 1)"), values, sizeof values);
    duet_error error = {0};
    drawing plan;
    duet_data *data = open_sound(in_folder("a.npy"));
    assert_ok(drawing_new(&plan, data, DUET_TRAIN, BATCH, true, &error), &error);
    for (uint32_t epoch = 0; epoch < 2; epoch++) {
        bool seen[36] = {false};
        for (uint32_t k = 0; k < BATCHES; k++) draw(&plan, epoch * BATCHES + k, drawn[epoch] + k * BATCH, BATCH);
        for (size_t i = 0; i < BATCH * BATCHES; i++) {
            assert_in_range(drawn[epoch][i], 0, 35);
            assert_false(seen[(size_t)drawn[epoch][i]]);
            seen[(size_t)drawn[epoch][i]] = true;
        }
    }
    assert_memory_not_equal(drawn[0], drawn[1], sizeof drawn[0]);
    assert_memory_not_equal(drawn[0], values, sizeof drawn[0]);
    drawing_free(&plan, &data);
}

static void generated_sets_on_the_device(void **state)
{
    (void)state;
    enum { BATCH = 20000 };
    static float values[2][2 * BATCH];
    for (size_t i = 0; i < 3; i++) {
        duet_error error = {0};
        drawing plan;
        duet_data *data = open_sound(toys[i].name);
        assert_ok(drawing_new(&plan, data, DUET_TRAIN, BATCH, true, &error), &error);
        for (uint32_t k = 0; k < 2; k++) {
            draw(&plan, k, values[k], BATCH * toys[i].dimensions);
            check_toy(i, values[k], BATCH, NULL);
        }
        assert_memory_not_equal(values[0], values[1], 100);
        drawing_free(&plan, &data);
    }
}

/* A point's label is the mode that it lies at. */
static void generated_sets_label_what_they_draw(void **state)
{
    (void)state;
    enum { BATCH = 2000 };
    static float values[2 * BATCH], rows[25 * BATCH];
    static uint8_t labels[BATCH];
    for (size_t i = 0; i < 3; i++) {
        duet_error error = {0};
        drawing plan = {.device = test_device_open(), .store = duet_store_new(5)};
        duet_data *data = open_sound(toys[i].name);
        size_t modes = toys[i].modes;
        plan.graph = duet_graph_new(plan.store);
        plan.draws = duet_input(plan.graph, "draws", DUET_UINT32, DUET_SCALAR_SHAPE);
        duet_node roots[2];
        plan.batch = roots[0] =
            duet_data_labelled_batch(data, plan.graph, DUET_TRAIN, BATCH, plan.draws, true, &roots[1]);
        assert_ok(duet_plan_new(&plan.plan, plan.device, "draw", roots, 2, &error), &error);
        draw(&plan, 0, values, BATCH * toys[i].dimensions);
        assert_ok(duet_plan_read(plan.plan, roots[1], rows, BATCH * modes * sizeof *rows, &error), &error);
        for (size_t row = 0; row < BATCH; row++) {
            float sum = 0;
            for (size_t mode = 0; mode < modes; mode++) {
                sum += rows[row * modes + mode];
                if (rows[row * modes + mode] == 1) labels[row] = (uint8_t)mode;
            }
            assert_close(sum, 1, 0);
        }
        check_toy(i, values, BATCH, labels);
        drawing_free(&plan, &data);
    }
}

/* What opening cannot see in a gzip file is found when its examples go to the device. */
/** The last bytes of the file, behind all rows: what is hashed to find copies is read to its end. */
static void damage_is_found_at_the_end(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_data *data = NULL;
    write_large("a.idx.gz");
    damage_checksum("a.idx.gz");
    assert_status(duet_data_open_divided(&data, in_folder("a.idx.gz"), DUET_DIVISION_LAST, &error), DUET_ERROR_DATA,
                  &error);
    assert_message(&error, "a.idx.gz: damaged gzip file: incorrect data check");
    assert_null(data);
}

static void batch_larger_than_the_split(void **state)
{
    (void)state;
    duet_error error = {0};
    drawing plan;
    write_idx("a.idx", DIMS(10, 2), 0);
    duet_data *data = open_sound(in_folder("a.idx"));
    assert_status(drawing_new(&plan, data, DUET_TRAIN, 10, true, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "use at most 9");
    drawing_free(&plan, &data);
}

/* A set that the device cannot hold: refused with what to do, before any of it is read. */
static void larger_than_the_device(void **state)
{
    (void)state;
    duet_error error = {0};
    drawing plan;
    char dictionary[128];
    duet_device *device = test_device_open();
    uint64_t rows = duet_device_describe(device)->allocation_bytes / 1024 * 10 / 9 + 20;
    duet_device_close(&device);
    (void)snprintf(dictionary, sizeof dictionary, ARRAY("|u1", "False", "(%llu, 1024)"), (unsigned long long)rows);
    write_npy("a.npy", 1, dictionary, "", 0);
    FILE *file = fopen(in_folder("a.npy"), "r+b");
    assert_non_null(file);
    assert_int_equal(fseeko(file, 0, SEEK_END), 0);
    const off_t header = ftello(file);
    const uint64_t bright[] = {0, rows - rows / 10, rows}; /* else a split would be read through, for its range */
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(fseeko(file, header + (off_t)(bright[i] * 1024) - (i == 2), SEEK_SET), 0);
        assert_int_equal(fputc(255, file), 255); /* what lies between takes no disk */
    }
    assert_int_equal(fclose(file), 0);
    duet_data *data = open_sound(in_folder("a.npy"));
    bool countable = duet_data_describe(data)->count[DUET_TRAIN] * 1024 <= UINT32_MAX;
    assert_status(drawing_new(&plan, data, DUET_TRAIN, 4, true, &error),
                  countable ? DUET_ERROR_MEMORY : DUET_ERROR_GRAPH, &error);
    assert_message(&error, countable ? "data set" : "use a part of it");
    drawing_free(&plan, &data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_listed),
        IN_FOLDER(a_relative_folder_is_said_in_full),
        IN_FOLDER(set_folder_is_found),
        IN_FOLDER(other_data_is_not_the_set),
        IN_FOLDER(sets_of_the_same_files_are_told_of),
        IN_FOLDER(namesakes_of_sets_are_told_of),
        cmocka_unit_test(fashion_mnist),
        cmocka_unit_test(generated_sets_on_the_host),
        IN_FOLDER(batches_in_order),
        IN_FOLDER(batches_shuffled),
        cmocka_unit_test(generated_sets_on_the_device),
        cmocka_unit_test(generated_sets_label_what_they_draw),
        IN_FOLDER(damage_is_found_at_the_end),
        IN_FOLDER(batch_larger_than_the_split),
        IN_FOLDER(larger_than_the_device),
    };
    return RUN_TESTS("batches", tests, NULL, NULL);
}
