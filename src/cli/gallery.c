/* One gallery, several kinds of file: the data's shape and the file's name decide which. */
#include "cli/gallery.h"
#include "cli/output.h"
#include "cli/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_REFERENCES = 2000 };

static bool ends_in(const char *text, const char *ending)
{
    size_t length = strlen(text), ending_length = strlen(ending);
    return length > ending_length && strcmp(text + length - ending_length, ending) == 0;
}

int cli_out_check(const char *out)
{
    if (out == NULL || ends_in(out, ".png") || ends_in(out, ".npy")) return CLI_DONE;
    return cli_complain(CLI_MISTAKE, "--out takes a file name that ends in .png or .npy, not '%s'", out);
}

bool cli_data_points(const duet_data_info *info)
{
    return !info->picture && duet_shape_elements(info->shape) <= 2;
}

/* Points: those of a pair's originals, else the first examples of the split, in grey behind the values. */
static int write_points(duet_run *run, const char *path, const cli_gallery *gallery)
{
    duet_data *data = duet_run_data(run);
    const duet_data_info *info = duet_data_describe(data);
    size_t dimensions = duet_shape_elements(info->shape), total = gallery->rows * gallery->count;
    duet_split split = cli_run_split(run);
    size_t count = info->count[split] < MOST_REFERENCES ? info->count[split] : MOST_REFERENCES;
    duet_error error = {0};
    if (gallery->pairs) {
        const float *made = gallery->values + gallery->count * dimensions;
        duet_write_png_points(path, made, gallery->count, dimensions, gallery->values, gallery->count, &error);
        return error.status == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
    }
    float *reference = cli_floats_new(count, dimensions);
    if (reference == NULL) return CLI_FAILED;
    if (duet_data_read(data, split, 0, count, reference, &error) == DUET_OK)
        duet_write_png_points(path, gallery->values, total, dimensions, reference, count, &error);
    free(reference);
    return error.status == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}

/* Where a value goes in the grid: pairs take bands of two lines, originals above. */
static size_t grid_place(const cli_gallery *gallery, size_t index)
{
    if (!gallery->pairs) return index;
    size_t row = index / gallery->count, i = index % gallery->count;
    return i / gallery->columns * 2 * gallery->columns + row * gallery->columns + i % gallery->columns;
}

static size_t grid_total(const cli_gallery *gallery)
{
    if (!gallery->pairs) return gallery->rows * gallery->count;
    return 2 * gallery->columns * ((gallery->count + gallery->columns - 1) / gallery->columns);
}

/* Numbers that leave [0, 1] are shown between the smallest and the largest of the gallery; empty places are black. */
static int write_pictures(const char *path, const duet_data_info *info, const cli_gallery *gallery)
{
    size_t features = duet_shape_elements(info->shape), count = gallery->rows * gallery->count;
    size_t total = grid_total(gallery);
    float low = 0, high = 1;
    if (!info->unit_range) {
        low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < count * features; i++) {
            low = fminf(low, gallery->values[i]);
            high = fmaxf(high, gallery->values[i]);
        }
    }
    float *values = cli_floats_new(total, features);
    if (values == NULL) return CLI_FAILED;
    memset(values, 0, total * features * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        float *place = values + grid_place(gallery, i) * features;
        for (size_t j = 0; j < features; j++)
            place[j] = high > low ? (gallery->values[i * features + j] - low) / (high - low) : 0.5F;
    }
    duet_error error = {0};
    duet_write_png_grid(path, values, total, info->shape, gallery->columns, &error);
    free(values);
    return error.status == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}

/* [rows, count, ...shape of one example], without the first extent if it is 1. */
static int write_array(const char *path, const duet_data_info *info, const cli_gallery *gallery)
{
    duet_shape shape = {0};
    duet_error error = {0};
    if (gallery->rows > 1) shape.dims[shape.rank++] = gallery->rows;
    shape.dims[shape.rank++] = gallery->count;
    if (shape.rank + info->shape.rank > DUET_MAX_RANK) {
        shape.dims[shape.rank++] = duet_shape_elements(info->shape);
    } else {
        for (size_t i = 0; i < info->shape.rank; i++) shape.dims[shape.rank++] = info->shape.dims[i];
    }
    duet_write_npy(path, gallery->values, shape, &error);
    return error.status == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}

/* DIRECTORY/samples/WHAT.png; .npy where the examples are neither pictures nor points. */
static char *default_path(const char *directory, const duet_data_info *info, const char *what)
{
    const char *ending = info->picture || cli_data_points(info) ? "png" : "npy";
    size_t size = strlen(directory) + strlen(what) + sizeof "/samples/.png";
    char *path = malloc(size);
    if (path == NULL) return NULL;
    snprintf(path, size, "%s/samples", directory);
    (void)mkdir(path, 0777); /* training made it already; where neither can, writing the file says why */
    snprintf(path, size, "%s/samples/%s.%s", directory, what, ending);
    return path;
}

int cli_gallery_write(duet_run *run, const char *directory, const cli_gallery *gallery)
{
    const duet_data_info *info = duet_data_describe(duet_run_data(run));
    char *own_path = gallery->out == NULL ? default_path(directory, info, gallery->what) : NULL;
    const char *path = gallery->out == NULL ? own_path : gallery->out;
    int status;
    if (path == NULL)
        status = cli_complain(CLI_FAILED, "there is too little memory for a file name");
    else if (ends_in(path, ".npy"))
        status = write_array(path, info, gallery);
    else if (info->picture)
        status = write_pictures(path, info, gallery);
    else if (cli_data_points(info))
        status = write_points(run, path, gallery);
    else
        status =
            cli_complain(CLI_FAILED, "examples of %zu numbers make no picture: give --out a name that ends in .npy",
                         duet_shape_elements(info->shape));
    if (status == CLI_DONE) printf("%s\n", path);
    free(own_path);
    return status;
}
