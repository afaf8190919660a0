/* SPDX-License-Identifier: MIT */
/* A conditional GAN of one's own whose generator is used by the average of its weights: Mirza & Osindero 2014
 * (arXiv:1411.1784) with the averaging of Yazici et al. 2019 (arXiv:1806.04498). Trains into a run directory, opens the
 * run and draws a row of each class. Usage: conditional_gan [epochs [data]]; writes conditional_gan.png. */
#include <duet.h>

#include <stdio.h>
#include <stdlib.h>

enum { LATENT = 64, COLUMNS = 10 };

static duet_node generate(duet_model *m, duet_node z)
{
    duet_group *generator = duet_model_group(m, "generator");
    duet_node h = duet_leaky_relu(duet_dense(generator, "hidden1", duet_with_labels(m, z), 256), 0.2);
    h = duet_leaky_relu(duet_dense(generator, "hidden2", h, 512), 0.2);
    return duet_sigmoid(duet_dense(generator, "output", h, duet_features(duet_model_batch(m))));
}

static duet_node discriminate(duet_model *m, duet_node x)
{
    duet_group *discriminator = duet_model_group(m, "discriminator");
    duet_node h = duet_leaky_relu(duet_dense(discriminator, "hidden1", duet_with_labels(m, x), 512), 0.2);
    h = duet_leaky_relu(duet_dense(discriminator, "hidden2", h, 256), 0.2);
    return duet_dense(discriminator, "logit", h, 1);
}

static void build(duet_model *m)
{
    const duet_prior prior = duet_prior_normal(LATENT);
    duet_graph *graph = duet_model_graph(m);
    size_t batch = duet_model_batch_size(m);
    duet_node one = duet_constant(graph, 1), zero = duet_constant(graph, 0);

    duet_phase(m, "discriminator", 1);
    duet_node fake = duet_stop_gradient(generate(m, duet_prior_draw(graph, &prior, 1, batch)));
    duet_node on_real = discriminate(m, duet_model_batch(m)), on_fake = discriminate(m, fake);
    duet_node d_loss = duet_add(duet_binary_cross_entropy(on_real, one), duet_binary_cross_entropy(on_fake, zero));
    duet_report(m, "d_loss", d_loss);
    duet_minimise(m, d_loss, duet_model_group(m, "discriminator"));

    duet_phase(m, "generator", 1);
    duet_phase_share_batch(m); /* the classes that D has just seen */
    duet_node judged = discriminate(m, generate(m, duet_prior_draw(graph, &prior, 1, batch)));
    duet_node g_loss = duet_binary_cross_entropy(judged, one);
    duet_report(m, "g_loss", g_loss);
    duet_minimise(m, g_loss, duet_model_group(m, "generator"));

    duet_output(m, DUET_SAMPLE, generate(m, duet_latent(m, &prior, 1)));
}

static const duet_family family = {.name = "conditional-gan",
                                   .summary = "a GAN that is told the class",
                                   .paper = "Mirza & Osindero 2014",
                                   .build = build,
                                   .groups = (const char *const[]){"generator", "discriminator", NULL}};

static void show_progress(void *context, const duet_progress *progress)
{
    (void)context;
    if (progress->report)
        printf("epoch %.1f: d_loss %.3f, g_loss %.3f\n", progress->epoch, progress->means[0], progress->means[1]);
}

/* A row of each class, by the average of G's weights. */
static duet_status draw(duet_run *run, duet_error *error)
{
    static const char *const settings[] = {"weights=average"};
    const duet_data_info *data = duet_data_describe(duet_run_data(run));
    size_t count = data->classes * COLUMNS;
    float *pictures = malloc(count * duet_run_features(run, DUET_SAMPLE) * sizeof *pictures);
    uint8_t *classes = malloc(count);
    const duet_wanted sample = {DUET_SAMPLE, pictures};
    const duet_request request = {.count = count,
                                  .classes = classes,
                                  .settings = settings,
                                  .setting_count = 1,
                                  .outputs = &sample,
                                  .output_count = 1};
    for (size_t i = 0; classes != NULL && i < count; i++) classes[i] = (uint8_t)(i / COLUMNS);
    if (pictures != NULL && classes != NULL && duet_run_use(run, &request, error) == DUET_OK &&
        duet_write_png_grid("conditional_gan.png", pictures, count, data->shape, COLUMNS, error) == DUET_OK)
        printf("conditional_gan.png\n");
    free(pictures);
    free(classes);
    return error->status;
}

int main(int argc, char **argv)
{
    static const char *const settings[] = {"lr=0.0002", "beta1=0.5", "generator.average=0.999"};
    duet_error error = {0};
    duet_train_summary summary;
    duet_run *run = NULL;
    const duet_train_options options = {.family = &family,
                                        .data = argc > 2 ? argv[2] : NULL,
                                        .epochs = argc > 1 ? (uint64_t)strtoul(argv[1], NULL, 10) : 10,
                                        .settings = settings,
                                        .setting_count = 3,
                                        .progress = show_progress};
    if (duet_train(&options, &summary, NULL, &error) == DUET_OK &&
        duet_run_open_with(&run, summary.run, NULL, NULL, &family, &error) == DUET_OK)
        draw(run, &error);
    if (error.status != DUET_OK) fprintf(stderr, "%s\n", error.message);
    duet_run_close(&run);
    return error.status == DUET_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
