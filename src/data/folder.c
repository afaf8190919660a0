/* SPDX-License-Identifier: MIT */
/* Which file of a folder is what. Names tell: "labels" for labels, "test" or MNIST's "t10k" for the test split,
 * anything else of a known format is training pictures; so MNIST's four files and a lone train.npy both work. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "data/data.h"

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static bool is_data_name(const char *name)
{
    if (name[0] == '.' || ends_with(name, ".tmp")) return false;
    for (size_t i = 0; duet_format_at(i) != NULL; i++)
        if (strstr(name, duet_format_at(i)->file_name) != NULL) return true;
    return false;
}

/* Whether `word` begins in the name at its start or after a character that is no letter: "latest" has no "test". */
static bool has_word(const char *name, const char *word)
{
    for (const char *at = name; (at = strstr(at, word)) != NULL; at++)
        if (at == name || !isalpha((unsigned char)at[-1])) return true;
    return false;
}

/* The field of `files` for a file of this name. */
static char **place_of(duet_data_files *files, const char *name)
{
    duet_split split = has_word(name, "t10k") || has_word(name, "test") ? DUET_TEST : DUET_TRAIN;
    return strstr(name, "label") != NULL ? &files->labels[split] : &files->examples[split];
}

static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

/* Puts the path there, which is then the owner. Of a file and its gzip the plain one stays; two other files for one
 * place are a mistake. */
static duet_status put(char **place, char *path, const char *folder, duet_error *error)
{
    if (path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", folder);
    if (!is_file(path)) {
        free(path);
        return DUET_OK;
    }
    if (*place == NULL) {
        *place = path;
        return DUET_OK;
    }
    size_t shorter = strlen(*place) < strlen(path) ? strlen(*place) : strlen(path);
    bool twins = strncmp(*place, path, shorter) == 0 &&
                 (strcmp(*place + shorter, ".gz") == 0 || strcmp(path + shorter, ".gz") == 0);
    duet_status status = DUET_OK;
    if (!twins)
        status = duet_fail(error, DUET_ERROR_DATA,
                           "%s: both %s and %s could be the same part of a data set; name the one file, or keep the "
                           "other elsewhere",
                           folder, strrchr(*place, '/') + 1, strrchr(path, '/') + 1);
    if (twins && ends_with(*place, ".gz")) {
        char *other = *place;
        *place = path;
        path = other;
    }
    free(path);
    return status;
}

static duet_status find_in_folder(duet_data_files *files, const char *folder, duet_error *error)
{
    DIR *entries = opendir(folder);
    if (entries == NULL) return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s", folder, strerror(errno));
    duet_status status = DUET_OK;
    for (struct dirent *entry; status == DUET_OK && (entry = readdir(entries)) != NULL;)
        if (is_data_name(entry->d_name))
            status = put(place_of(files, entry->d_name), duet_path_join(folder, entry->d_name), folder, error);
    (void)closedir(entries);
    if (status != DUET_OK || files->examples[DUET_TRAIN] != NULL) return status;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: the folder holds no training pictures: names such as train-images-idx3-ubyte[.gz] or "
                     "train.npy are expected",
                     folder);
}

/* `path` with the first `from` after its last slash replaced by `to`; the caller frees it. NULL: there is no `from`. */
static char *replaced(const char *path, const char *from, const char *to)
{
    const char *slash = strrchr(path, '/');
    const char *at = strstr(slash == NULL ? path : slash, from);
    size_t size = strlen(path) + strlen(to) + 1;
    char *result = at == NULL ? NULL : malloc(size);
    if (result != NULL) snprintf(result, size, "%.*s%s%s", (int)(at - path), path, to, at + strlen(from));
    return result;
}

/* The file of labels beside a file of pictures, gzip or not: "labels" in its name for "images", "idx1" for "idx3". */
static char *labels_beside(const char *path)
{
    char *labels = replaced(path, "images", "labels");
    for (char extents = '2'; labels != NULL && extents <= '6'; extents++) {
        char *one = replaced(labels, (char[]){'i', 'd', 'x', extents, '\0'}, "idx1");
        if (one == NULL) continue;
        free(labels);
        labels = one;
        break;
    }
    if (labels == NULL || access(labels, R_OK) == 0) return labels;
    char *other = replaced(labels, ".gz", "");
    if (other == NULL) {
        size_t size = strlen(labels) + sizeof ".gz";
        other = malloc(size);
        if (other != NULL) snprintf(other, size, "%s.gz", labels);
    }
    free(labels);
    if (other != NULL && access(other, R_OK) == 0) return other;
    free(other);
    return NULL;
}

duet_status duet_data_files_find(duet_data_files *files, const char *path, duet_error *error)
{
    struct stat about;
    *files = (duet_data_files){{NULL}, {NULL}};
    if (stat(path, &about) != 0)
        return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s", path, strerror(errno));
    if (S_ISDIR(about.st_mode)) return find_in_folder(files, path, error);
    files->examples[DUET_TRAIN] = strdup(path);
    if (files->examples[DUET_TRAIN] == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", path);
    files->labels[DUET_TRAIN] = labels_beside(path);
    return DUET_OK;
}

void duet_data_files_free(duet_data_files *files)
{
    for (size_t i = 0; i < 2; i++) {
        free(files->examples[i]);
        free(files->labels[i]);
    }
    *files = (duet_data_files){{NULL}, {NULL}};
}
