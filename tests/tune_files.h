/* SPDX-License-Identifier: MIT */
/* The group's tuning file, which programs started by the tests read and write too, and the documents of runs. */
#ifndef DUET_TESTS_TUNE_FILES_H
#define DUET_TESTS_TUNE_FILES_H

#include "program.h"

static char file[TEST_PATH_SIZE + 32];

static inline int begin(void **state)
{
    (void)make_folder(state);
    (void)snprintf(file, sizeof file, "%s/tuning.json", folder);
    return setenv("DUET_TUNING", file, 1);
}

static inline json_t *load(const char *path)
{
    json_error_t fault;
    json_t *parsed = json_load_file(path, JSON_REJECT_DUPLICATES, &fault);
    if (parsed == NULL) fail_msg("%s: %s", path, fault.text);
    return parsed;
}

static inline void store(const json_t *object)
{
    assert_int_equal(json_dump_file(object, file, 0), 0);
}

static inline json_t *run_file(const char *run)
{
    char path[PATH_SIZE];
    char inner[64];
    (void)snprintf(inner, sizeof inner, "%s/run.json", run);
    return load(inside(inner, path));
}

#endif
