/* SPDX-License-Identifier: MIT */
/* The text of a kernel file: a learner's own copy in $DUET_CL_PATH where there is one, else what the library carries.
 */
#include "device/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "device/device.h"

enum { LARGEST_SOURCE = 1 << 20 };

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

/** *text stays NULL if the folder does not have the file. */
static duet_status read_override(const char *folder, const char *file, char **text, duet_error *error)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", folder, file);
    if (length < 0 || (size_t)length >= sizeof path)
        return duet_fail(error, DUET_ERROR_USAGE, "DUET_CL_PATH is too long: %zu characters", strlen(folder));
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        if (errno == ENOENT) return DUET_OK;
        return duet_fail(error, DUET_ERROR_FILE, "cannot open %s (from DUET_CL_PATH): %s", path, strerror(errno));
    }
    *text = read_stream(stream, path, error);
    fclose(stream);
    return *text != NULL ? DUET_OK : DUET_ERROR_FILE;
}

static char *find_source(const char *file, duet_error *error)
{
    const char *folder = getenv("DUET_CL_PATH");
    if (folder != NULL && folder[0] != '\0') {
        char *text = NULL;
        if (read_override(folder, file, &text, error) != DUET_OK || text != NULL) return text;
    }
    for (const duet_embedded_source *row = duet_embedded_sources; row->file != NULL; row++) {
        if (strcmp(row->file, file) != 0) continue;
        char *copy = strdup(row->text);
        if (copy == NULL) duet_fail(error, DUET_ERROR_MEMORY, "no memory for the kernel source %s", file);
        return copy;
    }
    duet_fail(error, DUET_ERROR_USAGE, "the library has no kernel file %s (cl/meson.build lists them)", file);
    return NULL;
}

/* A line #include "file" is replaced by that file's text: OpenCL compilers have no folder to look into. */
char *duet_cl_source(const char *file, duet_error *error)
{
    static const char include[] = "#include \"";
    char *text = find_source(file, error), *from = text, *line;
    duet_text whole = {0};
    bool found = text != NULL;
    while (found && (line = strstr(from, include)) != NULL) {
        char *name = line + strlen(include), *end = strchr(name, '"');
        if (end == NULL) break; /* which the compiler reports */
        *end = '\0';
        char *included = duet_cl_source(name, error);
        found = included != NULL;
        if (found) duet_text_add(&whole, "%.*s%s", (int)(line - from), from, included);
        free(included);
        from = end + 1;
    }
    if (found) duet_text_add(&whole, "%s", from);
    if (found && whole.failed) duet_fail(error, DUET_ERROR_MEMORY, "no memory for the kernel source %s", file);
    free(text);
    if (!found || whole.failed) duet_text_free(&whole);
    return whole.data;
}
