/* SPDX-License-Identifier: MIT */
/* The data of a run: a run is drawn from without them; they are found again where they lie by now; others in their
 * place are refused unless they are asked for, which is recorded. By the program, on a file of small pictures. */
#include "program.h"

#include <math.h>

#include "duet/report.h"

enum { PICTURES = 200, PIXELS = 64 };

/* A .npy of dark and light pictures in the order of their classes, each given twice: `rows` of them, the first one by
 * `first`. */
static void write_pictures(const char *name, size_t rows, uint8_t first)
{
    char path[PATH_SIZE], inner[64];
    duet_error error = {0};
    uint8_t *values = malloc(rows * PIXELS);
    assert_non_null(values);
    for (size_t i = 0; i < rows * PIXELS; i++)
        values[i] = (uint8_t)(i / PIXELS * 2 / rows * 120 + (i * 2654435761u >> 20) % 130);
    values[0] = first;
    (void)snprintf(inner, sizeof inner, "%s-images.npy", name);
    assert_ok(duet_write_npy_bytes(inside(inner, path), values, DUET_SHAPE(rows, 8, 8), &error), &error);
    free(values);
}

static void move(const char *from, const char *to)
{
    char was[PATH_SIZE], is[PATH_SIZE];
    assert_int_equal(rename(inside(from, was), inside(to, is)), 0);
}

/* run.json of a run; the caller drops it. */
static json_t *record_of(const char *run)
{
    char path[PATH_SIZE], file[PATH_SIZE];
    (void)snprintf(file, sizeof file, "%s/run.json", run);
    json_t *record = json_load_file(inside(file, path), 0, NULL);
    assert_non_null(record);
    return record;
}

static const char *data_of(json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(json_object_get(record, "data"), key));
    assert_non_null(text);
    return text;
}

static int begin(void **state)
{
    (void)make_folder(state);
    write_pictures("a", PICTURES, 0);
    expect(RUN("train", "vae", "--data", "@/a-images.npy", "--steps", "4", "--batch", "16", "--out", "@/run"), 0, NULL,
           NULL);
    return 0;
}

static void a_run_is_enough_to_draw_from(void **state)
{
    (void)state;
    move("a-images.npy", "b-images.npy");
    expect(RUN("sample", "@/run", "--out", "@/sample.png"), 0, "sample.png", NULL);
    expect(RUN("interpolate", "@/run", "--out", "@/way.png"), 0, "way.png", NULL);
    expect(RUN("traverse", "@/run", "--out", "@/axes.png"), 0, "axes.png", NULL);
    expect(RUN("eval", "@/run", "--metric", "latent-rank"), 0, "latent-rank", NULL);
    result missing = RUN("eval", "@/run");
    assert_null(strstr(strstr(missing.err, "--data PATH says where") + 1, "--data PATH says where")); /* once */
    expect(missing, 1, NULL, "cannot be opened: No such file or directory; --data PATH says where they are now");
    expect(RUN("reconstruct", "@/run", "--out", "@/x.png"), 1, NULL, "--data PATH says where they are now");
    expect(RUN("train", "--resume", "@/run", "--steps", "6"), 1, NULL, "--data PATH says where the data are now");
    expect(RUN("report", "@/run"), 1, NULL, "--data PATH says where they are now");
    move("b-images.npy", "a-images.npy");
}

/* What was said of data behind a colon, such as their labels, belongs to where they are now. */
static void moved_data_are_read_as_they_were(void **state)
{
    (void)state;
    char path[PATH_SIZE], labels[PATH_SIZE], name[3 * PATH_SIZE], words[4 * PATH_SIZE];
    uint8_t values[PICTURES];
    duet_error error = {0};
    for (size_t i = 0; i < PICTURES; i++) values[i] = (uint8_t)(i % 2);
    assert_ok(duet_write_npy_bytes(inside("mine.npy", labels), values, DUET_SHAPE(PICTURES), &error), &error);
    write_pictures("said", PICTURES, 0);
    expect(RUN("train", "vae", "--data", "@/said-images.npy", "--labels", "@/mine.npy", "--steps", "4", "--batch", "16",
               "--out", "@/said"),
           0, NULL, NULL);
    move("said-images.npy", "moved-images.npy");
    (void)snprintf(words, sizeof words, "--data PATH:labels=%s says where", labels);
    expect(RUN("train", "--resume", "@/said", "--steps", "6"), 1, NULL, words);
    expect(RUN("eval", "@/said"), 1, NULL, words);
    (void)snprintf(name, sizeof name, "%s:labels=%s", inside("moved-images.npy", path), labels);
    (void)snprintf(words, sizeof words, ": --data %s says the same of these", name);
    expect(RUN("train", "--resume", "@/said", "--steps", "6", "--data", path), 1, NULL, words);
    expect(RUN("train", "--resume", "@/said", "--steps", "6", "--data", name), 0, NULL, NULL);
}

/* A .npy of `rows` points in the plane. */
static void write_points(const char *name, size_t rows)
{
    char path[PATH_SIZE];
    duet_error error = {0};
    float *values = malloc(rows * 2 * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < rows * 2; i++) values[i] = (float)(i * 2654435761u >> 20 & 255) / 255;
    assert_ok(duet_write_npy(inside(name, path), values, DUET_SHAPE(rows, 2), &error), &error);
    free(values);
}

/* Examples are only the background of points, and a remedy that is named is one that the command has. */
static void points_are_drawn_without_their_data(void **state)
{
    (void)state;
    static const char *const ways[][4] = {{"sample"}, {"sample", "--manifold", "3"}, {"interpolate"}, {"traverse"}};
    char path[PATH_SIZE];
    write_points("points.npy", PICTURES);
    expect(RUN("train", "vae", "--data", "@/points.npy", "--set", "latent=2", "--set", "likelihood=gaussian", "--steps",
               "4", "--batch", "16", "--out", "@/plane"),
           0, NULL, NULL);
    for (size_t moved = 0; moved < 2; moved++) {
        if (moved) move("points.npy", "elsewhere.npy");
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
            const char *words[8] = {ways[i][0], "@/plane", "--out", "@/plane.png", ways[i][1], ways[i][2]};
            result drawn = run(words);
            assert_null(strstr(drawn.err, "--data"));
            assert_int_equal(strncmp(drawn.err, "note: ", 6) == 0, moved); /* without "duet: ", as all notes */
            expect(drawn, 0, "plane.png", moved ? "note: drawn without the examples of " : NULL);
            assert_int_equal(remove(inside("plane.png", path)), 0);
        }
    }
    result there = RUN("interpolate", "@/plane", "--data", "@/elsewhere.npy", "--out", "@/plane.png");
    assert_null(strstr(there.err, "note: "));
    expect(there, 0, "plane.png", NULL);
}

/* An autoencoder's ways lead from the codes of examples to others. */
static void ways_between_codes_find_their_examples(void **state)
{
    (void)state;
    expect(RUN("train", "ae", "--data", "@/a-images.npy", "--steps", "2", "--batch", "16", "--out", "@/ae"), 0, NULL,
           NULL);
    expect(RUN("interpolate", "@/ae", "--out", "@/here.npy"), 0, "here.npy", NULL);
    move("a-images.npy", "b-images.npy");
    expect(RUN("interpolate", "@/ae", "--out", "@/way.png"), 1, NULL, "--data PATH says where they are now");
    expect(RUN("interpolate", "@/ae", "--data", "@/b-images.npy", "--out", "@/there.npy"), 0, "there.npy", NULL);
    char path[PATH_SIZE];
    size_t sizes[2];
    char *here = test_file_read(inside("here.npy", path), &sizes[0]);
    char *there = test_file_read(inside("there.npy", path), &sizes[1]);
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(here, there, sizes[0]);
    free(here);
    free(there);
    write_pictures("few", 5, 1);
    expect(RUN("interpolate", "@/ae", "--data", "@/few-images.npy", "--json", "--out", "@/few.npy"), 0,
           "\"shape\": [\n    2,\n    12,", NULL);
    expect(RUN("interpolate", "@/run", "--data", "@/b-images.npy", "--out", "@/way.png"), 0, "way.png",
           "--data has no effect");
    move("b-images.npy", "a-images.npy");
}

/* A file that is there and damaged has not moved, and says nothing of what its examples have. */
static void damaged_data_are_not_elsewhere(void **state)
{
    (void)state;
    static const char *const metrics[] = {"mse", "nearest-neighbour", "linear-probe"};
    uint8_t labels[PICTURES];
    char path[PATH_SIZE];
    size_t size;
    duet_error error = {0};
    write_pictures("cut", PICTURES, 0);
    for (size_t i = 0; i < PICTURES; i++) labels[i] = (uint8_t)(i % 2);
    assert_ok(duet_write_npy_bytes(inside("cut-labels.npy", path), labels, DUET_SHAPE(PICTURES), &error), &error);
    expect(RUN("train", "vae", "--data", "@/cut-images.npy", "--steps", "2", "--batch", "16", "--out", "@/damaged"), 0,
           NULL, NULL);
    char *whole = test_file_read(inside("cut-images.npy", path), &size);
    test_file_write(path, whole, size / 2);
    free(whole);
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        result said = RUN("eval", "@/damaged", "--metric", metrics[i]);
        assert_null(strstr(said.err, "--data PATH"));
        expect(said, 1, NULL, "cut-images.npy: ");
    }
}

/* What every command takes for once, a resumed run keeps. */
static void data_are_found_where_they_lie_now(void **state)
{
    (void)state;
    move("a-images.npy", "b-images.npy");
    expect(RUN("eval", "@/run", "--data", "@/b-images.npy"), 0, "elbo", NULL);
    expect(RUN("reconstruct", "@/run", "--data", "@/b-images.npy", "--out", "@/x.png"), 0, "x.png", NULL);
    expect(RUN("report", "@/run", "--data", "@/b-images.npy"), 0, "report.html", NULL);
    expect(RUN("compare", "@/run", "@/run", "--data", "@/b-images.npy"), 0, "elbo", NULL);
    expect(RUN("train", "--resume", "@/run", "--data", "@/b-images.npy", "--steps", "6"), 0, NULL, NULL);
    json_t *record = record_of("run");
    assert_non_null(strstr(data_of(record, "name"), "/b-images.npy"));
    assert_null(json_object_get(json_array_get(json_object_get(record, "resumed"), 0), "changed"));
    json_decref(record);
    expect(RUN("eval", "@/run"), 0, "elbo", NULL);
    expect(RUN("train", "--resume", "@/run", "--data", "@/nowhere.npy", "--steps", "8"), 1, NULL, "nowhere.npy");
    move("b-images.npy", "a-images.npy");
    expect(RUN("train", "--resume", "@/run", "--data", "@/a-images.npy", "--steps", "7"), 0, NULL, NULL);
}

static void refuse_all(const char *difference)
{
    expect(RUN("eval", "@/run"), 1, NULL, difference);
    expect(RUN("encode", "@/run", "--out", "@/codes.npy"), 1, NULL, difference);
    expect(RUN("report", "@/run", "--afresh"), 1, NULL, difference);
    expect(RUN("train", "--resume", "@/run", "--steps", "9"), 1, NULL, "--other-data goes on with these");
    expect(RUN("sample", "@/run", "--out", "@/sample.png"), 0, "sample.png", NULL);
}

static void other_data_in_their_place_are_refused(void **state)
{
    (void)state;
    json_t *before = record_of("run");
    write_pictures("a", PICTURES, 1); /* one byte */
    refuse_all("with other contents: checksum");
    write_pictures("a", PICTURES - 50, 0);
    refuse_all("180 + 20 examples of bytes [8, 8, 1], 0 classes then, 135 + 15 examples of bytes [8, 8, 1], 0 classes "
               "now");
    json_t *after = record_of("run");
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
    expect(RUN("eval", "@/run", "--data", "@/a-images.npy"), 0, "elbo", NULL);
    expect(RUN("train", "vae", "--data", "@/a-images.npy", "--other-data"), 2, NULL, "--resume DIR");
    expect(RUN("train", "--resume", "@/run", "--steps", "9", "--other-data"), 0, NULL,
           "goes on with other data than it began with");
    json_t *record = record_of("run"), *resumed = json_object_get(record, "resumed");
    json_t *pair =
        json_object_get(json_object_get(json_array_get(resumed, json_array_size(resumed) - 1), "changed"), "data");
    assert_non_null(strstr(json_string_value(json_array_get(pair, 0)), "180 + 20 examples, checksum "));
    assert_non_null(strstr(json_string_value(json_array_get(pair, 1)), "135 + 15 examples, checksum "));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(record, "data"), "train")), 135);
    json_decref(record);
    expect(RUN("eval", "@/run"), 0, "elbo", NULL);
}

/* Examples are looked through for copies when a run begins, and again only where they are others. */
static void known_data_are_not_looked_through(void **state)
{
    (void)state;
    static const char copies[] = "test examples are training examples too";
    char path[PATH_SIZE];
    duet_error error = {0};
    uint8_t values[40 * PIXELS];
    for (uint8_t other = 0; other < 2; other++) {
        for (size_t i = 0; i < sizeof values; i++)
            values[i] = (uint8_t)(other + (i % (sizeof values / 2) * 2654435761u >> 20) % 250);
        assert_ok(duet_write_npy_bytes(inside("twice.npy", path), values, DUET_SHAPE(40, 8, 8), &error), &error);
        if (other == 0)
            expect(RUN("train", "ae", "--data", "@/twice.npy", "--steps", "1", "--batch", "8", "--out", "@/twice"), 0,
                   NULL, copies);
        result again = other == 0 ? RUN("train", "--resume", "@/twice", "--steps", "2")
                                  : RUN("train", "--resume", "@/twice", "--steps", "3", "--other-data");
        assert_int_equal(strstr(again.err, copies) != NULL, other);
        expect(again, 0, NULL, NULL);
    }
}

static void copy_checkpoint(const char *from, const char *to)
{
    char path[PATH_SIZE];
    size_t size;
    char *bytes = test_file_read(inside(from, path), &size);
    test_file_write(inside(to, path), bytes, size);
    free(bytes);
}

/* Two runs that differ in their data alone: no setting tells their checkpoints apart. */
static void a_checkpoint_is_of_the_data_of_its_run(void **state)
{
    (void)state;
    write_pictures("c", PICTURES, 0);
    write_pictures("d", PICTURES, 1);
    expect(RUN("train", "vae", "--data", "@/c-images.npy", "--steps", "4", "--batch", "16", "--out", "@/c"), 0, NULL,
           NULL);
    expect(RUN("train", "vae", "--data", "@/d-images.npy", "--steps", "4", "--batch", "16", "--out", "@/d"), 0, NULL,
           NULL);
    copy_checkpoint("d/checkpoint.safetensors", "own");
    copy_checkpoint("c/checkpoint.safetensors", "d/checkpoint.safetensors");
    static const char words[] = "checkpoint.safetensors was made with data=";
    expect(RUN("sample", "@/d", "--out", "@/sample.png"), 1, NULL, words);
    expect(RUN("report", "@/d"), 1, NULL, words);
    expect(RUN("train", "--resume", "@/d", "--steps", "6"), 1, NULL, words);
    copy_checkpoint("own", "d/checkpoint.safetensors");
    expect(RUN("sample", "@/d", "--out", "@/sample.png"), 0, "sample.png", NULL);
    /* one that went on with other data, and was killed before its next checkpoint */
    expect(RUN("train", "--resume", "@/d", "--data", "@/c-images.npy", "--other-data", "--steps", "6"), 0, NULL, NULL);
    copy_checkpoint("own", "d/checkpoint.safetensors");
    expect(RUN("train", "--resume", "@/d", "--steps", "6"), 0, NULL, NULL);
}

/* The one fact of the record that eval did not compare. */
static void a_range_that_was_another_is_told_of(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    json_t *record = record_of("c");
    assert_int_equal(json_object_set_new(json_object_get(record, "data"), "unit_range", json_false()), 0);
    assert_int_equal(json_dump_file(record, inside("c/run.json", path), 0), 0);
    json_decref(record);
    expect(RUN("eval", "@/c"), 1, NULL, "unit_range=true, and the run.json beside it says unit_range=false");
    expect(RUN("train", "--resume", "@/c", "--steps", "6"), 1, NULL, "this model would read them wrongly");
    for (int scale = 2; scale > 0; scale--) { /* the file itself, where the run knows the one before */
        float rows[60][2];
        duet_error error = {0};
        for (size_t i = 0; i < 120; i++) rows[i / 2][i % 2] = (float)scale * (float)(i * 37 % 101) / 100;
        assert_ok(duet_write_npy(inside("wide.npy", path), rows[0], DUET_SHAPE(60, 2), &error), &error);
        if (scale == 2)
            expect(RUN("train", "ae", "--data", path, "--steps", "2", "--batch", "16", "--out", "@/wide"), 0, NULL,
                   NULL);
    }
    expect(RUN("eval", "@/wide"), 1, NULL, "its values were beyond [0, 1] then and are all in [0, 1] now");
}

/* A record of before types and checksums were kept: counts are compared, and the data are there from the beginning. */
static void older_records_are_compared_by_counts(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    json_t *record = record_of("run"), *data = json_object_get(record, "data");
    (void)json_object_del(data, "type");
    (void)json_object_del(data, "checksum");
    (void)json_object_del(data, "split");
    assert_int_equal(json_dump_file(record, inside("run/run.json", path), 0), 0);
    json_decref(record);
    expect(RUN("eval", "@/run"), 0, "elbo", NULL);
    write_pictures("a", PICTURES - 50, 2);
    expect(RUN("eval", "@/run"), 0, "elbo", NULL);
    write_pictures("a", PICTURES - 40, 0);
    expect(RUN("sample", "@/run", "--out", "@/sample.png"), 1, NULL, "135 + 15 examples");
}

/* 200 x 2 floats between `low` and low + 64 / scale, in steps of 1 / scale; returns the mean of half their squares'
 * sum. */
static double write_numbers(const char *name, double low, double scale)
{
    float values[400];
    double sum = 0;
    char path[PATH_SIZE];
    duet_error error = {0};
    for (size_t i = 0; i < 400; i++) values[i] = (float)(low + (double)(i * 2654435761u >> 8 & 63) / scale);
    for (size_t i = 0; i < 400; i++) sum += 0.5 * (double)values[i] * (double)values[i] / 200;
    assert_ok(duet_write_npy(inside(name, path), values, DUET_SHAPE(200, 2), &error), &error);
    return sum;
}

/* What eval says of one metric; NaN: it does not. */
static double value_of(const char *of, const char *data, const char *metric)
{
    result said = RUN("eval", of, "--data", data, "--metric", metric, "--json");
    json_t *document = json_loads(said.out, 0, NULL);
    json_t *row = json_object_get(json_object_get(document, "metrics"), metric);
    const double value = json_is_object(row) ? json_number_value(json_object_get(row, "value")) : (double)NAN;
    json_decref(document);
    result_free(&said);
    return value;
}

/* A flow that has learnt nothing is the identity: of numbers as they are its nll is a normal's. Bytes have noise. */
static void a_flow_takes_numbers_for_bytes_where_they_are(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    const double half = write_numbers("numbers.npy", 0.5, 4000), normal = log(2 * acos(-1)) + half;
    const double of_levels = log(2 * acos(-1)) + write_numbers("levels.npy", 0, 255);
    static const struct {
        const char *data, *name, *set;
        bool bytes, noise;
    } rows[] = {
        {"@/numbers.npy", "numbers", "dequantise=auto", false, false},
        {"@/numbers.npy", "noisy", "dequantise=yes", false, true},
        {"@/levels.npy", "plain", "dequantise=no", true, false},
        {"@/levels.npy", "levels", "dequantise=auto", true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[64];
        const bool bits = rows[i].bytes && rows[i].noise;
        (void)snprintf(out, sizeof out, "@/%s", rows[i].name);
        result said = RUN("train", "realnvp", "--data", rows[i].data, "--steps", "1", "--batch", "16", "--set", "lr=0",
                          "--set", "hidden=4", "--set", rows[i].set, "--out", out);
        assert_null(strstr(said.err, "k / 255"));
        assert_int_equal(strstr(said.err, "bits_per_dimension") != NULL, bits);
        expect(said, 0, NULL, NULL);
        json_t *record = record_of(rows[i].name);
        assert_int_equal(json_is_true(json_object_get(json_object_get(record, "data"), "bytes")), rows[i].bytes);
        json_decref(record);
        assert_int_equal(isnan(value_of(out, rows[i].data, "bits-per-dimension")), !bits);
        const double density = rows[i].bytes ? of_levels : normal;
        if (!rows[i].noise) assert_true(fabs(value_of(out, rows[i].data, "nll") - density) < 0.01);
    }
    (void)write_numbers("beyond.npy", 2.5, 4000);
    expect(RUN("train", "realnvp", "--data", "@/beyond.npy", "--steps", "1", "--set", "dequantise=yes"), 1, "",
           "dequantise=yes is for data in [0, 1]");
    const double before = value_of("@/noisy", "@/numbers.npy", "nll");
    assert_true(fabs(before - normal) > 0.1);
    /* a run of before took all data in [0, 1] for bytes, and does so still */
    expect(RUN("train", "realnvp", "--data", "@/numbers.npy", "--steps", "1", "--batch", "16", "--set", "lr=0", "--set",
               "hidden=4", "--out", "@/before"),
           0, NULL, NULL);
    json_t *record = record_of("before");
    (void)json_object_del(json_object_get(record, "data"), "bytes");
    assert_int_equal(json_dump_file(record, inside("before/run.json", path), 0), 0);
    json_decref(record);
    expect(RUN("eval", "@/before", "--metric", "bits-per-dimension"), 0, "bits-per-dimension",
           "for bytes all the same");
    assert_true(fabs(value_of("@/before", "@/numbers.npy", "nll") - before) < 1e-9);
    /* what a run learnt decides of other data, too */
    expect(RUN("eval", "@/levels", "--data", "@/numbers.npy", "--metric", "nll"), 0, "nll", "for bytes all the same");
    assert_true(isnan(value_of("@/numbers", "@/levels.npy", "bits-per-dimension")));
    expect(RUN("eval", "@/numbers", "--data", "@/levels.npy", "--metric", "nll"), 0, "nll",
           "are taken as the numbers that they are");
    expect(RUN("train", "--resume", "@/levels", "--data", "@/numbers.npy", "--other-data", "--steps", "2"), 0, NULL,
           "for bytes all the same");
    record = record_of("levels");
    assert_true(json_is_true(json_object_get(json_object_get(record, "data"), "bytes")));
    json_decref(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_enough_to_draw_from),
        cmocka_unit_test(moved_data_are_read_as_they_were),
        cmocka_unit_test(points_are_drawn_without_their_data),
        cmocka_unit_test(ways_between_codes_find_their_examples),
        cmocka_unit_test(damaged_data_are_not_elsewhere),
        cmocka_unit_test(data_are_found_where_they_lie_now),
        cmocka_unit_test(other_data_in_their_place_are_refused),
        cmocka_unit_test(known_data_are_not_looked_through),
        cmocka_unit_test(older_records_are_compared_by_counts),
        cmocka_unit_test(a_checkpoint_is_of_the_data_of_its_run),
        cmocka_unit_test(a_range_that_was_another_is_told_of),
        cmocka_unit_test(a_flow_takes_numbers_for_bytes_where_they_are),
    };
    return RUN_TESTS("run_data", tests, begin, remove_folder);
}
