/* SPDX-License-Identifier: MIT */
/* What the paths of pictures say: [train/ or test/][class/]...file, or class/[train/ or test/]...file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/file.h"
#include "base/status.h"
#include "data/foreign.h"
#include "data/picture.h"
#include "data/pictures.h"

enum { MOST_CLASSES = 256 };

typedef enum part { PART_NONE, PART_TRAIN, PART_TEST, PART_VALIDATION } part;

/* Without the "set" of training_set, test-set, trainset. */
static size_t without_set(const char *name, size_t length)
{
    if (length <= 3 || strncasecmp(name + length - 3, "set", 3) != 0) return length;
    length -= 3;
    return length - (strchr("_- ", name[length - 1]) != NULL);
}

static part part_of(const char *name, size_t length)
{
    length = without_set(name, length);
    static const struct {
        const char *word;
        part part;
    } words[] = {
        {"train", PART_TRAIN}, {"training", PART_TRAIN}, {"test", PART_TEST},        {"testing", PART_TEST},
        {"t10k", PART_TEST},   {"val", PART_VALIDATION}, {"valid", PART_VALIDATION}, {"validation", PART_VALIDATION}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].word) == length && strncasecmp(words[i].word, name, length) == 0) return words[i].part;
    return PART_NONE;
}

bool duet_picture_part_is(const char *word)
{
    return part_of(word, strlen(word)) != PART_NONE;
}

/* The length of the path's first folder; 0: there is none. */
static size_t first_folder(const char *path)
{
    const char *slash = strchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path);
}

/* How much of all paths is folders that all of them share, as in an archive of one folder. A folder of a part stays. */
static size_t common_folders(const duet_picture_list *list)
{
    const char *path = list->entries[0].name;
    for (size_t done = 0, length;; done += length + 1) {
        length = first_folder(path + done);
        if (length == 0 || part_of(path + done, length) != PART_NONE) return done;
        for (size_t i = 1; i < list->count; i++)
            if (strncmp(list->entries[i].name, path, done + length + 1) != 0) return done;
    }
}

/* How a set's paths are to be read. */
typedef struct layout {
    size_t skip;       /* of each path: what all share */
    bool parts, below; /* folders are the parts of the set: the first ones, or those in the folders of classes */
} layout;

static part part_at(const duet_picture_list *list, size_t entry, size_t skip, bool below)
{
    const char *path = list->entries[entry].name + skip;
    if (below && first_folder(path) == 0) return PART_NONE;
    if (below) path += first_folder(path) + 1;
    return part_of(path, first_folder(path));
}

/* Whether folders are parts of a set: some are called train, in folders of classes others test, or, where that will do,
 * all are test. */
static bool has_parts(const duet_picture_list *list, size_t skip, bool below, bool for_use)
{
    size_t counts[4] = {0};
    for (size_t i = 0; i < list->count; i++) counts[part_at(list, i, skip, below)]++;
    if (for_use && counts[PART_TEST] == list->count) return true;
    return counts[PART_TRAIN] > 0 && (!below || counts[PART_TEST] + counts[PART_VALIDATION] > 0);
}

/* Which split each entry is of. Without a test folder the pictures for validation are the test split; with one they are
 * left out. */
static duet_status find_splits(duet_picture_list *list, const layout *how, duet_notes *notes, duet_error *error)
{
    size_t counts[4] = {0};
    for (size_t i = 0; i < list->count; i++) {
        const part is = part_at(list, i, how->skip, how->below);
        counts[is]++;
        if (is == PART_NONE)
            return duet_fail(error, DUET_ERROR_DATA,
                             "%s: %s lies outside of the folders train and test, where others are; move it into one "
                             "of them, or take it out",
                             list->source, list->entries[i].name);
    }
    for (size_t i = 0; i < list->count; i++) {
        const part is = part_at(list, i, how->skip, how->below);
        list->entries[i].split = is == PART_TRAIN ? DUET_TRAIN : DUET_TEST;
        list->entries[i].is_left_out = is == PART_VALIDATION && counts[PART_TEST] > 0;
    }
    if (counts[PART_TEST] > 0 && counts[PART_VALIDATION] > 0)
        duet_notes_add(notes, false, "%s: %zu pictures for validation are left out; the test split is the folder test",
                       list->source, counts[PART_VALIDATION]);
    return DUET_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static duet_status too_many(const duet_picture_list *list, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_DATA, "%s: more than %d folders of classes; %d classes are possible",
                     list->source, MOST_CLASSES, MOST_CLASSES);
}

/* The class names, sorted and each once. */
static duet_status collect_classes(duet_picture_list *list, const char *const *starts, duet_error *error)
{
    size_t capacity = 0;
    for (size_t i = 0; i < list->count; i++) {
        size_t length = first_folder(starts[i]), k = list->class_count;
        if (list->entries[i].is_left_out) continue;
        /* most often it is the class of the entry before */
        while (k > 0 && (strncmp(list->classes[k - 1], starts[i], length) != 0 || list->classes[k - 1][length] != '\0'))
            k--;
        if (k > 0) continue;
        if (list->class_count == MOST_CLASSES) return too_many(list, error);
        char *name = strndup(starts[i], length);
        if (name == NULL || !duet_array_grow(&list->classes, list->class_count, &capacity, sizeof *list->classes)) {
            free(name);
            return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for its classes", list->source);
        }
        list->classes[list->class_count++] = name;
    }
    qsort(list->classes, list->class_count, sizeof *list->classes, compare_names);
    return DUET_OK;
}

static void give_classes(duet_picture_list *list, const char *const *starts)
{
    for (size_t i = 0; i < list->count; i++) {
        size_t length = first_folder(starts[i]), k = 0;
        while (k + 1 < list->class_count &&
               (strncmp(list->classes[k], starts[i], length) != 0 || list->classes[k][length] != '\0'))
            k++;
        list->entries[i].class = k;
    }
}

/* `starts`: each path without what is common and without its part. */
static duet_status find_classes(duet_picture_list *list, const char *const *starts, duet_error *error)
{
    size_t inside = 0, used = 0, one = 0, other = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->entries[i].is_left_out) continue;
        used++;
        if (first_folder(starts[i]) > 0) {
            inside++;
            one = i;
        } else {
            other = i;
        }
    }
    if (inside == 0) return DUET_OK;
    if (inside < used)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: some pictures lie in folders of classes, such as %s, and some in none, such as %s: move "
                         "them, so that all have a class or none has",
                         list->source, list->entries[one].name, list->entries[other].name);
    DUET_TRY(collect_classes(list, starts, error));
    give_classes(list, starts);
    return DUET_OK;
}

/* Whether two names are one but for "train" and the word of another part, as seg_train and seg_test, train2017 and
 * val2017. */
static bool are_parts(const char *train, const char *other)
{
    static const char *const words[] = {"test", "val", "valid", "validation"};
    for (size_t i = 0; train[i] != '\0' && strncmp(train, other, i) == 0; i++)
        for (size_t k = 0; k < sizeof words / sizeof *words && strncasecmp(train + i, "train", 5) == 0; k++)
            if (strncasecmp(other + i, words[k], strlen(words[k])) == 0 &&
                strcmp(train + i + 5, other + i + strlen(words[k])) == 0)
                return true;
    return false;
}

/* Parts that are called otherwise would be learnt as classes. */
static void tell_of_parts(const duet_picture_list *list, duet_notes *notes)
{
    for (size_t i = 0; i < list->class_count; i++)
        if (part_of(list->classes[i], strlen(list->classes[i])) != PART_NONE && list->class_count > 1)
            duet_notes_add(notes, false,
                           "%s: its folder \"%s\" is read as a class: if it is a part of the set, put what is to be "
                           "learnt from into a folder train beside it",
                           list->source, list->classes[i]);
    for (size_t i = 0; i < list->class_count; i++)
        for (size_t k = 0; k < list->class_count; k++) {
            if (!are_parts(list->classes[i], list->classes[k])) continue;
            duet_notes_add(notes, false,
                           "%s: its folders \"%s\" and \"%s\" are read as classes: if they are the training and the "
                           "test examples, call them train and test",
                           list->source, list->classes[i], list->classes[k]);
            return;
        }
}

/* Whether a folder lies where those of classes do, and no picture in it. */
static bool is_empty_class(const duet_picture_list *list, const layout *how, const char *folder)
{
    if (strncmp(folder, list->entries[0].name, how->skip) != 0) return false;
    const char *path = folder + how->skip;
    if (how->parts && part_of(path, first_folder(path)) == PART_NONE) return false;
    if (how->parts) path += first_folder(path) + 1;
    if (part_of(path, first_folder(path)) != PART_NONE || path[0] == '\0') return false;
    for (size_t i = 0; i < list->count; i++) /* archives may name a folder behind what lies in it */
        if (strncmp(list->entries[i].name, folder, strlen(folder)) == 0) return false;
    return path[first_folder(path) + 1] == '\0';
}

/* A class of which nothing was copied would vanish without a word. */
static void tell_of_empty(const duet_picture_list *list, const layout *how, duet_notes *notes)
{
    const char *first = NULL;
    size_t count = 0;
    for (size_t i = 0; list->classes != NULL && i < list->folder_count; i++) {
        if (!is_empty_class(list, how, list->folders[i])) continue;
        if (count++ == 0 || strcmp(list->folders[i], first) < 0) first = list->folders[i];
    }
    if (count > 0)
        duet_notes_add(
            notes, false,
            "%s: the folder %.*s%s holds no PNG or JPEG file beside those of classes, and is none of them: put "
            "its pictures there, or take it out",
            list->source, (int)strlen(first) - 1, first, count > 1 ? ", as others," : "");
}

/* What a folder holds by its name, where it holds pictures or what was drawn over each of them, as for segmentation. */
typedef enum layer { LAYER_OTHER, LAYER_PICTURES, LAYER_MASKS } layer;

static layer layer_of(const char *name, size_t length)
{
    static const char *const words[][24] = {
        [LAYER_PICTURES] = {"image", "images", "img", "imgs", "input", "inputs", "JPEGImages"},
        [LAYER_MASKS] = {"mask", "masks", "annotation", "annotations", "label", "labels", "segmentation",
                         "segmentations", "SegmentationClass", "SegmentationObject", "ground_truth", "groundtruth",
                         "gt", "target", "targets", "output", "outputs", "depth", "trimaps"},
    };
    for (layer is = LAYER_PICTURES; is <= LAYER_MASKS; is++)
        for (const char *const *word = words[is]; *word != NULL; word++)
            if (strlen(*word) == length && strncasecmp(*word, name, length) == 0) return is;
    return LAYER_OTHER;
}

/* Finds a path of each layer, cut behind the folder that tells, where all pictures lie in such folders `depth` below
 * `starts`; false: they do not. */
static bool find_layers(const duet_picture_list *list, const char *const *starts, size_t depth, const char *found[3],
                        size_t lengths[3])
{
    for (size_t i = 0; i < list->count; i++) {
        const char *at = starts[i];
        if (list->entries[i].is_left_out) continue;
        for (size_t k = 0; k < depth && first_folder(at) > 0; k++) at += first_folder(at) + 1;
        const layer is = layer_of(at, first_folder(at));
        if (is == LAYER_OTHER) return false;
        if (found[is] != NULL) continue;
        found[is] = list->entries[i].name;
        lengths[is] = (size_t)(at - found[is]) + first_folder(at);
    }
    return found[LAYER_PICTURES] != NULL && found[LAYER_MASKS] != NULL;
}

/* Pictures and what belongs to each of them are no classes, and no pictures of one. */
static void tell_of_masks(const duet_picture_list *list, const char *const *starts, duet_notes *notes)
{
    const char *found[3] = {NULL}, *unpacked = list->is_archive ? ", once it is unpacked" : "";
    size_t lengths[3];
    if (list->class_count > 1 && find_layers(list, starts, 0, found, lengths))
        duet_notes_add(notes, false,
                       "%s: its folders \"%.*s\" and \"%.*s\" are read as classes: if one holds the pictures and the "
                       "other what belongs to each of them, name the folder %.*s alone%s",
                       list->source, (int)lengths[LAYER_PICTURES], found[LAYER_PICTURES], (int)lengths[LAYER_MASKS],
                       found[LAYER_MASKS], (int)lengths[LAYER_PICTURES], found[LAYER_PICTURES], unpacked);
    found[LAYER_PICTURES] = found[LAYER_MASKS] = NULL;
    if (list->class_count > 0 && find_layers(list, starts, 1, found, lengths))
        duet_notes_add(notes, false,
                       "%s: its folders \"%.*s\" and \"%.*s\" are both read as pictures of classes: if one holds the "
                       "pictures and the other what belongs to each of them, take these out%s",
                       list->source, (int)lengths[LAYER_PICTURES], found[LAYER_PICTURES], (int)lengths[LAYER_MASKS],
                       found[LAYER_MASKS], unpacked);
}

/* The part that a picture's own name begins with, as train_0.png and test-0.png do. */
static part part_of_file(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    const size_t length = strcspn(name, "_-. 0123456789");
    return name[length] == '\0' ? PART_NONE : part_of(name, length);
}

/* Pictures whose parts stand in front of their own names would all be learnt from. */
static void tell_of_files(const duet_picture_list *list, duet_notes *notes)
{
    size_t counts[4] = {0}, one[4] = {0};
    for (size_t i = 0; i < list->count; i++) {
        const part is = part_of_file(list->entries[i].name);
        if (counts[is]++ == 0) one[is] = i;
    }
    const part other = counts[PART_TEST] > 0 ? PART_TEST : PART_VALIDATION;
    if (counts[PART_NONE] > 0 || counts[PART_TRAIN] == 0 || counts[other] == 0) return;
    duet_notes_add(notes, false,
                   "%s: its pictures are all read as one set, and are parts of one by their names, such as %s and %s: "
                   "put them into folders train and test",
                   list->source, list->entries[one[PART_TRAIN]].name, list->entries[one[other]].name);
}

/* The entries of each split in the list's order. */
static duet_status make_order(duet_picture_list *list, duet_error *error)
{
    for (size_t split = 0; split < 2; split++) {
        list->order[split] = calloc(list->count, sizeof *list->order[split]);
        if (list->order[split] == NULL)
            return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for its files", list->source);
    }
    for (size_t i = 0; i < list->count; i++) {
        duet_split split = list->entries[i].split;
        if (!list->entries[i].is_left_out) list->order[split][list->order_count[split]++] = i;
    }
    return DUET_OK;
}

/* What a file in a folder is by its first bytes, which say nothing of what is packed; NULL: nobody knows. */
static const char *words_on_start(const unsigned char *start, size_t length)
{
    if (length >= 2 && memcmp(start, "\x1F\x8B", 2) == 0) return NULL;
    if (length >= 4 && memcmp(start, "\x89PNG", 4) == 0) return "is a picture: let its name end in .png";
    if (length >= 3 && memcmp(start, "\xFF\xD8\xFF", 3) == 0) return "is a picture: let its name end in .jpg";
    return duet_foreign_by_start(start, length);
}

/* Whether it is called as an archive that is read. */
static bool is_archive_name(const char *name)
{
    static const char *const archives[] = {".npz", ".zip", ".tar", ".tgz", NULL};
    static const char *const packed[] = {".gz", ".bz2", ".xz", ".zst", NULL};
    const char *dot = strrchr(name, '.');
    return duet_name_ends_in(name, archives) ||
           (duet_name_ends_in(name, packed) && dot - name > 4 && strncasecmp(dot - 4, ".tar", 4) == 0);
}

/* The same by its name, of what is packed by the name in front. `texts`: all that lies there are texts. */
static const char *words_on_name(const char *name, bool texts)
{
    static const char *const packed[] = {".gz", NULL};
    char *inner = duet_name_ends_in(name, packed) ? strndup(name, strlen(name) - 3) : NULL;
    const char *words = is_archive_name(name) || (duet_foreign_is_text(name) && !texts)
                            ? NULL
                            : duet_foreign_by_name(inner != NULL ? inner : name);
    free(inner);
    return words;
}

/* What another program's file is, by its first bytes where it lies in a folder, or by its name; NULL: nobody knows. */
static const char *words_on(const duet_picture_list *list, const char *name)
{
    char *path = duet_path_join(list->source, name);
    const char *fault, *words = NULL;
    FILE *file = path == NULL || list->is_archive ? NULL : duet_file_open(path, &fault);
    unsigned char start[24];
    if (file != NULL) {
        words = words_on_start(start, fread(start, 1, sizeof start, file));
        (void)fclose(file);
    }
    free(path);
    return words != NULL ? words : words_on_name(name, list->texts == list->others);
}

/* What to do about files of an archive that are no pictures. Some programs' own files are archives. */
static duet_status refuse_archive(const duet_picture_list *list, duet_error *error)
{
    static const char *const archives[] = {".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".npz", NULL};
    const char *words = duet_name_ends_in(list->source, archives) ? NULL : duet_foreign_by_name(list->source);
    if (words != NULL) return duet_fail(error, DUET_ERROR_DATA, "%s: %s", list->source, words);
    words = words_on(list, list->other);
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: holds no training pictures: in an archive PNG and JPEG files are expected, or .npy arrays; "
                     "it holds %s%s%s%s",
                     list->source, list->other, list->others > 1 ? " and others" : "",
                     words != NULL ? "; the first " : ": unpack it, and name that or its folder",
                     words != NULL ? words : "");
}

/* Whether a path goes through a folder of a part, in which only pictures are read. */
static bool is_in_part(const char *path)
{
    for (size_t length; (length = first_folder(path)) > 0; path += length + 1)
        if (part_of(path, length) != PART_NONE) return true;
    return false;
}

static duet_status refuse_empty(const duet_picture_list *list, duet_error *error)
{
    if (list->others > 0 && list->is_archive) return refuse_archive(list, error);
    if (list->others == 0)
        return duet_fail(error, DUET_ERROR_DATA,
                         "%s: holds no training pictures: PNG and JPEG files, or names such as "
                         "train-images-idx3-ubyte[.gz], train.npy or train.csv are expected",
                         list->source);
    const bool in_part = list->array != NULL && is_in_part(list->array);
    const char *words = list->array == NULL ? words_on(list, list->other) : NULL;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: holds no training pictures: PNG and JPEG files (.png, .jpg, .jpeg), or names such as "
                     "train-images-idx3-ubyte[.gz], train.npy or train.csv are expected; it holds %s%s%s%s%s%s%s",
                     list->source, list->other, list->others > 1 ? " and others" : "",
                     is_archive_name(list->other) ? ", which can be named itself" : "",
                     in_part ? "; arrays are read right in one folder: put them there as train.npy and test.npy, their "
                               "labels as train-labels.npy and test-labels.npy"
                     : list->array != NULL ? "; to read an array name it itself: "
                                           : "",
                     list->array != NULL && !in_part ? list->array : "", words != NULL ? "; that " : "",
                     words != NULL ? words : "");
}

duet_status duet_picture_list_sort_out(duet_picture_list *list, const duet_data_options *options, duet_error *error)
{
    if (list->count == 0) return refuse_empty(list, error);
    layout how = {.skip = common_folders(list)};
    how.parts = has_parts(list, how.skip, false, options->for_use);
    how.below = !how.parts && has_parts(list, how.skip, true, options->for_use);
    if (how.parts || how.below) DUET_TRY(find_splits(list, &how, options->notes, error));
    const char **starts = calloc(list->count, sizeof *starts);
    if (starts == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for its files", list->source);
    for (size_t i = 0; i < list->count; i++) {
        const char *path = list->entries[i].name + how.skip;
        starts[i] = path + (how.parts ? first_folder(path) + 1 : 0);
    }
    duet_status status = find_classes(list, starts, error);
    if (status == DUET_OK && !options->for_use) tell_of_masks(list, starts, options->notes);
    free(starts);
    if (status == DUET_OK) tell_of_parts(list, options->notes);
    if (status == DUET_OK && !options->for_use) {
        tell_of_empty(list, &how, options->notes);
        if (!how.parts && !how.below) tell_of_files(list, options->notes);
    }
    return status == DUET_OK ? make_order(list, error) : status;
}
