/* SPDX-License-Identifier: MIT */
/* What tests of written files look at: how many files there are in the folder, and what one of them holds. */
#ifndef DUET_TESTS_WRITTEN_FILES_H
#define DUET_TESTS_WRITTEN_FILES_H

#include "folder.h"

/* How many files the folder holds: nothing temporary may stay. */
static inline size_t count_files(void)
{
    size_t count = 0;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    assert_int_equal(closedir(entries), 0);
    return count;
}

static inline void assert_holds(const char *name, const char *text)
{
    size_t size;
    char *bytes = test_file_read(in_folder(name), &size);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
    free(bytes);
}

#endif
