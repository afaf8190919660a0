/* SPDX-License-Identifier: MIT */
/* The data of a training: found, held against what the resumed run's record says of them, and made ready to be read. */
#include "run/training.h"

#include <string.h>

#include "base/text.h"
#include "data/data.h"
#include "data/known.h"
#include "run/seen_rows.h"

/* Those whose checksum run.json has were looked through when the run began. */
static duet_status find_data(duet_training *run, duet_error *error)
{
    duet_error own = {0};
    const char *source = run->before.data.info.source;
    if (run->resumed && run->options->data == NULL && source != NULL && strcmp(source, DUET_OWN_SOURCE) == 0)
        return duet_data_refuse_own(run->directory, run->choice.data, error);
    const bool known = run->resumed && run->before.data.info.checksum[0] != '\0';
    duet_status (*const open)(duet_data **, const char *, duet_division, duet_error *) =
        known ? duet_data_open_again : duet_data_open_divided;
    if (open(&run->data, run->choice.data, run->choice.division, &own) == DUET_OK) return DUET_OK;
    bool moved = run->resumed && run->options->data == NULL && duet_data_is_gone(source);
    return duet_fail(error, own.status, "%s%s%s%s", own.message, moved ? "; --data " : "",
                     moved ? DUET_WORD("PATH%s", duet_data_name_said(run->choice.data)) : "",
                     moved ? " says where the data are now" : "");
}

/* Passes on what the data have to say. A question must be answered before a new run: what came out would be another
 * model than was meant. A run that is gone on with was begun that way. */
static duet_status tell_of_data(duet_training *run, duet_error *error)
{
    const char *note;
    bool question;
    for (size_t i = 0; (note = duet_data_note(run->data, i, &question)) != NULL; i++) {
        if (question && !run->resumed) return duet_fail(error, DUET_ERROR_DATA, "%s", note);
        duet_training_say(run, "warning: %s", note);
    }
    return DUET_OK;
}

/* What the resumed run's record keeps of the rows that it was trained on; NULL: nothing, as older ones. */
static const json_t *known_rows(const duet_training *run)
{
    return json_object_get(run->before.document, "trained_rows");
}

/* Of data that the run goes on with it is known. */
static duet_status keep_rows(duet_training *run, duet_error *error)
{
    const json_t *known = known_rows(run);
    const char *then = run->before.data.info.checksum, *now = duet_data_describe(run->data)->checksum;
    if (known != NULL && now[0] != '\0' && strcmp(then, now) == 0)
        run->trained_rows = json_incref((json_t *)known);
    else
        DUET_TRY(duet_seen_rows_add(&run->trained_rows, known, run->data, error));
    run->choice.trained_rows = run->trained_rows;
    return DUET_OK;
}

/* Other data than the run began with have not been looked through. */
static duet_status look_through(duet_training *run, duet_error *error)
{
    if (run->options->own_data != NULL) return DUET_OK;
    duet_data_close(&run->data);
    return duet_data_open_divided(&run->data, run->choice.data, run->choice.division, error);
}

/* Where they lie now may have been said without what was said of them behind the colon, such as their labels. */
static void say_where(char *remedy, size_t size, const char *then, const char *now)
{
    const char *said = duet_data_name_said(then), *said_now = duet_data_name_said(now);
    const int path = (int)(strlen(now) - strlen(said_now));
    if (strcmp(said, said_now) == 0)
        (void)duet_text_print(remedy, size, ". --data %s says where the data are now", DUET_WORD("PATH%s", said));
    else
        (void)duet_text_print(remedy, size, ". It was trained on %s: --data %s says the same of these", then,
                              DUET_WORD("%.*s%s", path, now, said));
}

/* A run goes on with the data that it began with, wherever they lie by now, or as was said with others of their kind;
 * that it did is recorded. */
static duet_status compare_data(duet_training *run, duet_error *error)
{
    const duet_data_info *now = duet_data_describe(run->data), *then = &run->before.data.info;
    char words[DUET_DIFFERENCE_SIZE];
    bool same;
    DUET_TRY(duet_data_record_fits(&run->before.data, run->directory, now, error));
    DUET_TRY(duet_data_record_compare(&run->before.data, run->data, &same, words, error));
    if (same) return duet_data_compare_columns(run->data, then, run->directory, error);
    if (run->options->other_data && now->classes == then->classes) {
        DUET_TRY(duet_data_check_names(now, then, run->directory, error));
        duet_training_say(run,
                          "warning: %s goes on with other data than it began with, and counts its epochs by them: %s",
                          run->directory, words);
        DUET_TRY(duet_resumption_note_data(&run->resumption, then, now, error));
        DUET_TRY(look_through(run, error));
        DUET_TRY(duet_seen_rows_tell(known_rows(run), run->directory, true, run->data, error));
        return duet_data_compare_columns(run->data, then, run->directory, error);
    }
    const bool own = run->options->own_data != NULL;
    char remedy[2 * DUET_WORD_SIZE] = "";
    if (!own) say_where(remedy, sizeof remedy, then->name, now->name);
    return duet_fail(error, DUET_ERROR_DATA, "%s was trained on other data than %s now holds: %s%s%s", run->directory,
                     now->name, words, remedy,
                     now->classes != then->classes ? ""
                     : own                         ? "; other_data goes on with these"
                                                   : "; --other-data goes on with these");
}

duet_status duet_training_open_data(duet_training *run, duet_error *error)
{
    run->data = run->options->own_data;
    if (run->data == NULL) DUET_TRY(find_data(run, error));
    DUET_TRY(duet_run_file_check_text(run->choice.data, error));
    if (run->resumed) DUET_TRY(compare_data(run, error));
    DUET_TRY(tell_of_data(run, error));
    /* before it is read ahead; a program's function is not asked for all of its examples */
    if (!run->data->asked) DUET_TRY(duet_data_checksum(run->data, error));
    if (run->leads) DUET_TRY(keep_rows(run, error));
    if (run->options->stream) duet_data_set_streaming(run->data, true);
    duet_data_read_ahead(run->data, DUET_TRAIN);
    return DUET_OK;
}
