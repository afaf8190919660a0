/* SPDX-License-Identifier: MIT */
/* The labels of an earlier array would be taken for those of what is written over it, and labels that somebody made are
 * nobody else's to remove. So those that a command writes say that they are its own: by a header with a row of blanks
 * more than any array needs, which readers pass over. */
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

enum { HEADER = 192 /* bytes: numpy's own writer needs 128, and whole rows of 64 are the format's */ };

/* The header of labels that are written here. */
static void make_header(char header[HEADER], unsigned long long count)
{
    char text[HEADER];
    const int length =
        snprintf(text, sizeof text, "{'descr': '|u1', 'fortran_order': False, 'shape': (%llu,), }", count);
    memset(header, ' ', HEADER);
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (char)(unsigned char)(HEADER - 10);
    header[9] = 0;
    memcpy(header + 10, text, (size_t)length);
    header[HEADER - 1] = '\n';
}

/* The whole of a plain file and how many bytes it has; NULL: none, or more than `most`. The caller frees it. */
static char *read_whole(const char *path, size_t most, size_t *size)
{
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode) || (unsigned long long)about.st_size > most) return NULL;
    FILE *file = fopen(path, "rb");
    char *bytes = file == NULL ? NULL : malloc((size_t)about.st_size + 1);
    *size = bytes == NULL ? 0 : fread(bytes, 1, (size_t)about.st_size, file);
    if (bytes != NULL) bytes[*size] = '\0';
    if (file != NULL) (void)fclose(file); /* only read from */
    return bytes;
}

/* Labels that an earlier command left lie beside the array that it wrote before them, one for each row. Others are
 * somebody's own. *same: those to come are the same bytes. */
static bool may_go(const char *path, const char *beside, const uint8_t *labels, size_t count, bool *same)
{
    unsigned long long rows, said;
    char header[HEADER];
    size_t size;
    *same = false;
    if (!is_array(path, &rows) || !is_array(beside, &said) || said != rows) return false;
    char *bytes = read_whole(beside, rows + 2 * HEADER, &size);
    make_header(header, rows);
    const bool may = bytes != NULL && size == HEADER + rows && memcmp(bytes, header, HEADER) == 0;
    if (bytes != NULL && labels != NULL && rows == count && size > count && strstr(bytes + 10, "'|u1'") != NULL)
        *same = memcmp(bytes + size - count, labels, count) == 0;
    free(bytes);
    return may;
}

static int drop(const char *path, const char *beside, const uint8_t *labels, size_t count)
{
    struct stat about;
    const bool is_there = lstat(beside, &about) == 0;
    bool same;
    if (!is_there && (errno == ENOENT || errno == ENOTDIR)) return CLI_DONE;
    if (!is_there)
        return cli_complain(CLI_FAILED,
                            "%s, where labels of an earlier array may lie, cannot be looked at: %s: give --out another "
                            "name",
                            beside, strerror(errno));
    const bool may = may_go(path, beside, labels, count, &same);
    if (same) return CLI_DONE; /* what is written takes their place, and until then nothing is lost */
    if (!may)
        return cli_complain(
            CLI_FAILED,
            "%s stands where labels of these examples belong, and nothing says that an earlier command left it beside "
            "%s, an array of as many rows: give --out another name, or remove it if nobody wants it",
            beside, path);
    if (remove(beside) != 0 && errno != ENOENT) /* another program may have done it */
        return cli_complain(CLI_FAILED, "%s, labels of an earlier array, cannot be removed: %s", beside,
                            strerror(errno));
    if (labels == NULL) cli_print(stderr, "%s, labels of an earlier array, is removed: this one has none\n", beside);
    return CLI_DONE;
}

int cli_labels_drop(const char *path, const uint8_t *labels, size_t count)
{
    if (!cli_ends_in(path, ".npy")) return CLI_DONE;
    char *beside = cli_labels_path(path);
    if (beside == NULL) return cli_complain(CLI_FAILED, "there is too little memory for a file name");
    int status = drop(path, beside, labels, count);
    free(beside);
    return status;
}

int cli_labels_write(const char *path, const uint8_t *labels, size_t count)
{
    duet_error error = {0};
    char *bytes = malloc(HEADER + count);
    if (bytes == NULL) return cli_complain(CLI_FAILED, "there is too little memory for %zu labels", count);
    make_header(bytes, count);
    memcpy(bytes + HEADER, labels, count);
    duet_status status = duet_write_file(path, bytes, HEADER + count, &error);
    free(bytes);
    return status == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}

/* Whether a file ends with these bytes. */
static bool ends_with(FILE *file, const char *bytes, size_t size)
{
    char read[4096];
    if (size > INT64_MAX || fseeko(file, -(off_t)size, SEEK_END) != 0) return false;
    for (size_t at = 0; at < size;) {
        const size_t part = size - at < sizeof read ? size - at : sizeof read;
        if (fread(read, 1, part, file) != part || memcmp(read, bytes + at, part) != 0) return false;
        at += part;
    }
    return true;
}

int cli_labels_check(const char *path, const char *beside, const float *values, size_t count)
{
    FILE *file = fopen(path, "rb");
    const bool is_ours = file != NULL && ends_with(file, (const char *)values, count * sizeof *values);
    if (file != NULL) (void)fclose(file); /* only read from */
    if (is_ours) return CLI_DONE;
    const bool gone = remove(beside) == 0 || errno == ENOENT;
    return cli_complain(
        CLI_FAILED,
        "another program wrote %s at the same time; the labels beside it%s: give each its own --out, or "
        "run this command again alone",
        path, gone ? " are removed" : ", which cannot be removed, may be those of other examples");
}

int cli_array_write(const char *path, const float *values, duet_shape shape)
{
    duet_error error = {0};
    int status = cli_labels_drop(path, NULL, 0);
    if (status != CLI_DONE) return status;
    return duet_write_npy(path, values, shape, &error) == DUET_OK ? CLI_DONE : cli_fail_opened(&error);
}
