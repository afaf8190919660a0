/* SPDX-License-Identifier: MIT */
/* One pass over a split, a piece at a time. */
#include "cli/rows.h"
#include "cli/output.h"
#include "cli/run.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 1000, MOST_OUTPUTS = 4 };

int cli_rows_check(const char *split)
{
    if (split == NULL || strcmp(split, "train") == 0 || strcmp(split, "test") == 0) return CLI_DONE;
    return cli_complain(CLI_MISTAKE, "--split is train or test, not '%s'", split);
}

int cli_rows_choose(duet_run *run, const char *split, uint64_t count, cli_rows *rows)
{
    const duet_data_info *info = duet_data_describe(duet_run_data(run));
    rows->split = cli_run_split(run);
    if (split != NULL) rows->split = strcmp(split, "test") == 0 ? DUET_TEST : DUET_TRAIN;
    size_t most = info->count[rows->split];
    rows->count = count > 0 && count < most ? (size_t)count : most;
    if (most > 0) return CLI_DONE;
    return cli_complain(CLI_FAILED, "%s has no %s examples", info->name,
                        rows->split == DUET_TEST ? "test" : "training");
}

static int use_piece(duet_run *run, const cli_rows *rows, int class, size_t first, size_t count, float *examples,
                     duet_request *request)
{
    uint8_t *classes = NULL;
    int status = cli_examples_read(run, rows->split, first, count, examples, &classes);
    if (status == CLI_DONE && class >= 0) {
        free(classes);
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

int cli_rows_use(duet_run *run, const cli_rows *rows, int class, const duet_wanted *outputs, size_t output_count,
                 const cli_list *settings)
{
    duet_wanted pieces[MOST_OUTPUTS];
    float *examples = cli_floats_new(PIECE, duet_shape_elements(duet_data_describe(duet_run_data(run))->shape));
    int status = examples == NULL ? CLI_FAILED : CLI_DONE;
    for (size_t first = 0; first < rows->count && status == CLI_DONE; first += PIECE) {
        size_t count = rows->count - first < PIECE ? rows->count - first : PIECE;
        duet_request request = {.outputs = pieces, .output_count = output_count};
        if (settings != NULL) {
            request.settings = settings->items;
            request.setting_count = settings->count;
        }
        for (size_t i = 0; i < output_count && i < MOST_OUTPUTS; i++)
            pieces[i] =
                (duet_wanted){outputs[i].name, outputs[i].values + first * duet_run_features(run, outputs[i].name)};
        status = use_piece(run, rows, class, first, count, examples, &request);
    }
    free(examples);
    return status;
}

uint8_t *cli_rows_labels(duet_run *run, const cli_rows *rows)
{
    duet_data *data = duet_run_data(run);
    uint8_t *labels = duet_data_describe(data)->classes > 0 ? malloc(rows->count) : NULL;
    if (labels == NULL || duet_data_labels(data, rows->split, 0, rows->count, labels, NULL) == DUET_OK) return labels;
    free(labels); /* only the other split has labels */
    return NULL;
}
