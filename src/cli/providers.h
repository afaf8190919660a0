/* SPDX-License-Identifier: MIT */
/* Who computes matrix products and convolutions: what --gemm names. */
#ifndef DUET_SRC_CLI_PROVIDERS_H
#define DUET_SRC_CLI_PROVIDERS_H

#include "cli/help.h"

/** CLI_DONE if --gemm names a provider or nothing (NULL); else a message with the nearest one. */
int cli_gemm_check(const char *name);
/** The providers that --gemm names, for the end of --help. An exit status. */
int cli_providers_print(cli_help_form form);

#endif
