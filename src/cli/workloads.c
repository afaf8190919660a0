/* SPDX-License-Identifier: MIT */
/* The table of workloads: a family, its settings, a batch. */
#include "cli/workloads.h"

#include <string.h>

const char *const cli_workload_data = "fab53be4bf14aa72";
const double cli_loss_tolerance = 0.002;

/* As PoCL computes them; another CPU driver agreed to seven digits. */
static const cli_loss losses_of_mlpvae[] = {{"elbo", -530.655}, {"kl", 2.31543}, {NULL}};
static const cli_loss losses_of_mlpgan[] = {{"d_loss", 0.797651}, {"g_loss", 1.78922}, {NULL}};
static const cli_loss losses_of_made[] = {{"nll", 533.359}, {NULL}};
static const cli_loss losses_of_nice[] = {{"nll", 1109.42}, {NULL}};
static const cli_loss losses_of_convvae[] = {{"elbo", -543.386}, {"kl", 0.00711487}, {NULL}};
static const cli_loss losses_of_dcgan[] = {{"d_loss", 1.21023}, {"g_loss", 0.701721}, {NULL}};
static const cli_loss losses_of_flow[] = {{"nll", -53.9145}, {NULL}};
static const cli_loss losses_of_pixelcnn[] = {{"nll", 520.949}, {NULL}};
static const cli_loss losses_of_unet[] = {{"velocity_error", 1232.47}, {NULL}};

static const cli_workload workloads[] = {
    {"mlpvae", "the VAE with its defaults: 784-400-20-400-784", "vae", 128, NULL, losses_of_mlpvae},
    {"mlpgan", "the GAN with its defaults: 64-256-512-784 against 784-512-256-1", "gan", 128, NULL, losses_of_mlpgan},
    {"made", "masked autoencoder 784-500-784 on binarised pictures", "made", 100,
     (const char *const[]){"degrees=cycle", NULL}, losses_of_made},
    {"nice", "four additive couplings 392-5x1000-392, 19 million parameters", "nice", 200,
     (const char *const[]){"alpha=0", NULL}, losses_of_nice},
    {"convvae", "the convolutional VAE with its defaults: 3 x 3 kernels, 69,989 parameters", "vae-conv", 32, NULL,
     losses_of_convvae},
    {"dcgan", "the convolutional GAN: 5 x 5 kernels, batch norm, latent 100", "gan-conv", 32,
     (const char *const[]){"lr=0.0001", "beta1=0.9", NULL}, losses_of_dcgan},
    {"flow", "Real NVP with its defaults: two scales, 12 couplings, 260,460 parameters", "realnvp", 64, NULL,
     losses_of_flow},
    {"pixelcnn", "the gated PixelCNN with its defaults: 16 features, 29,921 parameters", "pixelcnn", 50, NULL,
     losses_of_pixelcnn},
    {"unet", "flow matching with its defaults: a U-Net of 306,801 parameters", "flow-matching", 64, NULL,
     losses_of_unet},
};

const cli_workload *cli_workload_at(size_t index)
{
    return index < sizeof workloads / sizeof *workloads ? &workloads[index] : NULL;
}

const cli_workload *cli_workload_find(const char *name)
{
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        if (strcmp(workloads[i].name, name) == 0) return &workloads[i];
    return NULL;
}

const duet_family *cli_workload_family(const cli_workload *workload)
{
    return duet_family_find(workload->family);
}

void cli_workload_settings(const cli_workload *workload, const cli_list *given, cli_list *all)
{
    all->count = 0;
    for (; workload->settings != NULL && workload->settings[all->count] != NULL; all->count++)
        all->items[all->count] = workload->settings[all->count];
    for (size_t i = 0; i < given->count && all->count < CLI_COUNT_OF(all->items); i++)
        all->items[all->count++] = given->items[i];
}
