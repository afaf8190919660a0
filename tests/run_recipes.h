/* SPDX-License-Identifier: MIT */
/* Runs that are made to be resumed: small recipes, what trains them, and what is the same in two of them. Each lies in
 * the folder under a name of its own. */
#ifndef DUET_TESTS_RUN_RECIPES_H
#define DUET_TESTS_RUN_RECIPES_H

#include "folder.h"
#include "train_models.h"

#include <jansson.h>

enum { PATH = TEST_PATH_SIZE + 64 };

static char pictures[PATH];

static const char *const vae_settings[] = {"hidden=12", "latent=3"};
static const char *const toy_settings[] = {"hidden=4", "latent=2"};
static const char *const ae_settings[] = {"hidden=12", "latent=3"};
static const char *const gan_settings[] = {"generator_hidden=", "discriminator_hidden=4", "latent=2", "k=2"};

/* What a test trains. */
typedef struct recipe {
    const char *model, *data; /* data NULL: the pictures */
    const char *const *settings;
    size_t setting_count;
    uint64_t steps, checkpoint_every;
} recipe;

static const recipe vae = {"vae", NULL, vae_settings, 2, 23, 7};
static const recipe toy = {"vae", "ring8", toy_settings, 2, 120, 0}; /* too short for pictures */
static const recipe ae = {"ae", NULL, ae_settings, 2, 6, 0};
static const recipe gan = {"gan", "ring8", gan_settings, 4, 40, 7};

static inline void path_of(char path[PATH], const char *run, const char *file)
{
    assert_in_range(snprintf(path, PATH, "%s/%s%s%s", folder, run, *file ? "/" : "", file), 1, PATH - 1);
}

static inline duet_train_options options_of(const recipe *what)
{
    return (duet_train_options){
        .family = duet_family_find(what->model),
        .data = what->data != NULL ? what->data : pictures,
        .settings = what->settings,
        .setting_count = what->setting_count,
        .steps = what->steps,
        .checkpoint_every = what->checkpoint_every,
        .batch = TEST_BATCH,
        .seed = 11,
    };
}

/* Trains into folder/run, anew or by resuming, and expects that status. */
static inline void train(duet_train_options options, const char *run, bool resume, duet_status status,
                         duet_error *error)
{
    char path[PATH];
    duet_train_summary summary;
    path_of(path, run, "");
    if (resume)
        options.resume = path;
    else
        options.out = path;
    *error = (duet_error){0};
    assert_status(duet_train(&options, &summary, NULL, error), status, error);
}

static inline void train_well(const recipe *what, const char *run)
{
    duet_error error;
    train(options_of(what), run, false, DUET_OK, &error);
}

static inline void resume_well(const recipe *what, const char *run)
{
    duet_error error;
    train(options_of(what), run, true, DUET_OK, &error);
}

/* metrics.jsonl without what may differ. The caller frees it. */
static char *read_metrics(const char *run)
{
    char path[PATH];
    path_of(path, run, "metrics.jsonl");
    char *text = test_file_read(path, NULL), *kept = calloc(1, strlen(text) + 1), *end;
    assert_non_null(kept);
    for (char *line = text; *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        assert_non_null(end); /* no torn line */
        json_t *report = json_loadb(line, (size_t)(end - line), 0, NULL);
        assert_non_null(report);
        assert_int_equal(json_object_del(report, "seconds"), 0);
        assert_int_equal(json_object_del(report, "images_per_second"), 0);
        char *rest = json_dumps(report, JSON_COMPACT | JSON_REAL_PRECISION(9));
        assert_non_null(rest);
        strcat(strcat(kept, rest), "\n");
        free(rest);
        json_decref(report);
    }
    free(text);
    return kept;
}

static inline bool same_file(const char *run, const char *other, const char *file)
{
    char path[PATH], other_path[PATH];
    path_of(path, run, file);
    path_of(other_path, other, file);
    return test_same_file(path, other_path);
}

static inline void assert_same_run(const char *run, const char *other)
{
    char *metrics = read_metrics(run), *other_metrics = read_metrics(other);
    assert_string_equal(metrics, other_metrics);
    assert_true(strlen(metrics) > 40);
    free(metrics);
    free(other_metrics);
    if (!same_file(run, other, "checkpoint.safetensors")) fail_msg("the checkpoints of %s and %s differ", run, other);
}

static inline void copy_file(const char *from_run, const char *to_run, const char *file)
{
    char path[PATH];
    size_t count;
    path_of(path, from_run, file);
    char *bytes = test_file_read(path, &count);
    path_of(path, to_run, file);
    test_file_write(path, bytes, count);
    free(bytes);
}

/* Replaces the first `from` in a file by `to`. */
static inline void edit(const char *run, const char *file, const char *from, const char *to)
{
    char path[PATH];
    size_t count;
    path_of(path, run, file);
    char *text = test_file_read(path, &count), *at = strstr(text, from);
    assert_non_null(at);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_true(fprintf(stream, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
    assert_int_equal(fclose(stream), 0);
    free(text);
}

static inline int begin(void **state)
{
    (void)make_folder(state);
    path_of(pictures, "pictures.npy", "");
    test_write_examples(pictures, DUET_SHAPE(8, 8, 3));
    return 0;
}

static inline json_t *load_run(const char *run)
{
    char path[PATH];
    path_of(path, run, "run.json");
    json_t *document = json_load_file(path, 0, NULL);
    assert_non_null(document);
    return document;
}

#endif
