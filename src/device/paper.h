/* SPDX-License-Identifier: MIT */
/* Devices on paper: what stands in for OpenCL's objects where there is no device. Programs are kept as text, kernels
 * know their program, memory is none. Stand-ins are addresses of nothing, so that nobody has to free them. */
#ifndef DUET_SRC_DEVICE_PAPER_H
#define DUET_SRC_DEVICE_PAPER_H

#include "device/device.h"

typedef struct duet_paper {
    const duet_paper_device *row;
    duet_paper_program *programs;
    size_t count, capacity;
} duet_paper;

/** Keeps a program. *program stands for it. */
duet_status duet_paper_write(duet_paper *paper, const char *name, const char *source, const char *options,
                             cl_program *program, duet_error *error);
/** Frees the programs. */
void duet_paper_clear(duet_paper *paper);

cl_mem duet_paper_memory(void);
/** The kernels of a program, all with one stand-in. */
cl_kernel duet_paper_kernel(cl_program program);
/** Whether a program, kernel or memory stands in for one. */
bool duet_is_paper(const void *object);
/** Of a kernel that does: the number of its program. */
size_t duet_paper_program_of(cl_kernel kernel);

#endif
