/* SPDX-License-Identifier: MIT */
/* Standard outputs mean something to commands and metrics: a row says how wide they are, what they are made of, and
 * what they must not know. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/data.h"
#include "graph/node.h"
#include "graph/variable.h"
#include "model/model.h"
#include "op/where.h"

/* Numbers a row. */
typedef enum width { ANY, ONE, CLASSES, EXAMPLE } width;

/* Whether an output is made of something. */
typedef enum need { EITHER, NEEDED, BARRED } need;

typedef struct standard {
    const char *name;
    width width;
    need examples;       /* of the batch: BARRED where requests give none */
    need latent;         /* of duet_latent */
    const char *instead; /* BARRED: the output that is made of examples */
    const char *secret;  /* why it must not read the labels; NULL: it may */
} standard;

static const char is_to_tell[] = "which it is to tell from the examples",
                  is_not_told[] = "and judges, who compare examples by it, are told none: what reads them is one of "
                                  "the model's own (duet_own_output)";

/* A KL may be one number for all: a quantiser's is. */
static const standard rows[] = {
    {DUET_SAMPLE, EXAMPLE, .examples = BARRED, .instead = DUET_RECONSTRUCTION},
    {DUET_RECONSTRUCTION, EXAMPLE, .examples = NEEDED},
    {DUET_LATENT, ANY, .examples = NEEDED},
    {DUET_DECODE, EXAMPLE, .examples = BARRED, .latent = NEEDED, .instead = DUET_RECONSTRUCTION},
    {DUET_PRIOR, ANY, .examples = BARRED, .instead = DUET_LATENT},
    {DUET_NLL, ONE, .examples = NEEDED},
    {DUET_KL, ONE, .examples = EITHER},
    {DUET_CLASS_LOGITS, CLASSES, .examples = NEEDED, .secret = is_to_tell},
    {DUET_CODE_LOGITS, ANY, .examples = NEEDED, .secret = is_to_tell},
    {DUET_LOGIT, ONE, .examples = NEEDED},
    {DUET_SAMPLE_LOGIT, ONE, .examples = BARRED, .instead = DUET_LOGIT},
    {DUET_FEATURES, ANY, .examples = NEEDED, .secret = is_not_told},
    {DUET_BITS, ONE, .examples = NEEDED},
    {DUET_POSTERIOR_DRAW, ANY, .examples = NEEDED},
};
enum { ROWS = sizeof rows / sizeof *rows };

const char *duet_standard_output(size_t index)
{
    return index < ROWS ? rows[index].name : NULL;
}

static const standard *find(const char *name)
{
    for (size_t i = 0; name != NULL && i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    return NULL;
}

bool duet_output_is_standard(const char *name)
{
    return find(name) != NULL;
}

static void out_of_memory(const duet_build *build)
{
    duet_graph_refuse(build->graph, DUET_ERROR_MEMORY, "out of memory for a model");
}

/* Whether a node's rows read the labels. Of rows that are joined, such as examples before drawn ones that are made by
 * their classes, some may not, and those are taken out again: all have to. */
static bool reads_labels(const duet_build *build, duet_node value)
{
    const size_t nodes = duet_graph_count(build->graph);
    bool *reads = calloc(nodes + 1, sizeof *reads);
    if (reads == NULL) {
        out_of_memory(build);
        return false;
    }
    for (size_t id = 0; id < nodes; id++) {
        const duet_node node = duet_graph_at(build->graph, id);
        const bool joined = strcmp(node->op->name, "concat") == 0 && node->attributes.size[0] == 0;
        size_t readers = 0;
        for (size_t i = 0; i < node->input_count; i++) readers += reads[node->inputs[i]->id];
        reads[id] = node == build->labels || (joined ? readers == node->input_count : readers > 0);
    }
    const bool found = reads[value->id];
    free(reads);
    return found;
}

/* 0: any. */
static size_t features_of(const duet_model *model, width of)
{
    if (of == EXAMPLE) return duet_shape_elements(duet_data_describe(model->data)->shape);
    return of == CLASSES ? model->classes : of == ONE;
}

void duet_output_check(const char *where, const duet_model *model, const char *name, duet_node value)
{
    const duet_build *build = model->build;
    const standard *row = find(name);
    const size_t batch = build->batch_size, wanted = row == NULL ? 0 : features_of(model, row->width);
    const size_t has = value->shape.rank > 0 && value->shape.dims[0] == batch ? value->elements / batch : 0;
    char text[96], numbers[32] = "";
    if (wanted > 0) (void)duet_text_print(numbers, sizeof numbers, "%zu ", wanted);
    if (has == 0 || (wanted > 0 && has != wanted) || value->type != DUET_FLOAT32)
        duet_graph_fail(build->graph, "output \"%s\": %zu rows of %sfloat32 numbers were expected, this is %s", name,
                        batch, numbers, duet_node_text(value, text));
    if (row != NULL && row->secret != NULL && build->labels != NULL && reads_labels(build, value))
        duet_graph_fail(build->graph, "output \"%s\": it reads the labels (duet_model_labels, duet_with_labels), %s",
                        name, row->secret);
}

/* What outputs are made of, a flag a node. */
typedef struct sources {
    bool *examples, *latent, *chance;
} sources;

/* What depends on the seed of draws, or on latents, which are draws where no request gives them. The labels are the
 * batch's, whatever chance orders it by or draws those of use. */
static bool *find_chance(const duet_build *build)
{
    const size_t nodes = duet_graph_count(build->graph);
    bool *found = calloc(nodes + 1, sizeof *found);
    for (size_t id = 0; found != NULL && id < nodes; id++) {
        const duet_node node = duet_graph_at(build->graph, id);
        const duet_variable *variable = node->op == &duet_op_variable ? node->attributes.object : NULL;
        found[id] = node == build->latent || (variable != NULL && strcmp(variable->name, "random.seed") == 0);
        for (size_t i = 0; i < node->input_count; i++) found[id] |= found[node->inputs[i]->id];
        if (node == build->labels) found[id] = false;
    }
    return found;
}

/* Whether what is computed for the output is marked. Phases of the training are not. */
static bool is_made_of(const duet_build *build, size_t procedure, duet_node value, const bool *marked)
{
    const duet_procedure_description *it = &build->procedures[procedure];
    bool reads = marked[value->id];
    for (size_t i = 0; procedure > 0 && i < it->phase_count; i++)
        reads = reads || duet_phase_depends(&it->phases[i], marked);
    return reads;
}

/* Of parameters alone is what a mean picture or the shares of classes are, to compare with. */
static void check_output(const duet_build *build, size_t procedure, const duet_output_row *output, const sources *of)
{
    const standard *row = find(output->name);
    if (row == NULL) return;
    const bool reads = is_made_of(build, procedure, output->value, of->examples);
    if (row->examples == BARRED && reads)
        duet_graph_fail_at(output->where, build->graph,
                           "output \"%s\": it is made of the examples of the batch, and is to be made of latents and "
                           "draws alone, as who asks for it gives no examples: what is made of them is \"%s\" or one "
                           "of the model's own (duet_own_output)",
                           row->name, row->instead);
    else if (row->examples == NEEDED && !reads && is_made_of(build, procedure, output->value, of->chance))
        duet_graph_fail_at(output->where, build->graph,
                           "output \"%s\": it is made of latents and draws, and of no example of the batch "
                           "(duet_model_batch), of which it is to say something: what is made without them is one of "
                           "the model's own (duet_own_output)",
                           row->name);
    else if (row->latent == NEEDED && !is_made_of(build, procedure, output->value, of->latent))
        duet_graph_fail_at(output->where, build->graph,
                           "output \"%s\": it is to be made of the latents that are asked for (duet_latent), and reads "
                           "none: what is drawn otherwise is \"" DUET_SAMPLE "\"",
                           row->name);
}

void duet_outputs_check(const duet_build *build)
{
    const sources of = {
        .examples = duet_build_dependents(build, &build->batch, 1),
        .latent = duet_build_dependents(build, &build->latent, build->latent != NULL),
        .chance = find_chance(build),
    };
    const bool room = of.examples != NULL && of.latent != NULL && of.chance != NULL;
    for (size_t p = 0; room && p < build->procedure_count; p++)
        for (size_t i = 0; i < build->procedures[p].output_count; i++)
            check_output(build, p, &build->procedures[p].outputs[i], &of);
    if (!room) out_of_memory(build);
    free(of.examples);
    free(of.latent);
    free(of.chance);
}
