/* SPDX-License-Identifier: MIT */
/* Opening a run, the same way for every command that uses one. */
#ifndef DUET_SRC_CLI_RUN_H
#define DUET_SRC_CLI_RUN_H

#include "cli/options.h"
#include "duet.h"

#define CLI_NO_SEED UINT64_MAX /* --seed was not given */

/** Opens a run, which all ranks share; long waits are announced on standard error. `out`: what --out will write, which may
 * not be what the run's data are read from; NULL: nothing. CLI_DONE, or a message and an exit status. */
int cli_run_open(duet_run **run, const char *directory, const char *device, const char *data, const char *out);

/** How many notes the data have by now. */
size_t cli_data_said(const duet_data *data);
/** Says the notes of data on standard error, from the one of that number on. */
void cli_data_tell(const duet_data *data, size_t first);

/** duet_run_set_judge; how the judge's data differ from the run's is said on standard error. */
duet_status cli_run_set_judge(duet_run *run, duet_run *judge, duet_error *error);

/** The split that judges and shows a run: the test split, or the training split where the data has no other. */
duet_split cli_run_split(duet_run *run);

/** CLI_DONE if the model has the output; else CLI_FAILED after a message in which `cannot` says what it cannot do. */
int cli_run_needs(duet_run *run, const char *output, const char *cannot);

/** Room for count x features numbers. NULL after a message. */
float *cli_floats_new(size_t count, size_t features);

/** How many of the numbers are not finite. */
size_t cli_floats_wrong(const float *values, size_t count);
/** CLI_DONE if all numbers are finite, else CLI_WRONG after a message that calls them `what`. */
int cli_floats_check(const float *values, size_t count, const char *what);

/** Answers the request with progress on standard error; signals that ask to stop do (cli/interrupt.h). Returns an exit
 * status. */
int cli_use(duet_run *run, duet_request *request);

/** CLI_DONE if every word has the form KEY=VALUE, else a message and CLI_MISTAKE. Only the run knows its keys. */
int cli_settings_look(const cli_list *settings);

/** The row of a command's table of options for them. */
#define CLI_SET_OPTION(place)                                                                                          \
    {                                                                                                                  \
        CLI_LIST, "set", 0, place, "KEY=VALUE",                                                                        \
            "a number of the model's way there, such as steps=200, or\n"                                               \
            "weights=average or weights=trained; several times",                                                       \
            0, 0                                                                                                       \
    }

/** CLI_DONE if the run knows the keys and takes the values; after a message CLI_FAILED for a key that it does not know,
 *  of which the nearest is offered, and CLI_MISTAKE for a value. */
int cli_settings_known(duet_run *run, const cli_list *settings);

/** Has all that the run is asked for read the settings, which must outlive it. Those of cli_settings_known, and
 *  CLI_FAILED after a message if one is read by nothing that makes one of the outputs. */
int cli_settings_take(duet_run *run, const cli_list *settings, const char *const *outputs, size_t count);

/** CLI_DONE if all are names of metrics, else CLI_MISTAKE after a message that offers the nearest name. */
int cli_metrics_check(const cli_list *metrics);

#endif
