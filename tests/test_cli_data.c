/* SPDX-License-Identifier: MIT */
/* The command line and data of every format: 'duet data' says what it is taken for, a training runs on it, and what is
 * plausible and wrong is asked about before one begins. */
#include "picture_files.h"
#include "program.h"

#include <signal.h>
#include <sys/resource.h>

#include "duet/run.h"

enum { PICTURES = 12 };

/* The same 12 pictures of 8 x 8 x 3 in two classes in every format, in the group's folder. */
static int make_everything(void **state)
{
    static uint8_t pixels[PICTURES * 192], planar[PICTURES * 192];
    static char text[PICTURES * 192 * 5];
    (void)make_folder(state);
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = pattern(i);
    for (size_t i = 0; i < sizeof pixels; i++) planar[i / 192 * 192 + i % 3 * 64 + i % 192 / 3] = pixels[i];
    make_inner("photos");
    make_inner("photos/a");
    make_inner("photos/b");
    write_pictures("photos/a/", PICTURES / 2, 0);
    write_pictures("photos/b/", PICTURES / 2, PICTURES / 2 * 192);
    const char *const members[] = {"photos/a/0.png",
                                   "photos/a/1.png",
                                   "photos/a/2.png",
                                   "photos/b/0.png",
                                   "photos/b/1.png",
                                   "photos/b/2.png",
                                   NULL};
    write_archive("photos.zip", members, true);
    write_archive("photos.tar.gz", members, false);
    write_npy("x_train.npy", 1, ARRAY("|u1", "False", "(12, 8, 8, 3)"), pixels, sizeof pixels);
    write_npy("first.npy", 1, ARRAY("|u1", "False", "(12, 3, 8, 8)"), planar, sizeof planar);
    write_npy("y_train.npy", 1, ARRAY("<i8", "False", "(12,)"), ((int64_t[12]){0, 1, 0, 1, 1, 1}), 96);
    make_inner("twice");
    write_npy("twice/x_train.npy", 1, ARRAY("|u1", "False", "(12, 8, 8, 3)"), pixels, sizeof pixels);
    write_npy("twice/y_train.npy", 1, ARRAY("<i8", "False", "(12,)"), ((int64_t[12]){0, 1, 0, 1, 1, 1}), 96);
    write_archive("x.npz", (const char *const[]){"x_train.npy", "y_train.npy", NULL}, true);
    size_t used = 0;
    used += (size_t)snprintf(text, sizeof text, "kind");
    for (size_t k = 0; k < 192; k++) used += (size_t)snprintf(text + used, sizeof text - used, ",p%zu", k);
    for (size_t i = 0; i < sizeof pixels; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s,%u",
                                 i % 192 > 0   ? ""
                                 : i / 192 % 2 ? "\nb"
                                               : "\na",
                                 pixels[i]);
    test_file_write(in_folder("x.csv"), text, used);
    static uint8_t records[PICTURES * 3073];
    for (size_t i = 0; i < PICTURES; i++)
        for (size_t k = 0; k < 3073; k++) records[i * 3073 + k] = k == 0 ? (uint8_t)(i % 10) : pattern(i + k);
    test_file_write(in_folder("cifar.bin"), records, sizeof records);
    assert_int_equal(mkfifo(in_folder("pipe"), 0666), 0);
    return 0;
}

static const struct {
    const char *name, *data, *format, *shape, *classes;
} formats[] = {
    {"folder", "@/photos", "a folder of pictures", "8 x 8 x 3 bytes, pictures", "classes   2"},
    {"zip", "@/photos.zip", "an archive of pictures", "8 x 8 x 3 bytes, pictures", "classes   2"},
    {"tar", "@/photos.tar.gz", "an archive of pictures", "8 x 8 x 3 bytes, pictures", "classes   2"},
    {"npy", "@/x_train.npy", "files of rows", "8 x 8 x 3 bytes, pictures", ""},
    {"npz", "@/x.npz", "an archive of arrays (.npz)", "8 x 8 x 3 bytes, pictures", "classes   2"},
    {"csv", "@/x.csv:labels=kind,values=bytes,size=8x8", "files of rows", "8 x 8 x 3 bytes, pictures", "classes   2"},
    {"channels first", "@/first.npy:channels=first", "files of rows", "8 x 8 x 3 bytes, pictures", ""},
    {"cifar", "@/cifar.bin:size=8x8", "files of rows", "8 x 8 x 3 bytes, pictures", "classes   10"},
};

static void every_format_is_said_and_trained_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char out[PATH_SIZE], format[64];
        (void)snprintf(format, sizeof format, "read as   %s\n", formats[i].format);
        expect(RUN("data", formats[i].data), 0, format, NULL);
        expect(RUN("data", formats[i].data), 0, formats[i].shape, NULL);
        expect(RUN("data", formats[i].data), 0, formats[i].classes, NULL);
        (void)snprintf(out, sizeof out, "@/run%zu", i);
        expect(RUN("train", "vae", "--data", formats[i].data, "--steps", "2", "--batch", "2", "--set", "hidden=8",
                   "--set", "latent=2", "--out", out),
               0, "run", "elbo");
        expect(RUN("eval", out, "--metric", "elbo"), 0, "elbo", NULL); /* the run says how its data are read */
    }
}

/* A document has what the text says; a sheet and a converted file come of the same command. */
static void documents_sheets_and_conversions(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    json_t *all = document(RUN("data", "@/photos", "--json", "--out", "@/sheet.png", "--convert", "@/made.npz"));
    json_t *train = json_object_get(all, "train"), *names = json_object_get(all, "class_names");
    assert_string_equal(json_string_value(json_object_get(all, "format")), "a folder of pictures");
    assert_int_equal(json_integer_value(json_object_get(train, "count")), 11);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(train, "class_counts"), 1)), 5);
    assert_close(json_number_value(json_object_get(train, "high")), 1, 0);
    assert_string_equal(json_string_value(json_array_get(names, 1)), "b");
    json_decref(all);
    size_t size;
    char *sheet = test_file_read(inside("sheet.png", path), &size);
    assert_true(size > 100 && memcmp(sheet, "\x89PNG", 4) == 0);
    free(sheet);
    expect(RUN("data", "@/made.npz"), 0, "train     11, values in [0, 1]", NULL);
    expect(RUN("data", "ring8", "--out", "@/points.png"), 0, "points.png", NULL);
    expect(RUN("data", "ring8", "--convert", "@/no.npz"), 2, NULL, "never ends");
    const struct rlimit little = {4096, RLIM_INFINITY}, all_there_is = {RLIM_INFINITY, RLIM_INFINITY};
    (void)signal(SIGXFSZ, SIG_IGN); /* so that a file that grows too long is an error, as on a disk that is full */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    result full = RUN("data", "@/photos", "--convert", "@/full.npz");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all_there_is), 0);
    expect(full, 1, NULL, "full.npz: cannot be written: File too large");
}

/* The remedy that a message names is tried. */
static void questions_come_before_a_training(void **state)
{
    (void)state;
    static const char *const train[] = {"train", "ae", "--steps", "1", "--batch", "2", "--set", "hidden=8", "--out"};
    expect(RUN("data", "@/first.npy"), 0, "3 x 8 x 8", "question: ");
    expect(RUN(train[0], train[1], "--data", "@/first.npy", train[2], train[3], train[4], train[5], train[8], "@/q1"),
           1, "", "are the channels first?");
    expect(RUN("data", "@/first.npy:channels=first", "--convert", "@/turned.npz"), 0, "8 x 8 x 3", NULL);
    json_t *turned = document(RUN("data", "@/turned.npz", "--json"));
    assert_int_equal(json_array_size(json_object_get(turned, "notes")), 0);
    json_decref(turned);
    expect(RUN("train", "ae", "--data", "@/turned.npz", "--steps", "1", "--batch", "2", "--set", "hidden=8", "--out",
               "@/q2"),
           0, "q2", NULL);
    expect(RUN("train", "ae", "--data", "@/first.npy:channels=last", "--steps", "1", "--batch", "2", "--set",
               "hidden=8", "--out", "@/q3"),
           0, "q3", NULL);
}

static duet_status give_rows(void *context, duet_split split, size_t first, size_t count, void *examples,
                             duet_error *error)
{
    float *values = examples;
    (void)context;
    (void)split;
    (void)error;
    for (size_t i = 0; i < 16 * count; i++) values[i] = (float)pattern(16 * first + i) / 255;
    return DUET_OK;
}

/* A set in memory and one that is asked for give the same training, to the bit; it can be gone on with. */
static void a_program_trains_on_data_of_its_own(void **state)
{
    (void)state;
    static float values[20 * 16];
    char paths[2][PATH_SIZE], file[2][PATH_SIZE];
    duet_error error = {0};
    duet_own_data set = {.name = "mine",
                         .shape = DUET_SHAPE(4, 4),
                         .type = DUET_FLOAT32,
                         .count = {20},
                         .division = DUET_DIVISION_SHUFFLED};
    assert_ok(give_rows(NULL, DUET_TRAIN, 0, 20, values, &error), &error);
    set.examples[DUET_TRAIN] = values;
    for (int i = 0; i < 2; i++) {
        static const char *const settings[] = {"hidden=8"};
        duet_data *data = NULL;
        duet_train_summary summary = {0};
        if (i == 0)
            assert_ok(duet_data_from_memory(&data, &set, &error), &error);
        else
            assert_ok(duet_data_from_callback(&data, &set, give_rows, NULL, &error), &error);
        duet_train_options options = {.family = duet_family_find("ae"),
                                      .own_data = data,
                                      .settings = settings,
                                      .setting_count = 1,
                                      .steps = 2,
                                      .batch = 4,
                                      .out = inside(i == 0 ? "memory" : "asked", paths[i])};
        assert_ok(duet_train(&options, &summary, NULL, &error), &error);
        options.resume = options.out;
        options.out = NULL;
        options.steps = 4;
        assert_ok(duet_train(&options, &summary, NULL, &error), &error);
        assert_int_equal(summary.steps, 4);
        duet_data_close(&data);
        (void)inside(i == 0 ? "memory/checkpoint.safetensors" : "asked/checkpoint.safetensors", file[i]);
    }
    /* all but their headers, since a function has no checksum that could be kept */
    size_t sizes[2], starts[2];
    char *bytes[2] = {test_file_read(file[0], &sizes[0]), test_file_read(file[1], &sizes[1])};
    for (int i = 0; i < 2; i++) {
        uint64_t header;
        memcpy(&header, bytes[i], sizeof header);
        starts[i] = sizeof header + (size_t)header;
        assert_true(starts[i] < sizes[i]);
    }
    assert_int_equal(sizes[0] - starts[0], sizes[1] - starts[1]);
    assert_memory_equal(bytes[0] + starts[0], bytes[1] + starts[1], sizes[0] - starts[0]);
    free(bytes[0]);
    free(bytes[1]);
}

/* A stranger's words do not reach the terminal as commands; what is no text is refused. */
static void names_of_strangers(void **state)
{
    (void)state;
    char text[2][1200];
    size_t used[2] = {0};
    const char *const words[] = {"\x1b[31mred", "K\xf6ln"};
    for (size_t k = 0; k < 2; k++) {
        used[k] += (size_t)snprintf(text[k], sizeof text[k], "a,b,label\n");
        for (int i = 0; i < 40; i++)
            used[k] += (size_t)snprintf(text[k] + used[k], sizeof text[k] - used[k], "%d,%d,%s\n", i * 7 % 11, i % 5,
                                        i % 2 ? words[k] : "blue");
    }
    test_file_write(in_folder("esc\x1b[1m.csv"), text[0], used[0]);
    test_file_write(in_folder("latin1.csv"), text[1], used[1]);
    result said = RUN("data", "@/esc\x1b[1m.csv");
    assert_null(strchr(said.out, '\x1b'));
    assert_null(strchr(said.err, '\x1b'));
    expect(said, 0, "[31mred", NULL);
    expect(RUN("data", "@/latin1.csv"), 1, "", "the name of the class \"K?ln\" is not UTF-8");
    make_inner("lines"); /* names of classes that would pass for lines */
    make_inner("lines/a\nb\t");
    make_inner("lines/A\nb\t");
    write_pictures("lines/a\nb\t/", 3, 0);
    write_pictures("lines/A\nb\t/", 3, 1000);
    expect(RUN("data", "@/lines"), 0, "train 2  test 1  A?b?\n", "classes \"A?b?\" and \"a?b?\" differ in capitals");
}

static const command_case mistakes[] = {
    {"a pipe", {"train", "ae", "--data", "@/pipe"}, 1, "", "is not a plain file or a folder"},
    {"a pipe looked at", {"data", "@/pipe"}, 1, "", "is not a plain file or a folder"},
    {"no such path", {"data", "@/nothing"}, 1, "", "No such file"},
    {"no such set", {"data", "nothing"}, 2, "", "neither a data set nor a path"},
    {"a bad size", {"data", "@/photos", "--size", "8"}, 2, "", "HEIGHTxWIDTH"},
    {"a bad size in training", {"train", "ae", "--data", "@/photos", "--size", "8"}, 2, "", "HEIGHTxWIDTH"},
    {"a size of nothing", {"train", "ae", "--size", "8x8"}, 2, "", "--size, --labels and --split say how --data"},
    {"another ending", {"data", "@/photos", "--out", "sheet.jpg"}, 2, "", "ends in .png"},
    {"another format", {"data", "@/photos", "--convert", "x.npy"}, 2, "", "ends in .npz"},
    {"a sheet that cannot be", {"data", "@/photos", "--out", "@/no/sheet.png"}, 1, NULL, "cannot be written"},
    {"a file that cannot be", {"data", "@/photos", "--convert", "@/no/x.npz"}, 1, NULL, "cannot be written"},
    {"a picture alone", {"data", "@/photos/a/0.png"}, 1, "", "one picture"},
    {"--size in words", {"data", "@/photos", "--size", "4x6"}, 0, "4 x 6 x 3", NULL},
    {"--labels in words", {"data", "@/x_train.npy", "--labels", "@/y_train.npy"}, 0, "classes   2", NULL},
    {"labels of the folder", {"data", "@/twice", "--labels", "@/twice/y_train.npy"}, 0, "classes   2", NULL},
    {"a column of labels", {"data", "@/x.csv", "--labels", "kind"}, 0, "classes   2", "values=bytes"},
};

static void words_and_mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        expect(run(mistakes[i].words), mistakes[i].status, mistakes[i].out, mistakes[i].err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_said_and_trained_on),
        cmocka_unit_test(documents_sheets_and_conversions),
        cmocka_unit_test(questions_come_before_a_training),
        cmocka_unit_test(a_program_trains_on_data_of_its_own),
        cmocka_unit_test(names_of_strangers),
        cmocka_unit_test(words_and_mistakes),
    };
    return RUN_TESTS("cli_data", tests, make_everything, remove_folder);
}
