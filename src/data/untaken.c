/* SPDX-License-Identifier: MIT */
/* Looks through a folder or an archive alike, a path at a time; what lies in a folder called test counts as that
 * folder. */
#include "data/untaken.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/file.h"
#include "base/text.h"
#include "data/archive.h"
#include "data/foreign.h"
#include "data/picture.h"
#include "data/pictures.h"

enum { ENTRIES = 20000 /* after so many it is known well enough what lies there */, PARTS = 64 /* of them told of */ };

/* A file that is called as a part, or a folder. */
typedef struct part {
    char *name;
    size_t files; /* in it */
    bool folder, read, validation;
} part;

typedef struct parts {
    const duet_data_options *options;
    const char *train; /* the file of the training examples; NULL: pictures, or several files */
    bool pictures;
    size_t entries;   /* looked at so far */
    duet_error fault; /* why what lies there is not all known */
    part *items;
    size_t count, capacity;
} parts;

/* What lies beside data and is none: texts on them, programs, models and plots, and what was noted while they were
 * used. */
static bool is_no_data(const char *name)
{
    static const char *const endings[] = {
        ".py",   ".ipynb", ".md",  ".rst",    ".html", ".pdf", ".sh",  ".r",   ".c",    ".h",  ".cpp", ".log",  ".yml",
        ".yaml", ".xml",   ".sav", ".sha256", ".md5",  ".png", ".jpg", ".svg", ".json", ".pt", ".pth", ".ckpt", NULL};
    return duet_name_ends_in(name, endings);
}

/* Whether something said already names the file, as one for validation is. */
static bool is_told(const duet_notes *notes, const char *name)
{
    bool told = false;
    for (size_t i = 0; i < notes->count; i++) told |= strstr(notes->items[i].text, name) != NULL;
    return told && strchr(name, '.') != NULL;
}

/* --labels FILE is read. */
static bool is_labels(const duet_data_options *options, const char *name)
{
    const char *slash = options->labels == NULL ? NULL : strrchr(options->labels, '/');
    return options->labels != NULL && strcmp(slash == NULL ? options->labels : slash + 1, name) == 0;
}

/* Whether one name is the other but for "train" in it and what follows the first dot: train.npy and test.npy.xz. */
static bool are_of_one_set(const char *train, const char *other)
{
    static const char *const words[] = {"test", "testing", "t10k", "val", "valid", "validation"};
    for (const char *at = train; *at != '\0'; at++) {
        if (strncasecmp(at, "train", 5) != 0 || (at > train && isalpha((unsigned char)at[-1]))) continue;
        const char *behind = at + (strncasecmp(at, "training", 8) == 0 ? 8 : 5);
        const size_t before = (size_t)(at - train), rest = strcspn(behind, ".");
        for (size_t i = 0; i < sizeof words / sizeof *words && strncasecmp(train, other, before) == 0; i++) {
            const char *end = other + before + strlen(words[i]);
            if (strncasecmp(other + before, words[i], strlen(words[i])) == 0 && strcspn(end, ".") == rest &&
                strncasecmp(behind, end, rest) == 0)
                return true;
        }
    }
    return false;
}

/* Whether a file may hold what belongs to the training examples: test_loss.npy beside train.npy does not. Lists of
 * pictures are texts. */
static bool is_of_set(const parts *it, const char *name)
{
    static const char *const texts[] = {".txt", NULL};
    duet_split split;
    bool labels;
    if (is_no_data(name) || is_labels(it->options, name)) return false;
    if (it->pictures) return !duet_name_ends_in(name, texts);
    return it->train == NULL || are_of_one_set(it->train, name) ||
           (duet_data_name_is(name, true, &split, &labels) && labels);
}

/* NULL: there are enough of them, or no memory for more. */
static part *find(parts *it, const char *path, size_t length, bool folder)
{
    for (size_t i = 0; i < it->count; i++)
        if (strncmp(it->items[i].name, path, length) == 0 && it->items[i].name[length] == '\0') return &it->items[i];
    char *name = it->count < PARTS ? strndup(path, length) : NULL;
    if (name == NULL || !duet_array_grow(&it->items, it->count, &it->capacity, sizeof *it->items)) {
        free(name);
        return NULL;
    }
    it->items[it->count] = (part){.name = name, .folder = folder};
    return &it->items[it->count++];
}

/* The first folder on a path that is called as a part, or the file itself. A folder's path ends in a slash. */
static void add(parts *it, const char *path)
{
    const bool is_read = it->pictures && duet_picture_name_is(path);
    it->entries++;
    for (const char *at = path, *end; *at != '\0'; at = end + (*end != '\0')) {
        char word[256] = "";
        bool validation;
        end = at + strcspn(at, "/");
        if ((size_t)(end - at) < sizeof word) memcpy(word, at, (size_t)(end - at));
        const bool folder = *end != '\0';
        if (!duet_data_name_is_part(word, folder, &validation) || (!folder && (is_read || !is_of_set(it, word))))
            continue;
        part *found = find(it, path, (size_t)(end - path), folder);
        if (found == NULL) return;
        found->validation = validation;
        found->read |= is_read;
        found->files += end[0] != '\0' && end[1] != '\0' && path[strlen(path) - 1] != '/';
        return;
    }
}

static void walk(parts *it, const char *folder, const char *inner, int depth)
{
    DIR *entries = depth > DUET_PICTURE_DEEPEST ? NULL : opendir(folder);
    duet_status status = DUET_OK;
    if (entries == NULL) return;
    for (const char *entry; it->entries < ENTRIES && duet_folder_next(entries, folder, &entry, &status, &it->fault);) {
        bool validation;
        struct stat about;
        if (duet_foreign_is_hidden(entry)) continue;
        char *path = duet_path_join(folder, entry), *name = duet_path_join(inner, entry);
        const bool is_folder = path != NULL && lstat(path, &about) == 0 && S_ISDIR(about.st_mode);
        char *shown = is_folder && name != NULL ? duet_path_join(name, "") : NULL;
        if (name != NULL && (!is_folder || shown != NULL)) add(it, is_folder ? shown : name);
        /* arrays are read right in the folder alone */
        const bool deeper = it->pictures || depth > 0 || duet_data_name_is_part(entry, true, &validation);
        if (is_folder && name != NULL && deeper && !duet_path_holds_file(path, "run.json"))
            walk(it, path, name, depth + 1);
        free(path);
        free(name);
        free(shown);
    }
    (void)closedir(entries);
}

static void look_through(parts *it, const char *path)
{
    duet_archive archive = {.folders = true};
    if (duet_archive_open(&archive, path, NULL) != DUET_OK) return;
    for (bool more; it->entries < ENTRIES && duet_archive_next(&archive, &more, NULL) == DUET_OK && more;) {
        if (!duet_archive_passes(archive.name)) add(it, archive.name);
    }
    duet_archive_close(&archive);
}

/* What lies beside a file is another set, but for its own test part. */
static void look_beside(parts *it, const char *folder, const char *name)
{
    DIR *entries = opendir(folder);
    duet_status status = DUET_OK;
    if (entries == NULL) return;
    for (const char *entry;
         duet_folder_next(entries, folder, &entry, &status, &it->fault) && it->entries++ < ENTRIES;) {
        bool validation;
        if (!are_of_one_set(name, entry) || is_no_data(entry)) continue;
        (void)duet_data_name_is_part(entry, false, &validation);
        struct stat about;
        const bool is_folder = fstatat(dirfd(entries), entry, &about, 0) == 0 && S_ISDIR(about.st_mode);
        part *found = find(it, entry, strlen(entry), is_folder);
        if (found == NULL) continue;
        found->validation = validation;
        found->files = is_folder; /* whatever lies in it */
    }
    (void)closedir(entries);
}

/* What is for the test is named in front of what is for validation, then the first by its name. NULL: none. */
static const part *first_of(const parts *it, size_t *others)
{
    const part *best = NULL;
    size_t count = 0;
    for (size_t i = 0; i < it->count; i++) {
        const part *one = &it->items[i];
        if (one->read || is_told(it->options->notes, one->name)) continue;
        count++;
        if (best == NULL || one->validation < best->validation ||
            (one->validation == best->validation && strcmp(one->name, best->name) < 0))
            best = one;
    }
    *others = count > 0 ? count - 1 : 0;
    return best;
}

/* Whether the folder of both files, named itself, is these two. */
static bool is_found(const char *folder, const char *train, const char *test)
{
    duet_data_files files;
    const bool found = duet_data_files_find(&files, folder, &(duet_data_options){0}, NULL) == DUET_OK;
    const char *paths[] = {files.examples[DUET_TRAIN], files.examples[DUET_TEST]}, *const names[] = {train, test};
    bool both = found;
    for (size_t i = 0; i < 2; i++) {
        const char *slash = paths[i] == NULL ? NULL : strrchr(paths[i], '/');
        both = both && slash != NULL && strcmp(slash + 1, names[i]) == 0;
    }
    duet_data_files_free(&files);
    return both;
}

/* Names the folder of a file beside `path`, unless more files lie there. */
static void say_folder(duet_text *text, const part *of, const char *path, const char *name)
{
    char *folder = name == path ? strdup(".") : strndup(path, (size_t)(name - path - 1));
    if (folder != NULL && is_found(folder[0] == '\0' ? "/" : folder, name, of->name))
        duet_text_add(text, "the folder holds both: give --data %s", DUET_WORD("%s", folder[0] == '\0' ? "/" : folder));
    else
        duet_text_add(text, "copy these two, and their labels if they have any, into a folder of their own, and name "
                            "that");
    free(folder);
}

/* How a test part is called that is read: beside `path`, that of the training examples. */
static void say_remedy(duet_text *text, const part *of, const char *path, const parts *it, bool beside)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1, *dot = strrchr(name, '.');
    duet_split split;
    bool labels;
    if (it->pictures && beside)
        duet_text_add(text, "unpack both, into folders train and test of one, and name that");
    else if (it->pictures)
        duet_text_add(text, "PNG and JPEG files in folders train and test are read: put its pictures there");
    else if (beside && duet_data_name_is(of->name, true, &split, &labels) &&
             duet_data_name_is(name, true, &split, &labels))
        say_folder(text, of, path, name);
    else if (duet_archive_is(it->options->path))
        duet_text_add(text,
                      "arrays in that file are read by names such as x_train and x_test: save its examples there");
    else
        duet_text_add(text, "save its examples %s as test%s",
                      beside ? "beside these, both in a folder of their own," : "right in the folder",
                      strcmp(path, it->options->path) == 0 && !beside ? "_batch.bin" /* CIFAR's */
                      : dot == NULL || strcasecmp(dot, ".gz") == 0    ? ".npy"
                                                                      : dot);
}

static void tell(const parts *it, const char *path, bool beside)
{
    size_t others;
    const part *of = first_of(it, &others);
    const char *set = it->options->path;
    duet_text remedy = {0};
    if (of == NULL) return;
    say_remedy(&remedy, of, path, it, beside);
    duet_notes_add(it->options->notes, false,
                   "%s: %s %s%s lies %s it, is for %s by its name and is %s, so that a tenth of the training examples "
                   "is the test split: %s; if that is meant, say %s",
                   set, of->folder ? "the folder" : "the file", of->name, others > 0 ? ", as others do," : "",
                   beside ? "beside" : "in", of->validation ? "validation" : "the test",
                   of->folder && of->files == 0 ? "empty" : "not read", duet_text_get(&remedy),
                   DUET_WORD("%s:split=shuffled", it->options->name));
    duet_text_free(&remedy);
}

/* The name of a file in a folder, or of an archive's member, "set.zip: name"; NULL: it is the set itself. */
static const char *name_in(const char *set, const char *path)
{
    const size_t length = strlen(set);
    if (strncmp(path, set, length) != 0 || path[length] == '\0') return NULL;
    const char *name = path + length + strspn(path + length, ": /"), *slash = strrchr(name, '/');
    return slash == NULL ? name : slash + 1;
}

void duet_tell_of_untaken(const char *path, bool pictures, const duet_data_options *options)
{
    parts it = {.options = options, .pictures = pictures};
    const char *set = options->path, *slash = strrchr(set, '/');
    it.train = pictures ? NULL : name_in(set, path);
    struct stat about;
    if (stat(set, &about) != 0) return;
    if (S_ISDIR(about.st_mode)) {
        walk(&it, set, "", 0);
        tell(&it, path, false);
    } else {
        if (duet_archive_is(set)) look_through(&it, set);
        tell(&it, set, false);
        char *folder = it.count > 0 ? NULL : slash == NULL ? strdup(".") : strndup(set, (size_t)(slash - set) + 1);
        if (folder != NULL) look_beside(&it, folder, slash == NULL ? set : slash + 1);
        if (folder != NULL) tell(&it, set, true);
        free(folder);
    }
    if (it.fault.status != DUET_OK)
        duet_notes_add(options->notes, false, "%s; a test part that is not read may lie there", it.fault.message);
    for (size_t i = 0; i < it.count; i++) free(it.items[i].name);
    free(it.items);
}
