/* SPDX-License-Identifier: MIT */
/* What is streamed: what does not fit on a device, and no more; and what happens to files that cannot be read, or
 * change meanwhile. */
#include "picture_files.h"
#include "streaming_parts.h"

#include <unistd.h>

#include "data/data.h"
#include "device/record.h"

typedef struct said {
    char text[4096];
} said;

static void keep_lines(void *context, const char *line)
{
    said *all = context;
    size_t length = strlen(all->text);
    (void)snprintf(all->text + length, sizeof all->text - length, "%s\n", line);
}

/* The checkpoint after a few steps on the device as it is. */
static void train_batches(duet_device *device, duet_data *data, size_t batch, const char *checkpoint)
{
    duet_error error = {0};
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    assert_ok(duet_model_new(&model, duet_family_find("vae"), data, vae_settings, 2, 3, &error), &error);
    assert_ok(duet_trainer_new(&trainer, device, model, batch, &error), &error);
    for (size_t i = 0; i < 13; i++) assert_ok(duet_trainer_step(trainer, &error), &error);
    assert_ok(duet_trainer_save(trainer, in_folder(checkpoint), &error), &error);
    duet_trainer_free(&trainer);
    duet_model_free(&model);
}

/* A device that says that it is small. */
static void what_does_not_fit_is_streamed(void **state)
{
    (void)state;
    enum { ROWS = 4000 };
    duet_error error = {0};
    duet_data *data = NULL;
    uint8_t *values = malloc((size_t)ROWS * PIXELS);
    assert_non_null(values);
    for (size_t i = 0; i < (size_t)ROWS * PIXELS; i++) values[i] = pattern(i);
    const duet_own_data set = {
        .name = "large", .shape = DUET_SHAPE(PIXELS), .type = DUET_UINT8, .count = {ROWS}, .examples = {values}};
    assert_ok(duet_data_from_memory(&data, &set, &error), &error);
    static const struct {
        uint64_t allocation, memory;
        bool streams;
    } limits[] = {{UINT64_MAX, UINT64_MAX, false},
                  {200000, UINT64_MAX, true},
                  {UINT64_MAX, 200000, true},
                  {UINT64_MAX, 400000, false}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        said lines = {""};
        duet_device *device = test_device_open();
        if (limits[i].allocation < UINT64_MAX) device->info.allocation_bytes = limits[i].allocation;
        if (limits[i].memory < UINT64_MAX) device->info.memory_bytes = limits[i].memory;
        duet_device_set_log(device, keep_lines, &lines);
        train_batches(device, data, TEST_BATCH, i == 0 ? "resident.safetensors" : "streamed.safetensors");
        assert_int_equal(strstr(lines.text, "large: 0 MB of training examples do not fit on ") != NULL,
                         limits[i].streams);
        assert_int_equal(strstr(lines.text, "they are streamed") != NULL, limits[i].streams);
        assert_true(test_same_file(in_folder("resident.safetensors"),
                                   in_folder(i == 0 ? "resident.safetensors" : "streamed.safetensors")));
        duet_data_leave_device(data, device);
        duet_device_close(&device);
    }
    duet_data_close(&data);
    free(values);
}

static void generated_sets_are_not_streamed(void **state)
{
    (void)state;
    said lines = {""};
    duet_error error;
    duet_train_options options = options_of(&toy);
    options.steps = 4;
    options.stream = true;
    options.log = keep_lines;
    options.context = &lines;
    train(options, "toy", false, DUET_OK, &error);
    assert_non_null(strstr(lines.text, "note: ring8 is generated on the device"));
}

/* A row of these costs reading what lies before it: refused, and the remedy is tried. */
static void compressed_files_are_converted_first(void **state)
{
    (void)state;
    static char members[12][32];
    const char *list[13] = {NULL};
    write_idx("packed-idx3.gz", DIMS(40, 8, 8), 0);
    make_inner("zipped");
    write_pictures("zipped/", 12, 0);
    for (size_t k = 0; k < 12; k++) {
        (void)snprintf(members[k], sizeof members[k], "zipped/%zu.png", k);
        list[k] = members[k];
    }
    write_archive("zipped.zip", list, false);
    static const char *const names[] = {"packed-idx3.gz", "zipped.zip"};
    for (size_t i = 0; i < 2; i++) {
        duet_error error;
        duet_data *data = NULL;
        char name[PATH], converted[PATH];
        (void)snprintf(name, sizeof name, "%s", in_folder(names[i]));
        (void)snprintf(converted, sizeof converted, "%s/converted-%zu.npz", folder, i);
        recipe what = {"vae", name, vae_settings, 2, 3, 0};
        duet_train_options options = options_of(&what);
        options.stream = true;
        train(options, "refused", false, DUET_ERROR_DATA, &error);
        assert_message(&error, "cannot be streamed from a compressed file or an archive");
        assert_message(&error, "--convert FILE.npz");
        assert_message(&error, name);
        error = (duet_error){0};
        assert_ok(duet_data_open(&data, name, &error), &error);
        assert_ok(duet_data_convert(data, converted, &error), &error);
        duet_data_close(&data);
        what.data = converted;
        char run[32];
        (void)snprintf(run, sizeof run, "converted-%zu", i);
        streamed(&what, run, false, 3);
    }
    recipe unpacked = {"vae", in_folder("zipped"), vae_settings, 2, 3, 0}; /* a file a row */
    train_well(&unpacked, "unpacked");
    streamed(&unpacked, "unpacked-streamed", false, 3);
    assert_same_run("unpacked", "unpacked-streamed");
}

static duet_status fill_bright(void *context, duet_split split, size_t first, size_t count, void *examples,
                               duet_error *error)
{
    (void)split;
    (void)first;
    (void)error;
    memset(examples, 200, count * *(const size_t *)context);
    return DUET_OK;
}

static void a_batch_too_large_is_refused(void **state)
{
    (void)state;
    static const size_t numbers = (size_t)4000 * 3000;
    duet_error error = {0};
    duet_data *data = NULL;
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    duet_device *device = test_device_open();
    const duet_own_data set = {
        .name = "vast", .shape = DUET_SHAPE(4000, 3000, 1), .type = DUET_UINT8, .count = {100, 1}};
    assert_ok(duet_data_from_callback(&data, &set, fill_bright, (void *)(uintptr_t)&numbers, &error), &error);
    duet_data_set_streaming(data, true);
    assert_ok(duet_model_new(&model, duet_family_find("vae"), data, vae_settings, 2, 3, &error), &error);
    assert_status(duet_trainer_new(&trainer, device, model, 100, &error), DUET_ERROR_MEMORY, &error);
    assert_message(&error, "vast: 4 batches of 100 examples of 12000000 numbers");
    assert_message(&error, "use a smaller batch");
    duet_model_free(&model);
    duet_data_close(&data);
    duet_device_close(&device);
}

static duet_status fill_where_it_may(void *context, duet_split split, size_t first, size_t count, void *examples,
                                     duet_error *error)
{
    float *values = examples;
    bool *aligned = context;
    (void)split, (void)error;
    *aligned = *aligned && (uintptr_t)examples % sizeof *values == 0;
    for (size_t i = 0; i < 3 * count; i++) values[i] = (float)((3 * first + i) % 7);
    return DUET_OK;
}

/* The labels of a batch, a byte each a class, lie behind its rows and before those of the next. */
static void a_function_writes_where_floats_may_lie(void **state)
{
    (void)state;
    static const uint8_t labels[64];
    bool aligned = true;
    duet_error error = {0};
    duet_data *data = NULL;
    duet_device *device = test_device_open();
    const duet_own_data set = {.name = "odd",
                               .shape = DUET_SHAPE(3),
                               .type = DUET_FLOAT32,
                               .count = {64},
                               .labels = {labels},
                               .classes = 3};
    assert_ok(duet_data_from_callback(&data, &set, fill_where_it_may, &aligned, &error), &error);
    duet_data_set_streaming(data, true);
    train_batches(device, data, 7, "odd.safetensors");
    assert_true(aligned);
    duet_data_leave_device(data, device);
    duet_data_close(&data);
    duet_device_close(&device);
}

/* Files that change. */

typedef struct harm {
    const char *path;
    uint64_t at;
} harm;

static void do_harm(void *context, const duet_progress *progress)
{
    harm *it = context;
    if (progress->step != it->at || !progress->report) return;
    if (truncate(it->path, 200) != 0) fail();
}

static void a_file_that_is_cut_meanwhile_is_found(void **state)
{
    (void)state;
    char path[PATH], cut[PATH];
    duet_error error;
    uint64_t step = 0;
    size_t size;
    (void)snprintf(cut, sizeof cut, "%s/cut.npy", folder);
    char *content = test_file_read(bytes, &size);
    test_file_write(cut, content, size);
    harm plan = {.path = cut, .at = 5};
    const recipe what = {"vae", cut, vae_settings, 2, 40, 3};
    duet_train_options options = options_of(&what);
    options.stream = true;
    options.checkpoint_every = 0;
    options.progress = do_harm;
    options.context = &plan;
    train(options, "cut", false, DUET_ERROR_FILE, &error);
    assert_message(&error, "cut.npy: was changed while it was in use");
    path_of(path, "cut", "");
    duet_checkpoint_facts facts;
    assert_ok(duet_checkpoint_check(path, &facts, &error), (error = (duet_error){0}, &error));
    step = facts.step;
    assert_in_range(step, 5, 9);         /* the last one before it was found */
    test_file_write(cut, content, size); /* put back, it goes on to the bytes of one that was left alone */
    free(content);
    streamed(&what, "cut", true, 40);
    streamed(&what, "left-alone", false, 40);
    assert_same_run("left-alone", "cut");
}

/* A file of that name which is another one by now is not read as the one that was opened. */
static void a_file_that_is_replaced_is_found(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_data *data = NULL;
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    char path[PATH];
    size_t size;
    (void)snprintf(path, sizeof path, "%s/replaced.npy", folder);
    char *content = test_file_read(bytes, &size);
    test_file_write(path, content, size);
    duet_device *device = test_device_open();
    assert_ok(duet_data_open(&data, path, &error), &error);
    duet_data_set_streaming(data, true);
    assert_int_equal(rename(path, in_folder("moved.npy")), 0);
    test_file_write(path, content, size);
    free(content);
    assert_ok(duet_model_new(&model, duet_family_find("vae"), data, vae_settings, 2, 3, &error), &error);
    assert_status(duet_trainer_new(&trainer, device, model, TEST_BATCH, &error), DUET_ERROR_FILE, &error);
    assert_message(&error,
                   "replaced.npy: was changed while it was in use: another file of as many bytes took its place");
    duet_model_free(&model);
    duet_data_close(&data);
    duet_device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_streamed),         cmocka_unit_test(generated_sets_are_not_streamed),
        cmocka_unit_test(compressed_files_are_converted_first),  cmocka_unit_test(a_batch_too_large_is_refused),
        cmocka_unit_test(a_function_writes_where_floats_may_lie),
        cmocka_unit_test(a_file_that_is_cut_meanwhile_is_found), cmocka_unit_test(a_file_that_is_replaced_is_found),
    };
    return RUN_TESTS("streaming data", tests, begin_all, remove_folder);
}
