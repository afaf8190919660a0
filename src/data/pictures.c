/* SPDX-License-Identifier: MIT */
/* Rows that are decoded when they are read. Opening looks at every file's header, so that what does not fit is known
 * before anything is trained. */
#include "data/pictures.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/array.h"
#include "base/file.h"
#include "base/status.h"
#include "base/text.h"
#include "data/copies.h"
#include "data/foreign.h"
#include "data/picture.h"

/* What reads one split's pictures. */
typedef struct picture_rows {
    duet_picture_list *list;
    duet_split split;
    void *reader;
    duet_file_bytes bytes;
} picture_rows;

duet_picture_list *duet_picture_list_new(const char *source, const duet_picture_place *place, const char *labels,
                                         duet_error *error)
{
    duet_picture_list *list = calloc(1, sizeof *list);
    if (list != NULL) list->source = strdup(source);
    if (list != NULL && list->source != NULL) {
        list->users = 1;
        list->place = place;
        list->labels = labels;
        return list;
    }
    free(list);
    (void)duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", source);
    return NULL;
}

void duet_picture_list_release(duet_picture_list *list)
{
    if (list == NULL || --list->users > 0) return;
    for (size_t i = 0; i < list->count; i++) free(list->entries[i].name);
    for (size_t i = 0; i < list->class_count; i++) free(list->classes[i]);
    for (size_t i = 0; i < list->folder_count; i++) free(list->folders[i]);
    free(list->folders);
    free(list->classes);
    free(list->entries);
    free(list->order[0]);
    free(list->order[1]);
    free(list->source);
    free(list->other);
    free(list->table);
    free(list->array);
    free(list);
}

/* Whether it is of labels by its name, then whether it is in front. */
static bool is_rather(const char *name, bool labels, const char *than)
{
    duet_split split;
    bool others;
    const char *slash = strrchr(than, '/');
    (void)duet_data_name_is(slash == NULL ? than : slash + 1, true, &split, &others);
    return labels != others ? labels : strcmp(name, than) < 0;
}

/* Whether it is the file of labels that is read. */
static bool is_read(const duet_picture_list *list, const char *name)
{
    struct stat one, other;
    char *path = duet_path_join(list->source, name);
    const bool is = !list->is_archive && path != NULL && list->labels != NULL && stat(path, &one) == 0 &&
                    stat(list->labels, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
    free(path);
    return is;
}

/* Keeps, if it is better, the one that is told of. False: out of memory. */
static bool keep(char **kept, const char *name, bool better)
{
    if (*kept != NULL && !better) return true;
    free(*kept);
    return (*kept = strdup(name)) != NULL;
}

/* Keeps what is most likely the labels, and arrays that may be the set in place of the pictures. False: out of memory.
 */
static bool keep_table(duet_picture_list *list, const char *name)
{
    duet_split split;
    bool labels = false;
    const char *slash = strrchr(name, '/'), *last = slash == NULL ? name : slash + 1;
    const bool known = duet_data_name_is(last, true, &split, &labels);
    if (duet_data_array_is(last) && !(known && labels)) {
        if (is_read(list, name)) return true;
        list->arrays++;
        return keep(&list->array, name, list->array != NULL && strcmp(name, list->array) < 0);
    }
    return !known || keep(&list->table, name, list->table != NULL && is_rather(name, labels, list->table));
}

/* Whether a file that is no picture may be what a folder is for, such as texts and tables; pictures of other kinds,
 * films, what is packed or half there and what nobody knows are what a class has in the place of pictures. */
static bool is_something(const char *name)
{
    static const char *const nothing[] = {".zip", ".tar", ".tgz",  ".gz",   ".bz2",        ".xz",       ".zst",
                                          ".7z",  ".rar", ".part", ".tmp",  ".crdownload", ".download", ".mp4",
                                          ".avi", ".mov", ".mkv",  ".webm", NULL};
    const char *slash = strrchr(name, '/');
    return strchr(slash == NULL ? name : slash, '.') != NULL && !duet_foreign_is_about(name) &&
           !duet_picture_is_foreign(name) && !duet_name_ends_in(name, nothing);
}

/* Folders that a path goes through are not empty. */
static void forget_folders(duet_picture_list *list, const char *name)
{
    for (size_t i = list->folder_count; i-- > 0;) {
        if (strncmp(name, list->folders[i], strlen(list->folders[i])) != 0) continue;
        free(list->folders[i]);
        list->folders[i] = list->folders[--list->folder_count];
    }
}

duet_status duet_picture_list_add_folder(duet_picture_list *list, const char *name, duet_error *error)
{
    char *copy = strdup(name);
    if (copy == NULL ||
        !duet_array_grow(&list->folders, list->folder_count, &list->folder_capacity, sizeof *list->folders)) {
        free(copy);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to list its folders", list->source);
    }
    list->folders[list->folder_count++] = copy;
    return DUET_OK;
}

/* How much a file that is no picture says of what lies there: a picture of a kind that is not read, another program's
 * data, what nobody knows, what is about the others. */
static int rank_other(const char *name)
{
    if (duet_foreign_is_about(name)) return 1;
    if (duet_picture_is_foreign(name)) return 4;
    return !duet_foreign_is_text(name) && duet_foreign_by_name(name) != NULL ? 3 : 2;
}

/* Keeps of files that are no pictures the one that says most, of equal ones the first by its name. False: out of
 * memory. */
static bool keep_other(duet_picture_list *list, const char *name)
{
    const int rank = rank_other(name);
    const bool better = rank > list->other_rank || (rank == list->other_rank && strcmp(name, list->other) < 0);
    if (better) list->other_rank = rank;
    list->others++;
    list->foreign += duet_picture_is_foreign(name);
    list->texts += rank == 1 || duet_foreign_is_text(name);
    return keep(&list->other, name, better);
}

duet_status duet_picture_list_add(duet_picture_list *list, const char *name, size_t position, duet_error *error)
{
    bool sound = true;
    if (duet_picture_name_is(name) || is_something(name)) forget_folders(list, name);
    if (!duet_picture_name_is(name)) {
        sound = keep_other(list, name) && keep_table(list, name);
    } else if (!duet_array_grow(&list->entries, list->count, &list->capacity, sizeof *list->entries)) {
        sound = false;
    } else {
        list->entries[list->count] = (duet_picture_entry){.name = strdup(name), .position = position};
        sound = list->entries[list->count++].name != NULL;
    }
    return sound ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to list its files", list->source);
}

bool duet_file_bytes_grow(duet_file_bytes *bytes, size_t more)
{
    if (bytes->capacity - bytes->length >= more) return true;
    size_t capacity = bytes->length + more > 2 * bytes->capacity ? bytes->length + more : 2 * bytes->capacity;
    unsigned char *data = realloc(bytes->data, capacity);
    if (data == NULL) return false;
    bytes->data = data;
    bytes->capacity = capacity;
    return true;
}

/* The error of a file, which says where the file is. */
static duet_status fail_in(const duet_picture_list *list, const duet_error *own, duet_error *error)
{
    return duet_fail(error, own->status, "%s: %s%s", list->source, own->message,
                     own->status == DUET_ERROR_DATA ? "; get it again, or take it out" : "");
}

/* Examines one file: from its first bytes, or from all of them where the header is longer. */
static duet_status examine(const duet_picture_list *list, void *reader, size_t entry, duet_file_bytes *bytes,
                           duet_picture_header *header, duet_error *error)
{
    const duet_picture_entry *of = &list->entries[entry];
    duet_error early = {0}, late = {0};
    DUET_TRY(list->place->load(reader, list, of, DUET_PICTURE_START, bytes, error));
    const bool is_start = bytes->length == DUET_PICTURE_START;
    duet_picture_file file = {of->name, bytes->data, bytes->length, is_start, list->fitted};
    if (duet_picture_examine(&file, header, &early) == DUET_OK) return DUET_OK;
    if (!is_start) return fail_in(list, &early, error); /* that was all of it */
    DUET_TRY(list->place->load(reader, list, of, DUET_PICTURE_BYTES, bytes, error));
    file = (duet_picture_file){.name = of->name, .bytes = bytes->data, .length = bytes->length};
    return duet_picture_examine(&file, header, &late) == DUET_OK ? DUET_OK : fail_in(list, &late, error);
}

/* `first`: the entry whose size is that of all. */
static duet_status take_header(duet_picture_list *list, size_t entry, size_t first, const duet_picture_header *header,
                               duet_error *error)
{
    if (entry == first && !list->fitted) {
        list->height = header->height;
        list->width = header->width;
    }
    if (!header->grey) list->channels = 3;
    list->deep |= header->deep;
    if (list->fitted || (header->height == list->height && header->width == list->width)) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: %s is %zu x %zu pixels and %s %zu x %zu; with --size HEIGHTxWIDTH, such as --size %zux%zu, "
                     "all are scaled to cover that size and cut at the centre%s%s",
                     list->source, list->entries[first].name, list->height, list->width, list->entries[entry].name,
                     header->height, header->width, list->height, list->width,
                     list->array != NULL ? "; to read an array that lies among them name it itself: " : "",
                     list->array != NULL ? list->array : "");
}

/* All pictures are of one size, and grey if all are. */
static duet_status examine_all(duet_picture_list *list, duet_error *error)
{
    void *reader = NULL;
    duet_file_bytes bytes = {0};
    duet_status status = list->place->open(&reader, list, error);
    list->channels = 1;
    for (size_t i = 0, first = SIZE_MAX; status == DUET_OK && i < list->count; i++) {
        duet_picture_header header;
        if (list->entries[i].is_left_out) continue;
        status = examine(list, reader, i, &bytes, &header, error);
        if (first == SIZE_MAX) first = i;
        if (status == DUET_OK) status = take_header(list, i, first, &header, error);
    }
    free(bytes.data);
    if (reader != NULL) list->place->close(reader);
    return status;
}

static duet_status decode(const duet_picture_list *list, const duet_picture_file *file, uint8_t *to, duet_error *error)
{
    duet_picture picture;
    DUET_TRY(duet_picture_decode(file, &picture, error));
    duet_status status = DUET_OK;
    if (!list->fitted && (picture.height != list->height || picture.width != list->width))
        status = duet_fail(error, DUET_ERROR_FILE, "%s: has changed: it was %zu x %zu pixels and is %zu x %zu",
                           file->name, list->height, list->width, picture.height, picture.width);
    if (status == DUET_OK)
        status = duet_picture_fit(&picture, file->name, list->height, list->width, list->channels, to, error);
    duet_picture_free(&picture);
    return status;
}

static duet_status read_one(picture_rows *it, const duet_picture_entry *entry, uint8_t *to, duet_error *error)
{
    duet_error own = {0};
    DUET_TRY(it->list->place->load(it->reader, it->list, entry, DUET_PICTURE_BYTES, &it->bytes, error));
    duet_picture_file file = {.name = entry->name, .bytes = it->bytes.data, .length = it->bytes.length};
    return decode(it->list, &file, to, &own) == DUET_OK ? DUET_OK : fail_in(it->list, &own, error);
}

static duet_status pictures_read(duet_rows *rows, size_t first, size_t count, void *destination, duet_error *error)
{
    picture_rows *it = rows->state;
    const duet_picture_list *list = it->list;
    uint8_t *to = destination;
    for (size_t i = first; i < first + count; i++, to += rows->row_elements)
        DUET_TRY(read_one(it, &list->entries[list->order[it->split][i]], to, error));
    return DUET_OK;
}

/* Of the files as they lie, which costs no decoding; what is made of them follows from the shape. */
static duet_status pictures_checksum(duet_rows *rows, uint32_t *checksum, duet_error *error)
{
    picture_rows *it = rows->state;
    const duet_picture_list *list = it->list;
    uLong sum = crc32_z(0, NULL, 0);
    for (size_t i = 0; i < rows->count; i++) {
        const duet_picture_entry *entry = &list->entries[list->order[it->split][i]];
        DUET_TRY(list->place->load(it->reader, list, entry, DUET_PICTURE_BYTES, &it->bytes, error));
        sum = crc32_z(sum, it->bytes.data, it->bytes.length);
    }
    *checksum = (uint32_t)sum;
    return DUET_OK;
}

static void pictures_close(duet_rows *rows)
{
    picture_rows *it = rows->state;
    if (it->reader != NULL) it->list->place->close(it->reader);
    duet_picture_list_release(it->list);
    free(it->bytes.data);
    free(it);
}

static duet_status start_reading(duet_rows *rows, duet_picture_list *list, duet_split split, duet_error *error)
{
    picture_rows *it = calloc(1, sizeof *it);
    if (it == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", list->source);
    list->users++;
    it->list = list;
    it->split = split;
    rows->state = it;
    return list->place->open(&it->reader, list, error);
}

static duet_status pictures_share(duet_rows *to, const duet_rows *from, duet_error *error)
{
    const picture_rows *it = from->state;
    return start_reading(to, it->list, it->split, error);
}

static bool pictures_leap(const duet_rows *rows)
{
    const picture_rows *it = rows->state;
    return it->list->place->leaps;
}

static const char *pictures_name(const duet_rows *rows, size_t row)
{
    const picture_rows *it = rows->state;
    return it->list->entries[it->list->order[it->split][row]].name;
}

/* Of the files as they lie, as the checksum. */
static duet_status pictures_prints(duet_rows *rows, size_t first, size_t count, uint64_t *prints, duet_error *error)
{
    picture_rows *it = rows->state;
    const duet_picture_list *list = it->list;
    for (size_t i = 0; i < count; i++) {
        const duet_picture_entry *entry = &list->entries[list->order[it->split][first + i]];
        DUET_TRY(list->place->load(it->reader, list, entry, DUET_PICTURE_BYTES, &it->bytes, error));
        prints[i] = duet_print(it->bytes.data, it->bytes.length);
    }
    return DUET_OK;
}

static const duet_row_source pictures_source = {.read = pictures_read,
                                                .checksum = pictures_checksum,
                                                .share = pictures_share,
                                                .close = pictures_close,
                                                .leaps = pictures_leap,
                                                .name = pictures_name,
                                                .prints = pictures_prints};

/* The classes of a split's pictures as labels by name. */
static duet_status label(duet_rows *rows, const duet_picture_list *list, duet_split split, duet_error *error)
{
    duet_labels *labels = &rows->labels;
    if (list->classes == NULL) return DUET_OK;
    labels->values = malloc(rows->count);
    labels->names = calloc(list->class_count, sizeof *labels->names);
    bool sound = labels->values != NULL && labels->names != NULL;
    for (size_t i = 0; sound && i < list->class_count; i++) {
        sound = (labels->names[i] = strdup(list->classes[i])) != NULL;
        labels->name_count += sound;
    }
    if (!sound) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for labels", list->source);
    for (size_t i = 0; i < rows->count; i++) labels->values[i] = (uint8_t)list->entries[list->order[split][i]].class;
    return DUET_OK;
}

static duet_status open_split(duet_rows *rows, duet_picture_list *list, duet_split split, duet_error *error)
{
    if (list->order_count[split] == 0) return DUET_OK;
    *rows = (duet_rows){.path = strdup(list->source), .count = list->order_count[split]};
    if (rows->path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", list->source);
    rows->element = DUET_ELEMENT_UINT8;
    rows->shape = DUET_SHAPE(list->height, list->width, list->channels);
    rows->row_elements = duet_shape_elements(rows->shape);
    rows->pictures = true;
    rows->deep = list->deep;
    duet_status status = start_reading(rows, list, split, error);
    rows->source = rows->state == NULL ? NULL : &pictures_source;
    return status == DUET_OK ? label(rows, list, split, error) : status;
}

/* Classes by folders are labels; and who looks at pictures may not need any. */
static void tell_of_table(const duet_picture_list *list, const duet_data_options *options)
{
    if (list->table == NULL || list->classes != NULL || options->labels != NULL || options->for_use) return;
    duet_notes_add(options->notes, false,
                   "%s: %s lies in it and is not read: if it holds the labels of the pictures, %s--labels %s",
                   list->source, list->table, list->is_archive ? "unpack it and name it by " : "say ",
                   DUET_WORD("%s%s%s", list->is_archive ? "" : list->source, list->is_archive ? "" : "/", list->table));
}

/* Arrays among pictures are not the set, though one alone would be. */
static void tell_of_arrays(const duet_picture_list *list, const duet_data_options *options)
{
    const bool may_be_labels = list->classes == NULL && options->labels == NULL && !options->for_use;
    const char *unpack = list->is_archive ? "unpack it, and " : "";
    if (list->arrays == 0) return;
    const char *array =
        DUET_WORD("%s%s%s", list->is_archive ? "" : list->source, list->is_archive ? "" : "/", list->array);
    if (list->arrays > 1)
        duet_notes_add(options->notes, false,
                       "%s: its pictures are read, and %zu arrays that lie among them, such as %s, are left out: to "
                       "have one in their place %sgive --data %s",
                       list->source, list->arrays, list->array, unpack, array);
    else
        duet_notes_add(options->notes, false,
                       "%s: its pictures are read, and %s, which lies among them, is left out: to have it in their "
                       "place %sgive --data %s%s%s",
                       list->source, list->array, unpack, array,
                       may_be_labels ? "; if it holds their labels, --labels " : "", may_be_labels ? array : "");
}

duet_status duet_pictures_open(duet_rows rows[2], duet_picture_list *list, const duet_data_options *options,
                               duet_error *error)
{
    if (list->count > 0 && list->foreign > 0)
        duet_notes_add(options->notes, false,
                       "%s: %zu pictures are left out, since only PNG and JPEG files are read: "
                       "%s%s",
                       list->source, list->foreign, list->other, list->foreign > 1 ? " and others" : "");
    list->fitted = options->height > 0;
    list->height = options->height;
    list->width = options->width;
    duet_status status = duet_picture_list_sort_out(list, options, error);
    if (status == DUET_OK) tell_of_table(list, options);
    if (status == DUET_OK) tell_of_arrays(list, options);
    if (status == DUET_OK) status = examine_all(list, error);
    for (size_t split = 0; status == DUET_OK && split < 2; split++)
        status = open_split(&rows[split], list, (duet_split)split, error);
    duet_picture_list_release(list);
    return status;
}
