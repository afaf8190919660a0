/* SPDX-License-Identifier: MIT */
/* What the files of one run say. Only run.json must be there; of all else the page says that it is missing. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "report/page.h"

enum { STAGES = 6, NAME_SIZE = 64 };

char *duet_page_read(const char *path, size_t *size, const char **fault)
{
    FILE *file = duet_file_open(path, fault);
    struct stat about;
    *size = 0;
    if (file == NULL) return NULL;
    char *text = fstat(fileno(file), &about) == 0 ? malloc((size_t)about.st_size + 1) : NULL;
    if (text != NULL) {
        *size = fread(text, 1, (size_t)about.st_size, file);
        text[*size] = '\0';
    }
    const int code = errno;
    const bool failed = text != NULL && ferror(file) != 0;
    (void)fclose(file); /* only read from */
    if (failed) {
        free(text);
        text = NULL;
    }
    errno = code;
    if (failed) *fault = strerror(code);
    if (text == NULL && !failed) *fault = "out of memory";
    return text;
}

duet_status duet_page_read_if_there(const char *path, char **text, size_t *size, duet_error *error)
{
    const char *fault;
    *text = duet_page_read(path, size, &fault);
    const int code = errno;
    struct stat about;
    if (*text != NULL) return DUET_OK;
    if ((code == ENOENT || code == ENOTDIR) && lstat(path, &about) != 0) return DUET_OK; /* else a link to nowhere */
    return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be read: %s", path, fault);
}

json_t *duet_page_text(const char *text)
{
    size_t size = strlen(text) + 1;
    json_t *value = json_string(text);
    char *clean = value == NULL ? malloc(size) : NULL;
    if (clean == NULL) return value;
    duet_text_clean(text, clean, size);
    value = json_string(clean);
    free(clean);
    return value;
}

/* The path of a run up to its directory, and what stands in front of its page's files: "", or "best-" for a checkpoint
 * best.safetensors. */
static size_t directory_length(const char *run, const char **checkpoint, size_t *checkpoint_length)
{
    static const char ending[] = ".safetensors";
    size_t length = strlen(run), cut = sizeof ending - 1;
    *checkpoint = "";
    *checkpoint_length = 0;
    while (length > 1 && run[length - 1] == '/') length--;
    if (length <= cut || strncmp(run + length - cut, ending, cut) != 0) return length;
    size_t slash = length;
    while (slash > 0 && run[slash - 1] != '/') slash--;
    *checkpoint = run + slash;
    *checkpoint_length = length - slash - cut;
    if (*checkpoint_length == strlen("checkpoint") && strncmp(*checkpoint, "checkpoint", *checkpoint_length) == 0)
        *checkpoint_length = 0;
    return slash > 1 ? slash - 1 : slash;
}

char *duet_page_file(const char *run, const char *name)
{
    const char *checkpoint;
    size_t checkpoint_length, length = directory_length(run, &checkpoint, &checkpoint_length);
    size_t size = strlen(run) + strlen(name) + 4;
    char *path = malloc(size);
    if (path == NULL) return NULL;
    snprintf(path, size, "%.*s%s%.*s%s%s", (int)length, run, length > 0 ? "/" : "", (int)checkpoint_length, checkpoint,
             checkpoint_length > 0 ? "-" : "", name);
    return path;
}

/* A file of the directory itself, whatever checkpoint is meant. */
static char *file_of_run(const char *run, const char *name)
{
    const char *checkpoint;
    size_t checkpoint_length, length = directory_length(run, &checkpoint, &checkpoint_length);
    size_t size = length + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL) snprintf(path, size, "%.*s%s%s", (int)length, run, length > 0 ? "/" : "", name);
    return path;
}

/* The last part of the run's path: what people call it. */
static json_t *name_of(const char *run)
{
    const char *checkpoint, *start = run;
    size_t checkpoint_length, length = directory_length(run, &checkpoint, &checkpoint_length);
    for (size_t i = 0; i + 1 < length; i++)
        if (run[i] == '/') start = run + i + 1;
    duet_text name = {0};
    duet_text_add(&name, "%.*s", (int)(length - (size_t)(start - run)), start);
    if (checkpoint_length > 0) duet_text_add(&name, " (%.*s)", (int)checkpoint_length, checkpoint);
    json_t *value = duet_page_text(duet_text_get(&name));
    duet_json_keep(&value, !name.failed);
    duet_text_free(&name);
    return value;
}

/* Pictures. */

/* "epoch-0012.png" or "epoch-0012-reconstruction.png". */
static bool is_drawing(const char *name, const char *ending)
{
    size_t digits = strncmp(name, "epoch-", 6) == 0 ? strspn(name + 6, "0123456789") : 0;
    return digits > 0 && strcmp(name + 6 + digits, ending) == 0;
}

static int compare_names(const void *a, const void *b)
{
    const char *left = a, *right = b;
    size_t left_length = strlen(left), right_length = strlen(right);
    if (left_length != right_length) return left_length < right_length ? -1 : 1; /* past 9999 they grow */
    return strcmp(left, right);
}

/* The names of an epoch's drawings in the run's samples, in order; the caller frees them. */
static char (*list_drawings(const char *folder, const char *ending, size_t *count))[NAME_SIZE]
{
    DIR *listing = opendir(folder);
    char(*names)[NAME_SIZE] = NULL;
    size_t room = 0;
    *count = 0;
    for (struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;) {
        if (!is_drawing(entry->d_name, ending) || strlen(entry->d_name) >= NAME_SIZE) continue;
        if (*count == room) {
            room = 2 * room + 16;
            char(*more)[NAME_SIZE] = realloc(names, room * sizeof *names);
            if (more == NULL) break;
            names = more;
        }
        strcpy(names[(*count)++], entry->d_name);
    }
    if (listing != NULL) (void)closedir(listing);
    if (*count > 0) qsort(names, *count, sizeof *names, compare_names);
    return names;
}

static void add_drawing(json_t **pictures, const char *kind, const char *folder, const char *name, size_t *bytes_left)
{
    char *path = duet_path_join(folder, name);
    char words[NAME_SIZE];
    snprintf(words, sizeof words, "after epoch %lu", strtoul(name + 6, NULL, 10));
    json_t *picture = json_pack("{s:s, s:s}", "kind", kind, "words", words);
    duet_json_keep(&picture, path != NULL);
    if (path != NULL) duet_page_put_picture(&picture, path, bytes_left);
    duet_json_append(pictures, picture);
    free(path);
}

/* What training drew: the newest, or a few from the first to the newest. */
static void add_drawings(json_t **pictures, const char *run, const char *kind, const char *ending, size_t stages,
                         size_t *bytes_left)
{
    size_t count;
    char *folder = file_of_run(run, "samples");
    char(*names)[NAME_SIZE] = folder == NULL ? NULL : list_drawings(folder, ending, &count);
    if (names != NULL && stages > count) stages = count;
    for (size_t i = 0; names != NULL && i < stages; i++)
        add_drawing(pictures, kind, folder, names[stages == 1 ? count - 1 : i * (count - 1) / (stages - 1)],
                    bytes_left);
    free(names);
    free(folder);
}

/* Pictures that the evaluation names, read from the folder of pages. */
static void add_pictures(json_t **pictures, const char *run, json_t *evaluation, const duet_page_wish *wish,
                         size_t *bytes_left)
{
    json_t *listed;
    size_t i;
    json_array_foreach(json_object_get(evaluation, "pictures"), i, listed)
    {
        const char *kind = json_string_value(json_object_get(listed, "kind"));
        const char *file = json_string_value(json_object_get(listed, "file"));
        const bool has_file = file != NULL && strchr(file, '/') == NULL;
        if (kind == NULL || (!wish->alone && strcmp(kind, "blind") == 0)) continue;
        json_t *picture = json_deep_copy(listed);
        char *path = has_file ? duet_page_file(run, "report") : NULL;
        char *whole = path == NULL ? NULL : duet_path_join(path, file);
        duet_json_keep(&picture, whole != NULL || !has_file);
        if (whole != NULL) duet_page_put_picture(&picture, whole, bytes_left);
        duet_json_append(pictures, picture);
        free(whole);
        free(path);
    }
}

static json_t *collect_pictures(const char *run, json_t *evaluation, const duet_page_wish *wish)
{
    json_t *pictures = json_array();
    size_t left = wish->picture_bytes;
    if (wish->pictures && evaluation != NULL) add_pictures(&pictures, run, evaluation, wish, &left);
    if (wish->pictures && evaluation == NULL) {
        add_drawings(&pictures, run, "samples", ".png", 1, &left);
        add_drawings(&pictures, run, "reconstructions", "-reconstruction.png", 1, &left);
    }
    if (wish->pictures && wish->alone) add_drawings(&pictures, run, "stage", ".png", STAGES, &left);
    return pictures;
}

/* Files. */

static duet_status out_of_memory(duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a page");
}

static json_t *read_run(const char *run, const char *path, duet_error *error)
{
    size_t size;
    const char *unread;
    char *text = duet_page_read(path, &size, &unread);
    json_error_t fault;
    struct stat about;
    if (text == NULL) {
        const int code = errno;
        if (code == ENOTDIR)
            duet_fail(error, DUET_ERROR_FILE, "%s is no run's directory: it is a file", run);
        else if (code == ENOENT && lstat(path, &about) != 0)
            duet_fail(error, DUET_ERROR_FILE, "%s is no run's directory: there is no file %s", run, path);
        else
            duet_fail(error, DUET_ERROR_FILE, "%s: cannot be read: %s", path, unread);
        return NULL;
    }
    json_t *parsed = duet_json_read(text, size, 0, &fault);
    const bool parsed_whole = parsed != NULL, short_memory = parsed == NULL && errno == ENOMEM;
    free(text);
    if (json_is_object(parsed)) return parsed;
    json_decref(parsed);
    if (short_memory)
        (void)out_of_memory(error);
    else
        duet_fail(error, DUET_ERROR_DATA, "%s is no description of a run: %s", path,
                  parsed_whole ? "no JSON object" : fault.text);
    return NULL;
}

/* NULL: there is none, or what a crash left of one. */
static duet_status read_evaluation(const char *path, json_t **evaluation, duet_error *error)
{
    size_t size;
    char *text;
    DUET_TRY(duet_page_read_if_there(path, &text, &size, error));
    *evaluation = text == NULL ? NULL : duet_json_read(text, size, 0, NULL);
    const bool sound = text == NULL || json_is_object(*evaluation);
    const bool short_memory = !sound && *evaluation == NULL && errno == ENOMEM;
    free(text);
    if (sound) return DUET_OK;
    if (short_memory) return out_of_memory(error);
    json_decref(*evaluation);
    *evaluation = NULL;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s is no JSON object: put back the one that was there, or remove it and name the judge anew",
                     path);
}

static char *checkpoint_of(const char *run)
{
    const char *checkpoint;
    size_t checkpoint_length, length = directory_length(run, &checkpoint, &checkpoint_length);
    size_t size = strlen(run) + sizeof "/checkpoint.safetensors";
    char *path = malloc(size);
    if (path == NULL) return NULL;
    snprintf(path, size, "%.*s%s%.*s.safetensors", (int)length, run, length > 0 ? "/" : "",
             checkpoint_length > 0 ? (int)checkpoint_length : (int)strlen("checkpoint"),
             checkpoint_length > 0 ? checkpoint : "checkpoint");
    return path;
}

/* A safetensors file begins with the length of its header, which is JSON. Null: it cannot be read; NULL: out of memory.
 */
static json_t *read_header(const char *path)
{
    enum { LENGTH_BYTES = 8, MOST = 64 << 20 };
    const char *fault;
    FILE *file = duet_file_open(path, &fault);
    uint64_t length = 0;
    json_t *header = NULL;
    if (file == NULL) return json_null();
    bool whole = fread(&length, 1, LENGTH_BYTES, file) == LENGTH_BYTES && length > 0 && length < MOST;
    char *text = whole ? malloc((size_t)length) : NULL;
    bool short_memory = whole && text == NULL;
    if (text != NULL && fread(text, 1, (size_t)length, file) == length) {
        header = duet_json_read(text, length, 0, NULL);
        short_memory = header == NULL && errno == ENOMEM;
    }
    free(text);
    (void)fclose(file);
    return header != NULL || short_memory ? header : json_null();
}

/* What the checkpoint says of itself; null: there is none yet; NULL: out of memory. */
static json_t *checkpoint_json(const char *run)
{
    char *path = checkpoint_of(run);
    json_t *header = path == NULL ? NULL : read_header(path), *about = json_object_get(header, "__metadata__");
    const char *step = json_string_value(json_object_get(about, "duet.step"));
    const char *sum = json_string_value(json_object_get(about, "duet.crc32"));
    json_t *made = header == NULL ? NULL
                   : step == NULL || sum == NULL
                       ? json_null()
                       : json_pack("{s:I, s:s}", "step", (json_int_t)strtoull(step, NULL, 10), "checksum", sum);
    json_decref(header);
    free(path);
    return made;
}

/* What the checkpoint is, and whether the evaluation is of it. */
static void put_checkpoint(json_t **into, const char *run, json_t *evaluation)
{
    json_t *checkpoint = checkpoint_json(run);
    if (json_is_object(checkpoint))
        duet_json_set(
            into, "evaluation_is_old",
            json_boolean(evaluation != NULL && !json_equal(json_object_get(evaluation, "checkpoint"), checkpoint)));
    duet_json_set(into, "checkpoint", checkpoint);
}

static bool is_left_out(json_t *evaluation, json_t *setting)
{
    json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(evaluation, "settings_left_out"), i, entry)
    {
        if (json_equal(json_object_get(entry, "setting"), setting)) return true;
    }
    return false;
}

/* With which settings of use the evaluation was made, as one text. */
static void put_use(json_t **into, json_t *evaluation)
{
    json_t *setting;
    size_t i;
    duet_text text = {0};
    json_array_foreach(json_object_get(evaluation, "settings"), i, setting)
    {
        if (json_is_string(setting) && !is_left_out(evaluation, setting))
            duet_text_add(&text, "%s%s", text.length > 0 ? " " : "", json_string_value(setting));
    }
    if (text.length == 0) duet_text_add(&text, "nothing");
    duet_json_keep(into, !text.failed);
    duet_json_set(into, "use", evaluation == NULL ? json_null() : json_string(duet_text_get(&text)));
    duet_text_free(&text);
}

static void put_size_of_checkpoint(json_t **cost, const char *run)
{
    char *path = checkpoint_of(run);
    struct stat about;
    if (path != NULL && stat(path, &about) == 0)
        duet_json_set(cost, "checkpoint_bytes", json_integer((json_int_t)about.st_size));
    duet_json_keep(cost, path != NULL);
    free(path);
}

/* Bytes on the device while training, if the evaluation measured them. */
static void put_memory(json_t **cost, json_t *evaluation)
{
    json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(evaluation, "metrics"), i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        if (name != NULL && strcmp(name, "memory-mib") == 0)
            duet_json_set(cost, "memory_bytes",
                          json_real(1048576 * json_number_value(json_object_get(entry, "value"))));
    }
}

static json_int_t sum_of(json_t *numbers)
{
    const char *name;
    json_t *value;
    json_int_t sum = 0;
    json_object_foreach(numbers, name, value) sum += json_integer_value(value);
    return sum;
}

/* The metric by which the epoch of this state was chosen on the test examples; null: it was not. */
static void put_choice(json_t **made, const char *run, const json_t *file)
{
    const char *checkpoint;
    size_t length;
    (void)directory_length(run, &checkpoint, &length);
    json_t *by = json_object_get(json_object_get(file, "watch"), "best");
    const bool is_best = length == strlen("best") && strncmp(checkpoint, "best", length) == 0 && json_is_string(by);
    duet_json_set(made, "chosen_by", is_best ? json_incref(by) : json_null());
}

json_t *duet_page_collect(const char *run, const duet_page_wish *wish, duet_error *error)
{
    static const char *const kept[] = {"model",    "settings",   "data",   "batch",  "seed",
                                       "steps",    "epochs",     "gemm",   "device", "environment",
                                       "versions", "parameters", "states", "resumed"};
    char *path = file_of_run(run, "run.json"), *losses = file_of_run(run, "metrics.jsonl");
    char *evaluated = duet_page_file(run, "evaluation.json");
    json_t *file = NULL, *evaluation = NULL, *made = NULL, *cost = NULL;
    duet_status status = DUET_OK;
    if (path == NULL || losses == NULL || evaluated == NULL)
        (void)out_of_memory(error);
    else
        file = read_run(run, path, error);
    if (file != NULL) {
        made = json_pack("{s:o, s:o}", "run", duet_page_text(run), "name", name_of(run));
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
            json_t *value = json_object_get(file, kept[i]);
            duet_json_set(&made, kept[i], value != NULL ? json_incref(value) : json_null());
        }
        status = duet_page_collect_losses(losses, &made, &cost, error);
        if (status == DUET_OK) status = read_evaluation(evaluated, &evaluation, error);
        duet_json_set(&made, "evaluation", evaluation != NULL ? json_incref(evaluation) : json_null());
        duet_page_put_facts(&made, file);
        put_checkpoint(&made, run, evaluation);
        put_use(&made, evaluation);
        put_choice(&made, run, file);
        duet_json_set(&cost, "parameters", json_integer(sum_of(json_object_get(file, "parameters"))));
        put_size_of_checkpoint(&cost, run);
        put_memory(&cost, evaluation);
        duet_json_set(&made, "cost", cost);
        duet_json_set(&made, "pictures", collect_pictures(run, evaluation, wish));
        if (status == DUET_OK && made == NULL) status = out_of_memory(error);
    }
    json_decref(evaluation);
    json_decref(file);
    free(evaluated);
    free(losses);
    free(path);
    if (status == DUET_OK) return made;
    json_decref(made);
    return NULL;
}
