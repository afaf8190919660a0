/* SPDX-License-Identifier: MIT */
/* Reading and writing tuning tables. A file is taken whole or not at all: one that was damaged in one place may be
 * damaged in others. */
#include "tune/tuning_file.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/status.h"

enum { FORMAT = 1, LARGEST_FILE = 8 << 20, LARGEST_EXTENT = 1 << 30 };

/* Where. */

/** "amd-epyc-7b13-1a2b3c4d.json": legible, and different for devices of one name on two platforms. */
static void name_file(const duet_device_info *info, char *name, size_t size)
{
    char plain[48];
    size_t length = 0;
    for (const char *at = info->name; *at != '\0' && length + 1 < sizeof plain; at++) {
        const bool upper = *at >= 'A' && *at <= 'Z', lower = *at >= 'a' && *at <= 'z', digit = *at >= '0' && *at <= '9';
        if (upper || lower || digit)
            plain[length++] = (char)(upper ? *at - 'A' + 'a' : *at);
        else if (length > 0 && plain[length - 1] != '-')
            plain[length++] = '-';
    }
    plain[length] = '\0';
    uLong sum = crc32(0, (const Bytef *)info->platform, (uInt)strlen(info->platform) + 1);
    sum = crc32(sum, (const Bytef *)info->name, (uInt)strlen(info->name));
    snprintf(name, size, "%s%s%08lx.json", plain, length > 0 && plain[length - 1] != '-' ? "-" : "", sum);
}

/** $DUET_TUNING, NULL where nothing is said; *off: no file at all. */
static const char *tuning_word(bool *off)
{
    const char *word = getenv("DUET_TUNING");
    *off = word != NULL && strcasecmp(word, "off") == 0;
    return word != NULL && word[0] != '\0' ? word : NULL;
}

duet_status duet_tuning_path(const duet_device_info *info, char **path, duet_error *error)
{
    bool off;
    const char *word = tuning_word(&off), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char name[96], inner[112];
    *path = NULL;
    if (off) return DUET_OK;
    name_file(info, name, sizeof name);
    if (word != NULL) {
        *path = strdup(word);
    } else if (cache != NULL && cache[0] == '/') { /* the standard says that a relative one is to be ignored */
        snprintf(inner, sizeof inner, "duet/%s", name);
        *path = duet_path_join(cache, inner);
    } else if (home != NULL && home[0] == '/') {
        snprintf(inner, sizeof inner, ".cache/duet/%s", name);
        *path = duet_path_join(home, inner);
    } else {
        return duet_fail(error, DUET_ERROR_FILE,
                         "there is no folder for tuning files: set HOME, XDG_CACHE_HOME, or DUET_TUNING to a file");
    }
    return *path != NULL ? DUET_OK : duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
}

/* Writing. */

/* The numbers of a convolution: one, or two along height and width. */
typedef struct convolution_key {
    const char *name;
    size_t offset, count;
} convolution_key;

#define EXTENT(member)      offsetof(duet_convolution_product, member), 1
#define EXTENT_PAIR(member) offsetof(duet_convolution_product, window.member), 2
static const convolution_key convolution_keys[] = {
    {"images", EXTENT(images)},
    {"height", EXTENT(height)},
    {"width", EXTENT(width)},
    {"channels", EXTENT(channels)},
    {"features", EXTENT(features)},
    {"groups", EXTENT(groups)},
    {"kernel", EXTENT_PAIR(size)},
    {"stride", EXTENT_PAIR(stride)},
    {"dilation", EXTENT_PAIR(dilation)},
    {"pad_before", EXTENT_PAIR(pad_before)},
    {"pad_after", EXTENT_PAIR(pad_after)},
};
enum { CONVOLUTION_KEYS = sizeof convolution_keys / sizeof *convolution_keys };

static json_t *convolution_to_json(const duet_convolution *convolution)
{
    const duet_convolution_product told = duet_convolution_told(convolution);
    json_t *object = json_pack("{s:s}", "use", duet_convolution_use_name(told.use));
    for (size_t i = 0; i < CONVOLUTION_KEYS; i++) {
        const convolution_key *key = &convolution_keys[i];
        const size_t *numbers = (const size_t *)((const char *)&told + key->offset);
        json_t *value = key->count == 1 ? json_integer((json_int_t)numbers[0])
                                        : json_pack("[I, I]", (json_int_t)numbers[0], (json_int_t)numbers[1]);
        duet_json_set(&object, key->name, value);
    }
    return object;
}

json_t *duet_product_to_json(const duet_gemm_shape *shape)
{
    const char transpose[3] = {shape->transpose_a ? 't' : 'n', shape->transpose_b ? 't' : 'n', '\0'};
    json_t *product = json_pack("{s:s, s:I, s:I, s:I}", "transpose", transpose, "m", (json_int_t)shape->m, "n",
                                (json_int_t)shape->n, "k", (json_int_t)shape->k);
    if (shape->convolution.use != DUET_NO_CONVOLUTION)
        duet_json_set(&product, "convolution", convolution_to_json(&shape->convolution));
    return product;
}

json_t *duet_choice_to_json(const duet_gemm_choice *choice)
{
    json_t *parameters = json_object();
    for (size_t i = 0; choice->provider->parameters[i] != NULL; i++)
        duet_json_set(&parameters, choice->provider->parameters[i],
                      json_integer((json_int_t)choice->parameters.value[i]));
    return json_pack("{s:s, s:o}", "provider", choice->provider->name, "parameters", parameters);
}

json_t *duet_clblast_set_to_json(size_t kernel, size_t set)
{
    const duet_clblast_kernel *row = duet_clblast_kernel_at(kernel);
    json_t *object = json_object();
    for (size_t i = 0; i < row->parameter_count; i++)
        duet_json_set(&object, row->parameters[i], json_integer(row->sets[set][i]));
    return object;
}

static json_t *number_or_null(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

json_t *duet_tuning_to_json(const duet_tuning *tuning)
{
    json_t *products = json_array(), *unfit = json_array(), *clblast = json_object();
    for (size_t i = 0; i < tuning->product_count; i++) {
        json_t *product = duet_product_to_json(&tuning->products[i].shape);
        json_t *best = duet_choice_to_json(&tuning->products[i].choice);
        duet_json_set(&best, "gflops", number_or_null(tuning->products[i].gflops));
        duet_json_set(&product, "best", best);
        duet_json_append(&products, product);
    }
    for (size_t i = 0; i < tuning->unfit_count; i++) {
        json_t *choice = duet_choice_to_json(&tuning->unfit[i].choice);
        if (tuning->unfit[i].whole) (void)json_object_del(choice, "parameters");
        duet_json_append(&unfit, choice);
    }
    for (size_t i = 0; i < DUET_CLBLAST_KERNELS; i++)
        if (tuning->clblast_sets[i] != 0)
            duet_json_set(&clblast, duet_clblast_kernel_at(i)->name,
                          json_pack("{s:o}", "best", duet_clblast_set_to_json(i, tuning->clblast_sets[i] - 1)));
    return json_pack("{s:o, s:o, s:o}", "products", products, "unfit", unfit, "clblast", clblast);
}

static json_t *describe_key(const duet_device_info *info)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "platform", info->platform, "name", info->name, "version",
                     info->version, "driver", info->driver, "clblast", DUET_CLBLAST_VERSION);
}

json_t *duet_tuning_document_new(const duet_device_info *info)
{
    return json_pack("{s:i, s:i, s:o, s:[], s:[], s:{}}", "schema", 1, "format", FORMAT, "measured_on",
                     describe_key(info), "products", "unfit", "clblast");
}

/* Reading. */

static bool read_extent(const json_t *object, const char *key, size_t *extent)
{
    const json_t *value = json_object_get(object, key);
    const json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 1 || number > LARGEST_EXTENT) return false;
    *extent = (size_t)number;
    return true;
}

static bool read_number(const json_t *value, size_t *number)
{
    const json_int_t read = json_integer_value(value);
    if (!json_is_integer(value) || read < 0 || read > LARGEST_EXTENT) return false;
    *number = (size_t)read;
    return true;
}

static const char *convolution_from_json(const json_t *object, duet_convolution *convolution)
{
    const char *name = json_string_value(json_object_get(object, "use"));
    duet_convolution_product told = {.use = DUET_CONVOLUTION_USES};
    for (int use = DUET_CONVOLUTION_FORWARD; name != NULL && use < DUET_CONVOLUTION_USES; use++)
        if (strcmp(name, duet_convolution_use_name(use)) == 0) told.use = use;
    for (size_t i = 0; i < CONVOLUTION_KEYS; i++) {
        const convolution_key *key = &convolution_keys[i];
        const json_t *value = json_object_get(object, key->name);
        size_t *numbers = (size_t *)((char *)&told + key->offset);
        bool is_right = key->count == 1 ? read_number(value, numbers) : json_array_size(value) == key->count;
        for (size_t j = 0; is_right && key->count > 1 && j < key->count; j++)
            is_right = read_number(json_array_get(value, j), &numbers[j]);
        if (!is_right) return "a number of a convolution is missing or out of range";
    }
    if (json_object_size(object) != CONVOLUTION_KEYS + 1) return "a number of a convolution is unknown";
    return duet_convolution_read(&told, convolution) == NULL ? NULL : "a convolution's numbers do not fit each other";
}

const char *duet_product_from_json(const json_t *object, duet_gemm_shape *shape)
{
    const json_t *convolution = json_object_get(object, "convolution");
    const char *transpose = json_string_value(json_object_get(object, "transpose"));
    if (transpose == NULL || strlen(transpose) != 2 || strspn(transpose, "nt") != 2)
        return "a product's \"transpose\" is not two letters n or t";
    *shape = (duet_gemm_shape){.transpose_a = transpose[0] == 't', .transpose_b = transpose[1] == 't'};
    if (!read_extent(object, "m", &shape->m) || !read_extent(object, "n", &shape->n) ||
        !read_extent(object, "k", &shape->k))
        return "a product's m, n or k is missing or out of range";
    if (convolution == NULL) return NULL;
    const char *fault = convolution_from_json(convolution, &shape->convolution);
    if (fault != NULL) return fault;
    const duet_gemm_shape whole = duet_gemm_shape_of(&shape->convolution);
    return duet_gemm_same_shape(&whole, shape) ? NULL : "a product's m, n and k are not those of its convolution";
}

const char *duet_choice_from_json(const json_t *object, duet_gemm_choice *choice)
{
    const char *name = json_string_value(json_object_get(object, "provider"));
    const json_t *parameters = json_object_get(object, "parameters");
    *choice = (duet_gemm_choice){.provider = name == NULL ? NULL : duet_gemm_provider_find(name)};
    if (choice->provider == NULL) return "a provider is missing or unknown";
    size_t count = 0;
    for (; choice->provider->parameters[count] != NULL; count++) {
        const json_t *value = json_object_get(parameters, choice->provider->parameters[count]);
        const json_int_t number = json_integer_value(value);
        if (!json_is_integer(value) || number < 0 || number > UINT32_MAX)
            return "a parameter is missing, no number or out of range";
        choice->parameters.value[count] = (uint32_t)number;
    }
    return json_object_size(parameters) == count ? NULL : "a parameter is unknown";
}

/** The table's best choice for a product; a product without one keeps the preset. */
static const char *read_product(duet_tuning *tuning, const json_t *object, const duet_device *device,
                                duet_status *status, duet_error *error)
{
    duet_tuned_product row = {.gflops = NAN};
    const json_t *best = json_object_get(object, "best");
    const char *fault = duet_product_from_json(object, &row.shape);
    if (fault == NULL) fault = duet_tuning_check_record(object);
    if (fault != NULL || best == NULL || json_is_null(best)) return fault;
    fault = duet_choice_from_json(best, &row.choice);
    if (fault != NULL) return fault;
    if (row.choice.provider->convolves != (row.shape.convolution.use != DUET_NO_CONVOLUTION))
        return "a product's best provider is one of the other kind";
    if (!duet_gemm_offers(device, &row.shape, &row.choice))
        return "a product's best parameters are none that its provider would try here";
    row.gflops = json_number_value(json_object_get(best, "gflops"));
    *status = duet_tuning_add_product(tuning, &row, error);
    return NULL;
}

/** Without parameters: the whole provider. */
static const char *read_unfit(const json_t *object, duet_unfit *row)
{
    const char *name = json_string_value(json_object_get(object, "provider"));
    row->whole = json_object_get(object, "parameters") == NULL;
    if (!row->whole) return duet_choice_from_json(object, &row->choice);
    row->choice.provider = name == NULL ? NULL : duet_gemm_provider_find(name);
    return row->choice.provider != NULL ? NULL : "a provider is missing or unknown";
}

static const char *read_clblast(duet_tuning *tuning, const json_t *object, const duet_device *device)
{
    for (size_t kernel = 0; kernel < DUET_CLBLAST_KERNELS; kernel++) {
        const duet_clblast_kernel *row = duet_clblast_kernel_at(kernel);
        const json_t *record = json_object_get(object, row->name), *best = json_object_get(record, "best");
        const char *fault = record == NULL ? NULL : duet_tuning_check_record(record);
        if (fault != NULL) return fault;
        if (best == NULL || json_is_null(best)) continue;
        for (size_t set = 0; tuning->clblast_sets[kernel] == 0 && set < row->set_count; set++) {
            json_t *known = duet_clblast_set_to_json(kernel, set);
            if (duet_clblast_set_fits(device, kernel, set) && json_equal(known, best))
                tuning->clblast_sets[kernel] = set + 1;
            json_decref(known);
        }
        if (tuning->clblast_sets[kernel] == 0) return "CLBlast's parameters are none that are known to be right";
    }
    return NULL;
}

duet_status duet_tuning_from_json(duet_tuning *tuning, const json_t *document, const duet_device *device,
                                  const char *where, duet_error *error)
{
    const json_t *products = json_object_get(document, "products"), *unfit = json_object_get(document, "unfit");
    const json_t *clblast = json_object_get(document, "clblast"), *object;
    const char *fault = json_is_array(products) && json_is_array(unfit) && json_is_object(clblast)
                            ? NULL
                            : "\"products\", \"unfit\" or \"clblast\" is missing";
    duet_status status = DUET_OK;
    size_t index;
    *tuning = (duet_tuning){0};
    json_array_foreach(products, index, object)
    {
        if (fault == NULL && status == DUET_OK) fault = read_product(tuning, object, device, &status, error);
    }
    json_array_foreach(unfit, index, object)
    {
        duet_unfit row = {.whole = false};
        if (fault == NULL) fault = read_unfit(object, &row);
        if (fault == NULL && status == DUET_OK) status = duet_tuning_add_unfit(tuning, &row, error);
    }
    if (fault == NULL) fault = read_clblast(tuning, clblast, device);
    if (fault != NULL) status = duet_fail(error, DUET_ERROR_DATA, "%s: %s", where, fault);
    if (status != DUET_OK) duet_tuning_clear(tuning);
    return status;
}

/** DUET_ERROR_DATA unless the document was measured on this device, with this driver and these versions. */
static duet_status check_key(const json_t *document, const duet_device_info *info, const char *path, duet_error *error)
{
    const json_t *format = json_object_get(document, "format"), *there = json_object_get(document, "measured_on");
    if (json_integer_value(json_object_get(document, "schema")) != 1 || json_integer_value(format) != FORMAT)
        return duet_fail(error, DUET_ERROR_DATA, "%s: it is no tuning file of format %d", path, FORMAT);
    json_t *here = describe_key(info), *value;
    const char *key;
    duet_status status = DUET_OK;
    json_object_foreach(here, key, value)
    {
        const char *other = json_string_value(json_object_get(there, key));
        if (status != DUET_OK || (other != NULL && strcmp(other, json_string_value(value)) == 0)) continue;
        status = duet_fail(error, DUET_ERROR_DATA, "%s: it was measured with another %s (%.96s) than is here (%.96s)",
                           path, key, other != NULL ? other : "unnamed", json_string_value(value));
    }
    json_decref(here);
    return status;
}

/** Fails for what cannot be a tuning file by its size alone. */
static duet_status load(FILE *stream, const char *path, json_t **document, duet_error *error)
{
    json_error_t fault;
    if (fseek(stream, 0, SEEK_END) != 0 || ftell(stream) > LARGEST_FILE || fseek(stream, 0, SEEK_SET) != 0)
        return duet_fail(error, DUET_ERROR_DATA, "%s: it is too large for a tuning file", path);
    *document = duet_json_read_file(stream, JSON_REJECT_DUPLICATES, &fault);
    if (*document != NULL) return DUET_OK;
    if (errno == ENOMEM) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", path);
    return duet_fail(error, DUET_ERROR_DATA, "%s: it is damaged in line %d (%.96s)", path, fault.line, fault.text);
}

static duet_status refuse_place(const char *path, duet_error *error)
{
    return duet_fail(
        error, DUET_ERROR_USAGE,
        "DUET_TUNING=%s: what is there is no tuning file, and 'duet tune' does not replace it: name another file, or "
        "remove it",
        path);
}

duet_status duet_tuning_check_place(const char *path, duet_error *error)
{
    const char *words;
    char begins[4096];
    FILE *stream = duet_file_open(path, &words);
    const int code = errno;
    if (stream == NULL && code == ENOENT) return DUET_OK;
    if (stream == NULL && code == EINVAL) return refuse_place(path, error); /* a pipe or a folder */
    if (stream == NULL)
        return duet_fail(error, DUET_ERROR_FILE,
                         "DUET_TUNING=%s: whether a tuning file is there cannot be seen: %s: name another file", path,
                         words);
    size_t length = fread(begins, 1, sizeof begins - 1, stream);
    (void)fclose(stream); /* only read from */
    begins[length] = '\0';
    return length == 0 || strstr(begins, "\"measured_on\"") != NULL ? DUET_OK : refuse_place(path, error);
}

duet_status duet_tuning_document_read(const char *path, duet_device *device, json_t **document, duet_error *error)
{
    duet_tuning tuning;
    *document = NULL;
    const char *words;
    FILE *stream = duet_file_open(path, &words);
    if (stream == NULL && errno == ENOENT) return DUET_OK;
    if (stream == NULL) return duet_fail(error, DUET_ERROR_FILE, "%s: %s", path, words);
    duet_status status = load(stream, path, document, error);
    (void)fclose(stream); /* only read from */
    if (status == DUET_OK) status = check_key(*document, duet_device_describe(device), path, error);
    if (status == DUET_OK) {
        status = duet_tuning_from_json(&tuning, *document, device, path, error);
        duet_tuning_clear(&tuning);
    }
    if (status == DUET_OK) return DUET_OK;
    json_decref(*document);
    *document = NULL;
    return status;
}

/** *path (the caller's) is the file that is now in use, NULL if there is none. */
static duet_status take_file(duet_device *device, char **path, duet_error *error)
{
    json_t *document = NULL;
    duet_tuning tuning = {0};
    duet_status status = duet_tuning_path(duet_device_describe(device), path, error);
    if (status == DUET_ERROR_FILE) return DUET_OK; /* without a folder there is no file */
    if (status == DUET_OK)
        status = *path == NULL ? DUET_OK : duet_tuning_document_read(*path, device, &document, error);
    if (status == DUET_OK && document != NULL) status = duet_tuning_from_json(&tuning, document, device, *path, error);
    if (status == DUET_OK && document != NULL) status = duet_device_set_tuning(device, &tuning, error);
    if (status != DUET_OK || document == NULL) {
        free(*path);
        *path = NULL;
    }
    json_decref(document);
    return status;
}

char *duet_tuning_take(duet_device *device)
{
    duet_error error = {0}, place = {0};
    char *path = NULL;
    bool off;
    const char *word = tuning_word(&off);
    const duet_status taken = take_file(device, &path, &error);
    if (taken == DUET_ERROR_FILE)
        duet_device_say(device, "warning: tuning is not used: %s: mend that, or name another file with DUET_TUNING",
                        error.message);
    else if (taken == DUET_ERROR_MEMORY)
        duet_device_say(device, "warning: tuning is not used: %s", error.message);
    else if (taken != DUET_OK)
        duet_device_say(device, "warning: tuning is not used: %s: 'duet tune' %s", error.message,
                        word == NULL || duet_tuning_check_place(word, &place) == DUET_OK
                            ? "measures again"
                            : "does not replace it, as it is no tuning file: name another file, or remove it");
    else if (path == NULL && word != NULL && !off)
        duet_device_say(
            device, "warning: tuning is not used: DUET_TUNING=%s: there is no such file; 'duet tune' writes it", word);
    return path;
}

void duet_device_use_tuning(duet_device *device)
{
    free(duet_tuning_take(device));
}

bool duet_device_is_tuned(const duet_device *device)
{
    const duet_tuning *tuning = duet_device_tuning(device);
    bool tuned = tuning->product_count > 0 || tuning->unfit_count > 0;
    for (size_t i = 0; i < DUET_CLBLAST_KERNELS; i++) tuned = tuned || tuning->clblast_sets[i] != 0;
    return tuned;
}
