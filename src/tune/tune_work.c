/* SPDX-License-Identifier: MIT */
/* duet_tune, the child: opens the device, finds the products, measures candidates. What it says before each ("try") is
 * what it dies of. */
#include "tune/tune_child.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/status.h"
#include "base/text.h"
#include "data/known.h"
#include "duet/train.h"
#include "product/trial/gemm_race.h"

enum { RACERS = 2 };

static const double trial_seconds = 0.06; /* a first look; who looks faster races the preset */

/* Messages. */

duet_status duet_tune_send(duet_tune_child *it, const char *kind, json_t *content, duet_error *error)
{
    return duet_worker_send(it->pipe, json_pack("{s:o}", kind, content), error);
}

static void send_log(void *context, const char *line)
{
    json_t *text = json_string(line);
    if (text != NULL) (void)duet_tune_send(context, "log", text, NULL);
}

duet_status duet_tune_tell(duet_tune_child *it, const char *kind, json_t *trial, duet_error *error)
{
    duet_status status =
        trial == NULL ? duet_fail(error, DUET_ERROR_MEMORY, "out of memory for what was measured") : DUET_OK;
    if (status == DUET_OK) status = duet_tune_send(it, kind, json_incref(trial), error);
    if (status == DUET_OK) status = duet_tune_merge(it->document, kind, trial, error);
    json_decref(trial);
    return status;
}

/** To five digits, so that a file's digits are all there is of a number. */
static json_t *gflops_json(double gflops)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.5g", gflops);
    return json_real(strtod(digits, NULL));
}

/* The file. */

/** The device follows the document: it avoids what has turned out unfit. */
static duet_status follow(duet_tune_child *it, duet_error *error)
{
    duet_tuning tuning;
    it->unfit = json_array_size(json_object_get(it->document, "unfit"));
    DUET_TRY(duet_tuning_from_json(&tuning, it->document, it->device, "what was measured", error));
    return duet_device_set_tuning(it->device, &tuning, error);
}

/* Where $DUET_TUNING leads to something else than a tuning file, it would be lost. A name that is not UTF-8 cannot be
 * passed on, in a message either. */
static duet_status check_ours(const char *path, duet_error *error)
{
    if (!duet_text_is_utf8(path))
        return duet_fail(
            error, DUET_ERROR_DATA,
            "the tuning file's name is not UTF-8, so that no run could keep it: set DUET_TUNING to another");
    return getenv("DUET_TUNING") == NULL ? DUET_OK : duet_tuning_check_place(path, error);
}

static duet_status read_file(duet_tune_child *it, duet_error *error)
{
    const duet_device_info *info = duet_device_describe(it->device);
    duet_error fault = {0};
    char *path;
    DUET_TRY(duet_tuning_path(info, &path, error));
    if (path == NULL)
        return duet_fail(error, DUET_ERROR_USAGE, "DUET_TUNING is \"off\": unset it, or set it to a file to write");
    if (check_ours(path, error) != DUET_OK) {
        free(path);
        return error->status;
    }
    if (!it->options->again && duet_tuning_document_read(path, it->device, &it->document, &fault) != DUET_OK) {
        char line[1100];
        snprintf(line, sizeof line, "%s: it is measured anew", fault.message);
        if (fault.status != DUET_ERROR_MEMORY) send_log(it, line);
    }
    if (fault.status == DUET_ERROR_MEMORY) {
        free(path);
        return duet_fail(error, fault.status, "%s", fault.message);
    }
    if (it->document == NULL) it->document = duet_tuning_document_new(info);
    duet_status status =
        it->document == NULL
            ? duet_fail(error, DUET_ERROR_MEMORY,
                        "no tuning file can be composed: out of memory, or a name in it is "
                        "not UTF-8")
            : duet_tune_send(it, "open", json_pack("{s:s, s:O}", "path", path, "document", it->document), error);
    free(path);
    return status;
}

/* The products. */

static int largest_first(const void *left, const void *right)
{
    const double a = duet_gemm_flops(left), b = duet_gemm_flops(right);
    return (a < b) - (a > b);
}

/** Plans the model's phases as a training does, so that the device hears of every product. */
static duet_status plan_model(duet_tune_child *it, duet_error *error)
{
    const duet_tune_options *options = it->options;
    size_t batch = options->batch;
    duet_data *data = NULL;
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    const char *name = options->data != NULL ? options->data : "fashion-mnist";
    duet_status status = duet_data_open_again(&data, name, DUET_DIVISION_SHUFFLED, error);
    if (status == DUET_OK)
        status = duet_model_new(&model, options->family, data, options->settings, options->setting_count, 0, error);
    if (batch == 0) batch = duet_family_training_size(options->family, options->settings, options->setting_count).batch;
    if (status == DUET_OK) status = duet_trainer_new(&trainer, it->device, model, batch, error);
    duet_trainer_free(&trainer);
    duet_model_free(&model);
    duet_data_close(&data);
    return status;
}

/** What small networks compute. */
static void note_common(duet_tune_child *it)
{
    static bool (*const tables[])(size_t index, duet_product * product) = {duet_common_product,
                                                                           duet_common_convolution};
    for (size_t table = 0; table < sizeof tables / sizeof *tables; table++) {
        duet_product product;
        duet_gemm_shape shape;
        for (size_t i = 0; tables[table](i, &product); i++)
            if (duet_product_read(&product, &shape) == NULL) duet_device_note_product(it->device, &shape);
    }
}

/** One of each bucket, the largest, in order of size: what is seen to be hopeless early is not tried again. */
static duet_status list_products(duet_tune_child *it, duet_error *error)
{
    size_t count = 0, kept = 0;
    while (duet_device_product_at(it->device, count) != NULL) count++;
    duet_gemm_shape *shapes = malloc((count + 1) * sizeof *shapes);
    it->shapes = json_array();
    if (shapes == NULL || it->shapes == NULL) {
        free(shapes);
        return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for %zu products", count);
    }
    for (size_t i = 0; i < count; i++) shapes[i] = *duet_device_product_at(it->device, i);
    qsort(shapes, count, sizeof *shapes, largest_first);
    for (size_t i = 0; i < count; i++) {
        const duet_gemm_shape bucket = duet_gemm_bucket(&shapes[i]);
        bool is_new = true;
        for (size_t j = 0; j < kept; j++) {
            const duet_gemm_shape other = duet_gemm_bucket(&shapes[j]);
            is_new = is_new && !duet_gemm_same_shape(&bucket, &other);
        }
        if (!is_new) continue;
        shapes[kept++] = shapes[i];
        duet_json_append(&it->shapes, duet_product_to_json(&shapes[i]));
    }
    free(shapes);
    return duet_tune_send(it, "shapes", json_incref(it->shapes), error);
}

static duet_status collect_products(duet_tune_child *it, duet_error *error)
{
    if (it->options->family != NULL) DUET_TRY(plan_model(it, error));
    if (it->options->full) note_common(it);
    return list_products(it, error);
}

/* One candidate. */

duet_status duet_tune_judge(duet_tune_child *it, json_t *trial, const duet_gemm_trial *measured,
                            const duet_gemm_shape *shape, duet_status status, const duet_error *fault,
                            duet_error *error)
{
    if (status == DUET_ERROR_NO_DEVICE) {
        json_decref(trial);
        return duet_fail(error, status, "%s", fault->message); /* of no candidate: the driver compiles nothing */
    }
    const char *verdict = status != DUET_OK               ? (measured->refused ? "refused" : duet_verdict_failed)
                          : measured->timing.samples == 0 ? "slow"
                          : !(measured->error <= 1)       ? "wrong"
                                                          : "right";
    duet_json_set(&trial, "verdict", json_string(verdict));
    if (status == DUET_OK && measured->timing.samples > 0)
        duet_json_set(&trial, "gflops", gflops_json(1e-9 * duet_gemm_flops(shape) / measured->timing.median));
    if (status != DUET_OK && duet_text_is_utf8(fault->message))
        duet_json_set(&trial, "words", json_string(fault->message));
    return duet_tune_tell(it, "tried", trial, error);
}

duet_status duet_tune_begin(duet_tune_child *it, json_t *trial, bool *begins, duet_error *error)
{
    const json_t *before = duet_tune_trial(duet_tune_record(it->document, trial), trial);
    const double seconds = json_number_value(json_object_get(trial, "seconds"));
    const bool known =
        before != NULL && (!duet_tune_is(before, duet_verdict_late) || duet_tune_is_late(before, seconds));
    duet_status status = known ? DUET_OK : duet_tune_send(it, "try", json_incref(trial), error);
    *begins = !known && status == DUET_OK;
    if (!*begins) json_decref(trial);
    return status;
}

/** A preset that took too long gets a second, longer trial: the machine may be busy, and all else is compared with it.
 */
static void set_limit(const duet_tune_child *it, json_t **trial, bool is_preset)
{
    double seconds = duet_tune_seconds(it->options);
    const json_t *before = duet_tune_trial(duet_tune_record(it->document, *trial), *trial);
    const bool again = is_preset && duet_tune_is_late(before, seconds);
    if (again && !duet_tune_was_late(it->document, *trial, DUET_PATIENCE * seconds)) seconds *= DUET_PATIENCE;
    duet_json_set(trial, "seconds", json_real(seconds));
    if (is_preset) duet_json_set(trial, "preset", json_true());
}

static duet_status try_choice(duet_tune_child *it, const duet_gemm_shape *shape, const duet_gemm_choice *choice,
                              bool is_preset, duet_error *error)
{
    json_t *trial = duet_tune_trial_of(it, shape, choice);
    set_limit(it, &trial, is_preset);
    duet_gemm_trial measured = {.error = NAN};
    duet_error fault = {0};
    bool begins = false;
    DUET_TRY(duet_tune_begin(it, trial, &begins, error));
    if (!begins) return DUET_OK;
    duet_status status = duet_gemm_try(it->device, choice, shape, trial_seconds, &measured, &fault);
    DUET_TRY(duet_tune_judge(it, trial, &measured, shape, status, &fault, error));
    return it->unfit < json_array_size(json_object_get(it->document, "unfit")) ? follow(it, error) : DUET_OK;
}

/* One product. */

/** The preset, with its numbers found right; where they are not, the device goes on to its next. */
static duet_status try_preset(duet_tune_child *it, const duet_gemm_shape *shape, duet_gemm_choice *preset,
                              duet_error *error)
{
    do {
        *preset = duet_gemm_choose_preset(it->device, shape);
        DUET_TRY(try_choice(it, shape, preset, true, error));
        const duet_gemm_choice next = duet_gemm_choose_preset(it->device, shape);
        if (duet_gemm_same_choice(preset, &next)) return DUET_OK;
    } while (true);
}

/** Moves the fastest right candidate that beats `floor` to the list's front and returns its speed; NaN if there is
 * none. */
static double take_fastest(const duet_tune_child *it, const duet_gemm_shape *shape, duet_tune_candidates *list,
                           size_t from, double floor)
{
    double fastest = NAN;
    for (size_t i = from; i < list->count; i++) {
        const double speed = duet_tune_speed(it, shape, &list->items[i]);
        if (!(speed > floor) || speed <= fastest) continue;
        const duet_gemm_choice taken = list->items[i];
        list->items[i] = list->items[from];
        list->items[from] = taken;
        fastest = speed;
    }
    return fastest;
}

typedef struct winner {
    duet_gemm_choice choice; /* no provider: the preset stays */
    double gain, gflops, preset_gflops;
} winner;

static duet_status race(duet_tune_child *it, const duet_gemm_shape *shape, const duet_gemm_choice *preset,
                        const duet_gemm_choice *rival, winner *best, duet_error *error)
{
    duet_gemm_race result;
    duet_error refusal = {0}; /* both at once may need more memory than the device has: then the preset stays */
    json_t *trial = duet_tune_trial_of(it, shape, rival);
    set_limit(it, &trial, false);
    DUET_TRY(duet_tune_send(it, "try", trial, error));
    if (duet_gemm_compete(it->device, preset, rival, shape, &result, &refusal) != DUET_OK) return DUET_OK;
    const bool wins = duet_gemm_race_is_won(&result) && result.gain > best->gain;
    if (wins || best->choice.provider == NULL) best->preset_gflops = 1e-9 * duet_gemm_flops(shape) / result.first;
    if (!wins) return DUET_OK;
    best->choice = *rival;
    best->gain = result.gain;
    best->gflops = 1e-9 * duet_gemm_flops(shape) / result.second;
    return DUET_OK;
}

static duet_status tell_best(duet_tune_child *it, const duet_gemm_shape *shape, const duet_gemm_choice *preset,
                             const winner *best, bool lacks_late, duet_error *error)
{
    json_t *told =
        best->choice.provider != NULL ? duet_tune_trial_of(it, shape, &best->choice) : duet_product_to_json(shape);
    json_t *before = duet_choice_to_json(preset);
    if (best->choice.provider != NULL) duet_json_set(&told, "gflops", gflops_json(best->gflops));
    if (isfinite(best->preset_gflops)) duet_json_set(&before, "gflops", gflops_json(best->preset_gflops));
    duet_json_set(&told, "preset", before);
    duet_json_set(&told, "full", json_boolean(it->options->full));
    if (lacks_late) duet_json_set(&told, "seconds", json_real(duet_tune_seconds(it->options)));
    return duet_tune_tell(it, "best", told, error);
}

/** A candidate that is right, where the preset cannot be measured, is better than nothing. */
static duet_status decide(duet_tune_child *it, const duet_gemm_shape *shape, const duet_gemm_choice *preset,
                          duet_tune_candidates *list, duet_error *error)
{
    winner best = {.preset_gflops = duet_tune_speed(it, shape, preset)};
    const bool measured = isfinite(best.preset_gflops);
    for (size_t i = 0; i < RACERS; i++) {
        const double speed = take_fastest(it, shape, list, i, measured ? best.preset_gflops : 0);
        if (!(speed > 0)) break;
        if (measured) {
            DUET_TRY(race(it, shape, preset, &list->items[i], &best, error));
        } else if (best.choice.provider == NULL) {
            best.choice = list->items[i];
            best.gflops = speed;
        }
    }
    return tell_best(it, shape, preset, &best, list->lacks_late, error);
}

static duet_status tune_product(duet_tune_child *it, const duet_gemm_shape *shape, duet_error *error)
{
    duet_gemm_choice preset;
    duet_tune_candidates list;
    json_t *product = duet_product_to_json(shape);
    const bool done = duet_tune_is_done(duet_tune_record(it->document, product), it->options);
    json_decref(product);
    if (done) return DUET_OK;
    DUET_TRY(try_preset(it, shape, &preset, error));
    if (duet_tune_is(duet_tune_known(it, shape, &preset), duet_verdict_late)) return DUET_OK;
    duet_tune_list(it, &preset, shape, &list);
    for (size_t i = 0; i < list.count; i++) DUET_TRY(try_choice(it, shape, &list.items[i], false, error));
    return decide(it, shape, &preset, &list, error);
}

/** Where plans take CLBlast by themselves, or where everything is to be tried. */
static bool wants_clblast(const duet_tune_child *it)
{
    return it->options->full || duet_device_gemm_provider(it->device) == duet_gemm_provider_find("clblast");
}

static duet_status tune(duet_tune_child *it, duet_error *error)
{
    bool restart = false;
    size_t index;
    const json_t *product;
    DUET_TRY(duet_device_open(&it->device, it->options->device, error));
    duet_device_set_log(it->device, send_log, it);
    if (it->document == NULL) DUET_TRY(read_file(it, error));
    DUET_TRY(follow(it, error));
    if (it->shapes == NULL) DUET_TRY(collect_products(it, error));
    duet_device_set_log(it->device, NULL, NULL); /* that each candidate is compiled is no news */
    if (wants_clblast(it)) DUET_TRY(duet_tune_clblast(it, &restart, error));
    json_array_foreach(it->shapes, index, product)
    {
        duet_gemm_shape shape;
        if (!restart && duet_product_from_json(product, &shape) == NULL) DUET_TRY(tune_product(it, &shape, error));
    }
    return DUET_OK;
}

duet_status duet_tune_work(duet_report_pipe *pipe, const void *task, duet_error *error)
{
    const duet_tune_task *given = task;
    duet_tune_child it = {.options = given->options,
                          .pipe = pipe,
                          .document = json_incref(given->document),
                          .shapes = json_incref(given->shapes)};
    duet_status status = tune(&it, error);
    duet_device_close(&it.device);
    json_decref(it.document);
    json_decref(it.shapes);
    return status;
}
