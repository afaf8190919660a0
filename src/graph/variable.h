/* SPDX-License-Identifier: MIT */
/* Variables: named tensors that outlive a step, in storages that several of them may share (a group's flat block).
 * Host initial values come from Philox, so they are the same bits on every device. */
#ifndef DUET_SRC_GRAPH_VARIABLE_H
#define DUET_SRC_GRAPH_VARIABLE_H

#include "device/device.h"
#include "duet/graph.h"

/** One device buffer and the variables laid out in it. */
typedef struct duet_storage duet_storage;
typedef struct duet_group duet_group;

typedef duet_status (*duet_fill_function)(void *context, void *destination, size_t bytes, duet_error *error);

struct duet_variable {
    char *name;
    duet_type type;
    duet_shape shape;
    size_t elements;
    duet_storage *storage;
    size_t offset; /* elements into the storage */
    duet_initialiser start;
    bool saved;              /* belongs in a checkpoint; false for flat views and data */
    bool may_miss;           /* but not in older ones, after which it is what it was */
    bool optimised;          /* a parameter, not a state or a moment */
    duet_fill_function fill; /* where the first bytes come from instead of `start` */
    void *fill_context;
    bool owns_context; /* free() it with the variable */
    const void *lies;  /* the same bytes in the host's memory, where devices that share it read them; NULL: nowhere */
};

struct duet_storage {
    duet_store *store;
    duet_type type;
    size_t elements;
    bool sealed; /* has a buffer: nothing can be added */
    bool filled; /* the fill functions have run */
    duet_device *device;
    cl_mem buffer;
};

/** A network: a storage of parameters, which the optimiser sees as one block, and one of its layers' states. */
struct duet_group {
    char *name;
    duet_store *store;
    duet_storage *storage, *states;
    bool initialises, spectral_norm; /* layers' weights start by `initialiser`; are normalised */
    bool weighs;                     /* there is a layer with such weights */
    duet_initialiser initialiser;
};

size_t duet_type_size(duet_type type);
uint64_t duet_store_seed(const duet_store *store);

/** A new empty storage owned by the store; NULL if memory is short. */
duet_storage *duet_storage_new(duet_store *store, duet_type type);
/** A variable at the storage's end (aligned to 64 bytes), or at a given place over others (`over` true: a flat view of
 *  the whole storage, whose shape follows it). The name is copied. NULL with an error for a name in use, a sealed
 *  storage, or sizes that overflow. */
duet_variable *duet_variable_new(duet_store *store, duet_storage *storage, const char *name, duet_shape shape,
                                 duet_initialiser start, duet_error *error);
/** Elements of a flat view: the storage's, rounded up so that kernels over it need no bounds check; the rest is zero.
 */
size_t duet_storage_flat_elements(const duet_storage *storage);
duet_variable *duet_variable_flat(duet_store *store, duet_storage *storage, const char *name, duet_error *error);
/** Finds or makes a group; NULL if memory is short. */
duet_group *duet_store_group(duet_store *store, const char *name);
/** In the order they were made; NULL past the end. */
duet_group *duet_store_group_at(const duet_store *store, size_t index);
duet_variable *duet_store_find(const duet_store *store, const char *name);
/** All variables in the order they were made; NULL past the end. */
duet_variable *duet_store_at(const duet_store *store, size_t index);

/** Gives the storage its buffer on `device` and its variables their first values but for those of fill functions, which
 *  may wait for a file. Nothing if it has one already; one on another device is DUET_ERROR_USAGE. */
duet_status duet_storage_begin(duet_storage *storage, duet_device *device, duet_error *error);
/** The same, fill functions included: afterwards it is ready for use. */
duet_status duet_storage_ensure(duet_storage *storage, duet_device *device, duet_error *error);
/** Every variable as it was when its storage got memory: its first values. Waits. */
duet_status duet_store_restart(duet_store *store, duet_error *error);

/** Gives back the buffers on that device; variables stay, and begin anew where they are used next. No plan may use them
 *  there any more. */
void duet_store_leave(duet_store *store, const duet_device *device);

/** Copies one variable's elements (bytes = elements * size of its type). */
duet_status duet_variable_read(duet_variable *variable, void *values, duet_error *error);
duet_status duet_variable_write(duet_variable *variable, const void *values, duet_error *error);

#endif
