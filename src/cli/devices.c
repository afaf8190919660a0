/* SPDX-License-Identifier: MIT */
/* duet devices: every OpenCL device in one flat list, refused ones with the reason. */
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/table.h"

struct arguments {
    bool json;
};

static const cli_option options[] = {
    {CLI_FLAG, "json", 0, offsetof(struct arguments, json), NULL, "print one JSON document", 0, 0},
};

static json_t *device_json(size_t index, const duet_device_info *info)
{
    return json_pack("{s:I s:s s:o s:o s:o s:o s:o s:I s:I s:I s:I s:I s:I s:I s:b s:b s:o}", "index",
                     (json_int_t)index, "kind", duet_device_kind_name(info->kind), "name", cli_json_text(info->name),
                     "vendor", cli_json_text(info->vendor), "platform", cli_json_text(info->platform), "version",
                     cli_json_text(info->version), "driver", cli_json_text(info->driver), "compute_units",
                     (json_int_t)info->compute_units, "clock_mhz", (json_int_t)info->clock_mhz, "vector_width",
                     (json_int_t)info->vector_width, "memory_bytes", (json_int_t)info->memory_bytes, "allocation_bytes",
                     (json_int_t)info->allocation_bytes, "local_bytes", (json_int_t)info->local_bytes,
                     "work_group_size", (json_int_t)info->work_group_size, "default", (int)info->preferred, "usable",
                     (int)(info->refusal[0] == '\0'), "refusal",
                     info->refusal[0] == '\0' ? json_null() : cli_json_text(info->refusal));
}

static int print_json(const duet_device_info *infos, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, device_json(i, &infos[i]));
    return cli_json_print(json_pack("{s:o}", "devices", list));
}

static int print_table(const duet_device_info *infos, size_t count)
{
    static const char *const heads[] = {">index", "",       "kind",   "name",   "platform",
                                        "driver", ">units", ">clock", ">memory"};
    cli_table table = {.heads = heads, .columns = CLI_COUNT_OF(heads)};
    char memory[32];
    for (size_t i = 0; i < count; i++) {
        const duet_device_info *info = &infos[i];
        cli_table_cell(&table, "%zu", i);
        cli_table_cell(&table, "%s", info->preferred ? "*" : info->refusal[0] != '\0' ? "-" : "");
        cli_table_cell(&table, "%s", duet_device_kind_name(info->kind));
        cli_table_cell(&table, "%s", info->name);
        cli_table_cell(&table, "%s", info->platform);
        cli_table_cell(&table, "%s", info->driver);
        cli_table_cell(&table, "%u", (unsigned)info->compute_units);
        cli_table_cell(&table, "%u MHz", (unsigned)info->clock_mhz);
        cli_table_cell(&table, "%s", cli_bytes(info->memory_bytes, memory, sizeof memory));
    }
    int status = cli_table_print(&table, stdout);
    for (size_t i = 0; i < count; i++)
        if (infos[i].refusal[0] != '\0') printf("- %zu cannot be used: %s\n", i, infos[i].refusal);
    for (size_t i = 0; i < count; i++)
        if (infos[i].preferred) printf("* %zu is taken unless --device or DUET_DEVICE chooses another\n", i);
    return status;
}

/* No device is an empty list; opening one says why there is none. */
static void tell_why(void)
{
    duet_device *device = NULL;
    duet_error error = {0};
    if (duet_device_open(&device, NULL, &error) != DUET_OK) cli_complain(CLI_DONE, "%s", error.message);
    duet_device_close(&device);
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {0};
    int status;
    if (!cli_parse(&cli_devices, argc, argv, &arguments, &status)) return status;
    duet_device_info *infos = NULL;
    size_t count = 0;
    duet_error error = {0};
    if (duet_device_list(&infos, &count, &error) != DUET_OK) return cli_fail(&error);
    if (count == 0) tell_why();
    status = arguments.json ? print_json(infos, count) : count == 0 ? CLI_DONE : print_table(infos, count);
    duet_device_list_free(&infos);
    return status;
}

const cli_command cli_devices = {
    .name = "devices",
    .summary = "list the OpenCL devices of this machine",
    .details = "--device and DUET_DEVICE take an index of this list, a kind (cpu gpu accelerator) or a piece of a\n"
               "device's or platform's name.",
    .examples = "duet devices\n"
                "DUET_DEVICE=gpu duet doctor",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .run = run,
    .processes = CLI_EACH_PROCESS,
};
