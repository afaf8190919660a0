/* SPDX-License-Identifier: MIT */
/* Pictures for pages, RUN/report/NAME.png: samples, reconstructions, ways between latents, samples above the training
 * examples nearest to them, and a blind sheet of real and made pictures. Codes are kept as numbers, which the page
 * draws. All grids have eight columns, so that those of several runs compare. */
#include "cli/evaluation.h"
#include "cli/gallery.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMNS = 8,
    SAMPLES = 64,
    POINTS = 2000,
    PAIRS = 32,
    WAYS = 6,
    NEAREST = 16,
    BLIND = 32, /* half of them real */
    CODES = 1000,
    SEED = 0,
};

/* Pages of one run in the making. */
typedef struct album {
    duet_run *run;
    const char *directory, *model;
    char *folder;
    const duet_data_info *info;
    size_t features;
    json_t *pictures; /* of the evaluation */
} album;

static void add(album *it, const char *kind, const char *file, const char *words)
{
    json_array_append_new(it->pictures, json_pack("{s:s, s:s, s:s}", "kind", kind, "file", file, "words", words));
}

static bool can_be_drawn(const album *it)
{
    return it->info->picture || cli_data_points(it->info);
}

static char *path_of(const album *it, const char *file)
{
    size_t size = strlen(it->folder) + strlen(file) + 2;
    char *path = malloc(size);
    if (path == NULL)
        cli_complain(CLI_FAILED, "there is too little memory for a file name");
    else
        snprintf(path, size, "%s/%s", it->folder, file);
    return path;
}

/* What an earlier evaluation drew of that kind goes away. */
static void add_reason(album *it, const char *kind, const char *reason)
{
    char file[64];
    snprintf(file, sizeof file, "%s.png", kind);
    char *path = path_of(it, file);
    if (path != NULL) (void)remove(path);
    free(path);
    json_array_append_new(it->pictures, json_pack("{s:s, s:o}", "kind", kind, "reason", cli_json_text(reason)));
}

/* "gan-conv CANNOT". */
static void add_cannot(album *it, const char *kind, const char *cannot)
{
    char reason[200];
    snprintf(reason, sizeof reason, "%s %s", it->model, cannot);
    add_reason(it, kind, reason);
}

static bool samples(const album *it)
{
    return duet_run_features(it->run, DUET_SAMPLE) == it->features;
}

static int draw_samples(album *it)
{
    if (!samples(it)) return add_cannot(it, "samples", "draws no samples"), CLI_DONE;
    char *path = path_of(it, "samples.png");
    size_t count = it->info->picture ? SAMPLES : POINTS;
    int status =
        path == NULL
            ? CLI_FAILED
            : cli_gallery_use(
                  it->run, it->directory, DUET_SAMPLE, (duet_request){.seed = SEED},
                  (cli_gallery){
                      .what = "sample", .rows = 1, .count = count, .columns = COLUMNS, .quiet = true, .out = path});
    if (status == CLI_DONE)
        add(it, "samples", "samples.png",
            it->info->picture ? "64 draws, none picked" : "2,000 draws over the data in grey");
    free(path);
    return status;
}

/* Writes `count` pictures, each under its original. */
static int write_pairs(album *it, const char *file, const float *originals, const float *values, size_t count)
{
    const duet_drawing drawing = {.shape = it->info->shape,
                                  .unit_range = it->info->unit_range,
                                  .values = values,
                                  .count = count,
                                  .originals = originals,
                                  .original_count = originals == NULL ? 0 : count,
                                  .columns = COLUMNS};
    duet_error error = {0};
    char *path = path_of(it, file);
    if (path == NULL) return CLI_FAILED;
    duet_write_png_examples(path, &drawing, &error);
    free(path);
    return error.status == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}

static int draw_reconstructions(album *it)
{
    if (duet_run_features(it->run, DUET_RECONSTRUCTION) != it->features)
        return add_cannot(it, "reconstructions", "reconstructs nothing: it has no encoder"), CLI_DONE;
    cli_rows rows;
    int status = cli_rows_choose(it->run, NULL, NULL, 0, it->info->picture ? PAIRS : POINTS, &rows);
    if (status != CLI_DONE) return status;
    char reason[400];
    if (cli_rows_lack_classes(it->run, &rows, &(duet_wanted){DUET_RECONSTRUCTION, NULL}, 1, reason, sizeof reason))
        return add_reason(it, "reconstructions", reason), CLI_DONE;
    rows.spread = true;
    size_t count = rows.count;
    float *values = cli_floats_new(2 * count, it->features);
    uint8_t *classes = NULL;
    if (values == NULL) return CLI_FAILED;
    const duet_wanted wanted = {DUET_RECONSTRUCTION, values + count * it->features};
    status = cli_rows_read(it->run, &rows, 0, count, values, &classes);
    if (status == CLI_DONE)
        status = cli_use(it->run, &(duet_request){.count = count,
                                                  .seed = SEED,
                                                  .examples = values,
                                                  .classes = classes,
                                                  .outputs = &wanted,
                                                  .output_count = 1});
    if (status == CLI_DONE) status = write_pairs(it, "reconstructions.png", values, wanted.values, count);
    if (status == CLI_DONE)
        add(it, "reconstructions", "reconstructions.png",
            it->info->picture ? "rows of test examples, each above its reconstructions"
                              : "reconstructions over the test examples in grey");
    free(classes);
    free(values);
    return status;
}

static int draw_interpolation(album *it)
{
    bool has_ends = samples(it) || duet_run_features(it->run, DUET_LATENT) > 0;
    if (duet_run_features(it->run, DUET_DECODE) != it->features || !has_ends)
        return add_cannot(it, "interpolation", "decodes no latents, so there is no way between two"), CLI_DONE;
    const size_t ways = cli_interpolation_rows(it->run, WAYS);
    if (ways == 0) return add_reason(it, "interpolation", "one example alone has no way to another"), CLI_DONE;
    char *path = path_of(it, "interpolation.png");
    int status = path == NULL ? CLI_FAILED : cli_interpolation_draw(it->run, it->directory, ways, COLUMNS, path);
    if (status == CLI_DONE)
        add(it, "interpolation", "interpolation.png",
            it->info->picture ? "each row leads from one latent to another" : "ways between two latents, decoded");
    free(path);
    return status;
}

/* Draws `count` samples. A seed of its own keeps them other pictures than those of the grid of samples. */
static int sample(album *it, uint64_t seed, size_t count, float *values)
{
    const duet_wanted wanted = {DUET_SAMPLE, values};
    return cli_use(it->run, &(duet_request){.count = count, .seed = seed, .outputs = &wanted, .output_count = 1});
}

static int find_nearest(album *it, const float *drawn, float *found)
{
    size_t places[NEAREST];
    double distances[NEAREST];
    duet_error error = {0};
    memset(found, 0, NEAREST * it->features * sizeof *found);
    duet_nearest_training(it->run, drawn, NEAREST, places, distances, &error);
    for (size_t i = 0; error.status == DUET_OK && i < NEAREST; i++)
        if (places[i] != SIZE_MAX)
            duet_data_read(duet_run_data(it->run), DUET_TRAIN, places[i], 1, found + i * it->features, &error);
    return error.status == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}

static int draw_nearest(album *it)
{
    duet_error error = {0};
    bool own;
    if (!samples(it)) return add_cannot(it, "nearest", "draws no samples"), CLI_DONE;
    if (!it->info->picture)
        return add_reason(it, "nearest", "for pictures only: of points the metric memorisation says as much"), CLI_DONE;
    if (duet_run_data_is_own(it->run, &own, &error) != DUET_OK) return cli_fail_opened(&error);
    if (!own) return add_reason(it, "nearest", "what is evaluated on are not the examples of the training"), CLI_DONE;
    float *values = cli_floats_new(2 * NEAREST, it->features);
    if (values == NULL) return CLI_FAILED;
    float *found = values + NEAREST * it->features;
    int status = sample(it, SEED, NEAREST, values);
    if (status == CLI_DONE) status = find_nearest(it, values, found);
    if (status == CLI_DONE) status = write_pairs(it, "nearest.png", values, found, NEAREST);
    if (status == CLI_DONE)
        add(it, "nearest", "nearest.png",
            "rows of samples, each above the training examples nearest to them, pixel by pixel");
    free(values);
    return status;
}

/* The next of a sequence of numbers that look random (SplitMix64). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Half of the places are real, in an order that looks random. */
static void choose_real(bool real[BLIND], uint64_t *random)
{
    for (size_t i = 0; i < BLIND; i++) real[i] = i < BLIND / 2;
    for (size_t i = BLIND - 1; i > 0; i--) {
        size_t other = (size_t)(next_random(random) % (i + 1));
        bool held = real[i];
        real[i] = real[other];
        real[other] = held;
    }
}

static int fill_blind(album *it, const bool real[BLIND], uint64_t *random, float *values, float *drawn)
{
    duet_split split = cli_run_split(it->run);
    duet_error error = {0};
    int status = sample(it, SEED + 1, BLIND, drawn);
    for (size_t i = 0; status == CLI_DONE && i < BLIND; i++) {
        float *to = values + i * it->features;
        if (!real[i])
            memcpy(to, drawn + i * it->features, it->features * sizeof *to);
        else if (duet_data_read(duet_run_data(it->run), split, (size_t)(next_random(random) % it->info->count[split]),
                                1, to, &error) != DUET_OK)
            status = cli_fail_opened(&error);
    }
    return status;
}

static int draw_blind(album *it)
{
    if (!samples(it)) return add_cannot(it, "blind", "draws no samples"), CLI_DONE;
    if (!it->info->picture) return add_reason(it, "blind", "for pictures only"), CLI_DONE;
    float *values = cli_floats_new(2 * BLIND, it->features);
    bool real[BLIND];
    uint64_t random = 20;
    if (values == NULL) return CLI_FAILED;
    choose_real(real, &random);
    int status = fill_blind(it, real, &random, values, values + BLIND * it->features);
    if (status == CLI_DONE) status = write_pairs(it, "blind.png", NULL, values, BLIND);
    if (status == CLI_DONE) {
        json_t *key = json_array();
        for (size_t i = 0; i < BLIND; i++) json_array_append_new(key, json_boolean(real[i]));
        json_array_append_new(it->pictures, json_pack("{s:s, s:s, s:i, s:o}", "kind", "blind", "file", "blind.png",
                                                      "columns", COLUMNS, "real", key));
    }
    free(values);
    return status;
}

/* Codes in the plane. */

/* Takes the mean of each column away. */
static void centre(float *values, size_t count, size_t features)
{
    for (size_t k = 0; k < features; k++) {
        double mean = 0;
        for (size_t i = 0; i < count; i++) mean += (double)values[i * features + k] / (double)count;
        for (size_t i = 0; i < count; i++) values[i * features + k] -= (float)mean;
    }
}

static double squares_of(const float *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)values[i] * (double)values[i];
    return sum;
}

/* The direction in which the rows spread most, by power iteration; writes each row's place along it to every second of
 * `places` and takes it out of the rows. */
static void take_component(float *values, size_t count, size_t features, double *direction, float *places)
{
    double *next = direction + features;
    for (size_t k = 0; k < features; k++)
        direction[k] = 1 + 0.1 * (double)(k % 7); /* nearly no start is at a right angle */
    for (size_t turn = 0; turn < 100; turn++) {
        double length = 0;
        memset(next, 0, features * sizeof *next);
        for (size_t i = 0; i < count; i++) {
            double place = 0;
            for (size_t k = 0; k < features; k++) place += (double)values[i * features + k] * direction[k];
            for (size_t k = 0; k < features; k++) next[k] += place * (double)values[i * features + k];
        }
        for (size_t k = 0; k < features; k++) length += next[k] * next[k];
        if (!(length > 0)) break;
        for (size_t k = 0; k < features; k++) direction[k] = next[k] / sqrt(length);
    }
    for (size_t i = 0; i < count; i++) {
        double place = 0;
        for (size_t k = 0; k < features; k++) place += (double)values[i * features + k] * direction[k];
        for (size_t k = 0; k < features; k++) values[i * features + k] -= (float)(place * direction[k]);
        places[2 * i] = (float)place;
    }
}

/* Puts codes of any width into the plane, [count, 2]; the share of their variance that is seen there; NAN: too little
 * memory. */
static double flatten(float *values, size_t count, size_t features, float *plane)
{
    for (size_t i = 0; features <= 2 && i < count; i++) {
        plane[2 * i] = values[i * features];
        plane[2 * i + 1] = features > 1 ? values[i * features + 1] : 0;
    }
    if (features <= 2) return 1;
    double *direction = malloc(2 * features * sizeof *direction);
    if (direction == NULL) return NAN;
    centre(values, count, features);
    double all = squares_of(values, count * features);
    take_component(values, count, features, direction, plane);
    take_component(values, count, features, direction, plane + 1);
    free(direction);
    return all > 0 ? 1 - squares_of(values, count * features) / all : 1;
}

static json_t *rounded(float value)
{
    return isfinite(value) ? json_real(round((double)value * 1000) / 1000) : json_null();
}

static json_t *codes_json(const album *it, const float *plane, const uint8_t *labels, size_t count, double seen)
{
    json_t *x = json_array(), *y = json_array(), *classes = json_array(), *names = json_array();
    char words[200];
    size_t width = duet_run_features(it->run, DUET_LATENT);
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(x, rounded(plane[2 * i]));
        json_array_append_new(y, rounded(plane[2 * i + 1]));
        if (labels != NULL) json_array_append_new(classes, json_integer(labels[i]));
    }
    for (size_t i = 0; it->info->class_names != NULL && i < it->info->classes; i++)
        json_array_append_new(names, cli_json_text(it->info->class_names[i]));
    if (width > 2)
        snprintf(words, sizeof words,
                 "%zu codes of %zu numbers, seen along the two directions of greatest spread (%.0f%% of the variance)",
                 count, width, 100 * seen);
    else
        snprintf(words, sizeof words, "%zu codes of %zu number%s", count, width, width == 1 ? "" : "s");
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "words", words, "x", x, "y", y, "labels", classes, "class_names",
                     names);
}

static int find_codes(album *it, json_t **latents)
{
    size_t width = duet_run_features(it->run, DUET_LATENT);
    cli_rows rows;
    if (width == 0) {
        char reason[200];
        snprintf(reason, sizeof reason, "%s encodes nothing", it->model);
        *latents = json_pack("{s:s}", "reason", reason);
        return CLI_DONE;
    }
    int status = cli_rows_choose(it->run, NULL, NULL, 0, CODES, &rows);
    if (status != CLI_DONE) return status;
    char lack[400];
    if (cli_rows_lack_classes(it->run, &rows, &(duet_wanted){DUET_LATENT, NULL}, 1, lack, sizeof lack)) {
        *latents = json_pack("{s:o}", "reason", cli_json_text(lack));
        return CLI_DONE;
    }
    rows.spread = true;
    float *values = cli_floats_new(rows.count, width + 2), *plane = values + rows.count * width;
    if (values == NULL) return CLI_FAILED;
    const duet_wanted wanted = {DUET_LATENT, values};
    status = cli_rows_use(it->run, &rows, -1, &wanted, 1);
    uint8_t *labels = NULL;
    if (status == CLI_DONE) status = cli_rows_labels(&rows, &labels);
    const double seen = status == CLI_DONE ? flatten(values, rows.count, width, plane) : NAN;
    if (status == CLI_DONE && isnan(seen)) status = cli_complain(CLI_FAILED, "there is too little memory for codes");
    if (status == CLI_DONE) *latents = codes_json(it, plane, labels, rows.count, seen);
    free(labels);
    free(values);
    return status;
}

int cli_page_pictures(duet_run *run, const char *directory, json_t *evaluation)
{
    static int (*const draw[])(album *) = {draw_samples, draw_reconstructions, draw_nearest, draw_interpolation,
                                           draw_blind};
    static const char *const kinds[] = {"samples", "reconstructions", "nearest", "interpolation", "blind"};
    album it = {.run = run,
                .directory = directory,
                .model = duet_model_family(duet_run_model(run))->name,
                .folder = duet_page_file(directory, "report"),
                .info = duet_data_describe(duet_run_data(run)),
                .pictures = json_array()};
    json_t *latents = NULL;
    duet_error error = {0};
    int status = CLI_DONE;
    if (it.folder == NULL) return cli_complain(CLI_FAILED, "there is too little memory for a file name");
    if (duet_folder_make(it.folder, &error) != DUET_OK) {
        free(it.folder);
        json_decref(it.pictures);
        return cli_fail_opened(&error);
    }
    it.features = duet_shape_elements(it.info->shape);
    for (size_t i = 0; status == CLI_DONE && i < CLI_COUNT_OF(draw); i++) {
        if (can_be_drawn(&it))
            status = draw[i](&it);
        else
            add_reason(&it, kinds[i], "the data is neither pictures nor points of one or two numbers");
    }
    json_object_set_new(evaluation, "pictures", it.pictures);
    if (status == CLI_DONE) status = find_codes(&it, &latents);
    if (status == CLI_DONE) json_object_set_new(evaluation, "latents", latents);
    free(it.folder);
    return status;
}
