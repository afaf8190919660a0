/* SPDX-License-Identifier: MIT */
/* The progress bar: epoch, share done, speed, losses, time left, cut to the terminal's width. */
#include "cli/progress.h"
#include "cli/output.h"
#include "cli/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { BAR_CELLS = 8, LINE_SECONDS = 10 };
static const double least_epochs = 0.05; /* of a training that is told in epochs; shorter ones are steps */

static bool on_terminal(void)
{
    return cli_on_terminal(stderr);
}

static void rewrite_line(const char *text)
{
    fprintf(stderr, "\r\033[K%.*s", (int)cli_terminal_columns(stderr) - 1, text);
    fflush(stderr);
}

void cli_progress_clear(void)
{
    if (on_terminal()) rewrite_line("");
}

void cli_progress_count(const char *what, size_t done, size_t count, const char *name)
{
    if (!on_terminal()) return;
    char line[256];
    snprintf(line, sizeof line, "%s %zu/%zu %s", what, done + 1, count, name);
    rewrite_line(line);
}

/* Text that grows at its end and is cut where the room ends. */
struct line {
    char text[512];
    size_t length;
};

static void append(struct line *line, const char *format, ...) DUET_PRINTF(2, 3);

static void append(struct line *line, const char *format, ...)
{
    size_t room = sizeof line->text - line->length;
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(line->text + line->length, room, format, arguments);
    va_end(arguments);
    if (wanted > 0) line->length += (size_t)wanted < room ? (size_t)wanted : room - 1;
}

static void append_bar(struct line *line, double share)
{
    char cells[BAR_CELLS + 1];
    size_t full = (size_t)(share * BAR_CELLS);
    for (size_t i = 0; i < BAR_CELLS; i++) cells[i] = i < full ? '#' : '.';
    cells[BAR_CELLS] = '\0';
    append(line, "[%s] %3.0f%%  ", cells, 100 * share);
}

static double seconds_left(const cli_training_progress *training, const duet_progress *progress)
{
    double done = (double)(progress->step - training->first_step);
    double spent = progress->seconds - training->first_seconds;
    if (!(done > 0) || progress->steps < progress->step) return NAN;
    return spent / done * (double)(progress->steps - progress->step);
}

static void append_left(struct line *line, const cli_training_progress *training, const duet_progress *progress)
{
    char left[32];
    double seconds = seconds_left(training, progress);
    if (isfinite(seconds)) append(line, "  %s left", cli_duration(seconds, left, sizeof left));
}

/* The bar's line puts the losses last: a narrow terminal cuts the end. */
static void describe(const cli_training_progress *training, const duet_progress *progress, bool bar, struct line *line)
{
    bool whole = fabs(progress->epochs - round(progress->epochs)) < 1e-3;
    if (progress->epochs >= least_epochs)
        append(line, "epoch %.*f/%.*f  ", bar ? 1 : 2, progress->epoch, whole ? 0 : 2, progress->epochs);
    if (bar)
        append_bar(line, progress->steps == 0 ? 0 : fmin(1, (double)progress->step / (double)progress->steps));
    else
        append(line, "step %" PRIu64 "/%" PRIu64 "  ", progress->step, progress->steps);
    if (progress->images_per_second > 0)
        append(line, bar ? "%.0f img/s" : "%.0f images/s", progress->images_per_second);
    append_left(line, training, progress);
    /* NaN: no step computed the term, as of a phase that is for few steps, or there was no report yet */
    for (size_t i = 0; i < progress->terms; i++)
        if (!isnan(progress->means[i]))
            append(line, bar ? "  %s %.4g" : "  %s %.5g", progress->names[i], progress->means[i]);
}

/* Whether there is to be a line that stays: at an epoch's end and, if not on a terminal, at the last step and every ten
 * seconds, with a report or without. */
static bool deserves_line(const cli_training_progress *training, const duet_progress *progress, bool terminal)
{
    if (!terminal && progress->seconds - training->line_seconds >= LINE_SECONDS) return true;
    if (!progress->report) return false;
    return floor(progress->epoch) > floor(training->line_epoch) || (!terminal && progress->step == progress->steps);
}

static void print_progress(cli_training_progress *training, const duet_progress *progress, bool bar)
{
    struct line line = {.length = 0};
    describe(training, progress, bar, &line);
    if (bar)
        rewrite_line(line.text);
    else
        fprintf(stderr, "%s\n", line.text);
}

void cli_progress_training(void *context, const duet_progress *progress)
{
    cli_training_progress *training = context;
    if (training->quiet) return;
    if (!training->started) {
        training->started = true;
        training->first_step = progress->step;
        training->first_seconds = training->line_seconds = progress->seconds;
        training->line_epoch = ceil(progress->epoch) - 1;
    }
    bool terminal = on_terminal();
    if (deserves_line(training, progress, terminal)) {
        cli_progress_clear();
        print_progress(training, progress, false);
        training->line_seconds = progress->seconds;
        if (progress->report) training->line_epoch = progress->epoch;
    }
    if (terminal) print_progress(training, progress, true);
}

void cli_progress_log(void *context, const char *line)
{
    const cli_training_progress *training = context;
    static const char warning[] = "warning: ";
    if (training->quiet && strncmp(line, warning, sizeof warning - 1) != 0) return;
    if (!training->quiet) cli_progress_clear();
    cli_log(NULL, line);
}
