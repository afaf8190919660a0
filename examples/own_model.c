/* SPDX-License-Identifier: MIT */
/* A model of one's own, start to end: a denoising auto-encoder (Vincent et al. 2008, "Extracting and composing robust
 * features with denoising autoencoders"). It sees pictures with a quarter of the pixels put out and learns to restore
 * them. Usage: own_model [epochs [data]]; writes own_model.png: noisy pictures above restored ones. */
#include <duet.h>

#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 128, COLUMNS = 16 };

static const duet_setting settings[] = {
    DUET_COUNT("hidden", 400, 1, 4096, "width of the hidden layer"),
    DUET_NUMBER("noise", 0.25, 0, 1, "share of the pixels that are put out"),
};

/* The network alone, so that training and use share it: the same layer names mean the same weights. */
static duet_node restore(duet_group *net, duet_node noisy, size_t hidden)
{
    duet_node h = duet_relu(duet_dense(net, "hidden", noisy, hidden));
    return duet_dense(net, "logits", h, duet_features(noisy));
}

/* Puts out each pixel with probability `share`. */
static duet_node put_out(duet_node x, double share)
{
    duet_node u = duet_uniform(duet_node_graph(x), duet_node_shape(x));
    return duet_multiply(x, duet_less(duet_constant(duet_node_graph(x), share), u));
}

static void build(duet_model *model)
{
    duet_group *net = duet_model_group(model, "net");
    duet_node x = duet_model_batch(model);
    duet_node noisy = put_out(x, duet_setting_number(model, "noise"));
    duet_node logits = restore(net, noisy, (size_t)duet_setting_number(model, "hidden"));
    duet_node nll = duet_batch_mean(duet_bernoulli_nll(logits, x));
    duet_phase(model, "restore", 1);
    duet_report(model, "nll", nll);
    duet_minimise(model, nll, net);
}

static const duet_family family = {"denoising-ae", "restores noisy pictures",         "Vincent et al. 2008", build,
                                   settings,       sizeof settings / sizeof *settings};

static duet_status train(duet_trainer *trainer, double epochs, duet_error *error)
{
    double nll = 0;
    size_t report = duet_trainer_steps_an_epoch(trainer);
    while (error->status == DUET_OK && duet_trainer_epoch(trainer) < epochs) {
        duet_trainer_step(trainer, error);
        if (duet_trainer_steps(trainer) % report != 0) continue;
        if (duet_trainer_losses(trainer, &nll, 1, error) == DUET_OK)
            printf("epoch %.0f: %.2f nats\n", duet_trainer_epoch(trainer), nll);
    }
    return error->status;
}

/* A graph of its own over the same weights: noisy test pictures and their restoration, as one picture file. */
static duet_status show(duet_model *model, duet_device *device, duet_data *data, duet_error *error)
{
    duet_store *store = duet_model_store(model);
    duet_shape picture = duet_data_describe(data)->shape;
    size_t numbers = COLUMNS * duet_shape_elements(picture), bytes = numbers * sizeof(float);
    size_t hidden = (size_t)atoi(duet_model_setting_text(model, "hidden"));
    duet_graph *graph = duet_graph_new(store);
    duet_node x = duet_input(graph, "pictures", DUET_FLOAT32, DUET_SHAPE(COLUMNS, duet_shape_elements(picture)));
    duet_node noisy = put_out(x, atof(duet_model_setting_text(model, "noise")));
    duet_node restored = duet_sigmoid(restore(duet_group_of(store, "net"), noisy, hidden));
    duet_node roots[] = {noisy, restored};
    duet_plan *plan = NULL;
    float *values = malloc(2 * bytes);
    if (values != NULL && duet_plan_new(&plan, device, "restore", roots, 2, error) == DUET_OK &&
        duet_data_read(data, DUET_TEST, 0, COLUMNS, values, error) == DUET_OK &&
        duet_plan_write(plan, x, values, bytes, error) == DUET_OK && duet_plan_replay(plan, error) == DUET_OK &&
        duet_plan_read(plan, noisy, values, bytes, error) == DUET_OK &&
        duet_plan_read(plan, restored, values + numbers, bytes, error) == DUET_OK &&
        duet_write_png_grid("own_model.png", values, 2 * COLUMNS, picture, COLUMNS, error) == DUET_OK)
        printf("own_model.png\n");
    free(values);
    duet_plan_free(&plan);
    duet_graph_free(&graph);
    return error->status;
}

int main(int argc, char **argv)
{
    duet_error error = {0};
    duet_device *device = NULL;
    duet_data *data = NULL;
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    if (duet_device_open(&device, NULL, &error) == DUET_OK &&
        duet_data_open(&data, argc > 2 ? argv[2] : NULL, &error) == DUET_OK &&
        duet_model_new(&model, &family, data, NULL, 0, 1, &error) == DUET_OK &&
        duet_trainer_new(&trainer, device, model, BATCH, &error) == DUET_OK &&
        train(trainer, argc > 1 ? atof(argv[1]) : 3, &error) == DUET_OK)
        show(model, device, data, &error);
    if (error.status != DUET_OK) fprintf(stderr, "%s\n", error.message);
    duet_trainer_free(&trainer);
    duet_model_free(&model);
    duet_data_close(&data);
    duet_device_close(&device);
    return error.status == DUET_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
