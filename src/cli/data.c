/* SPDX-License-Identifier: MIT */
/* duet data: what a file or folder of examples is taken for, before anything is trained on it. */
#include "cli/data.h"
#include "cli/commands.h"
#include "cli/gallery.h"
#include "cli/output.h"
#include "cli/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHEET = 100, SHEET_COLUMNS = 10, SHEET_POINTS = 2000, SHEET_CLASSES = 20, CLASSES = 256, LONGEST_NAME = 4000 };

struct arguments {
    const char *path, *out, *convert;
    cli_data_words words;
    bool json;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND, "PATH", 0, PLACE(path), NULL, "a file or folder of examples, or one of 'duet datasets'", 0, 0},
    CLI_DATA_OPTIONS(PLACE(words.size), PLACE(words.labels), PLACE(words.split)),
    {CLI_TEXT, "out", 0, PLACE(out), "FILE.png", "draw a contact sheet: a row of pictures a class, or points", 0, 0},
    {CLI_TEXT, "convert", 0, PLACE(convert), "FILE.npz", "write all of it as one file that is read where it lies", 0,
     0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document", 0, 0},
};

bool cli_data_name(const char *data, const cli_data_words *words, char **made)
{
    const char *const keys[] = {"size", "labels", "split"}, *const values[] = {words->size, words->labels,
                                                                               words->split};
    size_t room = 1;
    *made = NULL;
    for (size_t i = 0; i < CLI_COUNT_OF(keys); i++)
        if (values[i] != NULL) room += strlen(keys[i]) + strlen(values[i]) + 2;
    if (room == 1) return true;
    if (data == NULL) {
        cli_complain(CLI_MISTAKE, "--size, --labels and --split say how --data PATH is to be read: give it too");
        return false;
    }
    *made = malloc(room + strlen(data));
    if (*made == NULL) {
        cli_complain(CLI_FAILED, "there is too little memory for a name");
        return false;
    }
    size_t used = strlen(data);
    memcpy(*made, data, used + 1);
    for (size_t i = 0; i < CLI_COUNT_OF(keys); i++)
        if (values[i] != NULL)
            used += (size_t)snprintf(*made + used, room + strlen(data) - used, "%c%s=%s",
                                     used == strlen(data) ? ':' : ',', keys[i], values[i]);
    return true;
}

static const char *split_name(size_t split)
{
    return split == DUET_TRAIN ? "train" : "test";
}

/* How many examples of each class a split has; false: it has no labels. */
static bool count_classes(duet_data *data, duet_split split, size_t counts[CLASSES])
{
    const duet_data_info *info = duet_data_describe(data);
    memset(counts, 0, CLASSES * sizeof *counts);
    if (info->generated || !duet_data_has_labels(data, split)) return false;
    uint8_t *labels = malloc(info->count[split]);
    bool sound = labels != NULL && duet_data_labels(data, split, 0, info->count[split], labels, NULL) == DUET_OK;
    for (size_t i = 0; sound && i < info->count[split]; i++) counts[labels[i]]++;
    free(labels);
    return sound;
}

static json_t *describe_split(duet_data *data, size_t split)
{
    const duet_data_info *info = duet_data_describe(data);
    size_t counts[CLASSES];
    json_t *classes = NULL;
    if (count_classes(data, (duet_split)split, counts)) {
        classes = json_array();
        for (size_t i = 0; i < info->classes; i++) json_array_append_new(classes, json_integer((json_int_t)counts[i]));
    }
    return json_pack("{s:I s:o s:o s:o}", "count", (json_int_t)info->count[split], "low",
                     cli_json_number((double)info->low[split]), "high", cli_json_number((double)info->high[split]),
                     "class_counts", classes != NULL ? classes : json_null());
}

static int print_json(duet_data *data)
{
    const duet_data_info *info = duet_data_describe(data);
    json_t *shape = json_array(), *names = json_array(), *notes = json_array();
    bool question;
    const char *note;
    for (size_t i = 0; i < info->shape.rank; i++)
        json_array_append_new(shape, json_integer((json_int_t)info->shape.dims[i]));
    for (size_t i = 0; info->class_names != NULL && i < info->classes; i++)
        json_array_append_new(names, cli_json_text(info->class_names[i]));
    for (size_t i = 0; (note = duet_data_note(data, i, &question)) != NULL; i++)
        json_array_append_new(notes, json_pack("{s:b s:o}", "question", (int)question, "text", cli_json_text(note)));
    return cli_json_print(json_pack(
        "{s:o s:o s:o s:o s:s s:b s:b s:o s:o s:I s:o s:o}", "name", cli_json_text(info->name), "source",
        cli_json_text(info->source), "format", info->format != NULL ? json_string(info->format) : json_null(), "shape",
        shape, "type", info->type == DUET_UINT8 ? "bytes" : "float32", "unit_range", (int)info->unit_range, "picture",
        (int)info->picture, "train", describe_split(data, DUET_TRAIN), "test", describe_split(data, DUET_TEST),
        "classes", (json_int_t)info->classes, "class_names", names, "notes", notes));
}

static void print_classes(duet_data *data)
{
    const duet_data_info *info = duet_data_describe(data);
    size_t counts[2][CLASSES];
    char shown[LONGEST_NAME];
    bool there[2] = {count_classes(data, DUET_TRAIN, counts[0]), count_classes(data, DUET_TEST, counts[1])};
    printf("classes   %zu\n", info->classes);
    for (size_t i = 0; (there[0] || there[1]) && i < info->classes; i++) {
        printf("  %3zu", i);
        for (size_t split = 0; split < 2; split++)
            if (there[split]) printf("  %s %zu", split_name(split), counts[split][i]);
        cli_print(stdout, "%s%s\n", info->class_names != NULL ? "  " : "",
                  info->class_names != NULL ? cli_line(info->class_names[i], shown, sizeof shown) : "");
    }
}

static int print_text(duet_data *data)
{
    const duet_data_info *info = duet_data_describe(data);
    char shown[LONGEST_NAME];
    cli_print(stdout, "source    %s\n", cli_line(info->source, shown, sizeof shown));
    printf("read as   %s\nexamples  ", info->format != NULL ? info->format : "a generated set, which never ends");
    for (size_t i = 0; i < info->shape.rank; i++) printf("%s%zu", i > 0 ? " x " : "", info->shape.dims[i]);
    printf(" %s%s\n", info->type == DUET_UINT8 ? "bytes" : "floats", info->picture ? ", pictures" : "");
    for (size_t split = 0; split < 2; split++) {
        printf("%-9s %zu", split_name(split), info->count[split]);
        if (isfinite(info->low[split]) && isfinite(info->high[split]))
            printf(", values in [%.6g, %.6g]", (double)info->low[split], (double)info->high[split]);
        printf("\n");
    }
    if (info->classes > 0) print_classes(data);
    bool question;
    const char *note;
    for (size_t i = 0; (note = duet_data_note(data, i, &question)) != NULL; i++)
        cli_complain(CLI_DONE, "%s: %s", question ? "question" : "warning", note);
    return CLI_DONE;
}

/* Numbers of the examples of a sheet: rows of one class each where there are a few classes, else spread evenly. Returns
 * how many there are. */
static size_t choose_sheet(duet_data *data, size_t wanted, size_t *places)
{
    const duet_data_info *info = duet_data_describe(data);
    const size_t total = info->count[DUET_TRAIN];
    size_t count = total < wanted ? total : wanted, used = 0;
    uint8_t *labels = NULL;
    if (!info->generated && info->picture && info->classes >= 2 && info->classes <= SHEET_CLASSES &&
        duet_data_has_labels(data, DUET_TRAIN))
        labels = malloc(total);
    if (labels != NULL && duet_data_labels(data, DUET_TRAIN, 0, total, labels, NULL) == DUET_OK) {
        for (size_t class = 0; class < info->classes; class ++)
            for (size_t i = 0, row = 0; i < total && row < SHEET_COLUMNS; i++)
                if (labels[i] == class) {
                    places[used++] = i;
                    row++;
                }
    }
    free(labels);
    for (size_t i = 0; used == 0 && i < count; i++) places[i] = i * (total / count);
    return used > 0 ? used : count;
}

static int draw_sheet(duet_data *data, const char *path)
{
    const duet_data_info *info = duet_data_describe(data);
    const size_t features = duet_shape_elements(info->shape);
    size_t places[SHEET_POINTS], count = choose_sheet(data, info->picture ? SHEET : SHEET_POINTS, places);
    duet_error error = {0};
    float *values = cli_floats_new(count, features);
    if (values == NULL) return CLI_FAILED;
    for (size_t i = 0; i < count && error.status == DUET_OK; i++)
        duet_data_read(data, DUET_TRAIN, places[i], 1, values + i * features, &error);
    const duet_drawing drawing = {.shape = info->shape,
                                  .unit_range = info->unit_range,
                                  .values = values,
                                  .count = count,
                                  .columns = SHEET_COLUMNS};
    if (error.status == DUET_OK) duet_write_png_examples(path, &drawing, &error);
    free(values);
    return error.status == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}

static int check(const struct arguments *arguments)
{
    if (arguments->out != NULL && !cli_ends_in(arguments->out, ".png"))
        return cli_complain(CLI_MISTAKE, "--out takes a file name that ends in .png, not '%s'", arguments->out);
    if (arguments->convert != NULL && !cli_ends_in(arguments->convert, ".npz"))
        return cli_complain(CLI_MISTAKE, "--convert takes a file name that ends in .npz, not '%s'", arguments->convert);
    return CLI_DONE;
}

static int look(const struct arguments *arguments, const char *name)
{
    duet_data *data = NULL;
    duet_error error = {0};
    if (duet_data_open(&data, name, &error) != DUET_OK) return cli_fail(&error);
    int status = arguments->json ? print_json(data) : print_text(data);
    if (status == CLI_DONE && arguments->out != NULL) status = draw_sheet(data, arguments->out);
    if (status == CLI_DONE && arguments->convert != NULL &&
        duet_data_convert(data, arguments->convert, &error) != DUET_OK)
        status = cli_fail(&error);
    if (status == CLI_DONE && !arguments->json) {
        if (arguments->out != NULL) cli_print_name(arguments->out);
        if (arguments->convert != NULL) cli_print_name(arguments->convert);
    }
    duet_data_close(&data);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    char *made;
    int status;
    if (!cli_parse(&cli_data, argc, argv, &arguments, &status)) return status;
    status = check(&arguments);
    if (status != CLI_DONE) return status;
    if (!cli_data_name(arguments.path, &arguments.words, &made)) return CLI_FAILED;
    const char *name = made != NULL ? made : arguments.path;
    status = cli_data_check(name);
    if (status == CLI_DONE) status = look(&arguments, name);
    free(made);
    return status;
}

const cli_command cli_data = {
    .name = "data",
    .summary = "say what a file or folder of examples is taken for",
    .details =
        "Formats: folders, .zip and .tar files of PNG and JPEG files, .npz, .npy, IDX, CSV, CIFAR's binary files\n"
        "(docs/data.md). What is said behind a colon counts too, as in photos:size=64x64.",
    .examples = "duet data photos --size 64x64 --out sheet.png\n"
                "duet data table.csv --labels species --convert table.npz",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
};
