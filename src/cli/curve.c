/* SPDX-License-Identifier: MIT */
#include "cli/curve.h"
#include "cli/labels_file.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/run.h"

#include <stdlib.h>

enum { POINTS = 401, COLUMNS = 5 };
static const double low = -4, high = 4; /* both peaks, and what lies beside them */

static const char *const names[COLUMNS] = {"x", "p", "q", "best", "discriminator"};

int cli_curve_check(const char *file)
{
    if (file == NULL || cli_ends_in(file, ".png") || cli_ends_in(file, ".npy")) return CLI_DONE;
    return cli_complain(CLI_MISTAKE, "--curve takes a file name that ends in .png or .npy, not '%s'", file);
}

static double column_of(const duet_curve_point *point, size_t column)
{
    const double values[COLUMNS] = {point->x, point->p, point->q, point->best, point->discriminator};
    return values[column];
}

/* `columns`: [COLUMNS, POINTS]. */
static duet_status draw(const char *file, const float *columns, duet_error *error)
{
    const duet_line lines[] = {{columns + POINTS, 0, 0, 0},
                               {columns + (size_t)2 * POINTS, 1, 0, 0},
                               {columns + (size_t)3 * POINTS, 0, 1, 1},
                               {columns + (size_t)4 * POINTS, 2, 1, 1}};
    return duet_write_png_lines(file, lines, CLI_COUNT_OF(lines), POINTS, error);
}

static duet_status write(const char *file, const duet_curve_point *points, float *room, duet_error *error)
{
    bool picture = cli_ends_in(file, ".png");
    for (size_t i = 0; i < POINTS; i++)
        for (size_t c = 0; c < COLUMNS; c++)
            room[picture ? c * POINTS + i : i * COLUMNS + c] = (float)column_of(&points[i], c);
    return picture ? draw(file, room, error) : duet_write_npy(file, room, DUET_SHAPE(POINTS, COLUMNS), error);
}

static int print_json(duet_run *run, const char *directory, const char *file, const duet_curve_point *points)
{
    json_t *columns = json_object();
    for (size_t c = 0; c < COLUMNS; c++) {
        json_t *values = json_array();
        for (size_t i = 0; i < POINTS; i++) json_array_append_new(values, cli_json_number(column_of(&points[i], c)));
        json_object_set_new(columns, names[c], values);
    }
    return cli_json_print(json_pack("{s:o s:s s:o s:o s:o}", "run", cli_json_text(directory), "model",
                                    duet_model_family(duet_run_model(run))->name, "data",
                                    cli_json_text(duet_data_describe(duet_run_data(run))->name), "file",
                                    cli_json_text(file), "curve", columns));
}

int cli_curve_write(duet_run *run, const char *directory, const char *file, bool json)
{
    duet_error error = {0};
    duet_curve_point *points = calloc(POINTS, sizeof *points);
    float *room = cli_floats_new(POINTS, COLUMNS);
    int status = points == NULL || room == NULL ? CLI_FAILED : cli_labels_drop(file, NULL, 0);
    if (status == CLI_DONE && (duet_discriminator_curve(run, low, high, 0, points, POINTS, &error) != DUET_OK ||
                               write(file, points, room, &error) != DUET_OK))
        status = cli_fail_opened(&error);
    if (status == CLI_DONE && json) status = print_json(run, directory, file, points);
    if (status == CLI_DONE && !json && cli_ends_in(file, ".npy"))
        cli_print(stdout, "%s: a row a place, x p q best discriminator\n", file);
    if (status == CLI_DONE && !json && !cli_ends_in(file, ".npy"))
        cli_print(stdout,
                  "%s: above, the densities of the data (grey) and of samples (blue); below, the best discriminator "
                  "p / (p + q) (grey) and the model's (orange), from 0 to 1\n",
                  file);
    free(points);
    free(room);
    return status;
}
