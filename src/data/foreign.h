/* SPDX-License-Identifier: MIT */
/* Files of other programs: what they are, and how their examples come to be read. */
#ifndef DUET_SRC_DATA_FOREIGN_H
#define DUET_SRC_DATA_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

/** "is an HDF5 file: save ..." by the first bytes of a file, NULL: these are none that are known. */
const char *duet_foreign_by_start(const unsigned char *start, size_t length);
/** The same by its name. */
const char *duet_foreign_by_name(const char *name);
/** Whether a file or folder of that name is passed over: one that is hidden, or that a system keeps for itself. */
bool duet_foreign_is_hidden(const char *name);
/** Whether a name on the path is. */
bool duet_foreign_path_is_hidden(const char *path);
/** Whether a name is that of a text, which may be about what lies beside it. */
bool duet_foreign_is_text(const char *name);
/** Whether it is that of what is about others, such as README, with an ending or not. */
bool duet_foreign_is_about(const char *name);

#endif
