/* SPDX-License-Identifier: MIT */
/* A test part that is there and not read: without a word a tenth of the training examples would take its place. */
#ifndef DUET_SRC_DATA_UNTAKEN_H
#define DUET_SRC_DATA_UNTAKEN_H

#include "data/data.h"

/** Of examples that were read without a test part names what lies among them, or beside their file, that is called as
 *  one. `path`: the file of the training examples, or what they lie in. `pictures`: what is called as a picture is
 * read. */
void duet_tell_of_untaken(const char *path, bool pictures, const duet_data_options *options);

#endif
