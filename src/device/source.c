/* SPDX-License-Identifier: MIT */
/* The text of a kernel file: a learner's own copy in $DUET_CL_PATH where there is one, else what the library carries.
 */
#include "device/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checksum.h"
#include "base/file.h"
#include "base/text.h"
#include "device/record.h"

enum { LARGEST_SOURCE = 1 << 20, DEEPEST = 8 };

static const char include[] = "#include \"";
static const char generated[] = "generated"; /* the name of a text that is no file of cl/ */

/* The files that lead to one another, the innermost first. */
typedef struct nest {
    const char *file;
    const struct nest *outer;
    size_t depth;
} nest;

/** NULL: no folder takes the place of what is built in. */
static const char *override_folder(void)
{
    const char *folder = getenv("DUET_CL_PATH");
    return folder != NULL && folder[0] != '\0' ? folder : NULL;
}

static char *read_stream(FILE *stream, const char *path, duet_error *error)
{
    char *text = malloc(LARGEST_SOURCE + 1);
    if (text == NULL) {
        duet_fail(error, DUET_ERROR_MEMORY, "no memory to read %s", path);
        return NULL;
    }
    size_t length = fread(text, 1, LARGEST_SOURCE + 1, stream);
    if (ferror(stream) || length > LARGEST_SOURCE) {
        duet_fail(error, DUET_ERROR_FILE, "cannot read %s: %s", path,
                  ferror(stream) ? strerror(errno) : "it is longer than 1 MiB, which no kernel file is");
        free(text);
        return NULL;
    }
    text[length] = '\0';
    return text;
}

/** Also a link that leads nowhere: somebody meant it to be read. */
static bool is_there(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0;
}

/** *text stays NULL if the folder does not have the file. */
static duet_status read_override(const char *folder, const char *file, char **text, duet_error *error)
{
    char path[4096];
    const char *words;
    int length = snprintf(path, sizeof path, "%s/%s", folder, file);
    if (length < 0 || (size_t)length >= sizeof path)
        return duet_fail(error, DUET_ERROR_USAGE, "DUET_CL_PATH is too long: %zu characters", strlen(folder));
    FILE *stream = duet_file_open(path, &words);
    if (stream == NULL) {
        if ((errno == ENOENT || errno == ENOTDIR) && !is_there(path)) return DUET_OK;
        return duet_fail(error, DUET_ERROR_FILE, "cannot open %s (from DUET_CL_PATH): %s", path, words);
    }
    *text = read_stream(stream, path, error);
    (void)fclose(stream); /* only read from */
    return *text != NULL ? DUET_OK : DUET_ERROR_FILE;
}

static char *find_source(const char *file, duet_error *error)
{
    const char *folder = override_folder();
    if (folder != NULL) {
        char *text = NULL;
        if (read_override(folder, file, &text, error) != DUET_OK || text != NULL) return text;
    }
    for (const duet_embedded_source *row = duet_embedded_sources; row->file != NULL; row++) {
        if (strcmp(row->file, file) != 0) continue;
        char *copy = strdup(row->text);
        if (copy == NULL) duet_fail(error, DUET_ERROR_MEMORY, "no memory for the kernel source %s", file);
        return copy;
    }
    duet_fail(error, DUET_ERROR_USAGE, "there is no kernel file %s: cl/ does not have it%s%s", file,
              folder != NULL ? ", nor has DUET_CL_PATH=" : "", folder != NULL ? folder : "");
    return NULL;
}

/** "a.cl, which b.cl includes, which ..." */
static duet_status fail_nested(const nest *here, duet_error *error)
{
    duet_text words = {0};
    for (const nest *at = here; at != NULL; at = at->outer)
        duet_text_add(&words, "%s%s", at == here ? "" : at == here->outer ? ", included by " : ", by ", at->file);
    duet_status status =
        duet_fail(error, DUET_ERROR_FILE, "kernel files include each other without end, or over %d deep: %.600s",
                  DEEPEST, duet_text_get(&words));
    duet_text_free(&words);
    return status;
}

static duet_status check_nest(const nest *here, duet_error *error)
{
    bool again = here->depth > DEEPEST;
    for (const nest *at = here->outer; at != NULL; at = at->outer) again = again || strcmp(at->file, here->file) == 0;
    return again ? fail_nested(here, error) : DUET_OK;
}

static char *expand(const char *file, const nest *outer, duet_error *error);

/** The next line that begins with #include "; NULL: there is none. */
static char *find_include(char *from)
{
    char *line = strstr(from, include);
    while (line != NULL && line != from && line[-1] != '\n') line = strstr(line + 1, include);
    return line;
}

/** Compilers name lines by these words; only where a folder is edited, since what is built in keeps its text, by which
 *  drivers know what they have compiled. */
static void add_place(duet_text *whole, const char *file, size_t line)
{
    if (override_folder() != NULL) duet_text_add(whole, "\n#line %zu \"%s\"\n", line, file);
}

/* A line #include "file" is replaced by that file's text: OpenCL compilers have no folder to look into. */
static bool expand_text(char *text, const nest *here, duet_text *whole, duet_error *error)
{
    char *from = text, *line;
    size_t number = 1;
    add_place(whole, here->file, number);
    while ((line = find_include(from)) != NULL) {
        char *name = line + strlen(include), *end = strchr(name, '"');
        if (end == NULL) break; /* which the compiler reports */
        *end = '\0';
        char *included = expand(name, here, error);
        if (included == NULL) return false;
        for (const char *at = from; at < line; at++) number += *at == '\n';
        duet_text_add(whole, "%.*s%s", (int)(line - from), from, included);
        free(included);
        from = end + 1;
        if (*from == '\n' && override_folder() != NULL) from++;
        add_place(whole, here->file, ++number);
        if (whole->length > LARGEST_SOURCE && here->file != generated) {
            duet_fail(error, DUET_ERROR_FILE, "the kernel file %s is longer than 1 MiB with all that it includes",
                      here->file);
            return false;
        }
    }
    duet_text_add(whole, "%s", from);
    if (whole->failed) duet_fail(error, DUET_ERROR_MEMORY, "no memory for the kernel source %s", here->file);
    return !whole->failed;
}

static char *expand(const char *file, const nest *outer, duet_error *error)
{
    const nest here = {file, outer, outer == NULL ? 0 : outer->depth + 1};
    duet_text whole = {0};
    if (check_nest(&here, error) != DUET_OK) return NULL;
    char *text = find_source(file, error);
    if (text == NULL) return NULL;
    if (!expand_text(text, &here, &whole, error)) duet_text_free(&whole);
    free(text);
    return whole.data;
}

char *duet_cl_source(const char *file, duet_error *error)
{
    return expand(file, NULL, error);
}

char *duet_cl_expand(const char *text, duet_error *error)
{
    const nest here = {generated, NULL, 0};
    duet_text whole = {0};
    char *copy = strdup(text);
    if (copy == NULL)
        duet_fail(error, DUET_ERROR_MEMORY, "no memory for the text of kernels");
    else if (!expand_text(copy, &here, &whole, error))
        duet_text_free(&whole);
    free(copy);
    return whole.data;
}

/* With all that it includes, which may be files that the library does not have. One that cannot be read counts too:
 * what needs it says so. */
static void add_replaced(const char *folder, const duet_embedded_source *row, uint64_t *sum)
{
    char *text = NULL;
    const duet_status status = read_override(folder, row->file, &text, NULL);
    const bool same = status == DUET_OK && (text == NULL || strcmp(text, row->text) == 0);
    free(text);
    if (same) return;
    text = expand(row->file, NULL, NULL);
    *sum = duet_checksum_add(*sum, row->file, strlen(row->file) + 1);
    if (text != NULL) *sum = duet_checksum_add(*sum, text, strlen(text) + 1);
    free(text);
}

const char *duet_kernels_replaced(char text[24])
{
    const char *folder = override_folder();
    uint64_t sum = DUET_CHECKSUM_BEGIN;
    text[0] = '\0';
    for (const duet_embedded_source *row = duet_embedded_sources; folder != NULL && row->file != NULL; row++)
        add_replaced(folder, row, &sum);
    if (sum != DUET_CHECKSUM_BEGIN) duet_checksum_text(sum, text);
    return text;
}

/* "a.cl, b.cl": the library's files, and those of them that lie in the folder too. */
static void list_files(const char *folder, duet_text *replaced, duet_text *all)
{
    for (const duet_embedded_source *row = duet_embedded_sources; row->file != NULL; row++) {
        char path[4096];
        const int length = snprintf(path, sizeof path, "%s/%s", folder, row->file);
        const bool there = length > 0 && (size_t)length < sizeof path && is_there(path);
        if (there) duet_text_add(replaced, "%s%s", replaced->length > 0 ? ", " : "", row->file);
        duet_text_add(all, "%s%s", all->length > 0 ? ", " : "", row->file);
    }
}

void duet_cl_source_name(duet_text *words)
{
    char sum[24];
    duet_text replaced = {0}, all = {0};
    if (duet_kernels_replaced(sum)[0] == '\0') return;
    list_files(override_folder(), &replaced, &all);
    duet_text_add(words, " with %.200s of DUET_CL_PATH=%.200s", duet_text_get(&replaced), override_folder());
    duet_text_free(&replaced);
    duet_text_free(&all);
}

void duet_cl_source_say(const duet_device *device)
{
    const char *folder = override_folder();
    duet_text replaced = {0}, all = {0};
    struct stat about;
    if (folder == NULL) return;
    list_files(folder, &replaced, &all);
    if (stat(folder, &about) != 0 || !S_ISDIR(about.st_mode))
        duet_device_say(device, "warning: DUET_CL_PATH=%s is no folder: the built-in kernels are used", folder);
    else if (replaced.length == 0)
        duet_device_say(device, "warning: DUET_CL_PATH=%s replaces nothing: it has none of %s", folder,
                        duet_text_get(&all));
    else
        duet_device_say(device, "DUET_CL_PATH=%s replaces %s", folder, duet_text_get(&replaced));
    duet_text_free(&replaced);
    duet_text_free(&all);
}
