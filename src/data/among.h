/* SPDX-License-Identifier: MIT */
/* Pictures and arrays in one place, a folder or an archive: which of them are the set. */
#ifndef DUET_SRC_DATA_AMONG_H
#define DUET_SRC_DATA_AMONG_H

#include "data/options.h"

typedef struct duet_among {
    size_t pictures;   /* by their names; those of kinds that are not read count */
    bool scattered;    /* they lie in more than one folder */
    size_t arrays;     /* of examples; in a folder those that lie right in it */
    bool whole;        /* names of arrays are those of a set: train_images, or one of them is for the test */
    bool has[2];       /* arrays of each split */
    char picture[256]; /* the first picture's name, cut where it is longer */
    char array[256];   /* and the first array's */
    char place[256];   /* the folder of a picture */
} duet_among;

/** Counts what is called so. */
void duet_among_add(duet_among *it, const char *path);
/** Looks through a folder, where there are arrays also through those below it for pictures. */
void duet_among_look(duet_among *it, const char *folder);
/** Whether the pictures are the set, and arrays lie among them: an array that is called as those of a set is one. */
bool duet_among_are_pictures(const duet_among *it);
/** Says of a folder that is read as something else which pictures in it are not read. `format`: as what. */
void duet_among_tell(const char *folder, const char *format, duet_notes *notes);

#endif
