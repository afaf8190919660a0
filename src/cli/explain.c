/* SPDX-License-Identifier: MIT */
/* duet explain: the plan of a model's training, without training: what each phase does, launch by launch, and where
 * everything lies. */
#include "cli/explain.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/providers.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "cli/workloads.h"

#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *model, *data, *device, *paper, *isa, *kernel, *gemm;
    uint64_t batch, ranks;
    cli_list settings;
    bool source, dot, players, json;
};

#define PLACE(member) offsetof(struct arguments, member)

static const cli_option options[] = {
    {CLI_OPERAND, "MODEL", 0, PLACE(model), NULL, "one of 'duet models', or a workload of 'duet bench'", 0, 0},
    {CLI_FLAG, "source", 0, PLACE(source), NULL, "print the kernels: the generated ones, then the files of cl/", 0, 0},
    {CLI_FLAG, "dot", 0, PLACE(dot), NULL, "print a graph for Graphviz: launches, and the tensors between them", 0, 0},
    {CLI_FLAG, "players", 0, PLACE(players), NULL,
     "print a graph for Graphviz: networks, and the phases that update them\nor leave them alone", 0, 0},
    {CLI_FLAG, "json", 0, PLACE(json), NULL, "print one JSON document", 0, 0},
    {CLI_TEXT, "data", 0, PLACE(data), "NAME|PATH",
     "one of 'duet datasets', or a file or folder of examples\n"
     "(default: fashion-mnist)",
     0, 0},
    {CLI_COUNT, "batch", 0, PLACE(batch), "N", "examples a step (default: the model's own)", 1, 1 << 20},
    {CLI_COUNT, "ranks", 0, PLACE(ranks), "N",
     "plan for one of N processes that share each batch (docs/distributed.md)", 1, 1 << 20},
    {CLI_TEXT, "device", 0, PLACE(device), "SEL", "an index of 'duet devices', a kind or a piece of a name", 0, 0},
    {CLI_TEXT, "for", 0, PLACE(paper), "GPU", "plan for a GPU that need not be here, one of those below", 0, 0},
    {CLI_TEXT, "isa", 0, PLACE(isa), "GPU",
     "print the code that clang makes of the kernels for a GPU of AMD or NVIDIA;\nwithout --for also the GPU to plan "
     "for",
     0, 0},
    {CLI_TEXT, "kernel", 0, PLACE(kernel), "NAME", "with --isa: only kernels whose name begins so", 0, 0},
    {CLI_LIST, "set", 0, PLACE(settings), "KEY=VALUE", "set one of the model's settings; may be given several times", 0,
     0},
    {CLI_TEXT, "gemm", 0, PLACE(gemm), "NAME",
     "who computes matrix products or convolutions, one of those below\n(default: auto)", 0, 0},
};

/* A workload is a family with settings and a batch of its own; what the command line says wins. */
static void resolve_workload(struct arguments *arguments)
{
    const cli_workload *workload = cli_workload_find(arguments->model);
    const cli_list given = arguments->settings;
    if (workload == NULL) return;
    arguments->model = workload->family;
    if (arguments->batch == 0) arguments->batch = workload->batch;
    cli_workload_settings(workload, &given, &arguments->settings);
}

static int complain_model(const char *name)
{
    char hint[80];
    const cli_workload *row;
    duet_spelling nearest = {.word = name};
    for (size_t i = 0; i < duet_family_count(); i++) duet_spelling_offer(&nearest, duet_family_at(i)->name);
    for (size_t i = 0; (row = cli_workload_at(i)) != NULL; i++) duet_spelling_offer(&nearest, row->name);
    return cli_complain(CLI_MISTAKE,
                        "there is no model '%s'%s ('duet models' lists them, and 'duet bench --help' workloads)", name,
                        duet_spelling_words(&nearest, hint, sizeof hint));
}

static int check_paper(const char *name)
{
    const duet_paper_device *row;
    char hint[80];
    duet_spelling nearest = {.word = name};
    for (size_t i = 0; name != NULL && (row = duet_paper_device_at(i)) != NULL; i++) {
        if (strcmp(row->name, name) == 0 || (row->target != NULL && strcmp(row->target, name) == 0)) return CLI_DONE;
        duet_spelling_offer(&nearest, row->name);
        if (row->target != NULL) duet_spelling_offer(&nearest, row->target);
    }
    if (name == NULL) return CLI_DONE;
    return cli_complain(CLI_MISTAKE, "there is no GPU '%s' on paper%s ('duet explain --help' lists them)", name,
                        duet_spelling_words(&nearest, hint, sizeof hint));
}

/* Mistakes that the command line alone shows. */
static int check(const struct arguments *arguments, const duet_family **family)
{
    *family = NULL;
    if (arguments->source + arguments->dot + arguments->players + arguments->json + (arguments->isa != NULL) > 1)
        return cli_complain(CLI_MISTAKE,
                            "--source, --dot, --players, --json and --isa are forms of the answer: give one of them");
    if (arguments->kernel != NULL && arguments->isa == NULL)
        return cli_complain(CLI_MISTAKE, "--kernel names what --isa prints: give both, such as --isa gfx1100");
    if (arguments->paper != NULL && arguments->isa != NULL)
        return cli_complain(CLI_MISTAKE, "--isa names the GPU to plan for, as --for does: leave --for out");
    if ((arguments->paper != NULL || arguments->isa != NULL) && arguments->device != NULL)
        return cli_complain(CLI_MISTAKE,
                            "--for and --isa plan for a GPU on paper and --device for one that is here: give one");
    *family = duet_family_find(arguments->model);
    if (*family == NULL) return complain_model(arguments->model);
    int status = cli_settings_check(&cli_explain, *family, &arguments->settings);
    if (status == CLI_DONE) status = check_paper(arguments->paper);
    if (status == CLI_DONE) status = check_paper(arguments->isa);
    if (status != CLI_DONE) return status;
    status = cli_gemm_check(arguments->gemm);
    return status == CLI_DONE ? cli_data_check(arguments->data) : status;
}

static duet_status make_trainer(const struct arguments *arguments, const duet_family *family, cli_step *step,
                                duet_error *error)
{
    const cli_list *settings = &arguments->settings;
    duet_status status = duet_data_open(&step->data, arguments->data, error);
    if (status == DUET_OK)
        status = duet_model_new(&step->model, family, step->data, settings->items, settings->count, 0, error);
    if (status == DUET_OK && arguments->ranks > 1)
        status = duet_ranks_on_paper(&step->ranks, (size_t)arguments->ranks, error);
    if (status == DUET_OK) duet_model_set_ranks(step->model, step->ranks);
    if (status == DUET_OK)
        status = arguments->paper != NULL ? duet_device_on_paper(&step->device, arguments->paper, error)
                                          : duet_device_open(&step->device, arguments->device, error);
    if (status != DUET_OK) return status;
    duet_device_set_log(step->device, cli_log, NULL);
    if (arguments->paper == NULL) duet_device_use_tuning(step->device);
    status = duet_device_set_gemm(step->device, arguments->gemm, error);
    return status != DUET_OK ? status : duet_trainer_new(&step->trainer, step->device, step->model, step->batch, error);
}

static duet_status explain_phases(cli_step *step, duet_error *error)
{
    size_t plans = duet_trainer_plan_count(step->trainer);
    step->phases = calloc(plans, sizeof *step->phases);
    if (step->phases == NULL) {
        *error = (duet_error){DUET_ERROR_MEMORY, "there is too little memory to explain a step"};
        return DUET_ERROR_MEMORY;
    }
    duet_status status = DUET_OK;
    for (size_t i = 0; i < plans && status == DUET_OK; i++) {
        status = duet_trainer_explain(step->trainer, i, &step->phases[i], error);
        step->count += status == DUET_OK;
    }
    if (status == DUET_OK) status = duet_model_explain_use(step->model, &step->uses, &step->use_count, error);
    return status;
}

static void step_close(cli_step *step)
{
    for (size_t i = 0; i < step->count; i++) duet_explained_phase_free(&step->phases[i]);
    free(step->phases);
    duet_explained_use_free(&step->uses, step->use_count);
    duet_trainer_free(&step->trainer);
    duet_model_free(&step->model);
    duet_data_close(&step->data);
    duet_device_close(&step->device);
    duet_ranks_free(&step->ranks);
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    const duet_family *family = NULL;
    duet_error error = {0};
    int status;
    if (!cli_parse(&cli_explain, argc, argv, &arguments, &status)) return status;
    resolve_workload(&arguments);
    status = check(&arguments, &family);
    if (status != CLI_DONE) return status;
    if (arguments.isa != NULL) arguments.paper = arguments.isa;
    const cli_list *settings = &arguments.settings;
    cli_step step = {.batch = (size_t)arguments.batch};
    if (step.batch == 0) step.batch = duet_family_training_size(family, settings->items, settings->count).batch;
    duet_status made = make_trainer(&arguments, family, &step, &error);
    if (made == DUET_OK) made = explain_phases(&step, &error);
    if (made != DUET_OK)
        status = cli_fail(&error);
    else if (arguments.source)
        status = cli_explain_source(&step);
    else if (arguments.isa != NULL)
        status = cli_explain_isa(&step, arguments.kernel);
    else if (arguments.dot)
        status = cli_explain_dot(&step);
    else if (arguments.players)
        status = cli_explain_players(&step);
    else
        status = arguments.json ? cli_explain_json(&step) : cli_explain_text(&step);
    step_close(&step);
    return status;
}

static int print_paper_devices(cli_help_form form)
{
    static const char *const heads[] = {"GPU", "target", "name"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    const duet_paper_device *row;
    for (size_t i = 0; (row = duet_paper_device_at(i)) != NULL; i++) {
        cli_table_cell(&table, "%s", row->name);
        cli_table_cell(&table, "%s", row->target != NULL ? row->target : "-");
        cli_table_cell(&table, "%s", row->title);
    }
    return cli_help_table(form, "GPUs", "--for knows these, also by their target, which is what compilers call them",
                          &table);
}

static int more_help(cli_help_form form, const char *operand)
{
    const cli_workload *workload = operand == NULL ? NULL : cli_workload_find(operand);
    const duet_family *family = operand == NULL    ? NULL
                                : workload != NULL ? cli_workload_family(workload)
                                                   : cli_family(operand);
    if (family != NULL) cli_settings_print(family);
    int status = cli_providers_print(form);
    if (status == CLI_DONE) status = print_paper_devices(form);
    if (status != CLI_DONE) return status;
    return operand == NULL || family != NULL ? CLI_DONE : CLI_MISTAKE;
}

const cli_command cli_explain = {
    .name = "explain",
    .summary = "show what a step of a model's training does, launch by launch",
    .details =
        "Nothing is trained and nothing is written. A plan depends on the device: on the one that is here, or with\n"
        "--for on a GPU that is not, whose programs are written down instead of compiled. Sizes and FLOPs are\n"
        "counted from the shapes, not measured: 'duet train --profile' measures. In what is stored, '@' is the matrix\n"
        "product, '^T' a transpose, t3 a tensor without a name of its own.",
    .examples = "duet explain vae\n"
                "duet explain vae --dot | dot -Tsvg > vae.svg\n"
                "duet explain gan-conv --for rx7900 --source",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .more_help = more_help,
};
