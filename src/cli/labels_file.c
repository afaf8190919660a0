/* SPDX-License-Identifier: MIT */
/* The labels of an earlier array would be taken for those of what is written over it. */
#include "cli/labels_file.h"
#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *cli_labels_path(const char *path)
{
    const char *ending = strrchr(path, '.');
    size_t size = strlen(path) + sizeof "-labels";
    char *beside = malloc(size);
    if (beside != NULL) snprintf(beside, size, "%.*s-labels%s", (int)(ending - path), path, ending);
    return beside;
}

/* Whether it begins as an array does; *rows: its first extent, 0 if none is told. A pipe is not opened: it would wait
 * for ever. */
static bool is_array(const char *path, unsigned long long *rows)
{
    char head[256] = "";
    struct stat about;
    FILE *file = stat(path, &about) == 0 && S_ISREG(about.st_mode) ? fopen(path, "rb") : NULL;
    *rows = 0;
    if (file == NULL) return false;
    const size_t length = fread(head, 1, sizeof head - 1, file);
    (void)fclose(file); /* only read from */
    const char *shape = NULL;
    for (size_t i = 10; i < length && shape == NULL; i++) /* behind the bytes that tell the version and a length */
        if (strncmp(head + i, "'shape': (", 10) == 0) shape = head + i + 10;
    if (shape != NULL) *rows = strtoull(shape, NULL, 10);
    return length > 10 && memcmp(head, "\x93NUMPY", 6) == 0;
}

/* Labels that an earlier command left lie beside the array that it wrote before them, one for each row. Others are
 * somebody's own. */
static bool are_ours(const char *path, const char *beside)
{
    unsigned long long labels, rows;
    return is_array(beside, &labels) && is_array(path, &rows) && labels == rows;
}

static int drop(const char *path, const char *beside, bool labelled)
{
    struct stat about;
    const bool is_there = lstat(beside, &about) == 0;
    if (!is_there && (errno == ENOENT || errno == ENOTDIR)) return CLI_DONE;
    if (!is_there)
        return cli_complain(CLI_FAILED,
                            "%s, where labels of an earlier array may lie, cannot be looked at: %s: give --out another "
                            "name",
                            beside, strerror(errno));
    if (!are_ours(path, beside))
        return cli_complain(
            CLI_FAILED,
            "%s stands where labels of these examples belong, and is not what an earlier command left beside "
            "%s, an array of as many rows: give --out another name, or remove it if nobody wants it",
            beside, path);
    if (remove(beside) != 0 && errno != ENOENT) /* another program may have done it */
        return cli_complain(CLI_FAILED, "%s, labels of an earlier array, cannot be removed: %s", beside,
                            strerror(errno));
    if (!labelled) cli_print(stderr, "%s, labels of an earlier array, is removed: this one has none\n", beside);
    return CLI_DONE;
}

int cli_labels_drop(const char *path, bool labelled)
{
    if (!cli_ends_in(path, ".npy")) return CLI_DONE;
    char *beside = cli_labels_path(path);
    if (beside == NULL) return cli_complain(CLI_FAILED, "there is too little memory for a file name");
    int status = drop(path, beside, labelled);
    free(beside);
    return status;
}

int cli_array_write(const char *path, const float *values, duet_shape shape)
{
    duet_error error = {0};
    int status = cli_labels_drop(path, false);
    if (status != CLI_DONE) return status;
    return duet_write_npy(path, values, shape, &error) == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}
