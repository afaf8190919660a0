/* SPDX-License-Identifier: MIT */
/* What a build function asks for: the batch in its forms, labels, latents, the step, and numbers set at use. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/number.h"
#include "base/text.h"
#include "graph/node.h"
#include "model/model.h"
#include "nn/prior.h"
#include "op/where.h"

/* Latents and classes are drawn from streams of their own, so that a request that gives one of the two does not change
 * how the other is drawn. Both stay the same through all phases of a procedure. */
enum { LATENT_STREAMS = 0x10000, CLASS_STREAMS = 0x20000 };

duet_graph *duet_model_graph(duet_model *model)
{
    return model->build->graph;
}

duet_node duet_model_batch(duet_model *model)
{
    return model->build->batch;
}

duet_node duet_model_pictures_at(const char *where, duet_model *model, size_t multiple)
{
    const duet_data_info *info = duet_data_describe(model->data);
    const duet_shape shape = info->shape;
    duet_graph *graph = model->build->graph;
    if (shape.rank == 3 && shape.dims[0] % multiple == 0 && shape.dims[1] % multiple == 0)
        return duet_reshape(model->build->batch,
                            DUET_SHAPE(model->build->batch_size, shape.dims[0], shape.dims[1], shape.dims[2]));
    char text[96], multiples[64] = "";
    if (multiple > 1) snprintf(multiples, sizeof multiples, ", height and width multiples of %zu,", multiple);
    duet_graph_refuse(graph, DUET_ERROR_DATA,
                      "the model %s needs pictures: examples of [height, width, channels]%s were expected; those "
                      "of %s are %s",
                      model->family->name, multiples, info->name, duet_shape_text(shape, text));
    return duet_node_broken(graph);
}

duet_node duet_model_cropped_at(const char *where, duet_model *model, duet_node x)
{
    if (duet_node_is_broken(x)) return x;
    const duet_shape shape = duet_model_example_shape(model), has = duet_node_shape(x);
    char text[96], wanted[96];
    if (shape.rank != 3 || has.rank != 4 || has.dims[1] < shape.dims[0] || has.dims[2] < shape.dims[1]) {
        duet_graph_fail(model->build->graph, "cropped: %s cannot be cut to pictures of %s", duet_shape_text(has, text),
                        duet_shape_text(shape, wanted));
        return duet_node_broken(model->build->graph);
    }
    for (size_t axis = 1; axis <= 2; axis++) {
        size_t extent = shape.dims[axis - 1], first = (has.dims[axis] - extent) / 2;
        if (has.dims[axis] > extent) x = duet_slice(x, axis, first, extent);
    }
    return x;
}

/* Logits of how often training examples have each class, as samples are compared with such (so do the metrics of Karras
 * et al. 2020, arXiv:2006.06676). Of classes of as many examples, or where nobody knows, all are alike: 0. */
static duet_node class_logits(const char *where, const duet_model *model)
{
    const float never = -1e30f; /* far below what any draw adds, and a number */
    const size_t *counts = model->class_counts;
    float logits[DUET_MOST_CLASSES];
    bool alike = true;
    double mean = 0;
    for (size_t i = 0; i < model->classes; i++) mean += (double)counts[i] / (double)model->classes;
    for (size_t i = 0; i < model->classes; i++) {
        logits[i] = counts[i] == 0 ? never : (float)log((double)counts[i] / mean);
        alike = alike && counts[i] == counts[0];
    }
    if (alike) return duet_constant(model->build->graph, 0);
    return duet_constant_values(model->build->graph, DUET_SHAPE(model->classes), logits);
}

static duet_node labels_for_use(const char *where, const duet_model *model)
{
    const duet_build *build = model->build;
    duet_shape shape = DUET_SHAPE(build->batch_size, model->classes);
    if (!build->options.draws_classes) return duet_input(build->graph, "labels", DUET_FLOAT32, shape);
    duet_graph_still_begin(build->graph, CLASS_STREAMS);
    duet_node drawn = duet_categorical(duet_broadcast(class_logits(where, model), shape));
    duet_graph_still_end(build->graph);
    return drawn;
}

duet_node duet_model_labels_at(const char *where, duet_model *model)
{
    duet_build *build = model->build;
    if (build->labels == NULL && build->options.mode == DUET_BUILD_EVAL && model->classes > 0)
        build->labels = labels_for_use(where, model);
    if (build->labels != NULL) return build->labels;
    duet_graph_refuse(build->graph, DUET_ERROR_DATA,
                      "the model %s learns from labels, and %s; docs/data.md says where a file's labels "
                      "are looked for",
                      model->family->name,
                      duet_data_describe(model->data)->labelled[DUET_TEST]
                          ? "the test examples of this data have some alone"
                          : "this data has none");
    return duet_node_broken(build->graph);
}

duet_node duet_with_labels_at(const char *where, duet_model *model, duet_node x)
{
    duet_node labels = duet_model_labels(model);
    duet_shape shape = duet_node_shape(labels), has = duet_node_shape(x);
    if (duet_node_is_broken(labels) || duet_node_is_broken(x)) return labels;
    size_t batch = shape.dims[0], times = has.rank == 2 ? has.dims[0] / batch : 0;
    if (times == 0 || has.dims[0] % batch != 0) {
        char text[96];
        duet_graph_fail(model->build->graph, "with_labels: [rows, n] with rows a multiple of %zu was expected, not %s",
                        batch, duet_shape_text(has, text));
        return duet_node_broken(model->build->graph);
    }
    return duet_concat(((duet_node[]){x, duet_repeat_rows(labels, times)}), 2, 1);
}

size_t duet_model_batch_size(const duet_model *model)
{
    return model->build->batch_size;
}

duet_shape duet_model_example_shape(const duet_model *model)
{
    return duet_data_describe(model->data)->shape;
}

bool duet_model_unit_range(const duet_model *model)
{
    return duet_data_describe(model->data)->unit_range;
}

duet_node duet_model_centred_at(const char *where, duet_model *model, duet_node x)
{
    return duet_model_unit_range(model) ? duet_shift(duet_scale(x, 2), -1) : x;
}

duet_node duet_model_uncentred_at(const char *where, duet_model *model, duet_node x)
{
    return duet_flatten(duet_model_unit_range(model) ? duet_scale(duet_shift(x, 1), 0.5) : x);
}

bool duet_model_training(const duet_model *model)
{
    return model->build->options.mode == DUET_BUILD_TRAIN;
}

/* Of the model's store, where the training counts: a use counts none. */
duet_node duet_model_step_at(const char *where, duet_model *model)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    duet_graph *graph = model->build->graph;
    return duet_to_float(duet_state(graph, "trainer.step", DUET_UINT32, DUET_SCALAR_SHAPE, zero));
}

duet_node duet_warm_up_at(const char *where, duet_model *model, double steps)
{
    duet_node one = duet_constant(model->build->graph, 1);
    if (steps <= 0) return one;
    if (steps > model->build->warm_up) model->build->warm_up = steps;
    return duet_minimum(duet_scale(duet_shift(duet_model_step(model), 1), 1 / steps), one);
}

/* The latents, [batch, features]: an input, the model's own draws (NULL: none), or drawn from the prior. */
static duet_node make_latent(const char *where, duet_build *build, size_t features, duet_node by_model)
{
    if (!build->options.draws_latents)
        return duet_input(build->graph, "latent", DUET_FLOAT32, DUET_SHAPE(build->batch_size, features));
    if (by_model != NULL) return by_model;
    duet_graph_still_begin(build->graph, LATENT_STREAMS);
    duet_node drawn = duet_prior_draw(build->graph, build->prior, build->prior_count, build->batch_size);
    duet_graph_still_end(build->graph);
    return drawn;
}

/* The build's own copy of a prior, in one block with its centres. NULL: memory is short. */
static duet_prior *copy_prior(const duet_prior *parts, size_t count)
{
    size_t numbers = 0;
    for (size_t i = 0; i < count; i++)
        numbers += parts[i].centres == NULL ? 0 : parts[i].components * parts[i].features;
    duet_prior *copy = malloc((count + 1) * sizeof *parts + numbers * sizeof(float));
    if (copy == NULL) return NULL;
    float *centres = (float *)(copy + count + 1);
    for (size_t i = 0; i < count; i++) {
        copy[i] = parts[i];
        if (parts[i].centres == NULL) continue;
        numbers = parts[i].components * parts[i].features;
        copy[i].centres = memcpy(centres, parts[i].centres, numbers * sizeof *centres);
        centres += numbers;
    }
    return copy;
}

static bool is_same_prior(const duet_build *build, const duet_prior *parts, size_t count)
{
    bool same = count == build->prior_count;
    for (size_t i = 0; same && i < count; i++) {
        const duet_prior *one = &build->prior[i], *other = &parts[i];
        same = one->kind == other->kind && one->features == other->features && one->location == other->location &&
               one->scale == other->scale && one->components == other->components &&
               (one->centres == NULL) == (other->centres == NULL);
        for (size_t k = 0; same && one->centres != NULL && k < one->components * one->features; k++)
            same = one->centres[k] == other->centres[k];
    }
    return same;
}

static duet_node find_latent(const char *where, duet_model *model, const duet_prior *parts, size_t count,
                             duet_node by_model)
{
    duet_build *build = model->build;
    size_t features = duet_prior_features(parts, count);
    char wrong[128];
    for (size_t i = 0; i < count; i++)
        if (duet_prior_is_wrong(&parts[i], wrong, sizeof wrong)) { /* a training draws none of it: use would find it */
            duet_graph_fail(build->graph, "latent: %s", wrong);
            return duet_node_broken(build->graph);
        }
    if (build->latent != NULL) {
        if (duet_features(build->latent) != features)
            duet_graph_fail(build->graph, "latent: a model has one latent, and two widths were asked for");
        else if (!is_same_prior(build, parts, count))
            duet_graph_fail(build->graph, "latent: a model has one latent, and two priors of it were said");
        return build->latent;
    }
    build->prior = copy_prior(parts, count);
    if (build->prior == NULL || features == 0) {
        if (build->prior == NULL)
            duet_graph_refuse(build->graph, DUET_ERROR_MEMORY, "out of memory for a model");
        else
            duet_graph_fail(build->graph, "latent: it has no numbers");
        return duet_node_broken(build->graph);
    }
    build->prior_count = count;
    build->latent_where = where;
    return build->latent = make_latent(where, build, features, by_model);
}

duet_node duet_latent_at(const char *where, duet_model *model, const duet_prior *parts, size_t count)
{
    return find_latent(where, model, parts, count, NULL);
}

static bool is_made_of_examples(const duet_build *build, duet_node value)
{
    bool *depends = duet_build_dependents(build, &build->batch, 1);
    const bool made = depends != NULL && depends[value->id];
    if (depends == NULL) duet_graph_refuse(build->graph, DUET_ERROR_MEMORY, "out of memory for a model");
    free(depends);
    return made;
}

duet_node duet_latent_drawn_at(const char *where, duet_model *model, const duet_prior *parts, size_t count,
                               duet_node drawn)
{
    const duet_shape wanted = DUET_SHAPE(model->build->batch_size, duet_prior_features(parts, count));
    char has[96], wants[96];
    if (!duet_node_is_broken(drawn) && !duet_shape_equal(drawn->shape, wanted))
        duet_graph_fail(model->build->graph, "latent_drawn: the draws are %s, %s was expected",
                        duet_shape_text(drawn->shape, has), duet_shape_text(wanted, wants));
    if (!duet_node_is_broken(drawn) && is_made_of_examples(model->build, drawn))
        duet_graph_fail(model->build->graph,
                        "latent_drawn: the draws are made of the examples of the batch, and who asks for latents gives "
                        "none: codes of examples are the output \"" DUET_LATENT "\"");
    return find_latent(where, model, parts, count, drawn);
}

/* Scratch. */

duet_node duet_scratch_at(const char *where, duet_model *model, const char *name, duet_type type, duet_shape shape)
{
    const duet_initialiser zero = {.kind = DUET_INIT_CONSTANT};
    return duet_store_state_at(where, model->build->graph, model->build->scratch, name, type, shape, zero);
}

duet_group *duet_scratch_group(duet_model *model, const char *name)
{
    duet_group *group = duet_group_of(model->build->scratch, name);
    if (group == NULL) duet_graph_refuse(model->build->graph, DUET_ERROR_MEMORY, "out of memory for a group");
    return group;
}

/* Numbers that a request may set. */

/* The value that the request gives to the key, the last one if there are several; NULL: none. */
static const char *asked_for(const duet_build_options *options, const char *key)
{
    size_t length = strlen(key);
    for (size_t i = options->knob_count; i-- > 0;)
        if (strncmp(options->knobs[i], key, length) == 0 && options->knobs[i][length] == '=')
            return options->knobs[i] + length + 1;
    return NULL;
}

void duet_use_refuse(duet_model *model, const char *words)
{
    if (model->build->knob_error.status == DUET_OK) duet_fail(&model->build->knob_error, DUET_ERROR_USAGE, "%s", words);
}

static double read_knob(duet_build *build, const duet_knob *knob, const char *text)
{
    double value;
    bool is_number = duet_number_read(text, &value);
    if (is_number && value >= knob->low && value <= knob->high && (!knob->whole || value == (double)(size_t)value))
        return value;
    duet_fail(&build->knob_error, DUET_ERROR_USAGE,
              knob->whole ? "%s: \"%s\" is not a whole number from %.0f to %.0f"
                          : "%s: \"%s\" is not a number from %g to %g",
              knob->key, text, knob->low, knob->high);
    return knob->initial;
}

static double use_knob(duet_model *model, const duet_knob *wanted, const char *key)
{
    duet_build *build = model->build;
    const uint64_t reader = UINT64_C(1) << build->open % 64;
    const char *fault = duet_setting_key_fault(key, sizeof wanted->key - 1);
    if (fault != NULL || wanted->help == NULL || !duet_text_is_utf8(wanted->help)) {
        duet_graph_refuse(build->graph, DUET_ERROR_GRAPH, "the setting \"%.100s\" of use %s", key != NULL ? key : "",
                          fault != NULL ? fault : "has a help that is not UTF-8 text");
        return wanted->initial;
    }
    for (size_t i = 0; i < build->knob_count; i++)
        if (strcmp(build->knobs[i].key, key) == 0) {
            build->knobs[i].readers |= reader;
            return build->knobs[i].value;
        }
    if (!(wanted->low <= wanted->initial && wanted->initial <= wanted->high))
        duet_graph_refuse(build->graph, DUET_ERROR_GRAPH, "use \"%s\": its initial value %g is not within %g to %g",
                          key, wanted->initial, wanted->low, wanted->high);
    if (!duet_array_grow(&build->knobs, build->knob_count, &build->knob_capacity, sizeof *build->knobs)) {
        duet_graph_refuse(build->graph, DUET_ERROR_MEMORY, "out of memory for a model");
        return wanted->initial;
    }
    duet_knob *knob = &build->knobs[build->knob_count++];
    *knob = *wanted;
    knob->readers = reader;
    snprintf(knob->key, sizeof knob->key, "%s", key);
    const char *text = asked_for(&build->options, key);
    return knob->value = text == NULL ? knob->initial : read_knob(build, knob, text);
}

size_t duet_use_count(duet_model *model, const char *key, size_t initial, size_t low, size_t high, const char *help)
{
    const duet_knob knob = {
        .help = help, .initial = (double)initial, .low = (double)low, .high = (double)high, .whole = true};
    return (size_t)use_knob(model, &knob, key);
}

double duet_use_number(duet_model *model, const char *key, double initial, double low, double high, const char *help)
{
    const duet_knob knob = {.help = help, .initial = initial, .low = low, .high = high};
    return use_knob(model, &knob, key);
}
