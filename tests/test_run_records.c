/* SPDX-License-Identifier: MIT */
/* What a run says in several places is compared, what it has lost is missed, what it does not know stays; one training
 * at a time has it, and a resumed one changes rates at most. */
#include "heard.h"
#include "run_recipes.h"

#include "base/lock.h"
#include "base/philox.h"
#include "duet/data.h"
#include "duet/report.h"
#include "run/safetensors.h"

static void assert_run(const char *run, duet_status status, const char *message)
{
    duet_error error = {0};
    duet_run *opened = NULL;
    char path[PATH];
    path_of(path, run, "");
    assert_status(duet_run_open(&opened, path, NULL, &error), status, &error);
    if (message != NULL) assert_message(&error, message);
    duet_run_close(&opened);
}

static void checkpoint_and_run_json_are_of_one_run(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *message;
    } rows[] = {
        {"\"activation\": \"relu\"", "\"activation\": \"tanh\"", "activation=relu"},
        {"\"beta\": \"1\"", "\"beta\": \"4\"", "beta=1"},
        {"\"seed\": 11", "\"seed\": 12", "seed=11"},
        {"\"batch\": 8", "\"batch\": 4", "batch=8"},
        {"\"encoder\": ", "\"encoder\": 1", "parameters in \"encoder\", and the model that it describes has "},
    };
    duet_error error;
    recipe part = vae;
    part.steps = 5;
    train_well(&part, "compared");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_train_options options = options_of(&vae);
        options.settings = NULL;
        options.setting_count = options.batch = options.seed = 0;
        edit("compared", "run.json", rows[i].from, rows[i].to);
        assert_run("compared", DUET_ERROR_DATA, rows[i].message);
        train(options, "compared", true, DUET_ERROR_DATA, &error);
        assert_message(&error, rows[i].message);
        edit("compared", "run.json", rows[i].to, rows[i].from);
    }
    /* what examples are, of which no parameter tells: one may be as many numbers in another shape */
    static const struct {
        const char *from, *to, *message;
    } examples[] = {
        {"      8,\n      8,\n      3\n", "      4,\n      16,\n      3\n", "shape=[8,8,3]"},
        {"\"unit_range\": true", "\"unit_range\": false", "unit_range=true"},
        {"\"bytes\": true", "\"bytes\": false", "bytes=true"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        char path[PATH];
        duet_checkpoint_facts facts;
        edit("compared", "run.json", examples[i].from, examples[i].to);
        assert_run("compared", DUET_ERROR_DATA, examples[i].message);
        path_of(path, "compared", "");
        error = (duet_error){0};
        assert_status(duet_checkpoint_check(path, &facts, &error), DUET_ERROR_DATA, &error);
        edit("compared", "run.json", examples[i].to, examples[i].from);
    }
    /* Rates may change between checkpoints, and another way to write a number is none. */
    edit("compared", "run.json", "\"lr\": \"0.001\"", "\"lr\": \"0.5\"");
    edit("compared", "run.json", "\"beta\": \"1\"", "\"beta\": \"1.0\"");
    assert_run("compared", DUET_OK, NULL);
}

/* The tensors of a checkpoint with a NaN among the numbers of one of them. */
typedef struct spoilt {
    duet_safetensors *file;
    const duet_tensor_row *row;
    bool rotten;
} spoilt;

static duet_status read_spoilt(void *context, void *values, size_t bytes, duet_error *error)
{
    const spoilt *it = context;
    duet_status status = duet_safetensors_read(it->file, it->row, values, error);
    if (it->rotten) ((float *)values)[bytes / sizeof(float) / 2] = NAN;
    return status;
}

static void spoil(const char *path, const char *name)
{
    static const char *const keys[] = {"duet.version", "duet.model", "duet.settings", "duet.data", "duet.batch",
                                       "duet.seed",    "duet.step",  "duet.reported", "duet.draws"};
    enum { KEYS = sizeof keys / sizeof *keys, MOST = 100 };
    duet_error error = {0};
    duet_safetensors *file;
    duet_metadata metadata[KEYS];
    duet_tensor_source sources[MOST];
    spoilt from[MOST];
    size_t count = 0;
    assert_ok(duet_safetensors_open(&file, path, &error), &error);
    for (size_t i = 0; i < KEYS; i++) metadata[i] = (duet_metadata){keys[i], duet_safetensors_metadata(file, keys[i])};
    for (const duet_tensor_row *row; (row = duet_safetensors_at(file, count)) != NULL; count++) {
        assert_in_range(count, 0, MOST - 1);
        from[count] = (spoilt){file, row, strcmp(row->name, name) == 0};
        sources[count] = (duet_tensor_source){row->name, row->type, row->shape, read_spoilt, &from[count]};
    }
    assert_ok(duet_safetensors_write(path, sources, count, metadata, KEYS, &error), &error);
    duet_safetensors_close(&file);
}

static void weights_that_are_no_numbers_are_refused(void **state)
{
    (void)state;
    duet_error error;
    char path[PATH];
    recipe part = vae;
    part.steps = 5;
    train_well(&part, "spoilt");
    path_of(path, "spoilt", "checkpoint.safetensors");
    spoil(path, "decoder.output.weight");
    assert_run("spoilt", DUET_ERROR_NUMERIC, "\"decoder.output.weight\" holds a number that is not finite");
    train(options_of(&vae), "spoilt", true, DUET_ERROR_NUMERIC, &error);
}

static void a_lost_checkpoint_is_missed(void **state)
{
    (void)state;
    duet_error error;
    char path[PATH], kept[PATH];
    recipe part = vae, longer = vae;
    part.steps = 20;
    train_well(&part, "lost");
    path_of(path, "lost", "checkpoint.safetensors");
    path_of(kept, "lost", "kept");
    assert_int_equal(rename(path, kept), 0);
    char *before = read_metrics("lost");
    train(options_of(&longer), "lost", true, DUET_ERROR_FILE, &error);
    assert_message(&error, "checkpoint.safetensors is not there, but the run has had one");
    /* Versions before this one did not note it: reports past the first checkpoint show it. */
    edit("lost", "run.json", "\"checkpointed\": true", "\"checkpointed\": false");
    train(options_of(&longer), "lost", true, DUET_ERROR_FILE, &error);
    assert_message(&error, "as its reports show");
    /* A link that leads nowhere is no absence, for a new run neither. */
    assert_int_equal(symlink("/nowhere/checkpoint", path), 0);
    train(options_of(&longer), "lost", true, DUET_ERROR_FILE, &error);
    assert_message(&error, "cannot be opened");
    char *after = read_metrics("lost");
    assert_string_equal(before, after);
    free(before);
    free(after);
    assert_int_equal(rename(kept, path), 0);
    resume_well(&longer, "lost");
    assert_same_run("first", "lost");

    path_of(path, "linked", "");
    assert_int_equal(mkdir(path, 0777), 0);
    path_of(path, "linked", "run.json");
    assert_int_equal(symlink("/nowhere/run.json", path), 0);
    train(options_of(&vae), "linked", false, DUET_ERROR_FILE, &error);
    assert_message(&error, "already holds a run");
}

static void lost_reports_are_missed(void **state)
{
    (void)state;
    heard all = {.text = ""};
    duet_error error;
    char path[PATH];
    recipe part = vae;
    part.steps = 12;
    train_well(&part, "silent");
    path_of(path, "silent", "metrics.jsonl");
    assert_int_equal(remove(path), 0);
    duet_train_options options = options_of(&vae);
    options.log = listen;
    options.context = &all;
    train(options, "silent", true, DUET_OK, &error);
    assert_heard(&all, "counts on reports up to step 10, and metrics.jsonl has them up to step 0");
}

/* Notes and blank lines among the reports, of a run that is cut back to its checkpoint and goes on. */
static void foreign_lines_stay(void **state)
{
    (void)state;
    char path[PATH];
    recipe part = vae;
    part.steps = 12;
    train_well(&part, "noted");
    edit("noted", "metrics.jsonl", "\n{\"step\":10", "\n\n# a note\n{\"step\":10");
    path_of(path, "noted", "metrics.jsonl");
    FILE *file = fopen(path, "ab");
    assert_non_null(file);
    assert_true(fputs("{\"note\":\"behind what is taken back\"}\n{\"step\":13,\"epoch\":2.6}\nthe last", file) >= 0);
    assert_int_equal(fclose(file), 0);
    resume_well(&vae, "noted");
    char *text = test_file_read(path, NULL);
    static const char *const pieces[] = {"{\"step\":5,",         "\n\n# a note\n{\"step\":10,",
                                         "\n{\"note\":\"behind", "\nthe last\n{",
                                         "\n{\"step\":15,",      "\n{\"step\":20,"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        if (strstr(text, pieces[i]) == NULL) fail_msg("\"%s\" is missing from %s", pieces[i], text);
    assert_null(strstr(text, "{\"step\":12,"));
    assert_null(strstr(text, "{\"step\":13,"));
    free(text);
    assert_true(same_file("first", "noted", "checkpoint.safetensors"));
}

static void a_resumed_run_changes_its_rates(void **state)
{
    (void)state;
    static const char *const other[] = {"lr=0.05", "decoder.lr=0.002", "hidden=12", "lr_final=0"};
    heard all = {.text = ""};
    duet_error error;
    recipe part = vae;
    part.steps = 12;
    train_well(&part, "rated");
    duet_train_options options = options_of(&vae);
    options.settings = other;
    options.setting_count = sizeof other / sizeof *other;
    options.log = listen;
    options.context = &all;
    train(options, "rated", true, DUET_OK, &error);
    assert_heard(&all, "lr is 0.05 from step 12 on, and was 0.001");
    assert_heard(&all, "decoder.lr is 0.002 from step 12 on, and was 0.001");
    assert_null(strstr(all.text, "hidden"));
    assert_null(strstr(all.text, "lr_final"));
    assert_false(same_file("first", "rated", "checkpoint.safetensors"));
    json_t *run = load_run("rated"), *settings = json_object_get(run, "settings");
    json_t *changed = json_object_get(json_array_get(json_object_get(run, "resumed"), 0), "changed");
    assert_string_equal(json_string_value(json_object_get(settings, "lr")), "0.05");
    assert_string_equal(json_string_value(json_object_get(settings, "decoder.lr")), "0.002");
    assert_int_equal(json_object_size(changed), 2);
    assert_string_equal(json_string_value(json_array_get(json_object_get(changed, "lr"), 0)), "0.001");
    assert_string_equal(json_string_value(json_array_get(json_object_get(changed, "lr"), 1)), "0.05");
    json_decref(run);
    assert_run("rated", DUET_OK, NULL);
    options.setting_count = 0; /* it stays so, and a resumption that changes nothing says nothing */
    options.steps = 24;
    all.text[0] = '\0';
    train(options, "rated", true, DUET_OK, &error);
    assert_null(strstr(all.text, "from step"));
    run = load_run("rated");
    assert_string_equal(json_string_value(json_object_get(json_object_get(run, "settings"), "lr")), "0.05");
    assert_null(json_object_get(json_array_get(json_object_get(run, "resumed"), 1), "changed"));
    json_decref(run);
    options.settings = (const char *const[]){"encoder.lr=0.002", "lr=0.5"}; /* all groups have their own by now */
    options.setting_count = 2;
    options.steps = 26;
    train(options, "rated", true, DUET_OK, &error);
    assert_heard(&all, "encoder.lr is 0.002 from step 24 on");
    assert_heard(&all, "nothing follows it: lr=0.5");
    assert_null(strstr(all.text, "note: lr is 0.5 from step"));
}

/* What is said of a group counts there, whatever is said of all, as where a training begins; what is told and recorded
 * is what was and what is. */
static void what_a_resumed_run_changes_follows_no_order(void **state)
{
    (void)state;
    static const struct {
        const char *settings[3], *told, *not_told;
        size_t changed;
        const char *lr, *encoder;
    } rows[] = {
        {{"encoder.lr=0.001", "lr=0.1", "lr=0.1"},
         "lr is 0.1 from step 2 on, and was 0.001",
         "encoder",
         1,
         "0.1",
         "0.001"},
        {{"lr=0.1", "encoder.lr=0.001", "lr=0.10"},
         "lr is 0.1 from step 2 on, and was 0.001",
         "encoder",
         1,
         "0.1",
         "0.001"},
        {{"encoder.lr=0.002", "lr=0.1", "lr=0.003"},
         "encoder.lr is 0.002 from step 2 on, and was 0.001",
         "0.1 ",
         2,
         "0.003",
         "0.002"},
        {{"lr=0.01", "hidden=12", "lr=0.001"}, NULL, "from step", 0, "0.001", NULL},
        {{"encoder.lr=0.001", "hidden=13", "hidden=12"}, NULL, "from step", 0, "0.001", "0.001"},
    };
    recipe part = vae;
    part.steps = 2;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char run_name[16];
        heard all = {.text = ""};
        duet_error error;
        snprintf(run_name, sizeof run_name, "ordered%zu", i);
        train_well(&part, run_name);
        duet_train_options options = options_of(&part);
        options.steps = 3;
        options.settings = rows[i].settings;
        options.setting_count = 3;
        options.log = listen;
        options.context = &all;
        train(options, run_name, true, DUET_OK, &error);
        if (rows[i].told != NULL) assert_heard(&all, rows[i].told);
        assert_null(strstr(all.text, rows[i].not_told));
        json_t *run = load_run(run_name), *settings = json_object_get(run, "settings");
        json_t *changed = json_object_get(json_array_get(json_object_get(run, "resumed"), 0), "changed");
        const char *encoder = json_string_value(json_object_get(settings, "encoder.lr"));
        assert_int_equal(json_object_size(changed), rows[i].changed);
        assert_string_equal(json_string_value(json_object_get(settings, "lr")), rows[i].lr);
        assert_string_equal(encoder == NULL ? "" : encoder, rows[i].encoder == NULL ? "" : rows[i].encoder);
        json_decref(run);
    }
}

static void a_resumed_run_changes_nothing_else(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"hidden=13", "hidden"}, {"beta=2", "beta"}, {"optimiser=sgd", "optimiser"}, {"colour=blue", "colour"}};
    duet_error error;
    char path[PATH];
    path_of(path, "first", "run.json");
    char *before = test_file_read(path, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_train_options options = options_of(&vae);
        options.settings = rows[i];
        options.setting_count = 1;
        train(options, "first", true, DUET_ERROR_USAGE, &error);
        assert_message(&error, rows[i][1]);
        assert_message(&error, "only rates");
    }
    duet_train_options options = options_of(&vae);
    options.seed = 12;
    train(options, "first", true, DUET_ERROR_USAGE, &error);
    assert_message(&error, "seed: the run goes on with 11, not 12");
    options.seed = 11;
    options.batch = 4;
    train(options, "first", true, DUET_ERROR_USAGE, &error);
    assert_message(&error, "batch: the run goes on with 8, not 4");
    char *after = test_file_read(path, NULL);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

/* Trains into the same run from within. */
static void train_again(void *context, const duet_progress *progress)
{
    heard *all = context;
    duet_error error = {0};
    if (!progress->report || all->status != DUET_OK) return;
    duet_train_options options = options_of(&vae);
    options.resume = all->again;
    all->status = duet_train(&options, NULL, NULL, &error);
    listen(context, error.message);
}

static void one_training_has_a_run(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_lock lock = {0};
    char path[PATH], lock_path[PATH];
    long holder;
    recipe part = vae;
    part.steps = 5;
    static const char words[] = "in another thread of it";

    path_of(path, "shared", "");
    heard all = {.again = path};
    duet_train_options options = options_of(&vae);
    options.progress = train_again;
    options.context = &all;
    train(options, "shared", false, DUET_OK, &error);
    assert_int_equal(all.status, DUET_ERROR_FILE);
    assert_heard(&all, words);
    assert_same_run("first", "shared");

    /* A folder that another training has just taken for its new run. */
    path_of(path, "taken", "");
    path_of(lock_path, "taken", "lock");
    assert_int_equal(mkdir(path, 0777), 0);
    assert_ok(duet_lock_take(&lock, lock_path, &holder, &error), &error);
    train(options_of(&part), "taken", false, DUET_ERROR_FILE, &error);
    assert_message(&error, words);
    duet_lock_release(&lock);
    test_file_write(lock_path, "999999999\n", 10); /* what a killed one leaves */
    train(options_of(&part), "taken", false, DUET_OK, &error);
    assert_int_equal(access(lock_path, F_OK), -1);
}

enum { ROWS = 300, COLUMNS = 6 };

/* Rows of an array from `first` on, `stride` apart and round its end: others in the order of 7, the same as bytes or as
 * floats. `kinds`: how many values there are; 0: as many as come. Each `blank`th has zeros alone. */
static void write_some(const char *name, size_t stride, bool bytes, unsigned kinds, uint32_t seed, size_t blank)
{
    static float rows[ROWS][COLUMNS];
    duet_error error = {0};
    char path[PATH];
    for (uint32_t i = 0; i < ROWS; i++)
        for (uint32_t k = 0; k < COLUMNS; k++) {
            const uint32_t word = duet_philox_element(seed, 1, 0, (uint32_t)(i * stride % ROWS) * COLUMNS + k).word[0];
            rows[i][k] = i % blank == 0 ? 0
                         : kinds > 0    ? (float)(word % kinds)
                         : bytes        ? (float)(word % 256) / 255
                                        : (float)word / 1e9f;
        }
    path_of(path, name, "");
    assert_ok(duet_write_npy(path, rows[0], DUET_SHAPE(ROWS, COLUMNS), &error), &error);
}

static void write_rows(const char *name, size_t stride, bool bytes, unsigned kinds, uint32_t seed)
{
    write_some(name, stride, bytes, kinds, seed, ROWS);
}

/* Whether the run, opened on other data, says of rows that it was trained on them. */
static bool tells_of_rows(const char *run, const char *data)
{
    duet_error error = {0};
    duet_run *opened = NULL;
    bool told = false;
    char path[PATH], data_path[PATH];
    path_of(path, run, "");
    path_of(data_path, data, "");
    assert_ok(duet_run_open_with(&opened, path, NULL, data_path, NULL, &error), &error);
    const char *note;
    for (size_t i = 0; (note = duet_data_note(duet_run_data(opened), i, NULL)) != NULL; i++)
        told = told || strstr(note, "test examples are rows that") != NULL;
    duet_run_close(&opened);
    return told;
}

static size_t count_trained_rows(const char *run)
{
    char path[PATH];
    path_of(path, run, "run.json");
    json_t *document = json_load_file(path, 0, NULL);
    const size_t count = json_array_size(json_object_get(document, "trained_rows"));
    json_decref(document);
    return count;
}

/* Test examples are drawn by the file's checksum, so those of the same rows in another order are others. */
static void rows_that_were_trained_on_are_known(void **state)
{
    (void)state;
    duet_error error;
    char path[PATH], turned[PATH];
    recipe what = ae;
    write_rows("rows.npy", 1, false, 0, 1);
    write_rows("turned.npy", 7, false, 0, 1);
    write_rows("others.npy", 1, false, 0, 2);
    write_rows("bytes.npy", 1, true, 0, 1);
    write_rows("bytes-turned.npy", 7, true, 0, 1);
    path_of(path, "rows.npy", "");
    path_of(turned, "turned.npy", "");
    what.data = path;
    train_well(&what, "on-rows");
    assert_false(tells_of_rows("on-rows", "rows.npy"));
    assert_true(tells_of_rows("on-rows", "turned.npy"));
    assert_false(tells_of_rows("on-rows", "others.npy"));

    heard all = {.status = DUET_OK};
    what.steps = 12;
    duet_train_options options = options_of(&what);
    options.data = turned;
    options.other_data = true;
    options.log = listen;
    options.context = &all;
    train(options, "on-rows", true, DUET_OK, &error);
    assert_heard(&all, "test examples are rows that");
    assert_heard(&all, "as test.npy beside train.npy");
    assert_int_equal(count_trained_rows("on-rows"), 2);
    options.log = NULL;
    options.steps = 15;
    train(options, "on-rows", true, DUET_OK, &error);
    assert_int_equal(count_trained_rows("on-rows"), 2);

    path_of(path, "bytes.npy", "");
    train_well(&what, "on-bytes");
    assert_true(tells_of_rows("on-bytes", "bytes-turned.npy"));
}

/* Rows that come again and again are no sign that other data are those of the run. */
static void rows_that_come_again_are_no_sign(void **state)
{
    (void)state;
    char path[PATH];
    recipe what = ae;
    path_of(path, "again.npy", "");
    what.data = path;
    write_rows("again.npy", 1, false, 2, 1); /* 64 rows, in training and test alike */
    write_rows("others.npy", 1, false, 2, 2);
    train_well(&what, "on-few");
    assert_false(tells_of_rows("on-few", "others.npy"));
    write_some("again.npy", 1, false, 0, 1, ROWS / 2);
    write_some("others.npy", 1, false, 0, 2, 2);
    train_well(&what, "on-blanks");
    assert_false(tells_of_rows("on-blanks", "others.npy"));
}

/* Moves the run away while it is trained, and has another training take its place. */
typedef struct thief {
    char run[PATH], away[PATH], lock_path[PATH];
    duet_lock lock;
} thief;

static void take_place(void *context, const duet_progress *progress)
{
    thief *it = context;
    duet_error error = {0};
    long holder;
    if (!progress->report || it->lock.stream != NULL) return;
    assert_int_equal(rename(it->run, it->away), 0);
    assert_int_equal(mkdir(it->run, 0777), 0);
    assert_ok(duet_lock_take(&it->lock, it->lock_path, &holder, &error), &error);
    assert_int_equal(holder, DUET_LOCK_FREE);
}

static void a_moved_training_leaves_its_place_alone(void **state)
{
    (void)state;
    duet_error error = {0};
    thief it = {{0}};
    path_of(it.run, "moved", "");
    path_of(it.away, "moved-away", "");
    path_of(it.lock_path, "moved", "lock");
    duet_train_options options = options_of(&vae);
    options.progress = take_place;
    options.context = &it;
    train(options, "moved", false, DUET_ERROR_FILE, &error);
    assert_message(&error, "was removed, moved or replaced");
    assert_int_equal(access(it.lock_path, F_OK), 0);
    duet_lock_release(&it.lock);
    assert_int_equal(rmdir(it.run), 0); /* neither pictures nor a page nor a checkpoint */
    path_of(it.lock_path, "moved-away", "lock");
    assert_int_equal(access(it.lock_path, F_OK), -1);
}

static void pictures_of_later_epochs_go(void **state)
{
    (void)state;
    char path[PATH];
    recipe part = vae;
    part.steps = 12;
    train_well(&part, "ahead");
    copy_file("first", "ahead", "samples/epoch-0004.png");
    path_of(path, "ahead", "samples/epoch-0007-reconstruction.png");
    test_file_write(path, "old", 3);
    path_of(path, "ahead", "samples/mine.png");
    test_file_write(path, "mine", 4);
    part.steps = 13;
    resume_well(&part, "ahead");
    assert_int_equal(access(path, F_OK), 0);
    path_of(path, "ahead", "samples/epoch-0002.png");
    assert_int_equal(access(path, F_OK), 0);
    path_of(path, "ahead", "samples/epoch-0004.png");
    assert_int_equal(access(path, F_OK), -1);
    path_of(path, "ahead", "samples/epoch-0007-reconstruction.png");
    assert_int_equal(access(path, F_OK), -1);
}

/* ln(-1) in the first step: no rate is to blame. ln(1 - 0.4 step) in the fourth: one may be. */
static void build_failing_at_once(duet_model *model)
{
    duet_group *net = duet_model_group(model, "net");
    duet_node q = test_parameter(model, net, "q", 0);
    duet_phase(model, "rotten", 1);
    duet_minimise(model, q, net);
    duet_report(model, "logarithm", duet_log(duet_shift(q, -1)));
}
static void build_failing_later(duet_model *model)
{
    duet_group *net = duet_model_group(model, "net");
    duet_node q = test_parameter(model, net, "q", 0);
    duet_phase(model, "rotten", 1);
    duet_minimise(model, q, net);
    duet_report(
        model, "logarithm",
        duet_log(duet_subtract(duet_constant(duet_model_graph(model), 1), duet_scale(duet_model_step(model), 0.4))));
}
static const duet_family failing_at_once = {.name = "failing-at-once", .build = build_failing_at_once},
                         failing_later = {.name = "failing-later", .build = build_failing_later};

static void advice_after_a_nan_is_true(void **state)
{
    (void)state;
    heard all = {.text = ""};
    duet_error error;
    duet_train_options options = {.family = &failing_at_once,
                                  .data = "ring8",
                                  .steps = 50,
                                  .batch = 8,
                                  .checkpoint_every = 1,
                                  .log = listen,
                                  .context = &all};
    train(options, "at-once", false, DUET_ERROR_NUMERIC, &error);
    assert_message(&error, "no learning rate changes that");
    assert_heard(&all, "has no checkpoint, and --resume would end alike");
    assert_null(strstr(all.text, "lr="));
    train(options, "at-once", true, DUET_ERROR_NUMERIC, &error);
    assert_heard(&all, "starts again at its beginning");

    all.text[0] = '\0';
    options.family = &failing_later;
    options.checkpoint_every = 2;
    train(options, "later", false, DUET_ERROR_NUMERIC, &error);
    assert_message(&error, "step 4");
    assert_message(&error, "A smaller learning rate (lr) or clip_norm may help");
    assert_heard(&all, "has its checkpoint of step 2: --resume goes on from there");
    train(options, "later", true, DUET_ERROR_NUMERIC, &error);
    assert_message(&error, "A smaller learning rate (lr) or clip_norm may help");

    /* A checkpoint of the very numbers that give it. */
    options.checkpoint_every = 1;
    for (int again = 0; again < 2; again++) {
        all.text[0] = '\0';
        train(options, "last", again == 1, DUET_ERROR_NUMERIC, &error);
        assert_message(&error, "step 4");
        assert_message(&error, again == 1 ? "so no learning rate changes that" : "A smaller learning rate (lr)");
        assert_heard(&all, "has its checkpoint of step 3, whose parameters give this: --resume would end alike");
        assert_null(strstr(all.text, "goes on from there"));
    }

    /* Data of which one number squared is beyond float32: no rate helps, whenever a batch has met it. */
    float points[2 * 40];
    char path[PATH];
    for (size_t i = 0; i < 80; i++) points[i] = i == 33 ? 1e25f : (float)(i % 7);
    (void)snprintf(path, sizeof path, "%s/huge.npy:values=numbers", folder);
    *strchr(path, ':') = '\0';
    assert_ok(duet_write_npy(path, points, DUET_SHAPE(40, 2), &error), &error);
    path[strlen(path)] = ':';
    options.data = path;
    all.text[0] = '\0';
    train(options, "huge", false, DUET_ERROR_NUMERIC, &error);
    assert_message(&error, "hold a number of size 1e+25, whose squares no float32 can add up");
    assert_heard(&all, "has its checkpoint of step 3: --resume would meet those numbers of the data again");
}

/* run.json has of a family its name alone. */
static void names_of_own_families_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *name, *message;
    } rows[] = {{"vae", "called \"vae\", as one of the library is"}, {"gr\xf6sse", "not UTF-8"}, {"", "no name"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        const duet_family own = {.name = rows[i].name, .build = build_failing_at_once};
        train((duet_train_options){.family = &own, .data = "ring8", .steps = 2, .batch = 8}, "misnamed", false,
              DUET_ERROR_USAGE, &error);
        assert_message(&error, rows[i].message);
    }
}

static int begin_with_run(void **state)
{
    (void)begin(state);
    train_well(&vae, "first");
    return 0;
}

/* The examples that a run keeps for its test stay so; a run of before there was a choice had the last tenth. */
static void a_run_keeps_its_division(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_run *run;
    char path[PATH];
    train_well(&ae, "divided");
    path_of(path, "divided", "");
    for (int before = 0; before < 2; before++) {
        if (before) edit("divided", "run.json", "\"split\": \"shuffled\"", "\"divided\": \"shuffled\"");
        assert_ok(duet_run_open(&run, path, NULL, &error), &error);
        assert_int_equal(duet_data_describe(duet_run_data(run))->division,
                         before ? DUET_DIVISION_LAST : DUET_DIVISION_SHUFFLED);
        duet_run_close(&run);
    }
    edit("divided", "run.json", "\"divided\": \"shuffled\"", "\"split\": \"first\"");
    assert_status(duet_run_open(&run, path, NULL, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, "\"split\" is missing, or no value of its kind");
}

/* More classes than labels can have come of no training, and no list of them is believed. */
static void classes_of_a_record_are_bounded(void **state)
{
    (void)state;
    char names[300 * 6 + 64] = "\"class_names\": [\"0\"";
    train_well(&ae, "crowded");
    for (int i = 1; i < 300; i++) (void)snprintf(names + strlen(names), sizeof names - strlen(names), ",\"%d\"", i);
    (void)snprintf(names + strlen(names), sizeof names - strlen(names), "]");
    edit("crowded", "run.json", "\"class_names\": null", names);
    edit("crowded", "run.json", "\"classes\": 0", "\"classes\": 300");
    assert_run("crowded", DUET_ERROR_DATA, "\"classes\" is missing, or no value of its kind");
}

/* Nor is a list of resumptions that is none. */
static void resumptions_that_are_no_list_are_begun_anew(void **state)
{
    (void)state;
    duet_error error;
    train_well(&ae, "listless");
    edit("listless", "run.json", "\"resumed\": []", "\"resumed\": null");
    duet_train_options options = options_of(&ae);
    options.steps = ae.steps + 2;
    train(options, "listless", true, DUET_OK, &error);
    json_t *run = load_run("listless");
    assert_int_equal(json_array_size(json_object_get(run, "resumed")), 1);
    json_decref(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_keeps_its_division),
        cmocka_unit_test(resumptions_that_are_no_list_are_begun_anew),
        cmocka_unit_test(classes_of_a_record_are_bounded),
        cmocka_unit_test(checkpoint_and_run_json_are_of_one_run),
        cmocka_unit_test(weights_that_are_no_numbers_are_refused),
        cmocka_unit_test(a_lost_checkpoint_is_missed),
        cmocka_unit_test(lost_reports_are_missed),
        cmocka_unit_test(foreign_lines_stay),
        cmocka_unit_test(a_resumed_run_changes_its_rates),
        cmocka_unit_test(what_a_resumed_run_changes_follows_no_order),
        cmocka_unit_test(a_resumed_run_changes_nothing_else),
        cmocka_unit_test(one_training_has_a_run),
        cmocka_unit_test(rows_that_were_trained_on_are_known),
        cmocka_unit_test(rows_that_come_again_are_no_sign),
        cmocka_unit_test(a_moved_training_leaves_its_place_alone),
        cmocka_unit_test(pictures_of_later_epochs_go),
        cmocka_unit_test(advice_after_a_nan_is_true),
        cmocka_unit_test(names_of_own_families_are_checked),
    };
    return RUN_TESTS("run records", tests, begin_with_run, remove_folder);
}
