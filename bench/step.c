/* Time of one training step of a model on Fashion-MNIST: blocks of steps, each waited for, median and minimum of the
 * blocks. Usage: step [model [batch [blocks]]] [key=value ...]; DUET_DEVICE chooses the device. */
#include <duet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEPS_A_BLOCK = 20, MOST_BLOCKS = 500 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Milliseconds a step in each block, sorted. The first block warms up and is not counted. */
static duet_status time_blocks(duet_trainer *trainer, double *milliseconds, size_t blocks, duet_error *error)
{
    double means[64];
    for (size_t block = 0; block <= blocks; block++) {
        double start = now();
        for (size_t i = 0; i < STEPS_A_BLOCK && error->status == DUET_OK; i++) duet_trainer_step(trainer, error);
        if (duet_trainer_losses(trainer, means, 1, error) != DUET_OK) return error->status;
        if (block > 0) milliseconds[block - 1] = 1e3 * (now() - start) / STEPS_A_BLOCK;
    }
    qsort(milliseconds, blocks, sizeof *milliseconds, ascending);
    return DUET_OK;
}

int main(int count, char **words)
{
    const char *positional[3] = {"vae", "128", "25"}, *settings[32];
    size_t position = 0, setting_count = 0;
    for (int i = 1; i < count; i++) {
        if (strchr(words[i], '=') != NULL && setting_count < 32)
            settings[setting_count++] = words[i];
        else if (position < 3)
            positional[position++] = words[i];
    }
    const duet_family *family = duet_family_find(positional[0]);
    size_t batch = strtoul(positional[1], NULL, 10), blocks = strtoul(positional[2], NULL, 10);
    if (family == NULL || batch == 0 || blocks == 0 || blocks > MOST_BLOCKS) {
        fprintf(stderr, "usage: step [model [batch [blocks, at most %d]]] [key=value ...]\n", MOST_BLOCKS);
        return 2;
    }
    static double milliseconds[MOST_BLOCKS];
    duet_error error = {0};
    duet_device *device = NULL;
    duet_data *data = NULL;
    duet_model *model = NULL;
    duet_trainer *trainer = NULL;
    if (duet_device_open(&device, NULL, &error) == DUET_OK && duet_data_open(&data, NULL, &error) == DUET_OK &&
        duet_model_new(&model, family, data, settings, setting_count, 0, &error) == DUET_OK &&
        duet_trainer_new(&trainer, device, model, batch, &error) == DUET_OK &&
        time_blocks(trainer, milliseconds, blocks, &error) == DUET_OK)
        printf("%s, batch %zu, %s, %s: median %.3f ms, minimum %.3f ms a step\n", family->name, batch,
               duet_device_describe(device)->name, duet_device_gemm(device), milliseconds[blocks / 2], milliseconds[0]);
    duet_trainer_free(&trainer);
    duet_model_free(&model);
    duet_data_close(&data);
    duet_device_close(&device);
    if (error.status != DUET_OK) fprintf(stderr, "step: %s\n", error.message);
    return error.status == DUET_OK ? 0 : 1;
}
