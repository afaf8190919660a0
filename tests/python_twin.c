/* SPDX-License-Identifier: MIT */
/* What test_python_runs.py and test_python.py hold the package against: the family of examples/own_model.c, and sizes as the compiler sees them. */
int own_model_main(int argc, char **argv);
#define main own_model_main
#include "../examples/own_model.c"
#undef main

const duet_family *twin_family(void);
size_t twin_size(const char *name);

const duet_family *twin_family(void)
{
    return &family;
}

#define SIZE(name)                                                                                                     \
    {                                                                                                                  \
        #name, sizeof(name)                                                                                            \
    }

/* Of a structure of the headers; 0 for one that is not in the table. */
size_t twin_size(const char *name)
{
    static const struct {
        const char *name;
        size_t size;
    } sizes[] = {
        SIZE(duet_data_info),       SIZE(duet_device_info), SIZE(duet_explained_launch), SIZE(duet_explained_phase),
        SIZE(duet_metric_value),    SIZE(duet_optimiser),   SIZE(duet_own_data),         SIZE(duet_prior),
        SIZE(duet_product_timing),  SIZE(duet_progress),    SIZE(duet_request),          SIZE(duet_setting),
        SIZE(duet_train_options),   SIZE(duet_tune_row),    SIZE(duet_verdict),          SIZE(duet_window),
        SIZE(duet_monitor_options), SIZE(duet_error),
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const char *a = sizes[i].name, *b = name;
        while (*a != '\0' && *a == *b) a++, b++;
        if (*a == *b) return sizes[i].size;
    }
    return 0;
}
