/* SPDX-License-Identifier: MIT */
/* The pictures that the models of convolutions are tested with, in files of the folder: small ones with labels, large
 * ones, ones of odd extents and ones without labels. */
#ifndef DUET_TESTS_CONVNET_FILES_H
#define DUET_TESTS_CONVNET_FILES_H

#include "model_parts.h"

enum { PATH = TEST_PATH_SIZE + 64, SIDE = 8, PIXELS = SIDE * SIDE, PICTURES = 60, CLASSES = 3, BATCH = 8 };

static char labelled[PATH], large[PATH], odd[PATH], bare[PATH];

static inline void path_of(char path[PATH], const char *run, const char *file)
{
    assert_in_range(snprintf(path, PATH, "%s/%s%s", folder, run, file), 1, PATH - 1);
}

/* An IDX file of bytes. */
static inline void write_idx_file(const char *name, size_t rank, const size_t *dims, const uint8_t *bytes)
{
    char path[PATH];
    uint8_t *all = malloc(4 + 4 * rank + PICTURES * PIXELS);
    assert_non_null(all);
    size_t used = 0, elements = 1;
    memcpy(all, (const uint8_t[]){0, 0, 8, (uint8_t)rank}, 4);
    used = 4;
    for (size_t i = 0; i < rank; i++) {
        for (int shift = 24; shift >= 0; shift -= 8) all[used++] = (uint8_t)(dims[i] >> shift);
        elements *= dims[i];
    }
    assert_in_range(elements, 1, PICTURES * PIXELS);
    memcpy(all + used, bytes, elements);
    path_of(path, name, "");
    test_file_write(path, all, used + elements);
    free(all);
}

/* Pictures of three classes: a bright bar on the left, in the middle or on the right; the first pixel is a number. */
static inline void write_labelled(void)
{
    static uint8_t pictures[PICTURES * PIXELS], labels[PICTURES];
    for (size_t i = 0; i < PICTURES; i++) {
        labels[i] = (uint8_t)(i % CLASSES);
        for (size_t p = 0; p < PIXELS; p++) {
            bool bright = p % SIDE / 3 == labels[i];
            pictures[i * PIXELS + p] = (uint8_t)((bright ? 200 : 20) + (i * 31 + p * 17) % 40);
        }
        pictures[i * PIXELS] = (uint8_t)i;
    }
    write_idx_file("images", 3, (const size_t[]){PICTURES, SIDE, SIDE}, pictures);
    write_idx_file("labels", 1, (const size_t[]){PICTURES}, labels);
    path_of(labelled, "images", "");
    path_of(bare, "bare.npy", "");
    test_write_examples(bare, DUET_SHAPE(SIDE, SIDE));
    path_of(odd, "odd.npy", "");
    test_write_examples(odd, DUET_SHAPE(10, 12));
}

/* Four black pictures of 28 x 28 with labels, for the sizes of the comparison. */
static inline void write_large(void)
{
    static const uint8_t black[4 * 28 * 28], labels[4] = {0, 1, 2, 0};
    (void)mkdir((path_of(large, "large", ""), large), 0777);
    write_idx_file("large/images", 3, (const size_t[]){4, 28, 28}, black);
    write_idx_file("large/labels", 1, (const size_t[]){4}, labels);
    path_of(large, "large/images", "");
}

static inline int begin(void **state)
{
    (void)open_all(state);
    write_labelled();
    write_large();
    return 0;
}

#endif
