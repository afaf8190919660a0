/* SPDX-License-Identifier: MIT */
/* Conditioning on a picture: from half the resolution back to the whole, by a conditional VAE (Sohn et al. 2015) or a
 * conditional GAN (Mirza & Osindero 2014, arXiv:1411.1784). Many fine pictures fit a coarse one; both draw several.
 * Usage: super_resolution [vae|gan [epochs [data]]]; writes super_resolution.png: coarse, three drawn, true. */
#include <duet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LATENT = 20, PICTURES = 12, DRAWN = 3 };

/* What both players are told: the batch's pictures at half their height and width. */
static duet_node halved(duet_model *m)
{
    duet_node x = duet_model_pictures(m, 2);
    const duet_window window = duet_window_same(x, 2, 2);
    return duet_average_pool(x, &window);
}

static duet_node with_coarse(duet_model *m, duet_node x)
{
    return duet_concat(((duet_node[]){x, duet_flatten(halved(m))}), 2, 1);
}

/* Logits of the fine picture, from z and the coarse one. */
static duet_node decode(duet_model *m, const char *network, duet_node z)
{
    duet_group *group = duet_model_group(m, network);
    duet_node h = duet_relu(duet_dense(group, "hidden1", with_coarse(m, z), 512));
    h = duet_relu(duet_dense(group, "hidden2", h, 512));
    return duet_dense(group, "output", h, duet_features(duet_model_batch(m)));
}

static void give_outputs(duet_model *m, const char *network)
{
    const duet_prior prior = duet_prior_normal(LATENT);
    duet_own_output(m, "fine", duet_sigmoid(decode(m, network, duet_latent(m, &prior, 1))));
    duet_own_output(m, "coarse", duet_flatten(duet_upsample_nearest(halved(m), 2, 2)));
}

static void build_vae(duet_model *m)
{
    duet_group *encoder = duet_model_group(m, "encoder");
    duet_node x = duet_model_batch(m), h = duet_relu(duet_dense(encoder, "hidden", with_coarse(m, x), 512));
    duet_node mean = duet_dense(encoder, "mean", h, LATENT), logvar = duet_dense(encoder, "logvar", h, LATENT);
    duet_node nll = duet_bernoulli_nll(decode(m, "decoder", duet_gaussian_sample(mean, logvar)), x);
    duet_node kl = duet_gaussian_kl(mean, logvar), loss = duet_batch_mean(duet_add(nll, kl));

    duet_phase(m, "elbo", 1);
    duet_report(m, "elbo", duet_negate(loss));
    duet_minimise(m, loss, encoder, duet_model_group(m, "decoder"));
    give_outputs(m, "decoder");
}

static duet_node discriminate(duet_model *m, duet_node x)
{
    duet_group *discriminator = duet_model_group(m, "discriminator");
    duet_node h = duet_leaky_relu(duet_dense(discriminator, "hidden1", with_coarse(m, x), 512), 0.2);
    h = duet_leaky_relu(duet_dense(discriminator, "hidden2", h, 256), 0.2);
    return duet_dense(discriminator, "logit", h, 1);
}

static duet_node draw_fine(duet_model *m)
{
    const duet_prior prior = duet_prior_normal(LATENT);
    duet_node z = duet_prior_draw(duet_model_graph(m), &prior, 1, duet_model_batch_size(m));
    return duet_sigmoid(decode(m, "generator", z));
}

static void build_gan(duet_model *m)
{
    duet_node one = duet_constant(duet_model_graph(m), 1), zero = duet_constant(duet_model_graph(m), 0);
    duet_phase(m, "discriminator", 1);
    duet_node on_real = discriminate(m, duet_model_batch(m));
    duet_node on_fake = discriminate(m, duet_stop_gradient(draw_fine(m)));
    duet_node d_loss = duet_add(duet_binary_cross_entropy(on_real, one), duet_binary_cross_entropy(on_fake, zero));
    duet_report(m, "d_loss", d_loss);
    duet_minimise(m, d_loss, duet_model_group(m, "discriminator"));

    duet_phase(m, "generator", 1);
    duet_phase_share_batch(m); /* the coarse pictures that D has just seen */
    duet_node g_loss = duet_binary_cross_entropy(discriminate(m, draw_fine(m)), one);
    duet_report(m, "g_loss", g_loss);
    duet_minimise(m, g_loss, duet_model_group(m, "generator"));
    give_outputs(m, "generator");
}

static const duet_family families[] = {
    {.name = "vae-super-resolution",
     .summary = "a VAE told the coarse picture",
     .paper = "Sohn et al. 2015",
     .build = build_vae},
    {.name = "gan-super-resolution",
     .summary = "a GAN told the coarse picture",
     .paper = "Mirza & Osindero 2014",
     .build = build_gan},
};

static void show_progress(void *context, const duet_progress *progress)
{
    (void)context;
    if (!progress->report) return;
    printf("epoch %.1f:", progress->epoch);
    for (size_t i = 0; i < progress->terms; i++) printf(" %s %.3f", progress->names[i], progress->means[i]);
    printf("\n");
}

/* Rows of a picture: coarse, drawn by several seeds, true. */
static duet_status draw(duet_run *run, duet_error *error)
{
    const duet_shape shape = duet_data_describe(duet_run_data(run))->shape;
    size_t row = PICTURES * duet_shape_elements(shape);
    float *rows = malloc((DRAWN + 2) * row * sizeof *rows);
    if (rows == NULL) return DUET_ERROR_MEMORY;
    float *truth = rows + (DRAWN + 1) * row;
    duet_data_read(duet_run_data(run), DUET_TEST, 0, PICTURES, truth, error);
    for (uint64_t seed = 0; seed < DRAWN && error->status == DUET_OK; seed++) {
        const duet_wanted wanted[] = {{"coarse", rows}, {"fine", rows + (seed + 1) * row}};
        const duet_request request = {
            .count = PICTURES, .seed = seed, .examples = truth, .outputs = wanted, .output_count = 2};
        duet_run_use(run, &request, error);
    }
    if (error->status == DUET_OK &&
        duet_write_png_grid("super_resolution.png", rows, (DRAWN + 2) * PICTURES, shape, PICTURES, error) == DUET_OK)
        printf("super_resolution.png\n");
    free(rows);
    return error->status;
}

int main(int argc, char **argv)
{
    static const char *const settings[] = {"lr=0.0003"};
    const duet_family *family = &families[argc > 1 && strcmp(argv[1], "gan") == 0];
    duet_error error = {0};
    duet_train_summary summary;
    duet_run *run = NULL;
    const duet_train_options options = {.family = family,
                                        .data = argc > 3 ? argv[3] : NULL,
                                        .epochs = argc > 2 ? (uint64_t)strtoul(argv[2], NULL, 10) : 5,
                                        .settings = settings,
                                        .setting_count = 1,
                                        .progress = show_progress};
    if (duet_train(&options, &summary, NULL, &error) == DUET_OK &&
        duet_run_open_with(&run, summary.run, NULL, NULL, family, &error) == DUET_OK)
        draw(run, &error);
    if (error.status != DUET_OK) fprintf(stderr, "%s\n", error.message);
    duet_run_close(&run);
    return error.status == DUET_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
