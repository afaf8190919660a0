/* SPDX-License-Identifier: MIT */
/* A step as one JSON document: everything the tables say, uncut. */
#include "cli/explain.h"
#include "cli/output.h"

static json_t *shape_json(duet_shape shape)
{
    json_t *list = json_array();
    for (size_t i = 0; i < shape.rank; i++) json_array_append_new(list, json_integer((json_int_t)shape.dims[i]));
    return list;
}

static const char *type_name(duet_type type)
{
    static const char *const names[] = {[DUET_FLOAT32] = "float32", [DUET_UINT32] = "uint32", [DUET_UINT8] = "uint8"};
    return names[type];
}

static json_t *text_or_null(const char *text)
{
    return text == NULL ? json_null() : cli_json_text(text);
}

/* FLOPs and bytes of a launch are whole numbers, kept as double. */
static json_t *whole(double number)
{
    return json_integer((json_int_t)number);
}

static json_t *product_json(const duet_explained_launch *launch)
{
    const duet_explained_product *product = &launch->product;
    if (product->provider == NULL) return json_null();
    return json_pack("{s:I s:I s:I s:b s:b s:s s:o}", "m", (json_int_t)product->m, "n", (json_int_t)product->n, "k",
                     (json_int_t)product->k, "transpose_a", (int)product->transpose_a, "transpose_b",
                     (int)product->transpose_b, "provider", product->provider, "convolution",
                     cli_convolution_json(&product->convolution));
}

static json_t *reads_json(const size_t *reads, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, json_integer((json_int_t)reads[i]));
    return list;
}

static json_t *stores_json(const duet_explained_result *results, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:I s:o s:b s:b}", "tensor", (json_int_t)results[i].tensor, "value",
                                              cli_json_text(results[i].value), "adds", (int)results[i].adds, "row",
                                              (int)results[i].row));
    return list;
}

static json_t *parts_json(const duet_explained_launch *launch)
{
    json_t *list = json_array();
    for (size_t i = 0; i < launch->part_count; i++) {
        const duet_explained_part *part = &launch->parts[i];
        json_array_append_new(list,
                              json_pack("{s:s s:b s:o s:o}", "kind", duet_launch_kind_name(part->kind), "prepares",
                                        (int)part->prepares, "reads", reads_json(part->reads, part->read_count),
                                        "stores", stores_json(part->results, part->result_count)));
    }
    return list;
}

/* On paper, what an offline compiler and a reader of its answer need to know: the device, and its programs. */
static json_t *paper_json(const duet_paper_device *row)
{
    if (row == NULL) return json_null();
    return json_pack("{s:s s:s s:o s:s s:I s:I s:I s:I s:I s:I s:I s:I s:o s:o s:o}", "name", row->name, "title",
                     row->title, "target", text_or_null(row->target), "vendor", row->vendor, "compute_units",
                     (json_int_t)row->compute_units, "lanes", (json_int_t)row->lanes, "simds", (json_int_t)row->simds,
                     "waves", (json_int_t)row->waves, "registers", (json_int_t)row->registers, "register_step",
                     (json_int_t)row->register_step, "local_bytes", (json_int_t)row->local_bytes, "unit_local_bytes",
                     (json_int_t)row->unit_local_bytes, "peak_gflops", cli_json_number(row->peak_gflops),
                     "bandwidth_gbs", cli_json_number(row->bandwidth_gbs), "launch_us",
                     cli_json_number(row->launch_us));
}

static json_t *programs_json(const duet_device *device)
{
    json_t *list = json_array();
    const duet_paper_program *program;
    for (size_t i = 0; (program = duet_device_paper_program(device, i)) != NULL; i++)
        json_array_append_new(list,
                              json_pack("{s:o s:o s:o}", "name", cli_json_text(program->name), "options",
                                        cli_json_text(program->options), "source", cli_json_text(program->source)));
    return list;
}

static json_t *launch_json(const duet_explained_launch *launch)
{
    return json_pack(
        "{s:o s:s s:b s:b s:o s:o s:I s:I s:I s:o s:o s:o s:o s:o s:o s:o}", "kernel", cli_json_text(launch->name),
        "kind", duet_launch_kind_name(launch->kind), "prepares", (int)launch->prepares, "library", (int)launch->library,
        "file", text_or_null(launch->file), "function", text_or_null(launch->function), "program",
        (json_int_t)launch->program, "work_items", (json_int_t)launch->work_items, "work_group",
        (json_int_t)launch->work_group, "flops", whole(launch->flops), "bytes", whole(launch->bytes), "intensity",
        cli_json_number(launch->bytes > 0 ? launch->flops / launch->bytes : 0), "product", product_json(launch),
        "parts", parts_json(launch), "reads", reads_json(launch->reads, launch->read_count), "stores",
        stores_json(launch->results, launch->result_count));
}

static json_t *tensor_json(const duet_explanation *plan, size_t index)
{
    const duet_explained_tensor *tensor = &plan->tensors[index];
    const duet_explained_memory *memory = &plan->memories[tensor->memory];
    json_t *shares = json_array();
    for (size_t i = 0; i < plan->tensor_count && cli_in_arena(plan, tensor); i++)
        if (i != index && duet_tensors_overlap(tensor, &plan->tensors[i]))
            json_array_append_new(shares, json_integer((json_int_t)i));
    return json_pack("{s:o s:s s:o s:I s:s s:o s:I s:I s:I s:b s:o}", "name", cli_json_text(tensor->name), "type",
                     type_name(tensor->type), "shape", shape_json(tensor->shape), "bytes", (json_int_t)tensor->bytes,
                     "home", duet_memory_kind_name(memory->kind), "memory", cli_json_text(memory->name), "offset",
                     (json_int_t)tensor->offset, "first_launch", (json_int_t)tensor->first, "last_launch",
                     (json_int_t)tensor->last, "replaces", (int)tensor->replaces, "shares_with", shares);
}

static json_t *values_json(const duet_explained_value *values, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:o s:o}", "name", cli_json_text(values[i].name), "value",
                                              cli_json_text(values[i].words)));
    return list;
}

static json_t *updates_json(const duet_explained_phase *phase)
{
    json_t *list = json_array();
    for (size_t i = 0; i < phase->update_count; i++) {
        const duet_explained_update *update = &phase->updates[i];
        json_array_append_new(list, json_pack("{s:o s:I s:I s:o s:o}", "group", cli_json_text(update->group),
                                              "parameters", (json_int_t)update->parameters, "states",
                                              (json_int_t)update->states, "minimises", cli_json_text(update->loss),
                                              "gate", text_or_null(update->gated ? update->gate : NULL)));
    }
    return list;
}

static json_t *work_json(cli_work work)
{
    return json_pack("{s:I s:o s:o}", "launches", (json_int_t)work.launches, "flops", whole(work.flops), "bytes",
                     whole(work.bytes));
}

static json_t *phase_json(const duet_explained_phase *phase)
{
    json_t *launches = json_array(), *tensors = json_array(), *rests = json_array();
    for (size_t i = 0; i < phase->plan.launch_count; i++)
        json_array_append_new(launches, launch_json(&phase->plan.launches[i]));
    for (size_t i = 0; i < phase->plan.tensor_count; i++) json_array_append_new(tensors, tensor_json(&phase->plan, i));
    for (size_t i = 0; i < phase->rest_count; i++) json_array_append_new(rests, json_string(phase->rests[i]));
    return json_pack("{s:o s:I s:I s:b s:o s:o s:o s:o s:o s:o s:o}", "name", cli_json_text(phase->name), "repeats",
                     (json_int_t)phase->repeats, "every", (json_int_t)phase->every, "draws", (int)phase->draws,
                     "updates", updates_json(phase), "leaves_alone", rests, "reports",
                     values_json(phase->reports, phase->report_count), "assigns",
                     values_json(phase->assigns, phase->assign_count), "totals",
                     work_json(cli_phase_work(phase, false)), "launches", launches, "tensors", tensors);
}

static json_t *memory_json(const duet_explanation *plan, const duet_explained_memory *memory)
{
    json_t *variables = json_array();
    for (size_t i = 0; i < plan->variable_count; i++) {
        const duet_explained_variable *variable = &plan->variables[i];
        if (&plan->memories[variable->memory] != memory) continue;
        json_array_append_new(variables,
                              json_pack("{s:o s:s s:o s:I s:I}", "name", cli_json_text(variable->name), "type",
                                        type_name(variable->type), "shape", shape_json(variable->shape), "offset",
                                        (json_int_t)variable->offset, "bytes", (json_int_t)variable->bytes));
    }
    return json_pack("{s:o s:s s:o s:I s:o}", "name", cli_json_text(memory->name), "kind",
                     duet_memory_kind_name(memory->kind), "group", text_or_null(memory->group), "bytes",
                     (json_int_t)memory->bytes, "variables", variables);
}

static json_t *memories_json(const cli_step *step)
{
    json_t *list = json_array();
    const duet_explained_memory *memory;
    for (size_t phase = 0, index = 0; (memory = cli_next_memory(step, &phase, &index)) != NULL;)
        json_array_append_new(list, memory_json(cli_memory_plan(step, phase), memory));
    return list;
}

static json_t *uses_json(const cli_step *step)
{
    json_t *list = json_array();
    for (size_t i = 0; i < step->use_count; i++) {
        const duet_explained_use *use = &step->uses[i];
        json_t *phases = json_array(), *outputs = json_array();
        for (size_t p = 0; p < use->phase_count; p++)
            json_array_append_new(phases, json_pack("{s:s s:I}", "name", use->phases[p].name, "repeats",
                                                    (json_int_t)use->phases[p].repeats));
        for (size_t o = 0; o < use->output_count; o++) json_array_append_new(outputs, json_string(use->outputs[o]));
        json_array_append_new(list, json_pack("{s:o s:o s:o}", "procedure",
                                              use->name[0] == '\0' ? json_null() : json_string(use->name), "phases",
                                              phases, "outputs", outputs));
    }
    return list;
}

static json_t *optimiser_json(const cli_step *step)
{
    char name[32];
    duet_optimiser o = duet_trainer_optimiser(step->trainer);
    return json_pack("{s:s s:o s:o s:o s:o s:o s:o s:o}", "kind", cli_optimiser_name(&o, name), "learning_rate",
                     cli_json_number(o.learning_rate), "beta1", cli_json_number(o.beta1), "beta2",
                     cli_json_number(o.beta2), "momentum", cli_json_number(o.momentum), "epsilon",
                     cli_json_number(o.epsilon), "weight_decay", cli_json_number(o.weight_decay), "clip_norm",
                     cli_json_number(o.clip_norm));
}

int cli_explain_json(const cli_step *step)
{
    cli_arena arena = cli_step_arena(step);
    json_t *phases = json_array();
    for (size_t i = 0; i < step->count; i++) json_array_append_new(phases, phase_json(&step->phases[i]));
    return cli_json_print(json_pack(
        "{s:s s:o s:I s:o s:o s:o s:s s:I s:o s:o s:o s:o s:o s:o s:{s:I s:I s:I s:I}}", "model",
        duet_model_family(step->model)->name, "data", cli_json_text(duet_data_describe(step->data)->name), "batch",
        (json_int_t)step->batch, "device", cli_json_text(duet_device_describe(step->device)->name), "paper",
        paper_json(duet_device_paper(step->device)), "programs", programs_json(step->device), "gemm",
        duet_device_gemm(step->device), "steps_an_epoch", (json_int_t)duet_trainer_steps_an_epoch(step->trainer),
        "optimiser", optimiser_json(step), "phases", phases, "uses", uses_json(step), "totals",
        work_json(cli_step_work(step, false)), "products", work_json(cli_step_work(step, true)), "memories",
        memories_json(step), "arena", "slabs", (json_int_t)arena.slabs, "bytes", (json_int_t)arena.bytes, "tensors",
        (json_int_t)arena.tensors, "unshared_bytes", (json_int_t)arena.unshared));
}
