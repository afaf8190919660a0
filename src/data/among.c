/* SPDX-License-Identifier: MIT */
/* A mean of pictures or their codes, saved beside them, are not the set; train.npy beside some pictures is. */
#include "data/among.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "data/data.h"
#include "data/foreign.h"
#include "data/picture.h"
#include "data/pictures.h"

enum {
    MANY = 10,      /* pictures that are more than views of what lies beside them */
    ENTRIES = 20000 /* after so many it is known well enough what lies there */
};

/* Keeps the name that comes first, so that no order of files matters. */
static void keep_first(char kept[256], size_t count, const char *name)
{
    if (count == 1 || strcmp(name, kept) < 0) (void)snprintf(kept, 256, "%s", name);
}

static void add_picture(duet_among *it, const char *path)
{
    const char *slash = strrchr(path, '/');
    char place[256] = "";
    if (slash != NULL) (void)snprintf(place, sizeof place, "%.*s", (int)(slash - path), path);
    if (it->pictures++ == 0) memcpy(it->place, place, sizeof place);
    it->scattered |= strcmp(it->place, place) != 0;
    keep_first(it->picture, it->pictures, path);
}

void duet_among_add(duet_among *it, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    duet_split split;
    bool labels;
    if (duet_picture_name_is(name)) {
        add_picture(it, path);
    } else if (duet_data_name_is(name, false, &split, &labels)) {
        const bool derived = duet_data_name_is_derived(name);
        it->whole |= labels && !derived;
        if (labels) return;
        it->arrays++;
        keep_first(it->array, it->arrays, path);
        if (derived) return;
        it->plain++;
        it->has[split] = true;
        it->whole |= (it->has[DUET_TRAIN] && it->has[DUET_TEST]) || duet_data_name_is_whole(name);
    }
}

static duet_status walk(duet_among *it, const char *folder, const char *inner, int depth, duet_error *error);

/* An entry of a folder; `name`: its path from the first one on. Arrays count right in that one, also those that cannot
 * be opened, which is told of by what reads them. */
static duet_status look_at(duet_among *it, const char *path, const char *name, int depth, duet_error *error)
{
    struct stat about;
    if (!duet_picture_name_is(name) && lstat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return walk(it, path, name, depth + 1, error);
    if (depth == 0 || !duet_data_array_is(name)) duet_among_add(it, name);
    return DUET_OK;
}

static duet_status walk(duet_among *it, const char *folder, const char *inner, int depth, duet_error *error)
{
    const bool is_run = depth > 0 && duet_path_holds_file(folder, "run.json");
    DIR *entries = depth > DUET_PICTURE_DEEPEST || is_run ? NULL : opendir(folder);
    duet_status status = DUET_OK;
    if (entries == NULL) return DUET_OK; /* what reads it will say so */
    for (const char *entry; it->entries < ENTRIES && duet_folder_next(entries, folder, &entry, &status, error);) {
        if (duet_foreign_is_hidden(entry)) continue;
        it->entries++;
        char *path = duet_path_join(folder, entry), *name = duet_path_join(inner, entry);
        if (path != NULL && name != NULL) status = look_at(it, path, name, depth, error);
        free(path);
        free(name);
    }
    (void)closedir(entries);
    return status;
}

duet_status duet_among_look(duet_among *it, const char *folder, duet_error *error)
{
    *it = (duet_among){0};
    return walk(it, folder, "", 0, error);
}

bool duet_among_are_pictures(const duet_among *it)
{
    const bool enough = it->pictures >= MANY || (it->scattered && it->plain == 0);
    return it->pictures > 0 && (it->arrays == 0 || (!it->whole && enough));
}

/* One picture, or a few beside what is a set by its names, are views of it. */
void duet_among_tell(const char *folder, const char *format, duet_notes *notes)
{
    duet_among it;
    if (duet_among_look(&it, folder, NULL) != DUET_OK) return;
    const bool lone = it.arrays > 0 && !it.whole;
    if (it.pictures < 2 || !(lone || it.scattered || it.pictures >= MANY)) return;
    duet_notes_add(notes, false,
                   "%s: %zu pictures in it, such as %s, are left out in favour of %s: to have them read, give a "
                   "folder of them alone",
                   folder, it.pictures, it.picture, it.arrays > 0 ? it.array : format);
}
