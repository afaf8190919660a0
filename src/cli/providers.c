/* SPDX-License-Identifier: MIT */
/* The library's providers, listed and searched. */
#include "cli/providers.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/table.h"

int cli_gemm_check(const char *name)
{
    duet_error error = {0};
    char hint[80];
    const char *known;
    if (duet_gemm_check(name, &error) == DUET_OK) return CLI_DONE;
    duet_spelling nearest = {.word = name};
    duet_spelling_offer(&nearest, "auto");
    for (size_t i = 0; (known = duet_gemm_name(i)) != NULL; i++) duet_spelling_offer(&nearest, known);
    return cli_complain(cli_exit_status(error.status), "%s%s", error.message,
                        duet_spelling_words(&nearest, hint, sizeof hint));
}

int cli_providers_print(cli_help_form form)
{
    static const char *const heads[] = {"provider", "meaning"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    const char *name;
    for (size_t i = 0; (name = duet_gemm_name(i)) != NULL; i++) {
        cli_table_cell(&table, "%s", name);
        cli_table_cell(&table, "%s", duet_gemm_summary(i));
    }
    cli_table_cell(&table, "auto");
    cli_table_cell(&table, "what suits the device");
    return cli_help_table(form, "Providers", "--gemm names one for what it computes, 'plain' is for convolutions too",
                          &table);
}
