/* SPDX-License-Identifier: MIT */
/* One gallery, several kinds of file: the data's shape and the file's name decide which. */
#include "cli/gallery.h"
#include "cli/labels_file.h"
#include "cli/output.h"
#include "cli/run.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_REFERENCES = 2000 };

int cli_out_check(const char *out)
{
    if (out == NULL || cli_ends_in(out, ".png") || cli_ends_in(out, ".npy")) return CLI_DONE;
    return cli_complain(CLI_MISTAKE, "--out takes a file name that ends in .png or .npy, not '%s'", out);
}

bool cli_data_points(const duet_data_info *info)
{
    return !info->picture && duet_shape_elements(info->shape) <= 2;
}

/* Examples of all parts of the split, as many as `count`. */
static duet_status read_reference(duet_data *data, duet_split split, size_t count, float *reference, duet_error *error)
{
    const duet_data_info *info = duet_data_describe(data);
    const size_t features = duet_shape_elements(info->shape);
    duet_status status = DUET_OK;
    for (size_t i = 0; i < count && status == DUET_OK; i++)
        status = duet_data_read(data, split, duet_data_place(i, count, info->count[split]), 1, reference + i * features,
                                error);
    return status;
}

/* Points are drawn over examples of the split; a run is drawn from without its data too. */
static int add_background(duet_run *run, const char *directory, duet_drawing *drawing, float **reference)
{
    duet_data *data = duet_run_data(run);
    const duet_data_info *info = duet_data_describe(data);
    const duet_split split = cli_run_split(run);
    const size_t count = info->count[split] < MOST_REFERENCES ? info->count[split] : MOST_REFERENCES;
    duet_error error = {0};
    *reference = cli_floats_new(count, duet_shape_elements(info->shape));
    if (*reference == NULL) return CLI_FAILED;
    if (read_reference(data, split, count, *reference, &error) == DUET_OK) {
        drawing->originals = *reference;
        drawing->original_count = count;
        return CLI_DONE;
    }
    if (error.status == DUET_ERROR_MEMORY) return cli_fail_opened(&error);
    cli_print(
        stderr,
        "note: drawn without the examples of %s behind, which are not to be read as they were ('duet eval %s' says "
        "why)\n",
        info->name, directory);
    return CLI_DONE;
}

/* Pairs are drawn with their originals. */
static int write_png(duet_run *run, const char *directory, const char *path, const cli_gallery *gallery)
{
    const duet_data_info *info = duet_data_describe(duet_run_data(run));
    size_t features = duet_shape_elements(info->shape);
    duet_drawing drawing = {.shape = info->shape, .unit_range = info->unit_range, .columns = gallery->columns};
    duet_error error = {0};
    float *reference = NULL;
    int status = CLI_DONE;
    drawing.values = gallery->values;
    drawing.count = gallery->rows * gallery->count;
    if (gallery->pairs) {
        drawing.values = gallery->values + gallery->count * features;
        drawing.count = gallery->count;
        drawing.originals = gallery->values;
        drawing.original_count = gallery->count;
    } else if (!info->picture) {
        status = add_background(run, directory, &drawing, &reference);
    }
    if (status == CLI_DONE && duet_write_png_examples(path, &drawing, &error) != DUET_OK)
        status = cli_fail_opened(&error);
    free(reference);
    return status;
}

/* [rows, count, ...shape of one example]: how many rows there are does not change how an array is indexed. */
static duet_shape shape_of(const duet_data_info *info, const cli_gallery *gallery)
{
    duet_shape shape = {0};
    if (!gallery->flat) shape.dims[shape.rank++] = gallery->rows;
    shape.dims[shape.rank++] = gallery->count;
    if (shape.rank + info->shape.rank > DUET_MAX_RANK) {
        shape.dims[shape.rank++] = duet_shape_elements(info->shape);
    } else {
        for (size_t i = 0; i < info->shape.rank; i++) shape.dims[shape.rank++] = info->shape.dims[i];
    }
    return shape;
}

int cli_file_print_json(duet_run *run, const char *directory, const char *path, duet_shape shape, const char *split,
                        const char *labels)
{
    json_t *extents = json_array();
    for (size_t i = 0; i < shape.rank; i++) json_array_append_new(extents, json_integer((json_int_t)shape.dims[i]));
    return cli_json_print(json_pack("{s:o s:s s:o s:o s:s* s:o*}", "run", cli_json_text(directory), "model",
                                    duet_model_family(duet_run_model(run))->name, "file", cli_json_text(path), "shape",
                                    extents, "split", split, "labels", labels == NULL ? NULL : cli_json_text(labels)));
}

char *cli_default_path(const char *run, const char *what, const char *ending)
{
    const char *slash = cli_ends_in(run, ".safetensors") ? strrchr(run, '/') : NULL; /* a checkpoint in the directory */
    int length = (int)(slash != NULL ? (size_t)(slash - run) : strlen(run));
    size_t size = strlen(run) + strlen(what) + strlen(ending) + sizeof "/samples/.";
    char *path = malloc(size);
    duet_error error = {0};
    if (path == NULL) {
        cli_complain(CLI_FAILED, "there is too little memory for a file name");
        return NULL;
    }
    snprintf(path, size, "%.*s/samples", length, run);
    if (duet_folder_make(path, &error) != DUET_OK) { /* where training has not made it already */
        cli_fail_opened(&error);
        free(path);
        return NULL;
    }
    snprintf(path, size, "%.*s/samples/%s.%s", length, run, what, ending);
    return path;
}

int cli_gallery_write(duet_run *run, const char *directory, const cli_gallery *gallery)
{
    const duet_data_info *info = duet_data_describe(duet_run_data(run));
    int status = cli_floats_check(gallery->values, duet_shape_elements(shape_of(info, gallery)), gallery->what);
    if (status != CLI_DONE) return status;
    const char *ending = info->picture || cli_data_points(info) ? "png" : "npy"; /* of the default file */
    char *own_path = gallery->out == NULL ? cli_default_path(directory, gallery->what, ending) : NULL;
    const char *path = gallery->out == NULL ? own_path : gallery->out;
    if (path == NULL)
        status = CLI_FAILED;
    else if (cli_ends_in(path, ".npy"))
        status = cli_array_write(path, gallery->values, shape_of(info, gallery));
    else if (info->picture || cli_data_points(info))
        status = write_png(run, directory, path, gallery);
    else
        status =
            cli_complain(CLI_FAILED, "examples of %zu numbers make no picture: give --out a name that ends in .npy",
                         duet_shape_elements(info->shape));
    if (status == CLI_DONE && gallery->json)
        status = cli_file_print_json(run, directory, path, shape_of(info, gallery), gallery->split, NULL);
    else if (status == CLI_DONE && !gallery->quiet)
        cli_print_name(path);
    free(own_path);
    return status;
}

int cli_gallery_use(duet_run *run, const char *directory, const char *output, duet_request request, cli_gallery gallery)
{
    size_t count = gallery.rows * gallery.count;
    float *values = cli_floats_new(count, duet_run_features(run, output));
    if (values == NULL) return CLI_FAILED;
    const duet_wanted wanted = {output, values};
    request.count = count;
    request.outputs = &wanted;
    request.output_count = 1;
    int status = cli_use(run, &request);
    gallery.values = values;
    if (status == CLI_DONE) status = cli_gallery_write(run, directory, &gallery);
    free(values);
    return status;
}
