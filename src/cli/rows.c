/* SPDX-License-Identifier: MIT */
/* Rows are numbered through both splits, of which `all` of a divided file are one after the other as in the file. A
 * pass over them, a piece at a time. */
#include "cli/rows.h"
#include "cli/output.h"
#include "cli/run.h"
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 1000, MOST_OUTPUTS = 4 };

static const struct choice {
    const char *name, *kind, *words;
    bool has[2]; /* by duet_split */
} choices[] = {
    {"train", "training ", "of the training split", {[DUET_TRAIN] = true}},
    {"test", "test ", "of the test split", {[DUET_TEST] = true}},
    {"all", "", "of both splits", {true, true}},
};

static const struct choice *find_choice(const char *split)
{
    for (size_t i = 0; i < CLI_COUNT_OF(choices); i++)
        if (strcmp(choices[i].name, split) == 0) return &choices[i];
    return NULL;
}

int cli_rows_check(const char *split)
{
    char hint[80];
    if (split == NULL || find_choice(split) != NULL) return CLI_DONE;
    duet_spelling nearest = {.word = split};
    for (size_t i = 0; i < CLI_COUNT_OF(choices); i++) duet_spelling_offer(&nearest, choices[i].name);
    return cli_complain(CLI_MISTAKE, "--split is train, test or all, not '%s'%s", split,
                        duet_spelling_words(&nearest, hint, sizeof hint));
}

const char *cli_rows_split_at(size_t index)
{
    return index < CLI_COUNT_OF(choices) ? choices[index].name : NULL;
}

/* What is asked for by saying nothing. */
static int find_usual(duet_run *run, const char *data, const char **split)
{
    duet_error error = {0};
    bool own = true;
    if (data != NULL && duet_run_data_is_own(run, &own, &error) != DUET_OK) return cli_fail_opened(&error);
    *split = !own ? "all" : cli_run_split(run) == DUET_TEST ? "test" : "train";
    return CLI_DONE;
}

/* All of a set that was divided by chance are looked at in the order of its file. */
static int open_undivided(duet_run *run, cli_rows *rows, const char *data)
{
    const duet_data_info *info = duet_data_describe(rows->data);
    duet_error error = {0};
    if (info->division != DUET_DIVISION_SHUFFLED) return CLI_DONE;
    if (duet_data_ready(rows->data, &error) != DUET_OK ||
        duet_run_open_data(run, data != NULL ? data : info->name, DUET_DIVISION_LAST, &rows->undivided, &error) !=
            DUET_OK)
        return cli_fail_opened(&error);
    rows->data = rows->undivided;
    return CLI_DONE;
}

/* Where all are asked for and one split is empty, they are of the other one. */
static void name_split(cli_rows *rows, const struct choice *asked, const duet_data_info *info)
{
    const bool both = asked->has[DUET_TRAIN] && asked->has[DUET_TEST];
    const struct choice *there = asked;
    if (both && info->count[DUET_TRAIN] == 0) there = find_choice("test");
    if (both && info->count[DUET_TEST] == 0) there = find_choice("train");
    rows->split = there->name;
    rows->words = there->words;
}

int cli_rows_choose(duet_run *run, const char *data, const char *split, uint64_t asked, size_t usual, cli_rows *rows)
{
    const uint64_t count = asked > 0 ? asked : usual;
    *rows = (cli_rows){.data = duet_run_data(run)};
    int status = split == NULL ? find_usual(run, data, &split) : CLI_DONE;
    if (status != CLI_DONE) return status;
    const struct choice *choice = find_choice(split);
    if (choice->has[DUET_TRAIN] && choice->has[DUET_TEST]) status = open_undivided(run, rows, data);
    if (status != CLI_DONE) return status;
    const duet_data_info *info = duet_data_describe(rows->data);
    rows->labelled = info->classes > 0;
    for (duet_split part = DUET_TRAIN; part <= DUET_TEST; part++) {
        size_t left = count > 0 ? (size_t)count - rows->count : SIZE_MAX;
        if (!choice->has[part]) continue;
        rows->counts[part] = info->count[part] < left ? info->count[part] : left;
        rows->count += rows->counts[part];
        if (rows->counts[part] > 0 && !duet_data_has_labels(rows->data, part)) rows->labelled = false;
    }
    name_split(rows, choice, info);
    char examples[32];
    if (asked > rows->count && rows->count > 0)
        cli_print(stderr, "note: -n %llu asks for more than there are: %s\n", (unsigned long long)asked,
                  cli_examples(rows->count, examples, sizeof examples));
    if (rows->count > 0) return CLI_DONE;
    return cli_complain(CLI_FAILED, "%s has no %sexamples", info->name, choice->kind);
}

void cli_rows_free(cli_rows *rows)
{
    duet_data_close(&rows->undivided);
    *rows = (cli_rows){NULL};
}

/* Rows of one split that lie beside each other there. values, classes NULL: not wanted. */
static duet_status read_run(duet_data *data, duet_split split, size_t first, size_t count, float *values,
                            uint8_t *classes, duet_error *error)
{
    duet_status status = values == NULL ? DUET_OK : duet_data_read(data, split, first, count, values, error);
    if (status == DUET_OK && classes != NULL) status = duet_data_labels(data, split, first, count, classes, error);
    return status;
}

/* Rows of one split. */
static int read_part(const cli_rows *rows, duet_split split, size_t first, size_t count, float *values,
                     uint8_t *classes)
{
    const duet_data_info *info = duet_data_describe(rows->data);
    const size_t features = duet_shape_elements(info->shape);
    duet_error error = {0};
    duet_status status = DUET_OK;
    if (!rows->spread && count > 0) status = read_run(rows->data, split, first, count, values, classes, &error);
    for (size_t i = 0; rows->spread && i < count && status == DUET_OK; i++)
        status = read_run(rows->data, split, duet_data_place(first + i, rows->counts[split], info->count[split]), 1,
                          values == NULL ? NULL : values + i * features, classes == NULL ? NULL : classes + i, &error);
    return status == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}

int cli_rows_read(duet_run *run, const cli_rows *rows, size_t first, size_t count, float *values, uint8_t **classes)
{
    const size_t training = rows->counts[DUET_TRAIN],
                 features = duet_shape_elements(duet_data_describe(duet_run_data(run))->shape);
    const size_t early = first >= training ? 0 : count < training - first ? count : training - first;
    const bool labelled = classes != NULL && rows->labelled && duet_run_has_classes(run);
    uint8_t *found = labelled ? malloc(count > 0 ? count : 1) : NULL;
    if (classes != NULL) *classes = found;
    if (labelled && found == NULL) return cli_complain(CLI_FAILED, "there is too little memory for %zu classes", count);
    int status = read_part(rows, DUET_TRAIN, first, early, values, found);
    if (status == CLI_DONE)
        status = read_part(rows, DUET_TEST, first + early - training, count - early, values + early * features,
                           labelled ? found + early : NULL);
    if (status == CLI_DONE || !labelled) return status;
    free(found);
    *classes = NULL;
    return status;
}

static int use_piece(duet_run *run, const cli_rows *rows, int class, size_t first, size_t count, float *examples,
                     duet_request *request)
{
    uint8_t *classes = NULL;
    int status = cli_rows_read(run, rows, first, count, examples, class < 0 ? &classes : NULL);
    if (status == CLI_DONE && class >= 0) {
        classes = malloc(count);
        if (classes == NULL) return cli_complain(CLI_FAILED, "there is too little memory for %zu classes", count);
        memset(classes, class, count);
    }
    request->count = count;
    request->first = first;
    request->examples = examples;
    request->classes = classes;
    if (status == CLI_DONE) status = cli_use(run, request);
    free(classes);
    return status;
}

bool cli_rows_lack_classes(duet_run *run, const cli_rows *rows, const duet_wanted *outputs, size_t output_count,
                           char *reason, size_t size)
{
    enum { BOTH = DUET_READS_EXAMPLES | DUET_READS_CLASSES };
    for (size_t i = 0; i < output_count && !rows->labelled; i++) {
        const duet_request request = {.count = 1, .outputs = &outputs[i], .output_count = 1};
        unsigned inputs;
        if (duet_run_inputs(run, &request, &inputs, NULL) != DUET_OK || (inputs & BOTH) != BOTH) continue;
        snprintf(reason, size, "\"%s\" is made of examples and their classes, and examples %s of %s have no labels",
                 outputs[i].name, rows->words, duet_data_describe(rows->data)->name);
        return true;
    }
    return false;
}

int cli_rows_check_classes(duet_run *run, const cli_rows *rows, const duet_wanted *outputs, size_t output_count)
{
    char reason[400];
    if (!cli_rows_lack_classes(run, rows, outputs, output_count, reason, sizeof reason)) return CLI_DONE;
    const char *other = "";
    for (size_t i = 0; i < CLI_COUNT_OF(choices); i++)
        for (duet_split part = DUET_TRAIN; part <= DUET_TEST; part++)
            if (choices[i].has[part] && !choices[i].has[1 - part] && duet_data_describe(rows->data)->count[part] > 0 &&
                duet_data_has_labels(rows->data, part))
                other = choices[i].name;
    return cli_complain(CLI_FAILED, "%s%s%s%s", reason, *other != '\0' ? ": those of --split " : "", other,
                        *other != '\0' ? " have" : "");
}

int cli_rows_use(duet_run *run, const cli_rows *rows, int class, const duet_wanted *outputs, size_t output_count)
{
    duet_wanted pieces[MOST_OUTPUTS];
    const int fits = class < 0 ? cli_rows_check_classes(run, rows, outputs, output_count) : CLI_DONE;
    if (fits != CLI_DONE) return fits;
    float *examples = cli_floats_new(PIECE, duet_shape_elements(duet_data_describe(duet_run_data(run))->shape));
    int status = examples == NULL ? CLI_FAILED : CLI_DONE;
    for (size_t first = 0; first < rows->count && status == CLI_DONE; first += PIECE) {
        size_t count = rows->count - first < PIECE ? rows->count - first : PIECE;
        duet_request request = {.outputs = pieces, .output_count = output_count};
        for (size_t i = 0; i < output_count && i < MOST_OUTPUTS; i++)
            pieces[i] =
                (duet_wanted){outputs[i].name, outputs[i].values + first * duet_run_features(run, outputs[i].name)};
        status = use_piece(run, rows, class, first, count, examples, &request);
    }
    free(examples);
    return status;
}

void cli_rows_say(const cli_rows *rows)
{
    char examples[32];
    cli_print(stderr, "%s %s of %s\n", cli_examples(rows->count, examples, sizeof examples), rows->words,
              duet_data_describe(rows->data)->name);
}

int cli_rows_labels(const cli_rows *rows, uint8_t **labels)
{
    int status = CLI_DONE;
    size_t written = 0;
    *labels = rows->labelled ? malloc(rows->count) : NULL;
    if (!rows->labelled) return CLI_DONE;
    if (*labels == NULL) return cli_complain(CLI_FAILED, "there is too little memory for %zu labels", rows->count);
    for (duet_split split = DUET_TRAIN; split <= DUET_TEST && status == CLI_DONE; split++) {
        status = read_part(rows, split, 0, rows->counts[split], NULL, *labels + written);
        written += rows->counts[split];
    }
    return status;
}
