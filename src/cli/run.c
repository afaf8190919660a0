/* What every command that uses a trained run begins with. */
#include "cli/run.h"
#include "cli/output.h"

#include <stdlib.h>

int cli_run_open(duet_run **run, const char *directory, const char *device, const char *data)
{
    duet_error error = {0};
    if (duet_data_check(data, &error) != DUET_OK) return cli_fail(&error);
    if (duet_run_open_with(run, directory, device, data, NULL, &error) != DUET_OK) return cli_fail_opened(&error);
    duet_device_set_log(duet_run_device(*run), cli_log, NULL);
    return CLI_DONE;
}

duet_split cli_run_split(duet_run *run)
{
    return duet_data_describe(duet_run_data(run))->count[DUET_TEST] > 0 ? DUET_TEST : DUET_TRAIN;
}

int cli_run_needs(duet_run *run, const char *output, const char *cannot)
{
    if (duet_run_features(run, output) > 0) return CLI_DONE;
    return cli_complain(CLI_FAILED, "a model of kind %s cannot %s", duet_model_family(duet_run_model(run))->name,
                        cannot);
}

float *cli_floats_new(size_t count, size_t features)
{
    bool fits = features == 0 || count <= SIZE_MAX / sizeof(float) / features;
    float *values = fits ? malloc(count * features * sizeof *values) : NULL;
    if (values == NULL)
        cli_complain(CLI_FAILED, "there is too little memory for %zu examples of %zu numbers", count, features);
    return values;
}
