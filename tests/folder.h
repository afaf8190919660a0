/* SPDX-License-Identifier: MIT */
/* The folder that tests write in: one for a program's tests, or a new one for each of them. It goes away again with
 * all it holds. */
#ifndef DUET_TESTS_FOLDER_H
#define DUET_TESTS_FOLDER_H

#include "test.h"

static char folder[TEST_PATH_SIZE];

static inline int make_folder(void **state)
{
    (void)state;
    test_folder_new(folder);
    return 0;
}

static inline int remove_folder(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

/** A test in a new folder. */
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

/** The path of a file in the folder; valid until four calls later. */
static inline const char *in_folder(const char *name)
{
    static char paths[4][2 * TEST_PATH_SIZE];
    static int turn;
    turn = (turn + 1) % 4;
    (void)snprintf(paths[turn], sizeof paths[turn], "%s/%s", folder, name);
    return paths[turn];
}

#endif
