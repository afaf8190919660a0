/* SPDX-License-Identifier: MIT */
/* The group's tuning file, which programs started by the tests read and write too, and the documents of runs. */
#ifndef DUET_TESTS_TUNE_FILES_H
#define DUET_TESTS_TUNE_FILES_H

#include "program.h"

#include "tune/tuning_file.h"

static char file[TEST_PATH_SIZE + 32];

static inline int begin(void **state)
{
    (void)make_folder(state);
    (void)snprintf(file, sizeof file, "%s/tuning.json", folder);
    return setenv("DUET_TUNING", file, 1);
}

static inline json_t *load(const char *path)
{
    json_error_t fault;
    json_t *parsed = json_load_file(path, JSON_REJECT_DUPLICATES, &fault);
    if (parsed == NULL) fail_msg("%s: %s", path, fault.text);
    return parsed;
}

static inline void store(const json_t *object)
{
    assert_int_equal(json_dump_file(object, file, 0), 0);
}

static inline json_t *run_file(const char *run)
{
    char path[PATH_SIZE];
    char inner[64];
    (void)snprintf(inner, sizeof inner, "%s/run.json", run);
    return load(inside(inner, path));
}

#define TUNE_MODEL  "tune", "ae", "--data", "ring8", "--set", "hidden=33", "--set", "latent=2"
#define TRAIN_MODEL "train", "ae", "--data", "ring8", "--set", "hidden=33", "--set", "latent=2", "--quiet", "--out"

static inline long long count_of(const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    assert_true(json_is_integer(number));
    return json_integer_value(number);
}

/** Sum of a count over all products of a --json document. */
static inline long long sum_of(const json_t *document, const char *key)
{
    long long sum = 0;
    size_t index;
    const json_t *product;
    json_array_foreach(json_object_get(document, "products"), index, product) sum += count_of(product, key);
    return sum;
}

/** The table as trainings read it. */
static inline void assert_readable(void)
{
    duet_error error = {0};
    duet_device *device = test_device_open();
    json_t *read = NULL;
    assert_ok(duet_tuning_document_read(file, device, &read, &error), &error);
    assert_non_null(read);
    json_decref(read);
    duet_device_close(&device);
}

/** Which products of a run went to a provider. */
static inline size_t count_products(const json_t *run, const char *provider, size_t *all)
{
    const json_t *products = json_object_get(json_object_get(run, "providers"), "products"), *product;
    size_t index, count = 0;
    *all = json_array_size(products);
    json_array_foreach(products, index, product)
    {
        count += strcmp(json_string_value(json_object_get(product, "provider")), provider) == 0;
    }
    return count;
}

#endif
