/* SPDX-License-Identifier: MIT */
/* Ranks that train together: the same things, the same ends, the same moment to stop. Rank 0 decides, and what it
 * decides reaches the others in one exchange. */
#include "run/training_ranks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "run/commit.h"
#include "run/meeting.h"
#include "run/shared_tuning.h"

enum { MOST_STEPS_UNSEEN = 4096 };
static const double look_seconds = 0.03;

static duet_status fail_memory(duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for what ranks tell each other");
}

static size_t count_ranks(const duet_training *run)
{
    return duet_ranks_count(run->options->ranks);
}

/* A piece of work, as a meeting calls it. */
typedef struct errand {
    duet_training *run;
    duet_status (*work)(duet_training *, duet_error *);
} errand;

static duet_status do_errand(void *context, duet_error *error)
{
    const errand *it = context;
    return it->work(it->run, error);
}

duet_status duet_training_meet(duet_training *run, const char *what, duet_status (*work)(duet_training *, duet_error *),
                               duet_error *error)
{
    const duet_meeting meeting = {.what = what, .log = run->options->log, .log_context = run->options->context};
    errand it = {run, work};
    bool shared;
    duet_status status = duet_meet(run->options->ranks, &meeting, work == NULL ? NULL : do_errand, &it, &shared, error);
    run->shared = run->shared || shared;
    return status;
}

duet_status duet_training_settle(duet_training *run, duet_status status, duet_error *error)
{
    duet_error ignored = {0}, *own = error == NULL ? &ignored : error;
    const size_t count = count_ranks(run);
    unsigned char failed = status != DUET_OK, *all;
    if (count == 1) return status;
    if ((all = calloc(count, 1)) == NULL) return fail_memory(own);
    const duet_status told = duet_ranks_gather(run->options->ranks, &failed, 1, all, own);
    run->shared = run->shared || (told == DUET_OK && memchr(all, 1, count) != NULL);
    free(all);
    if (told != DUET_OK) return status != DUET_OK ? status : told;
    return run->shared ? duet_ranks_agree(run->options->ranks, status, own) : DUET_OK;
}

duet_status duet_training_share_text(duet_training *run, char **text, duet_error *error)
{
    uint64_t size = *text == NULL ? 0 : strlen(*text) + 1;
    if (count_ranks(run) == 1) return DUET_OK;
    DUET_TRY(duet_ranks_share(run->options->ranks, &size, sizeof size, error));
    if (!run->leads) {
        free(*text);
        *text = size == 0 ? NULL : calloc(size, 1);
    }
    DUET_TRY(duet_training_settle(run, size > 0 && *text == NULL ? fail_memory(error) : DUET_OK, error));
    return size == 0 ? DUET_OK : duet_ranks_share(run->options->ranks, *text, size, error);
}

duet_status duet_training_share_stop(duet_training *run, duet_error *error)
{
    if (count_ranks(run) == 1) return DUET_OK;
    unsigned char collapsed = run->collapsed;
    DUET_TRY(duet_ranks_share(run->options->ranks, run->stopped, sizeof run->stopped, error));
    DUET_TRY(duet_ranks_share(run->options->ranks, &collapsed, 1, error));
    run->collapsed = collapsed;
    return DUET_OK;
}

duet_status duet_training_check_resuming(duet_training *run, duet_error *error)
{
    const unsigned char own = run->options->resume != NULL;
    unsigned char first = own;
    if (count_ranks(run) == 1) return DUET_OK;
    DUET_TRY(duet_ranks_share(run->options->ranks, &first, 1, error));
    duet_status status = DUET_OK;
    if (own != first)
        status = duet_fail(error, DUET_ERROR_USAGE, "this rank is to %s, and rank 0 on %s to %s: start all alike",
                           own ? "go on with a run" : "begin a run", duet_ranks_host(run->options->ranks, 0),
                           first ? "go on with one" : "begin one");
    return duet_training_settle(run, status, error);
}

/* A line for each thing that all must have: "what: value". Of numbers with settings the model has the last word. */
static void describe(const duet_training *run, duet_text *text)
{
    const duet_run_choice *choice = &run->choice;
    const duet_data_info *data = duet_data_describe(run->data);
    const char *key, *value;
    duet_text_add(text, "version: %s, commit %s\n", duet_version(), DUET_COMMIT);
    duet_text_add(text, "model: %s\n", choice->model);
    for (size_t i = 0; duet_model_setting_at(run->model, i, &key, &value); i++)
        duet_text_add(text, "setting %s: %s\n", key, value);
    duet_text_add(text,
                  "batch: %" PRIu64 "\nseed: %" PRIu64 "\nsteps: %" PRIu64 "\nepochs: %" PRIu64
                  "\ncheckpoint_every: %" PRIu64 "\n",
                  choice->batch, choice->seed, choice->steps, choice->epochs, choice->checkpoint_every);
    duet_text_add(text, "stop_on_collapse: %s\n", run->options->stop_on_collapse ? "yes" : "no");
    duet_text_add(text, "shape of the data:");
    for (size_t i = 0; i < data->shape.rank; i++) duet_text_add(text, " %zu", data->shape.dims[i]);
    duet_text_add(text,
                  "\nexamples: %zu to train, %zu to test\nclasses: %zu\nvalues within [0, 1]: %s\nchecksum of the "
                  "data: %s\n",
                  data->count[DUET_TRAIN], data->count[DUET_TEST], data->classes, data->unit_range ? "yes" : "no",
                  data->checksum[0] != '\0' ? data->checksum : "none");
}

/* The first line in which this rank's description is not rank 0's. */
static duet_status compare_lines(const duet_training *run, const char *own, const char *first, duet_error *error)
{
    size_t line = 0, i = 0;
    for (; own[i] == first[i] && own[i] != '\0'; i++)
        if (own[i] == '\n') line = i + 1;
    if (own[i] == first[i]) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "ranks must train the same model on the same data, but this one has \"%.*s\" where rank 0 on %s "
                     "has \"%.*s\": start all with the same program, options and data",
                     (int)strcspn(own + line, "\n"), own + line, duet_ranks_host(run->options->ranks, 0),
                     (int)strcspn(first + line, "\n"), first + line);
}

duet_status duet_training_check_same(duet_training *run, duet_error *error)
{
    duet_text text = {0};
    if (count_ranks(run) == 1) return DUET_OK;
    describe(run, &text);
    char *first = text.failed ? NULL : strdup(duet_text_get(&text));
    duet_status status = duet_training_settle(run, first == NULL ? fail_memory(error) : DUET_OK, error);
    if (status == DUET_OK) status = duet_training_share_text(run, &first, error);
    if (status == DUET_OK)
        status = duet_training_settle(run, compare_lines(run, duet_text_get(&text), first, error), error);
    duet_text_free(&text);
    free(first);
    return status;
}

duet_status duet_training_share_tuning(duet_training *run, duet_error *error)
{
    if (count_ranks(run) == 1) return DUET_OK;
    char *text = run->leads ? duet_tuning_tell(run->device, run->choice.tuning != NULL) : NULL;
    duet_status status = duet_training_settle(run, run->leads && text == NULL ? fail_memory(error) : DUET_OK, error);
    if (status == DUET_OK) status = duet_training_share_text(run, &text, error);
    if (status == DUET_OK && !run->leads) status = duet_tuning_take_told(run->device, text, error);
    free(text);
    return duet_training_settle(run, status, error);
}

/* After how many steps from here the flags are looked at again: as many as take look_seconds by the pace since the last
 * look, at most twice as many as then. */
static uint32_t next_look(duet_training *run)
{
    const double now = duet_seconds() - run->aside, seconds = now - run->look_time;
    const uint64_t steps = run->trainer->steps - run->look_step;
    double most = steps == 0 ? 1 : 2.0 * (double)steps;
    if (steps > 0 && seconds > 0 && look_seconds * (double)steps / seconds < most)
        most = look_seconds * (double)steps / seconds;
    run->look_time = now;
    run->look_step = run->trainer->steps;
    return most < 1 ? 1 : most > MOST_STEPS_UNSEEN ? MOST_STEPS_UNSEEN : (uint32_t)most;
}

/* What a rank says at a look. */
typedef struct look {
    int32_t stop;
    uint32_t steps; /* until the next one; rank 0's counts */
} look;

static duet_status look_around(duet_training *run, int32_t own, duet_error *error)
{
    const look mine = {own, run->leads ? next_look(run) : 0};
    look *all = calloc(count_ranks(run), sizeof *all);
    if (all == NULL) return fail_memory(error);
    const duet_status status = duet_ranks_gather(run->options->ranks, &mine, sizeof mine, all, error);
    for (size_t i = 0; status == DUET_OK && i < count_ranks(run) && run->stop == 0; i++) run->stop = all[i].stop;
    run->next_look = run->trainer->steps + all[0].steps;
    free(all);
    return status;
}

duet_status duet_training_ask_stop(duet_training *run, duet_error *error)
{
    const int own = run->options->stop == NULL ? 0 : *run->options->stop;
    if (count_ranks(run) == 1)
        run->stop = own;
    else if (run->trainer->steps >= run->next_look)
        return look_around(run, own, error);
    return DUET_OK;
}
