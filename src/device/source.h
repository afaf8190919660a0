/* SPDX-License-Identifier: MIT */
/* The kernel sources that the library carries: the table that cl/embed.py makes. */
#ifndef DUET_SRC_DEVICE_SOURCE_H
#define DUET_SRC_DEVICE_SOURCE_H

typedef struct duet_embedded_source {
    const char *file, *text;
} duet_embedded_source;

/** A row for each file of cl/; the last has no name. */
extern const duet_embedded_source duet_embedded_sources[];
/** The same for the kernels of docs/lessons that the library carries: "solutions/2-product.cl", "naive/1-launch.cl". */
extern const duet_embedded_source duet_lesson_sources[];

#endif
