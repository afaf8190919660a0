/* SPDX-License-Identifier: MIT */
/* Which files a data set is read from, so that nobody writes over them: files are compared, not their names, as one
 * file has many. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "duet/data.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "data/data.h"
#include "data/options.h"
#include "data/picture.h"

/* The folder that a file lies in, whatever links lead there, or would if it was made. */
static char *find_place(const char *path)
{
    char *found = realpath(path, NULL), *slash = found == NULL ? NULL : strrchr(found, '/');
    if (slash != NULL) slash[slash == found] = '\0';
    if (found != NULL) return found;
    const char *end = strrchr(path, '/');
    char *parent = end == NULL ? strdup(".") : strndup(path, (size_t)(end - path) + 1);
    found = parent == NULL ? NULL : realpath(parent, NULL);
    free(parent);
    return found;
}

/* Whether a file lies in a folder, or in one below it; what lies in a run is the run's. */
static bool lies_in(const char *path, const char *folder)
{
    char *above = find_place(path), *slash = above;
    bool found = false;
    while (slash != NULL && slash[1] != '\0' && !(found = duet_path_is_same(above, folder)) &&
           !duet_path_holds_file(above, "run.json") && (slash = strrchr(above, '/')) != NULL)
        slash[slash == above] = '\0';
    free(above);
    return found;
}

/* Either may be missing. */
static bool is_one(const char *path, const char *one, const char *other)
{
    return (one != NULL && duet_path_is_same(path, one)) || (other != NULL && duet_path_is_same(path, other));
}

/* Of files that are found by their names those count, of pictures in a folder all that lie there but for arrays, such
 * as codes that were written beside them; of what is not there yet pictures alone. */
static bool reads(const duet_data_options *options, const char *path)
{
    duet_data_files files = {0};
    struct stat set, file;
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    duet_split split;
    bool labels;
    const bool is_there = stat(path, &file) == 0;
    bool found = is_one(path, options->labels, options->path);
    const bool is_folder = stat(options->path, &set) == 0 && S_ISDIR(set.st_mode);
    const bool joins =
        is_there ? !duet_data_name_is(name, false, &split, &labels) || labels : duet_picture_name_is(name);
    if (duet_files_fit(options->path, is_folder, NULL) &&
        duet_data_files_find(&files, options->path, options, NULL) == DUET_OK)
        for (int part = 0; part < 2 && !found; part++) found = is_one(path, files.examples[part], files.labels[part]);
    else if (!found && is_folder && joins)
        found = lies_in(path, options->path);
    duet_data_files_free(&files);
    return found;
}

bool duet_data_reads(const char *name, const char *path)
{
    duet_data_options options;
    if (duet_data_options_read(&options, name, NULL) != DUET_OK) return false;
    const bool found = reads(&options, path);
    duet_data_options_free(&options);
    return found;
}
