/* SPDX-License-Identifier: MIT */
/* Arbitrary bytes as each kind of file that Duet reads, and as settings: a parser may refuse them in words, and must do
 * nothing else. Which kind, the program's name says: fuzz_data, fuzz_run and so on are links to one program. With
 * libFuzzer (clang, meson -Dfuzz=true) it makes up the bytes; else its own main reads the files named, and those of
 * folders named: usage: fuzz_KIND PATH... */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/picture.h"
#include "duet/data.h"
#include "duet/model.h"
#include "duet/report.h"
#include "model/settings.h"
#include "run/metrics_file.h"
#include "run/run_file.h"
#include "run/safetensors.h"
#include "tune/tuning_file.h"

enum { MOST_BYTES = 1 << 20, ROWS = 4, PATH_ROOM = 4096 };

static char folder[64]; /* of this process, with the file that is read */

static void stop(const char *what)
{
    perror(what);
    abort();
}

static void remove_folder(void)
{
    static const char *const names[] = {"data", "data.csv", "run.json", "metrics.jsonl", "report.html"};
    char path[PATH_ROOM];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)remove(path);
    }
    (void)rmdir(folder);
}

/* Writes the bytes as a file of that name in the folder; its path. */
static const char *put(const char *name, const void *bytes, size_t count)
{
    static char path[PATH_ROOM];
    if (*folder == '\0') {
        (void)snprintf(folder, sizeof folder, "%s/duet-fuzz-XXXXXX",
                       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (mkdtemp(folder) == NULL || atexit(remove_folder) != 0) stop(folder);
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, count, file) != count || fclose(file) != 0) stop(path);
    return path;
}

static void read_split(duet_data *data, duet_split split)
{
    const duet_data_info *info = duet_data_describe(data);
    size_t count = info->count[split] < ROWS ? info->count[split] : ROWS, elements = duet_shape_elements(info->shape);
    uint8_t labels[ROWS];
    if (elements > MOST_BYTES) return;
    float *values = malloc(ROWS * elements * sizeof *values);
    if (values == NULL) return;
    (void)duet_data_read(data, split, 0, count, values, NULL);
    (void)duet_data_read(data, split, info->count[split] - count, count, values, NULL);
    (void)duet_data_labels(data, split, 0, count, labels, NULL);
    free(values);
}

/* Any format of data: which it is, its bytes say. */
static void fuzz_data(const uint8_t *bytes, size_t count)
{
    duet_data *data;
    if (duet_data_open(&data, put("data", bytes, count), NULL) != DUET_OK) return;
    read_split(data, DUET_TRAIN);
    read_split(data, DUET_TEST);
    duet_data_close(&data);
}

/* A text of columns, with labels or without, whose numbers may be bytes. */
static void fuzz_csv(const uint8_t *bytes, size_t count)
{
    static const char *const options[] = {"", ":labels=kind", ":values=bytes,labels=kind"};
    const char *path = put("data.csv", bytes, count);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        char name[PATH_ROOM + 64];
        duet_data *data;
        (void)snprintf(name, sizeof name, "%s%s", path, options[i]);
        if (duet_data_open(&data, name, NULL) != DUET_OK) continue;
        read_split(data, DUET_TRAIN);
        read_split(data, DUET_TEST);
        duet_data_close(&data);
    }
}

/* A picture file, decoded and fitted. */
static void fuzz_picture(const uint8_t *bytes, size_t count)
{
    enum { EXTENT = 5, MOST_PIXELS = 1 << 22 };
    const duet_picture_file file = {.name = "picture", .bytes = bytes, .length = count};
    duet_picture_header header;
    duet_picture picture;
    uint8_t fitted[EXTENT * EXTENT * 3];
    if (duet_picture_examine(&file, &header, NULL) != DUET_OK || header.height * header.width > MOST_PIXELS) return;
    if (duet_picture_decode(&file, &picture, NULL) != DUET_OK) return;
    if (picture.height != header.height || picture.width != header.width) stop("a picture unlike its header");
    (void)duet_picture_fit(&picture, "picture", EXTENT, EXTENT, 3, fitted, NULL);
    duet_picture_free(&picture);
}

static void fuzz_checkpoint(const uint8_t *bytes, size_t count)
{
    duet_safetensors *file;
    const duet_tensor_row *row;
    if (duet_safetensors_open(&file, put("data", bytes, count), NULL) != DUET_OK) return;
    for (size_t i = 0; (row = duet_safetensors_at(file, i)) != NULL; i++) {
        void *values = row->bytes <= count ? malloc(row->bytes + 1) : NULL;
        if (values == NULL) stop("a tensor larger than its file");
        (void)duet_safetensors_read(file, row, values, NULL);
        free(values);
    }
    (void)duet_safetensors_metadata(file, "step");
    duet_safetensors_close(&file);
}

static void fuzz_run(const uint8_t *bytes, size_t count)
{
    duet_run_file file = {0};
    (void)put("run.json", bytes, count);
    (void)duet_run_file_read(&file, folder, NULL);
    duet_run_file_free(&file);
}

/* The reports of a run, read to go on with it and for its page. */
static void fuzz_metrics(const uint8_t *bytes, size_t count)
{
    static const char run[] = "{\"model\": \"vae\", \"data\": \"ring8\"}";
    const char *runs[] = {folder};
    char page[PATH_ROOM];
    duet_metrics_file file = {0};
    duet_metrics_past told;
    (void)put("run.json", run, sizeof run - 1);
    (void)put("metrics.jsonl", bytes, count);
    (void)snprintf(page, sizeof page, "%s/report.html", folder);
    (void)duet_page_write(page, runs, 1, NULL);
    if (duet_metrics_open(&file, folder, 1000, &told, NULL) == DUET_OK) duet_metrics_close(&file);
}

/* A file of a device's tuning, and what a run records of it, which is not held against the device's name. */
static void fuzz_tuning(const uint8_t *bytes, size_t count)
{
    static duet_device *device;
    json_t *document = NULL, *record = json_loadb((const char *)bytes, count, 0, NULL);
    duet_tuning tuning = {0};
    if (device == NULL && duet_device_open(&device, NULL, NULL) != DUET_OK) stop("there is no OpenCL device");
    (void)duet_tuning_document_read(put("data", bytes, count), device, &document, NULL);
    if (record != NULL && duet_tuning_from_json(&tuning, record, device, "fuzz", NULL) == DUET_OK)
        duet_tuning_clear(&tuning);
    json_decref(document);
    json_decref(record);
}

/* Lines of key=value, as --set gives them, after one with the family's name. */
static void fuzz_settings(const uint8_t *bytes, size_t count)
{
    enum { PAIRS = 16 };
    const char *pairs[PAIRS];
    size_t pair_count = 0;
    char *text = malloc(count + 1), *rest = NULL;
    if (text == NULL) return;
    memcpy(text, bytes, count);
    text[count] = '\0';
    for (char *word = strtok_r(text, "\n", &rest); word != NULL && pair_count < PAIRS;
         word = strtok_r(NULL, "\n", &rest))
        pairs[pair_count++] = word;
    const duet_family *family = pair_count > 0 ? duet_family_find(pairs[0]) : NULL;
    duet_settings settings = {0};
    if (family != NULL) (void)duet_settings_read(&settings, family, pairs + 1, pair_count - 1, NULL);
    duet_settings_free(&settings);
    free(text);
}

static const struct {
    const char *name;
    void (*read)(const uint8_t *bytes, size_t count);
} kinds[] = {
    {"data", fuzz_data},     {"checkpoint", fuzz_checkpoint}, {"run", fuzz_run}, {"metrics", fuzz_metrics},
    {"tuning", fuzz_tuning}, {"settings", fuzz_settings},     {"csv", fuzz_csv}, {"picture", fuzz_picture},
};
static size_t kind;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const size_t count = sizeof kinds / sizeof *kinds;
    const char *name = *argc > 0 ? strrchr((*argv)[0], '_') : NULL;
    for (kind = 0; kind < count; kind++)
        if (name != NULL && strcmp(name + 1, kinds[kind].name) == 0) return 0;
    fputs("the name of this program says what is read: fuzz_", stderr);
    for (size_t i = 0; i < count; i++) fprintf(stderr, "%s%s", i == 0 ? "" : ", fuzz_", kinds[i].name);
    fputs("\n", stderr);
    exit(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    kinds[kind].read(bytes, count);
    return 0;
}

#ifndef FUZZ_LIBFUZZER
static size_t read_one(const char *path)
{
    static uint8_t bytes[MOST_BYTES];
    FILE *file = fopen(path, "rb");
    if (file == NULL) stop(path);
    size_t count = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    /* of the length exactly, so that a sanitizer sees a read past its end */
    uint8_t *exact = malloc(count + (count == 0));
    if (exact == NULL) stop(path);
    memcpy(exact, bytes, count);
    (void)LLVMFuzzerTestOneInput(exact, count);
    free(exact);
    return 1;
}

static size_t read_all(const char *path)
{
    char file[PATH_ROOM];
    size_t count = 0;
    DIR *listing = opendir(path);
    if (listing == NULL) return read_one(path);
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        count += read_one(file);
    }
    (void)closedir(listing);
    return count;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    (void)LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) count += read_all(argv[i]);
    printf("%s: %zu files read\n", kinds[kind].name, count);
    return count > 0 ? 0 : 1;
}
#endif
