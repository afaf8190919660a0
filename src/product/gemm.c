/* SPDX-License-Identifier: MIT */
/* The table of GEMM providers and the choice among them. The choice follows from device, shape and the table of what
 * was measured before, never from a race, so that a run can be repeated. */
#include "product/gemm.h"

#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "product/gemm_rows.h"
#include "product/products.h"

static const duet_gemm_provider *const providers[] = {&duet_gemm_panel, &duet_gemm_clblast, &duet_gemm_tile,
                                                      &duet_gemm_plain, &duet_conv_panel,   &duet_conv_winograd,
                                                      &duet_conv_tile,  &duet_conv_unfold,  &duet_conv_plain};

enum { PROVIDERS = sizeof providers / sizeof *providers };

const duet_gemm_provider *duet_gemm_provider_at(size_t index)
{
    return index < PROVIDERS ? providers[index] : NULL;
}

/** The readable twin, which fits everything. */
static const duet_gemm_provider *plain_for(const duet_gemm_shape *shape)
{
    return shape->convolution.use == DUET_NO_CONVOLUTION ? &duet_gemm_plain : &duet_conv_plain;
}

/** GPUs want tiles in local memory, which CLBlast has; CPUs want tiles in registers, and fewer products where that
 * saves enough. A convolution of a channel or two a group would leave a tile nearly empty. */
static const duet_gemm_provider *preset(const duet_device *device, const duet_gemm_shape *shape)
{
    static const size_t narrow = 4;
    const duet_convolution *v = &shape->convolution;
    const bool gpu = duet_device_describe(device)->kind == DUET_DEVICE_GPU ||
                     duet_device_describe(device)->kind == DUET_DEVICE_INTEGRATED;
    if (v->use != DUET_NO_CONVOLUTION) {
        const bool empty = v->groups > 1 && shape->n / v->groups < narrow;
        if (!gpu) return duet_winograd_pays(device, shape) ? &duet_conv_winograd : &duet_conv_panel;
        return empty ? &duet_conv_plain : &duet_conv_tile;
    }
    if (gpu && duet_gemm_batch(shape) > 1) return &duet_gemm_plain;
    return gpu ? &duet_gemm_clblast : &duet_gemm_panel;
}

/** Below this many multiply-adds one plain launch is faster than packing for a tiled product (about 8,000 on two CPU
 *  cores; a GPU does as many in the time that a launch costs it). */
static const double plain_products = 8192;

/** A provider with its preset parameters, or plain where it does not fit. */
static duet_gemm_choice choose_provider(duet_device *device, const duet_gemm_provider *wanted,
                                        const duet_gemm_shape *shape)
{
    if (!duet_gemm_fits(wanted, device, shape)) wanted = plain_for(shape);
    return (duet_gemm_choice){.provider = wanted, .parameters = wanted->preset(device, shape)};
}

/** What a person asks for is used, whatever was measured, with a warning if it was found wrong here. "plain" includes
 * convolutions. */
static duet_gemm_choice choose_asked(duet_device *device, const duet_gemm_shape *shape)
{
    duet_products *products = duet_products_of(device);
    const duet_gemm_provider *asked = duet_products_seen(device)->asked;
    const duet_gemm_choice choice =
        choose_provider(device, asked == &duet_gemm_plain ? plain_for(shape) : asked, shape);
    if (products != NULL && duet_tuning_is_unfit(&products->tuning, &choice) && !products->unfit_said) {
        duet_device_say(device, "warning: 'duet tune' found wrong numbers or a crash of the matrix product %s on %s",
                        choice.provider->name, duet_device_describe(device)->name);
        products->unfit_said = true;
    }
    return choice;
}

bool duet_gemm_fits(const duet_gemm_provider *provider, duet_device *device, const duet_gemm_shape *shape)
{
    return provider->convolves == plain_for(shape)->convolves && (provider->batches || duet_gemm_batch(shape) == 1) &&
           provider->fits(device, shape);
}

size_t duet_gemm_batch(const duet_gemm_shape *shape)
{
    return shape->batch == 0 ? 1 : shape->batch;
}

duet_gemm_shape duet_gemm_shape_of(const duet_convolution *convolution)
{
    duet_gemm_shape shape = {.convolution = *convolution};
    duet_convolution_extents(convolution, &shape.m, &shape.n, &shape.k);
    return shape;
}

double duet_gemm_flops(const duet_gemm_shape *shape)
{
    if (shape->convolution.use != DUET_NO_CONVOLUTION) return duet_convolution_flops(&shape->convolution);
    return 2.0 * (double)duet_gemm_batch(shape) * (double)shape->m * (double)shape->n * (double)shape->k;
}

const char *duet_gemm_words(const duet_gemm_shape *shape, char text[DUET_PRODUCT_WORDS])
{
    char window[64], batch[32] = "";
    if (duet_gemm_batch(shape) > 1) snprintf(batch, sizeof batch, "%zu of ", shape->batch);
    if (shape->convolution.use == DUET_NO_CONVOLUTION)
        snprintf(text, DUET_PRODUCT_WORDS, "%s%zux%zux%zu %c%c", batch, shape->m, shape->n, shape->k,
                 shape->transpose_a ? 't' : 'n', shape->transpose_b ? 't' : 'n');
    else
        snprintf(text, DUET_PRODUCT_WORDS, "%s %s", duet_convolution_use_name(shape->convolution.use),
                 duet_convolution_words(&shape->convolution, window, sizeof window));
    return text;
}

bool duet_gemm_elements(const duet_gemm_shape *shape, size_t elements[3])
{
    const duet_convolution *convolution = &shape->convolution;
    size_t x, w, y, bytes;
    bool fits = true;
    if (convolution->use == DUET_NO_CONVOLUTION) {
        fits = duet_size_multiply(shape->m, shape->k, &elements[0]) &&
               duet_size_multiply(shape->k, shape->n, &elements[1]) &&
               duet_size_multiply(shape->m, shape->n, &elements[2]);
    } else {
        duet_convolution_elements(convolution, &x, &w, &y);
        elements[0] = convolution->use == DUET_CONVOLUTION_DATA ? y : x;
        elements[1] = convolution->use == DUET_CONVOLUTION_WEIGHTS ? y : w;
        elements[2] = convolution->use == DUET_CONVOLUTION_FORWARD ? y
                      : convolution->use == DUET_CONVOLUTION_DATA  ? x
                                                                   : w;
    }
    for (size_t i = 0; fits && i < 3; i++)
        fits = duet_size_multiply(elements[i], duet_gemm_batch(shape), &elements[i]) &&
               duet_size_multiply(elements[i], sizeof(double), &bytes);
    return fits;
}

duet_gemm_choice duet_gemm_choose_preset(duet_device *device, const duet_gemm_shape *shape)
{
    const bool small = duet_gemm_flops(shape) <= 2 * plain_products;
    duet_gemm_choice choice = choose_provider(device, small ? plain_for(shape) : preset(device, shape), shape);
    for (size_t i = 0; i < PROVIDERS && duet_tuning_is_unfit(duet_device_tuning(device), &choice); i++)
        choice = choose_provider(device, providers[i], shape);
    return choice;
}

duet_gemm_choice duet_gemm_choose(duet_device *device, const duet_gemm_shape *shape)
{
    if (duet_gemm_batch(shape) == 1) duet_device_note_product(device, shape);
    const duet_gemm_provider *asked = duet_products_seen(device)->asked;
    if (asked != NULL && (asked->convolves == plain_for(shape)->convolves || asked == &duet_gemm_plain))
        return choose_asked(device, shape);
    const duet_tuning *tuning = duet_device_tuning(device);
    const duet_tuned_product *tuned = duet_gemm_batch(shape) > 1 ? NULL : duet_tuning_find(tuning, shape);
    if (tuned != NULL && duet_gemm_fits(tuned->choice.provider, device, shape) &&
        duet_gemm_offers(device, shape, &tuned->choice) && !duet_tuning_is_unfit(tuning, &tuned->choice))
        return tuned->choice;
    return duet_gemm_choose_preset(device, shape);
}

bool duet_gemm_fits_all(duet_device *device, const duet_gemm_shape *shape)
{
    (void)device, (void)shape;
    return true;
}

size_t duet_gemm_no_workspace(duet_device *device, const duet_gemm_shape *shape, const duet_gemm_parameters *parameters)
{
    (void)device, (void)shape, (void)parameters;
    return 0;
}

duet_gemm_kernel duet_gemm_kernel_of(const char *file, const duet_gemm_shape *shape)
{
    static const char *const variants[2][2] = {{"nn", "nt"}, {"tn", "tt"}};
    return (duet_gemm_kernel){.file = file,
                              .variant = variants[shape->transpose_a][shape->transpose_b],
                              .constants = {{"A_TRANSPOSED", shape->transpose_a ? "1" : "0"},
                                            {"B_TRANSPOSED", shape->transpose_b ? "1" : "0"}}};
}

duet_gemm_kernel duet_conv_kernel(const char *file, const duet_gemm_shape *shape)
{
    static const char *const variants[DUET_CONVOLUTION_USES] = {NULL, "forward", "data", "weights"};
    static const char *const values[DUET_CONVOLUTION_USES] = {NULL, "FORWARD", "DATA", "WEIGHTS"};
    const uint32_t use = shape->convolution.use;
    return (duet_gemm_kernel){.file = file, .variant = variants[use], .constants = {{"USE", values[use]}}};
}

duet_gemm_parameters duet_gemm_no_parameters(const duet_device *device, const duet_gemm_shape *shape)
{
    (void)device, (void)shape;
    return (duet_gemm_parameters){0};
}

const duet_gemm_provider *duet_gemm_provider_find(const char *name)
{
    for (size_t i = 0; i < PROVIDERS; i++)
        if (strcmp(providers[i]->name, name) == 0) return providers[i];
    return NULL;
}

/** *found: the provider of that name, NULL for the preset. */
static duet_status find_provider(const char *provider, const duet_gemm_provider **found, duet_error *error)
{
    *found = NULL;
    if (provider == NULL || strcmp(provider, "auto") == 0) return DUET_OK;
    *found = duet_gemm_provider_find(provider);
    if (*found != NULL) return DUET_OK;
    char names[128] = "auto";
    for (size_t i = 0; i < PROVIDERS; i++) {
        const size_t length = strlen(names);
        snprintf(names + length, sizeof names - length, " %s", providers[i]->name);
    }
    return duet_fail(error, DUET_ERROR_USAGE,
                     "there is no provider \"%.64s\" of matrix products or convolutions; there are %s", provider,
                     names);
}

duet_status duet_gemm_check(const char *provider, duet_error *error)
{
    const duet_gemm_provider *found;
    return find_provider(provider, &found, error);
}

duet_status duet_device_set_gemm(duet_device *device, const char *provider, duet_error *error)
{
    duet_products *products = duet_products_of(device);
    if (products == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a device's choice of products");
    return find_provider(provider, &products->asked, error);
}

const char *duet_device_gemm(const duet_device *device)
{
    return duet_device_gemm_provider(device)->name;
}

const duet_gemm_provider *duet_device_gemm_provider(const duet_device *device)
{
    const duet_gemm_shape product = {0};
    const duet_gemm_provider *asked = duet_products_seen(device)->asked;
    return asked != NULL && !asked->convolves ? asked : preset(device, &product);
}

void duet_gemm_describe(duet_launch *launch, const char *what, const duet_gemm_product *product)
{
    const duet_gemm_shape *shape = &product->shape;
    char words[DUET_PRODUCT_WORDS];
    size_t elements[3] = {0};
    (void)duet_gemm_elements(shape, elements);
    snprintf(launch->name, sizeof launch->name, "%.13s %.49s", what, duet_gemm_words(shape, words));
    launch->flops = duet_gemm_flops(shape);
    launch->bytes =
        sizeof(float) * ((double)elements[0] + (double)elements[1] + (double)elements[2] * (product->adds ? 2 : 1));
}

const char *duet_gemm_kernel_name(const duet_gemm_kernel *kernel, char name[DUET_GEMM_NAME])
{
    snprintf(name, DUET_GEMM_NAME, "%.*s%s%s", (int)strcspn(kernel->file, "."), kernel->file,
             kernel->variant != NULL ? "_" : "", kernel->variant != NULL ? kernel->variant : "");
    return name;
}

/** The provider's own program of one kernel. */
static duet_status own_program(duet_device *device, const duet_gemm_call *call, const char *name, cl_program *program,
                               duet_error *error)
{
    char options[320];
    int length =
        snprintf(options, sizeof options, "%s -DKERNEL_NAME=%s", call->options != NULL ? call->options : "", name);
    for (size_t i = 0; i < DUET_GEMM_CONSTANTS && call->kernel->constants[i].name != NULL; i++)
        length += snprintf(options + length, sizeof options - (size_t)length, " -D%s=%s",
                           call->kernel->constants[i].name, call->kernel->constants[i].value);
    return duet_device_program(device, call->kernel->file, options, program, error);
}

duet_status duet_gemm_append_call(duet_device *device, const duet_gemm_product *product, const duet_gemm_call *call,
                                  duet_launch *launch, duet_launch_list *list, cl_uint *arguments_taken,
                                  duet_error *error)
{
    const bool writes = call->role == DUET_GEMM_WRITES;
    const cl_uint add = writes && product->adds;
    cl_ulong offsets[DUET_GEMM_PLACES];
    duet_argument arguments[DUET_GEMM_NUMBERS + 2 * DUET_GEMM_PLACES + 1];
    size_t count = 0;
    for (; count < DUET_GEMM_NUMBERS && call->numbers[count].bytes != 0; count++)
        arguments[count] = call->numbers[count];
    for (size_t i = 0; i < call->place_count; i++) {
        offsets[i] = call->places[i].offset;
        arguments[count++] = (duet_argument){sizeof call->places[i].buffer, &call->places[i].buffer};
        arguments[count++] = (duet_argument){sizeof offsets[i], &offsets[i]};
    }
    if (call->role != DUET_GEMM_PREPARES) arguments[count++] = (duet_argument){sizeof add, &add};
    if (writes && arguments_taken != NULL) *arguments_taken = (cl_uint)count;
    char name[DUET_GEMM_NAME];
    duet_gemm_kernel_name(call->kernel, name);
    cl_program program = product->program;
    if (program == NULL) DUET_TRY(own_program(device, call, name, &program, error));
    launch->file = call->kernel->file;
    return duet_launch_append_kernel(list, program, writes && product->kernel != NULL ? product->kernel : name,
                                     arguments, count, launch, error);
}

duet_status duet_gemm_append_sum(duet_device *device, const duet_gemm_product *product, const duet_gemm_source *source,
                                 const char *what, cl_uint pieces, duet_launch *launch, duet_launch_list *list,
                                 cl_uint *arguments_taken, duet_error *error)
{
    const cl_ulong m = product->shape.m, n = product->shape.n;
    const duet_gemm_call call = {
        .role = DUET_GEMM_WRITES,
        .kernel = &source->writes,
        .options = source->options,
        .numbers = {{sizeof m, &m}, {sizeof n, &n}, {sizeof pieces, &pieces}},
        .places = {product->workspace, product->c},
        .place_count = 2,
    };
    launch->bytes = sizeof(float) * (double)m * (double)n * (pieces + (product->adds ? 2 : 1));
    snprintf(launch->name, sizeof launch->name, "%.12s sum %zux%zu, %u pieces", what, product->shape.m,
             product->shape.n, pieces);
    return duet_gemm_append_call(device, product, &call, launch, list, arguments_taken, error);
}

duet_status duet_conv_append_packing(duet_device *device, const duet_gemm_product *product,
                                     const duet_gemm_source *source, const char *what, size_t floats,
                                     duet_launch *launch, duet_launch_list *list, duet_error *error)
{
    const duet_convolution *it = &product->shape.convolution;
    const duet_gemm_call call = {
        .role = DUET_GEMM_PREPARES,
        .kernel = &source->prepares,
        .options = source->options,
        .numbers = {{sizeof *it, it}},
        .places = {product->b, product->workspace},
        .place_count = 2,
    };
    launch->bytes = sizeof(float) * ((double)product->shape.k * (double)product->shape.n + (double)floats);
    launch->prepares = 2;
    snprintf(launch->name, sizeof launch->name, "%.20s %ux%ux%ux%u", what, it->kernel[0], it->kernel[1],
             it->channels / it->groups, it->features);
    return duet_gemm_append_call(device, product, &call, launch, list, NULL, error);
}
