/* SPDX-License-Identifier: MIT */
/* What opening data says: one note, none, or why they are refused. */
#ifndef DUET_TESTS_DATA_NOTES_H
#define DUET_TESTS_DATA_NOTES_H

#include "data_files.h"

enum { ROWS = 40, COLUMNS = 5, FEATURES = ROWS * COLUMNS };

/* Rows of numbers in [0, 1), but for one. */
static inline void write_rows(const char *name, size_t place, float value)
{
    float rows[FEATURES];
    for (size_t i = 0; i < FEATURES; i++) rows[i] = (float)(i * 37 % FEATURES) / FEATURES;
    rows[place] = value;
    write_npy(name, 1, ARRAY("<f4", "False", "(40, 5)"), rows, sizeof rows);
}

static inline duet_data *open_folder(const char *options)
{
    char name[3 * TEST_PATH_SIZE];
    (void)snprintf(name, sizeof name, "%s%s", folder, options);
    return open_sound(name);
}

static inline void assert_refused(const char *piece)
{
    duet_error error = {0};
    duet_data *data = NULL;
    assert_status(duet_data_open(&data, folder, &error), DUET_ERROR_DATA, &error);
    assert_message(&error, piece);
}

/* One note that holds the piece, or none. */
static inline void assert_noted(const char *title, duet_data *data, const char *piece)
{
    const char *note = duet_data_note(data, 0, NULL);
    if ((note == NULL) != (piece == NULL) || (piece != NULL && strstr(note, piece) == NULL))
        fail_msg("%s: \"%s\"", title, note != NULL ? note : "(nothing)");
    duet_data_close(&data);
}

#endif
