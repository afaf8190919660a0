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

/* Whether it begins as an array does. A pipe is not opened: it would wait for ever. */
static bool is_array(const char *path)
{
    char head[6] = "";
    struct stat about;
    FILE *file = stat(path, &about) == 0 && S_ISREG(about.st_mode) ? fopen(path, "rb") : NULL;
    if (file == NULL) return false;
    bool is = fread(head, 1, sizeof head, file) == sizeof head && memcmp(head, "\x93NUMPY", sizeof head) == 0;
    (void)fclose(file); /* only read from */
    return is;
}

static int drop(const char *beside, bool labelled)
{
    struct stat about;
    const bool is_there = lstat(beside, &about) == 0;
    if (!is_there && (errno == ENOENT || errno == ENOTDIR)) return CLI_DONE;
    if (!is_there)
        return cli_complain(CLI_FAILED,
                            "%s, where labels of an earlier array may lie, cannot be looked at: %s: give --out another "
                            "name",
                            beside, strerror(errno));
    if (!is_array(beside))
        return cli_complain(CLI_FAILED,
                            "%s stands where labels of these examples belong, and is none of Duet's arrays: give --out "
                            "another name",
                            beside);
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
    int status = drop(beside, labelled);
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
