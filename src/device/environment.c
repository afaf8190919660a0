/* SPDX-License-Identifier: MIT */
/* Variables that change what OpenCL or Duet does: what was measured or trained is recorded with them. */
#include <string.h>

#include "duet/device.h"

extern char **environ;

static const char *const telling[] = {"POCL_", "OCL_", "OPENCL_", "CL_", "CLBLAST_", "RUSTICL_", "LP_", "DUET_"};

const char *duet_environment_at(size_t index)
{
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        bool tells = false;
        for (size_t i = 0; i < sizeof telling / sizeof *telling; i++)
            tells |= strncmp(*entry, telling[i], strlen(telling[i])) == 0;
        if (tells && strchr(*entry, '=') != NULL && index-- == 0) return *entry;
    }
    return NULL;
}
