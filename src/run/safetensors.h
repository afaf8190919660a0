/* SPDX-License-Identifier: MIT */
/* Safetensors: a length, a JSON header, the tensors' bytes (https://github.com/huggingface/safetensors, "Format").
 * Duet adds one metadata entry, a CRC-32 of the whole file, so that a damaged checkpoint is refused. */
#ifndef DUET_SRC_RUN_SAFETENSORS_H
#define DUET_SRC_RUN_SAFETENSORS_H

#include "duet/graph.h"

/** One tensor to write. `read` puts its elements into `values` (bytes = elements times four). */
typedef struct duet_tensor_source {
    const char *name;
    duet_type type; /* DUET_FLOAT32 or DUET_UINT32 */
    duet_shape shape;
    duet_status (*read)(void *context, void *values, size_t bytes, duet_error *error);
    void *context;
} duet_tensor_source;

/** A pair of the metadata; values are any UTF-8 text. */
typedef struct duet_metadata {
    const char *key, *value;
} duet_metadata;

/** Writes the tensors in the order given, one in memory at a time; by write, sync, rename. */
duet_status duet_safetensors_write(const char *path, const duet_tensor_source *tensors, size_t tensor_count,
                                   const duet_metadata *metadata, size_t metadata_count, duet_error *error);

typedef struct duet_safetensors duet_safetensors;

/** A tensor of an open file; the name belongs to the file. */
typedef struct duet_tensor_row {
    const char *name;
    duet_type type;
    duet_shape shape;
    size_t offset, bytes; /* from the end of the header */
} duet_tensor_row;

/** Opens a file written by duet_safetensors_write and checks all of it: sizes, offsets, shapes, names and the checksum.
 *  DUET_ERROR_FILE if it cannot be read, DUET_ERROR_DATA if it is not whole. */
duet_status duet_safetensors_open(duet_safetensors **file, const char *path, duet_error *error);
void duet_safetensors_close(duet_safetensors **file);
/** The value of a metadata key, NULL if it is not there. Valid until the file is closed. */
const char *duet_safetensors_metadata(const duet_safetensors *file, const char *key);
/** Tensors in the order of their bytes; NULL past the end. */
const duet_tensor_row *duet_safetensors_at(const duet_safetensors *file, size_t index);
/** NULL if there is none of that name. */
const duet_tensor_row *duet_safetensors_find(const duet_safetensors *file, const char *name);
/** Reads all elements of a tensor of this file into `values` (row->bytes). */
duet_status duet_safetensors_read(duet_safetensors *file, const duet_tensor_row *row, void *values, duet_error *error);

#endif
