/* SPDX-License-Identifier: MIT */
/* Pictures and arrays in one place, a folder or an archive: which of them are the set. */
#ifndef DUET_SRC_DATA_AMONG_H
#define DUET_SRC_DATA_AMONG_H

#include "data/options.h"

typedef struct duet_among {
    size_t entries;    /* looked at so far */
    size_t pictures;   /* by their names, of kinds that are read */
    bool scattered;    /* they lie in more than one folder */
    size_t arrays;     /* of examples; in a folder those that lie right in it */
    size_t plain;      /* of these, those not called as what is made of a set */
    bool whole;        /* names of arrays are those of a set: train_images, or one is for the test, or of labels */
    bool has[2];       /* arrays of each split */
    char picture[256]; /* the first picture's name, cut where it is longer */
    char array[256];   /* and the first array's */
    char place[256];   /* the folder of a picture */
} duet_among;

/** Counts what is called so. */
void duet_among_add(duet_among *it, const char *path);
/** Looks through a folder and, for pictures, through those below it but runs, links and what may not be read. */
duet_status duet_among_look(duet_among *it, const char *folder, duet_error *error);
/** Whether the pictures are the set, though arrays may lie among them: there are many, and no array is called as those
 * of a set are; or they lie as classes and splits do, and all arrays are called as what is made of a set. */
bool duet_among_are_pictures(const duet_among *it);
/** Says of a folder that is read as something else which pictures in it are not read. `format`: as what. */
void duet_among_tell(const char *folder, const char *format, duet_notes *notes);

#endif
