/* SPDX-License-Identifier: MIT */
/* Which file of a folder is what. Names tell, in capitals or not: "labels" for labels, "test" or MNIST's "t10k" for the
 * test split, anything else of a known format is training pictures; so MNIST's four files and a lone train.npy both
 * work. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "data/among.h"
#include "data/data.h"
#include "data/foreign.h"
#include "data/picture.h"
#include "data/pictures.h"

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* A copy in small letters; the caller frees it. */
static char *small_letters(const char *name)
{
    char *small = strdup(name);
    for (char *at = small; at != NULL && *at != '\0'; at++) *at = (char)tolower((unsigned char)*at);
    return small;
}

/* Whether it is one of IDX by custom: x-idx3-ubyte, x-idx2-int, x.idx3-ubyte, x-idx3 or x.idx. "class_to_idx.json" and
 * "word_idx" are others. */
static bool is_idx_name(const char *name)
{
    for (const char *at = name; (at = strstr(at, "idx")) != NULL; at++) {
        const char *end = at + strlen("idx");
        const bool counts = isdigit((unsigned char)*end);
        if (at == name || strchr("-._", at[-1]) == NULL || (!counts && at[-1] != '.')) continue;
        end += counts;
        if (counts && *end != '\0' && strchr("-._", *end) != NULL && strncmp(end + 1, "ubyte", 5) == 0) end += 6;
        if (counts) end += strcspn(end, "."); /* -int; " (1)" of what was downloaded twice */
        if (*end == '\0' || strcmp(end, ".gz") == 0) return true;
    }
    return false;
}

static bool is_of_format(const char *name, const duet_format *format)
{
    const char *at = strrchr(name, '.');
    if (format == &duet_format_idx) return is_idx_name(name);
    if (at != NULL && at > name && strcmp(at, ".gz") == 0)
        return (size_t)(at - name) > strlen(format->file_name) &&
               strncmp(at - strlen(format->file_name), format->file_name, strlen(format->file_name)) == 0;
    return ends_with(name, format->file_name);
}

/* `name` in small letters. */
static bool is_data_name(const char *name, bool any)
{
    if (duet_foreign_is_hidden(name)) return false;
    for (size_t i = 0; duet_format_at(i) != NULL; i++) {
        const duet_format *format = duet_format_at(i);
        if ((any || format->magic_length > 0) && is_of_format(name, format)) return true;
    }
    return false;
}

bool duet_data_array_is(const char *name)
{
    char *small = small_letters(name);
    const bool is = small != NULL && is_data_name(small, false);
    free(small);
    return is;
}

/* Whether `word` begins in the name at its start or after a character that is no letter: "latest" has no "test". */
static bool has_word(const char *name, const char *word)
{
    for (const char *at = name; (at = strstr(at, word)) != NULL; at++)
        if (at == name || !isalpha((unsigned char)at[-1])) return true;
    return false;
}

/* Pictures for validation are of neither split. A word here ends where its letters do: "values" is another. */
static bool is_for_validation(const char *name)
{
    static const char *const words[] = {"val", "valid", "validation"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (const char *at = name; (at = strstr(at, words[i])) != NULL; at++)
            if ((at == name || !isalpha((unsigned char)at[-1])) && !isalpha((unsigned char)at[strlen(words[i])]))
                return true;
    return false;
}

/* "label" in the name, but not of "unlabelled". */
static bool is_of_labels(const char *name)
{
    bool is = strncmp(name, "y_", 2) == 0;
    for (const char *at = name; !is && (at = strstr(at, "label")) != NULL; at++)
        is = at - name < 2 || strncmp(at - 2, "un", 2) != 0;
    return is;
}

bool duet_data_name_is(const char *name, bool any, duet_split *split, bool *labels)
{
    char *small = small_letters(name);
    bool is = false;
    if (small != NULL) {
        *split = has_word(small, "t10k") || has_word(small, "test") ? DUET_TEST : DUET_TRAIN;
        *labels = is_of_labels(small);
        is = is_data_name(small, any || *labels) && !is_for_validation(small);
    }
    free(small);
    return is;
}

/* By what it is called an array is one of a set's, and no other thing that lies beside pictures. */
bool duet_data_name_is_whole(const char *name)
{
    static const char *const words[] = {"train", "images", "examples"};
    char *small = small_letters(name);
    duet_split split;
    bool labels, is = false;
    if (small != NULL && duet_data_name_is(small, true, &split, &labels) && !labels) {
        is = is_idx_name(small) || strncmp(small, "x_", 2) == 0 || strncmp(small, "test.", 5) == 0;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) is |= has_word(small, words[i]);
    }
    free(small);
    return is && !duet_data_name_is_derived(name);
}

bool duet_data_name_is_derived(const char *name)
{
    static const char *const words[] = {"mean", "std", "code", "feature", "embedding", "latent", "encoded"};
    char *small = small_letters(name);
    bool is = false;
    for (size_t i = 0; small != NULL && i < sizeof words / sizeof *words; i++) is |= has_word(small, words[i]);
    free(small);
    return is;
}

bool duet_data_name_is_part(const char *name, bool is_folder, bool *validation)
{
    char *small = small_letters(name);
    *validation = small != NULL && is_for_validation(small);
    bool is = *validation || (small != NULL && (has_word(small, "t10k") || has_word(small, "test")));
    if (is_folder) is = duet_picture_part_is(name) && strncasecmp(name, "train", 5) != 0;
    free(small);
    return is;
}

static bool is_twin(const char *one, const char *other)
{
    size_t shorter = strlen(one) < strlen(other) ? strlen(one) : strlen(other);
    return strncmp(one, other, shorter) == 0 &&
           (strcmp(one + shorter, ".gz") == 0 || strcmp(other + shorter, ".gz") == 0);
}

/* Puts the path there, which is then the owner. Of a file and its gzip the plain one stays; two other files for one
 * place are a mistake. What is there by name but cannot be read is one too: it is not the same as no file. */
static duet_status put(char **place, char *path, const char *folder, duet_error *error)
{
    struct stat about;
    if (path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", folder);
    duet_status status = DUET_OK;
    if (stat(path, &about) != 0)
        status = duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s; mend it, or remove it from the folder",
                           path, strerror(errno));
    else if (!S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode))
        status = duet_fail(error, DUET_ERROR_FILE, "%s: is not a plain file; remove it from the folder", path);
    if (status != DUET_OK || S_ISDIR(about.st_mode)) {
        free(path);
        return status;
    }
    if (*place == NULL) {
        *place = path;
        return DUET_OK;
    }
    bool twins = is_twin(*place, path);
    if (!twins)
        status = duet_fail(error, DUET_ERROR_DATA,
                           "%s: both %s and %s could be the same part of a data set; names such as train.npy and "
                           "train-labels.npy, test.npy and test-labels.npy tell them apart, or name the one file and "
                           "--labels the other",
                           folder, strrchr(*place, '/') + 1, strrchr(path, '/') + 1);
    if (twins && ends_with(*place, ".gz")) {
        char *other = *place;
        *place = path;
        path = other;
    }
    free(path);
    return status;
}

/* Keeps the name of a file of examples that is for validation. */
static bool note_left_out(duet_data_files *files, const char *name, bool any)
{
    char *small = small_letters(name);
    bool is = small != NULL && is_data_name(small, any) && is_for_validation(small) && !is_of_labels(small);
    free(small);
    if (is && files->left_out == NULL) files->left_out = strdup(name);
    return !is || files->left_out != NULL;
}

/* Which names are those of examples; labels may be either. */
typedef enum names { ARRAYS, TABLES, ANY } names;

static duet_status find_named(duet_data_files *files, const char *folder, names which, duet_error *error)
{
    const bool any = which != ARRAYS;
    DIR *entries = opendir(folder);
    if (entries == NULL) return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s", folder, strerror(errno));
    duet_status status = DUET_OK;
    for (const char *name; duet_folder_next(entries, folder, &name, &status, error);) {
        duet_split split;
        bool labels;
        if (!note_left_out(files, name, any)) {
            status = duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", folder);
            continue;
        }
        if (!duet_data_name_is(name, any, &split, &labels)) continue;
        if (which == TABLES && !labels && duet_data_array_is(name)) continue;
        char **place = labels ? &files->labels[split] : &files->examples[split];
        status = put(place, duet_path_join(folder, name), folder, error);
    }
    (void)closedir(entries);
    return status;
}

static bool has_enough(const duet_data_files *files, bool for_use)
{
    return files->examples[DUET_TRAIN] != NULL || (for_use && files->examples[DUET_TEST] != NULL);
}

/* Tables and arrays in one folder. */
typedef struct both {
    bool there[2], whole[2], trains[2]; /* arrays, then tables; whether they are called as a set; for training */
    char name[2][256];
} both;

static duet_status look_at_both(both *it, const char *folder, duet_error *error)
{
    DIR *entries = opendir(folder);
    *it = (both){{false}};
    if (entries == NULL) return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s", folder, strerror(errno));
    duet_status status = DUET_OK;
    for (const char *name; duet_folder_next(entries, folder, &name, &status, error);) {
        static const char *const tables[] = {".csv", NULL};
        duet_split split;
        bool labels;
        const bool is_table = duet_name_ends_in(name, tables);
        if (!duet_data_name_is(name, is_table, &split, &labels) || labels) continue;
        it->whole[is_table] |= split == DUET_TEST || duet_data_name_is_whole(name);
        it->trains[is_table] |= split == DUET_TRAIN;
        if (!it->there[is_table] || strcmp(name, it->name[is_table]) < 0)
            (void)snprintf(it->name[is_table], sizeof it->name[is_table], "%s", name);
        it->there[is_table] = true;
    }
    (void)closedir(entries);
    return status;
}

/* Names such as x.csv count only where there is no file that its first bytes tell, but for an array beside tables that
 * is none of a set by its name, such as codes. What is passed over and may be meant is noted. */
static duet_status find_in_folder(duet_data_files *files, const char *folder, bool for_use, duet_error *error)
{
    both found;
    DUET_TRY(look_at_both(&found, folder, error));
    const bool are_both = found.there[0] && found.there[1];
    const bool tables = are_both && found.whole[1] && found.trains[1] && !found.whole[0];
    DUET_TRY(find_named(files, folder, tables ? TABLES : ARRAYS, error));
    if (has_enough(files, for_use)) {
        if (are_both && (tables || found.whole[0] == found.whole[1])) files->passed = strdup(found.name[!tables]);
        return DUET_OK;
    }
    duet_data_files_free(files);
    DUET_TRY(find_named(files, folder, ANY, error));
    if (has_enough(files, for_use)) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: the folder holds no training pictures: names such as train-images-idx3-ubyte[.gz] or "
                     "train.npy are expected",
                     folder);
}

/* `name` with the first `from` replaced by `to`; the caller frees it. NULL: there is no `from`. */
static char *replaced(const char *name, const char *from, const char *to)
{
    const char *at = strstr(name, from);
    size_t size = strlen(name) + strlen(to) + 1;
    char *result = at == NULL ? NULL : malloc(size);
    if (result != NULL) snprintf(result, size, "%.*s%s%s", (int)(at - name), name, to, at + strlen(from));
    return result;
}

/* What the file of labels beside a file of pictures is called, in small letters and without ".gz": "labels" for
 * "images", "idx1" for "idx3". NULL: its name tells of none. */
static char *name_of_labels(const char *name)
{
    char *small = small_letters(name), *labels = small == NULL ? NULL : replaced(small, "images", "labels");
    free(small);
    for (char extents = '2'; labels != NULL && extents <= '6'; extents++) {
        char *one = replaced(labels, (char[]){'i', 'd', 'x', extents, '\0'}, "idx1");
        if (one == NULL) continue;
        free(labels);
        labels = one;
        break;
    }
    if (labels != NULL && ends_with(labels, ".gz")) labels[strlen(labels) - strlen(".gz")] = '\0';
    return labels;
}

/* Whether a file, gzip or not, is called `small` in any letters. */
static bool is_called(const char *name, const char *small)
{
    size_t length = strlen(small);
    return strncasecmp(name, small, length) == 0 && (name[length] == '\0' || strcasecmp(name + length, ".gz") == 0);
}

/* Whether it is called as another one with "labels" at the end: x-labels.npy beside x.npy. */
static bool is_called_labels(const char *name, const char *of)
{
    const char *dot = strchr(of, '.');
    size_t length = dot == NULL ? strlen(of) : (size_t)(dot - of);
    return length > 0 && strncasecmp(name, of, length) == 0 && (name[length] == '-' || name[length] == '_') &&
           strncasecmp(name + length + 1, "labels", 6) == 0 && strcasecmp(name + length + 7, of + length) == 0;
}

/* small: what labels are called; NULL: nobody knows, and what may be some is noted. */
static duet_status find_labels(duet_data_files *files, const char *folder, const char *name, const char *small,
                               duet_error *error)
{
    DIR *entries = opendir(folder);
    if (entries == NULL && small == NULL) return DUET_OK;
    if (entries == NULL)
        return duet_fail(error, DUET_ERROR_FILE, "%s, where labels may lie, cannot be looked at: %s", folder,
                         strerror(errno));
    duet_status status = DUET_OK;
    for (const char *entry; duet_folder_next(entries, folder, &entry, &status, error);)
        if (small != NULL && is_called(entry, small))
            status = put(&files->labels[DUET_TRAIN], duet_path_join(folder, entry), folder, error);
        else if (small == NULL && files->unread == NULL && is_called_labels(entry, name))
            files->unread = duet_path_join(folder, entry);
    (void)closedir(entries);
    return status;
}

static duet_status find_beside(duet_data_files *files, const char *path, duet_error *error)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    char *small = name_of_labels(name);
    char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    duet_status status = folder == NULL ? duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", path)
                                        : find_labels(files, folder, name, small, error);
    free(folder);
    free(small);
    return status;
}

duet_status duet_data_files_find(duet_data_files *files, const char *path, const duet_data_options *options,
                                 duet_error *error)
{
    struct stat about;
    *files = (duet_data_files){{NULL}};
    if (stat(path, &about) != 0)
        return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s", path, strerror(errno));
    if (S_ISDIR(about.st_mode)) return find_in_folder(files, path, options->for_use, error);
    files->examples[DUET_TRAIN] = strdup(path);
    if (files->examples[DUET_TRAIN] == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", path);
    return options->labels != NULL ? DUET_OK : find_beside(files, path, error);
}

void duet_data_files_free(duet_data_files *files)
{
    for (size_t i = 0; i < 2; i++) {
        free(files->examples[i]);
        free(files->labels[i]);
    }
    free(files->left_out);
    free(files->unread);
    free(files->passed);
    *files = (duet_data_files){{NULL}};
}

/* A folder of pictures may hold a table of them, or other files of numbers. */
bool duet_files_fit(const char *path, bool is_folder, duet_error *fault)
{
    DIR *entries = is_folder ? opendir(path) : NULL;
    bool arrays = false, by_name = false, pictures = false, labels;
    duet_status status = DUET_OK;
    duet_among among;
    duet_split split;
    if (entries == NULL && is_folder)
        (void)duet_fail(fault, DUET_ERROR_FILE, "%s: cannot be opened: %s", path, strerror(errno));
    if (entries == NULL) return !is_folder;
    for (const char *name; !arrays && duet_folder_next(entries, path, &name, &status, fault);) {
        arrays = duet_data_name_is(name, false, &split, &labels) && !labels;
        by_name |= duet_data_name_is(name, true, &split, &labels) && !labels;
        pictures |= duet_picture_name_is(name) || (!duet_foreign_is_hidden(name) && duet_path_holds_folder(path, name));
    }
    (void)closedir(entries);
    if (status != DUET_OK) return false;
    if (!arrays) return by_name && !pictures;
    return duet_among_look(&among, path, fault) == DUET_OK && !duet_among_are_pictures(&among);
}
