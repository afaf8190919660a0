/* SPDX-License-Identifier: MIT */
/* What is given as an option may be a setting's key: one of the model, or at use one that the run takes, which its
 * model says. No key is suggested that the command would refuse. */
#include "cli/unknown.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/workloads.h"

#include <string.h>

static bool has(const cli_command *command, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < command->option_count; i++)
        found = found || (command->options[i].name != NULL && strcmp(command->options[i].name, name) == 0);
    return found;
}

/* Whether its settings are those of runs at use. */
static bool uses_runs(const cli_command *command)
{
    bool uses = false;
    for (size_t i = 0; i < command->option_count; i++) {
        const cli_option *option = &command->options[i];
        uses = uses || (cli_option_is_operand(option) && strncmp(option->name, "RUN", 3) == 0);
    }
    return uses;
}

static bool family_has(const duet_family *family, const char *key)
{
    const duet_setting *setting;
    for (size_t i = 0; (setting = duet_family_setting(family, i)) != NULL; i++)
        if (strcmp(setting->key, key) == 0) return true;
    return false;
}

/* Of the model that is named; where none is, of any. */
static bool models_take(const cli_command *command, char *const *operands, int count, const char *key)
{
    (void)command;
    for (int i = 0; i < count; i++) {
        const cli_workload *workload = cli_workload_find(operands[i]);
        const duet_family *family = workload != NULL ? cli_workload_family(workload) : duet_family_find(operands[i]);
        if (family != NULL) return family_has(family, key);
    }
    for (size_t f = 0; f < duet_family_count(); f++)
        if (family_has(duet_family_at(f), key)) return true;
    return false;
}

/* What commands ask of a run; those that are not here ask for several things, by their options. */
static const struct question {
    const cli_command *command;
    const char *outputs[2];
} questions[] = {
    {&cli_sample, {DUET_SAMPLE, "attack"}},
    {&cli_features, {DUET_SAMPLE}},
    {&cli_encode, {DUET_LATENT}},
    {&cli_reconstruct, {DUET_RECONSTRUCTION}},
    {&cli_traverse, {DUET_DECODE}},
    {&cli_interpolate, {DUET_DECODE, DUET_LATENT}},
    {&cli_invert, {"inverse"}},
    {&cli_classify, {DUET_CLASS_LOGITS, DUET_NLL}},
};

/* Whether what the command asks of the run goes by the key. */
static bool run_takes(const cli_command *command, duet_run *run, const char *key)
{
    char setting[64];
    snprintf(setting, sizeof setting, "%s=", key);
    if (!duet_run_takes(run, key)) return false;
    for (size_t i = 0; i < CLI_COUNT_OF(questions); i++) {
        const char *const *outputs = questions[i].outputs;
        if (questions[i].command != command) continue;
        return duet_run_reads(run, outputs[0], setting) ||
               (outputs[1] != NULL && duet_run_reads(run, outputs[1], setting));
    }
    return true;
}

/* What is no run, or one that cannot be opened, takes nothing. */
static bool runs_take(const cli_command *command, char *const *operands, int count, const char *key)
{
    bool taken = false;
    for (int i = 0; i < count && !taken; i++) {
        duet_run *run = NULL;
        if (duet_run_open_with(&run, operands[i], NULL, NULL, NULL, NULL) != DUET_OK) continue;
        taken = run_takes(command, run, key);
        duet_run_close(&run);
    }
    return taken;
}

/* What a setting is called here, of a word that is one elsewhere. */
static const char *name_here(const char *word)
{
    const duet_setting *setting;
    duet_spelling nearest = {.word = word};
    for (size_t f = 0; f < duet_family_count(); f++)
        for (size_t i = 0; (setting = duet_family_setting(duet_family_at(f), i)) != NULL; i++)
            duet_spelling_offer(&nearest, setting->key);
    return nearest.best != NULL && nearest.distance == 0 ? nearest.best : word;
}

int cli_complain_unknown(const cli_command *command, const char *word, char *const *operands, int count)
{
    char name[40], hint[80] = "";
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + strspn(word, "-"), "="), word + strspn(word, "-"));
    duet_spelling nearest = {.word = name};
    for (size_t i = 0; i < command->option_count; i++)
        if (!cli_option_is_operand(&command->options[i]) && command->options[i].name != NULL)
            duet_spelling_offer(&nearest, command->options[i].name);
    duet_spelling_offer(&nearest, "help");
    const bool is_option = nearest.best != NULL && nearest.distance == 0; /* by another name */
    const char *key = name_here(name);
    if (!is_option && has(command, "set") &&
        (uses_runs(command) ? runs_take : models_take)(command, operands, count, key))
        snprintf(hint, sizeof hint, "; did you mean '--set %s=VALUE'?", key);
    else if (nearest.best != NULL)
        snprintf(hint, sizeof hint, "; did you mean '--%s'?", nearest.best);
    return cli_complain(CLI_MISTAKE, "'duet %s' has no option '%s'%s ('duet %s --help' lists them)", command->name,
                        word, hint, command->name);
}
