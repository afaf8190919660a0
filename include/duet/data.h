/* SPDX-License-Identifier: MIT */
/* Data sets: named ones, and files of the formats in one table. Shapes come from the data. */
#ifndef DUET_DATA_H
#define DUET_DATA_H

#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum duet_split { DUET_TRAIN, DUET_TEST } duet_split;

/** Where the test split comes from. */
typedef enum duet_division {
    DUET_DIVISION_GIVEN,    /**< the set has test examples of its own, or is generated */
    DUET_DIVISION_LAST,     /**< the last tenth of the examples */
    DUET_DIVISION_SHUFFLED, /**< a tenth of each class by chance, which follows from the data's checksum alone */
} duet_division;

/** "given", "last" or "shuffled". */
DUET_API const char *duet_division_name(duet_division division);

typedef struct duet_data duet_data;

/** What examples of a generated set are made of, and what is known of each: a number among named values, or a number in
 *  [low, high], of which equal parts may have names. */
typedef struct duet_factor {
    const char *name, *unit; /**< unit: of a continuous one */
    bool continuous;
    double low, high;         /**< of a continuous one */
    size_t count;             /**< named values or parts; 0: none, of a continuous one */
    const char *const *names; /**< [count] */
} duet_factor;

typedef struct duet_data_info {
    const char *name;       /**< as given to duet_data_open */
    const char *source;     /**< the file or folder read, or "generated" */
    const char *format;     /**< what that was taken for, such as "a folder of pictures"; NULL: it is no path */
    duet_shape shape;       /**< of one example, such as {28, 28, 1} or {2}; pictures are height, width, channels */
    duet_type type;         /**< as kept on the device: bytes, scaled to [0, 1] when read, or float32 */
    bool unit_range;        /**< every value is in [0, 1] */
    float low[2], high[2];  /**< what the values of each split lie between; bytes, which are 0 to 1 then, are read
                                 through only where they are all dark; of generated points, which have no bounds,
                                 five deviations beyond their centres */
    bool generated;         /**< made on the device; never ends, an epoch is `count` draws by convention */
    bool picture;           /**< shape is height, width, channels with 1 or 3 channels */
    size_t count[2];        /**< examples by duet_split */
    duet_division division; /**< where the test examples come from */
    bool labelled[2];       /**< splits whose examples have labels */
    size_t classes;         /**< 0: no labels */
    const char *const *class_names; /**< [classes], as long as the set is open; NULL: numbers only */
    const char *columns;            /**< of a table with named columns (CSV): the names of its features, a line each,
                                         as long as the set is open; NULL: they have none */
    size_t factor_count;            /**< 0: nobody knows what examples are made of */
    const duet_factor *factors;     /**< [factor_count], static */
    char checksum[24];              /**< of the content; "" before duet_data_checksum */
} duet_data_info;

/** One row of `duet datasets`. */
typedef struct duet_dataset_row {
    const char *name, *summary;
    bool present;     /**< found on this machine (generated sets always are) */
    char source[512]; /**< where it was found, or how to get it */
} duet_dataset_row;

/** Fills up to `capacity` rows and returns how many there are. */
DUET_API size_t duet_dataset_list(duet_dataset_row *rows, size_t capacity);

/** Whether `name` is a named set (NULL: the first) or looks like a path, before anything is opened. Errors:
 * DUET_ERROR_USAGE names the sets. */
DUET_API duet_status duet_data_check(const char *name, duet_error *error);

/** Whether a file is one that the set of this name, as duet_data_open takes it, is read from, or would be from now on
 * if it was written: to write there would replace the data, or add to them. Of a folder of pictures all files count,
 * but for those of runs that lie in it. False for a named set, and where memory is out. */
DUET_API bool duet_data_reads(const char *name, const char *path);

/** Opens a named set, "name:options" or a path (docs/data.md has the rules); NULL: "fashion-mnist". Reads headers and
 * sizes; the examples themselves are read when first needed. Errors: DUET_ERROR_USAGE (a name that is neither a set nor
 * a path), DUET_ERROR_FILE, DUET_ERROR_DATA; the message says how to get a missing set. */
DUET_API duet_status duet_data_open(duet_data **data, const char *name, duet_error *error);
/** The same, where `unsaid` divides a set without test examples of its own whose name does not say "split=last" or
 *  "split=shuffled"; duet_data_open shuffles. */
DUET_API duet_status duet_data_open_divided(duet_data **data, const char *name, duet_division unsaid,
                                            duet_error *error);
/** A set that a program holds or makes. */
typedef struct duet_own_data {
    const char *name;         /**< what messages and run.json call it */
    duet_shape shape;         /**< of one example, 1 to 3 extents: features; height, width; height, width, channels */
    duet_type type;           /**< DUET_UINT8, scaled to [0, 1] when read, or DUET_FLOAT32 */
    size_t count[2];          /**< examples by duet_split; no test examples: a tenth of the others, as division says */
    const void *examples[2];  /**< [count, ...shape] of each split, in memory; NULL where there are none */
    const uint8_t *labels[2]; /**< [count], NULL: none. Copied */
    size_t classes;           /**< labels are below it; 0 without names: as many as the largest label says */
    const char *const *class_names; /**< [classes], UTF-8; NULL: labels are numbers. Copied */
    duet_division division;         /**< without test examples. DUET_DIVISION_GIVEN: shuffled; of a function, last */
    const char *const *columns;     /**< [features], of examples of one extent: their names, UTF-8 and of one line each,
                                         which runs hold against those of other data; NULL: they have none. Copied */
} duet_own_data;

/** Writes rows first .. first + count - 1 of a split, [count, ...shape] of the set's type, to `examples`, which is only
 *  to be written. The same row always has the same numbers. May be called on a thread of the library's, but for one
 *  split by one thread at a time. That it reads the same split of its set is DUET_ERROR_USAGE. */
typedef duet_status (*duet_fill_rows)(void *context, duet_split split, size_t first, size_t count, void *examples,
                                      duet_error *error);

/** Opens a set that lies in memory, which must stay as it is until duet_data_close, and that is called after the plans
 *  that read the set are freed. All of it is read through, for what duet_data_note then says, such as copies. Of a set
 * with test examples, or DUET_DIVISION_LAST, a CPU reads the examples where they lie, and so does a GPU that shares the
 * host's memory if they begin at a page and are whole cache lines (a multiple of 4096, and of 64 bytes); others get a
 * copy. Who changes them meanwhile trains on some of both, at worst on half-written examples. Errors: DUET_ERROR_USAGE
 * for what is no set, DUET_ERROR_DATA for numbers that are not finite. */
DUET_API duet_status duet_data_from_memory(duet_data **data, const duet_own_data *set, duet_error *error);
/** Opens a set whose examples a function gives whenever they are needed; its errors are passed on. */
DUET_API duet_status duet_data_from_callback(duet_data **data, const duet_own_data *set, duet_fill_rows fill,
                                             void *context, duet_error *error);
/** Frees what it keeps on a device too, so call it before duet_device_close. Sets *data to NULL. */
DUET_API void duet_data_close(duet_data **data);
DUET_API const duet_data_info *duet_data_describe(const duet_data *data);

/** What opening the set has to say, one text after the other: NULL past the last. *question (may be NULL): it is one
 *  that duet_train refuses to begin with; it says what answers it. */
DUET_API const char *duet_data_note(const duet_data *data, size_t index, bool *question);

/** Writes both splits, their labels and the names of classes as one .npz file that is not compressed, so that it is
 * read where it lies; by write, sync, rename. Errors: DUET_ERROR_USAGE for a generated set, which never ends, those of
 *  reading, DUET_ERROR_FILE. */
DUET_API duet_status duet_data_convert(duet_data *data, const char *path, duet_error *error);

/** Sees to it that duet_data_describe has the checksum of counts, shapes, types, rows and labels: the same under any
 *  name and path, compressed or not, and another one where data was replaced. Reads through files that are not
 *  compressed. Ask before a plan that reads the data is made. Errors: those of reading. */
DUET_API duet_status duet_data_checksum(duet_data *data, duet_error *error);

/** Opens the files of the data of a run (duet_run_data), which is otherwise done when its examples are first asked for:
 * a run is drawn from without them. Errors: those of opening, DUET_ERROR_DATA if they are not the data that the run was
 *  trained on. */
DUET_API duet_status duet_data_ready(duet_data *data, duet_error *error);

/** Examples first .. first + count - 1 of a split as float32, bytes scaled to [0, 1]. */
DUET_API duet_status duet_data_read(duet_data *data, duet_split split, size_t first, size_t count, float *values,
                                    duet_error *error);
/** Which example of `total` to take as number `index` of `count` that stand for all of them: one by chance of each of
 *  `count` equal parts, as in a file that is sorted the first few are of one kind. They grow with the index, and are
 * the same for the same numbers. count: 1 to total. */
DUET_API size_t duet_data_place(size_t index, size_t count, size_t total);
/** Their labels. DUET_ERROR_USAGE if the set has none. */
DUET_API duet_status duet_data_labels(duet_data *data, duet_split split, size_t first, size_t count, uint8_t *labels,
                                      duet_error *error);

/** Their factors, [count, factor_count]: of a factor of named values the number of its value. DUET_ERROR_USAGE if the
 * set has none. */
DUET_API duet_status duet_data_factors(duet_data *data, duet_split split, size_t first, size_t count, float *factors,
                                       duet_error *error);

/** Has trainers made from now on read the training examples while the device works, batch by batch, in place of keeping
 *  them on it: the numbers are the same to the bit. Where they do not fit on a device trainers do so anyway. */
DUET_API void duet_data_set_streaming(duet_data *data, bool streaming);

/** Whether the split has labels: the other one may. */
DUET_API bool duet_data_has_labels(const duet_data *data, duet_split split);

/** A batch as nodes: [batch, ...shape] float32. `draws` (uint32 scalar) counts batches drawn; shuffled: every example
 *  once an epoch, in an order keyed by the store's seed; otherwise in file order. The split stays on the device: one
 * device for each opened set. Generated sets draw by the graph's clock and read neither `draws` nor `shuffled`. */
DUET_API duet_node duet_data_batch(duet_data *data, duet_graph *graph, duet_split split, size_t batch, duet_node draws,
                                   bool shuffled);

/** The same with its labels: *labels is [batch, classes] float32, rows of one 1 and zeros; NULL for splits without
 *  labels. */
DUET_API duet_node duet_data_labelled_batch(duet_data *data, duet_graph *graph, duet_split split, size_t batch,
                                            duet_node draws, bool shuffled, duet_node *labels);

#ifdef __cplusplus
}
#endif

#endif
