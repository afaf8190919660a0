/* SPDX-License-Identifier: MIT */
/* A table says by the word in an option's help what it takes: models, runs, devices, ... */
#include "cli/offers.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/workloads.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void cli_offer(const cli_completion *it, const char *name, const char *ending, const char *meaning)
{
    char line[400];
    if (strncmp(name, it->word, strlen(it->word)) != 0 || strpbrk(name, "\t\n") != NULL) return;
    snprintf(line, sizeof line, "%s", meaning);
    for (char *end = line; (end = strchr(end, '\n')) != NULL;) *end = ' ';
    cli_print(stdout, "%s%s%s\t%s\n", it->ahead, name, ending, line);
}

static void offer_models(const cli_completion *it)
{
    for (size_t i = 0; i < duet_family_count(); i++)
        cli_offer(it, duet_family_at(i)->name, "", duet_family_at(i)->summary);
}

static void offer_workloads(const cli_completion *it)
{
    const cli_workload *row;
    for (size_t i = 0; (row = cli_workload_at(i)) != NULL; i++)
        if (duet_family_find(row->name) == NULL) cli_offer(it, row->name, "", row->summary);
}

static void offer_subjects(const cli_completion *it)
{
    offer_models(it);
    offer_workloads(it);
}

static void offer_metrics(const cli_completion *it)
{
    const duet_metric_row *row;
    for (size_t i = 0; (row = duet_metric_at(i)) != NULL; i++) cli_offer(it, row->name, "", row->summary);
}

static void offer_providers(const cli_completion *it)
{
    const char *name;
    cli_offer(it, "auto", "", "what suits the device");
    for (size_t i = 0; (name = duet_gemm_name(i)) != NULL; i++) cli_offer(it, name, "", duet_gemm_summary(i));
}

static void offer_paper_devices(const cli_completion *it)
{
    const duet_paper_device *row;
    for (size_t i = 0; (row = duet_paper_device_at(i)) != NULL; i++) {
        cli_offer(it, row->name, "", row->title);
        if (row->target != NULL) cli_offer(it, row->target, "", row->title);
    }
}

static void offer_files(const cli_completion *it)
{
    (void)it;
    puts(":files");
}

static void offer_folders(const cli_completion *it)
{
    (void)it;
    puts(":folders");
}

static void offer_data(const cli_completion *it)
{
    const size_t count = duet_dataset_list(NULL, 0);
    duet_dataset_row *rows = calloc(count + 1, sizeof *rows);
    if (rows != NULL) (void)duet_dataset_list(rows, count);
    for (size_t i = 0; rows != NULL && i < count; i++) cli_offer(it, rows[i].name, "", rows[i].summary);
    free(rows);
    puts(":files");
}

/* The folder runs/ here, where training puts them. */
static void offer_runs(const cli_completion *it)
{
    DIR *folder = opendir("runs");
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char run[300], path[320], meaning[160];
        snprintf(run, sizeof run, "runs/%s", entry->d_name);
        snprintf(path, sizeof path, "%s/run.json", run);
        struct stat about; /* a pipe would be waited for */
        const bool there = entry->d_name[0] != '.' && stat(path, &about) == 0 && S_ISREG(about.st_mode);
        json_t *facts = there ? json_load_file(path, 0, NULL) : NULL;
        snprintf(meaning, sizeof meaning, "%s of %s", cli_json_text_at(facts, "model"),
                 cli_json_text_at(json_object_get(facts, "data"), "name"));
        if (facts != NULL) cli_offer(it, run, "", meaning);
        json_decref(facts);
    }
    if (folder != NULL) (void)closedir(folder);
    puts(":folders");
}

static void offer_devices(const cli_completion *it)
{
    static const char *const kinds[] = {"cpu", "gpu", "accelerator"};
    duet_device_info *infos = NULL;
    size_t count = 0;
    if (duet_device_list(&infos, &count, NULL) != DUET_OK) return;
    for (size_t i = 0; i < count; i++) {
        char index[24], meaning[400];
        if (infos[i].refusal[0] != '\0') continue;
        snprintf(index, sizeof index, "%zu", i);
        snprintf(meaning, sizeof meaning, "%s, %s", infos[i].name, infos[i].platform);
        cli_offer(it, index, "", meaning);
    }
    for (size_t k = 0; k < CLI_COUNT_OF(kinds); k++)
        for (size_t i = 0; i < count; i++) {
            if (infos[i].refusal[0] != '\0' || strstr(duet_device_kind_name(infos[i].kind), kinds[k]) == NULL) continue;
            cli_offer(it, kinds[k], "", infos[i].name);
            break;
        }
    duet_device_list_free(&infos);
}

/* The values of one setting, each behind its key. */
static void offer_choices(const cli_completion *it, const duet_setting *setting)
{
    char pair[200];
    if (setting->kind != DUET_SETTING_CHOICE) {
        snprintf(pair, sizeof pair, "%s=%s", setting->key, setting->initial);
        cli_offer(it, pair, "", "the default");
        return;
    }
    for (const char *choice = setting->choices; *choice != '\0';) {
        const size_t length = strcspn(choice, "|");
        snprintf(pair, sizeof pair, "%s=%.*s", setting->key, (int)length, choice);
        cli_offer(it, pair, "", setting->help);
        choice += length + (choice[length] == '|');
    }
}

static void offer_family_settings(const cli_completion *it, const duet_family *family)
{
    const duet_setting *setting;
    const size_t key = strcspn(it->word, "=");
    for (size_t i = 0; (setting = duet_family_setting(family, i)) != NULL; i++) {
        if (it->word[key] == '\0')
            cli_offer(it, setting->key, "=", setting->help);
        else if (strlen(setting->key) == key && strncmp(setting->key, it->word, key) == 0)
            offer_choices(it, setting);
    }
}

static void offer_settings(const cli_completion *it)
{
    const cli_workload *workload = it->subject == NULL ? NULL : cli_workload_find(it->subject);
    const duet_family *family = workload != NULL      ? cli_workload_family(workload)
                                : it->subject != NULL ? duet_family_find(it->subject)
                                                      : NULL;
    if (family != NULL) offer_family_settings(it, family);
}

/* Of a run only the weights are sure to be known: what else there is depends on its model. */
static void offer_use_settings(const cli_completion *it)
{
    cli_offer(it, "weights=average", "", "the averages that training kept");
    cli_offer(it, "weights=trained", "", "the weights as they were trained");
}

static void offer_divisions(const cli_completion *it)
{
    cli_offer(it, "shuffled", "", "a tenth of each class, by chance");
    cli_offer(it, "last", "", "the last tenth");
}

static void offer_splits(const cli_completion *it)
{
    const char *name;
    for (size_t i = 0; (name = cli_rows_split_at(i)) != NULL; i++) cli_offer(it, name, "", "");
}

static void offer_parts(const cli_completion *it)
{
    const char *name;
    for (size_t i = 0; (name = cli_bench_part_at(i)) != NULL; i++) cli_offer(it, name, "", "");
}

static void offer_scores(const cli_completion *it)
{
    const char *name, *summary;
    for (size_t i = 0; (name = cli_score_at(i, &summary)) != NULL; i++) cli_offer(it, name, "", summary);
}

static void offer_all(const cli_completion *it)
{
    cli_offer(it, "all", "", "a row of each class");
}

/* What says how an option's value, or an operand, is called in help; the first row that fits counts. */
static const struct source {
    const char *takes, *option; /* NULL: any */
    const cli_command *command; /* NULL: any */
    void (*offer)(const cli_completion *it);
} sources[] = {
    {"MODEL", NULL, &cli_explain, offer_subjects},
    {"MODEL", NULL, NULL, offer_models},
    {"RUN", NULL, NULL, offer_runs},
    {"RUN RUN...", NULL, NULL, offer_runs},
    {"DIR", "resume", NULL, offer_runs},
    {"DIR", NULL, NULL, offer_folders},
    {"PATH", NULL, NULL, offer_data},
    {"NAME|PATH", NULL, NULL, offer_data},
    {"SEL", NULL, NULL, offer_devices},
    {"KEY=VALUE", NULL, &cli_train, offer_settings},
    {"KEY=VALUE", NULL, &cli_explain, offer_settings},
    {"KEY=VALUE", NULL, &cli_tune, offer_settings},
    {"KEY=VALUE", NULL, &cli_bench, offer_settings},
    {"KEY=VALUE", NULL, NULL, offer_use_settings},
    {"METRIC", NULL, NULL, offer_metrics},
    {"NAME", "metric", NULL, offer_metrics},
    {"NAME", "gemm", NULL, offer_providers},
    {"NAME", "workload", NULL, offer_subjects},
    {"GPU", NULL, NULL, offer_paper_devices},
    {"HOW", NULL, NULL, offer_divisions},
    {"SPLIT", NULL, NULL, offer_splits},
    {"PART", NULL, NULL, offer_parts},
    {"SCORE", NULL, NULL, offer_scores},
    {"N|NAME|all", NULL, NULL, offer_all},
    {"FILE|COLUMN", NULL, NULL, offer_files},
    {"FILE...", NULL, NULL, offer_files},
    {"FILE", NULL, NULL, offer_files},
};

void cli_offer_values(const cli_completion *it, const cli_option *option)
{
    const char *takes = cli_option_is_operand(option) ? option->name : option->argument;
    if (takes == NULL) return;
    if (strncmp(takes, "FILE.", 5) == 0 && takes[5] != '.') {
        printf(":files %s\n", takes + 5);
        return;
    }
    for (size_t i = 0; i < CLI_COUNT_OF(sources); i++) {
        const struct source *row = &sources[i];
        if (strcmp(row->takes, takes) != 0 || (row->command != NULL && row->command != it->command) ||
            (row->option != NULL && (option->name == NULL || strcmp(row->option, option->name) != 0)))
            continue;
        row->offer(it);
        return;
    }
}
