/* SPDX-License-Identifier: MIT */
/* What tests hold of sets of examples that they wrote: values, labels, what is said, and why one is refused. */
#ifndef DUET_TESTS_DATA_CHECKS_H
#define DUET_TESTS_DATA_CHECKS_H

#include "data_files.h"

/* Opens a set and reads every example of it; the first error of either. */
static inline duet_status read_all(const char *name, duet_error *error)
{
    duet_data *data = NULL;
    duet_status status = duet_data_open_divided(&data, name, DUET_DIVISION_LAST, error);
    if (status != DUET_OK) assert_null(data);
    for (int split = DUET_TRAIN; status == DUET_OK && split <= DUET_TEST; split++) {
        const duet_data_info *info = duet_data_describe(data);
        float *values = malloc(info->count[split] * duet_shape_elements(info->shape) * sizeof *values);
        assert_non_null(values);
        status = duet_data_read(data, split, 0, info->count[split], values, error);
        free(values);
    }
    duet_data_close(&data);
    assert_null(data);
    return status;
}

static inline void assert_refused(const char *title, const char *name, duet_status expected, const char *piece)
{
    duet_error error = {0};
    duet_status status = read_all(name, &error);
    if (status == expected && strstr(error.message, piece) != NULL && strstr(error.message, "(null)") == NULL) return;
    fail_msg("%s: status \"%s\", expected \"%s\"; message \"%s\", expected to hold \"%s\"", title,
             duet_status_name(status), duet_status_name(expected), error.message, piece);
}

/* Path and options of a file in the folder. */
static inline const char *with(const char *name, const char *options)
{
    static char text[3 * TEST_PATH_SIZE];
    (void)snprintf(text, sizeof text, "%s:%s", in_folder(name), options);
    return text;
}

static inline void assert_values(duet_data *data, duet_split split, size_t first, const double *expected, size_t count)
{
    duet_error error = {0};
    float values[4096];
    size_t elements = duet_shape_elements(duet_data_describe(data)->shape);
    assert_in_range(elements * (count / elements), 1, 4096);
    assert_ok(duet_data_read(data, split, first, count / elements, values, &error), &error);
    for (size_t i = 0; i < count; i++) assert_close(values[i], expected[i], 1e-6 * (1 + fabs(expected[i])));
}

static inline void assert_labels(duet_data *data, duet_split split, const char *expected)
{
    duet_error error = {0};
    uint8_t labels[64];
    size_t count = strlen(expected);
    assert_int_equal(duet_data_describe(data)->count[split], count);
    assert_ok(duet_data_labels(data, split, 0, count, labels, &error), &error);
    for (size_t i = 0; i < count; i++) assert_int_equal(labels[i], expected[i] - '0');
}

/* Checks examples of bytes against the pattern, read whole and in pieces. */
static inline void check_bytes(duet_data *data, duet_split split, size_t start)
{
    duet_error error = {0};
    const duet_data_info *info = duet_data_describe(data);
    size_t elements = duet_shape_elements(info->shape), count = info->count[split];
    float *values = calloc(count * elements, sizeof *values);
    assert_non_null(values);
    assert_ok(duet_data_read(data, split, 0, count, values, &error), &error);
    for (size_t i = 0; i < count * elements; i++) assert_close(values[i], pattern(start + i) / 255.0, 1e-7);
    for (size_t row = count; row-- > 0;) {
        assert_ok(duet_data_read(data, split, row, 1, values, &error), &error);
        for (size_t i = 0; i < elements; i++)
            assert_close(values[i], pattern(start + row * elements + i) / 255.0, 1e-7);
    }
    assert_ok(duet_data_read(data, split, count, 0, values, &error), &error);
    assert_status(duet_data_read(data, split, 1, count, values, &error), DUET_ERROR_USAGE, &error);
    assert_message(&error, "split holds");
    free(values);
}

/* Whether opening the set said something with this piece in it. */
static inline bool says(const duet_data *data, const char *piece)
{
    const char *note;
    for (size_t i = 0; (note = duet_data_note(data, i, NULL)) != NULL; i++)
        if (strstr(note, piece) != NULL) return true;
    return false;
}

#endif
