/* SPDX-License-Identifier: MIT */
/* Which files a data set is read from, so that nobody writes over them: files are compared, not their names, as one
 * file has many. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "duet/data.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/data.h"
#include "data/options.h"

static bool is_same(const char *path, const struct stat *file)
{
    struct stat about;
    return path != NULL && stat(path, &about) == 0 && about.st_dev == file->st_dev && about.st_ino == file->st_ino;
}

/* Whether a file lies in a folder, or in one below it. */
static bool lies_in(const char *path, const struct stat *folder)
{
    char *above = realpath(path, NULL);
    bool found = false;
    for (char *slash; above != NULL && !found && (slash = strrchr(above, '/')) != NULL && slash != above;) {
        *slash = '\0';
        found = is_same(above, folder);
    }
    free(above);
    return found;
}

/* Of files that are found by their names those count, of pictures in a folder all that lie there but for arrays, such
 * as codes that were written beside them. */
static bool reads(const duet_data_options *options, const char *path, const struct stat *file)
{
    duet_data_files files = {0};
    struct stat set;
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    duet_split split;
    bool labels;
    bool found = is_same(options->labels, file) || is_same(options->path, file);
    const bool is_folder = stat(options->path, &set) == 0 && S_ISDIR(set.st_mode);
    if (duet_files_fit(options->path, is_folder, NULL) &&
        duet_data_files_find(&files, options->path, options, NULL) == DUET_OK)
        for (int part = 0; part < 2 && !found; part++)
            found = is_same(files.examples[part], file) || is_same(files.labels[part], file);
    else if (!found && is_folder && (!duet_data_name_is(name, false, &split, &labels) || labels))
        found = lies_in(path, &set);
    duet_data_files_free(&files);
    return found;
}

bool duet_data_reads(const char *name, const char *path)
{
    duet_data_options options;
    struct stat file;
    if (stat(path, &file) != 0 || duet_data_options_read(&options, name, NULL) != DUET_OK) return false;
    const bool found = reads(&options, path, &file);
    duet_data_options_free(&options);
    return found;
}
