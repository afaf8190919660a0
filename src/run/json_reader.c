/* SPDX-License-Identifier: MIT */
/* Each function gives something harmless where the key is not sound. */
#include "run/json_reader.h"

static void miss(duet_json_reader *from, const char *key)
{
    if (from->missing == NULL) from->missing = key;
}

const char *duet_json_reader_text(duet_json_reader *from, const char *key)
{
    const char *text = json_string_value(json_object_get(from->object, key));
    if (text == NULL) miss(from, key);
    return text;
}

uint64_t duet_json_reader_count(duet_json_reader *from, const char *key, bool may_be_null)
{
    const json_t *value = json_object_get(from->object, key);
    if (may_be_null && json_is_null(value)) return 0;
    if (json_is_integer(value) && json_integer_value(value) >= 0) return (uint64_t)json_integer_value(value);
    miss(from, key);
    return 0;
}

bool duet_json_reader_truth(duet_json_reader *from, const char *key)
{
    const json_t *value = json_object_get(from->object, key);
    if (!json_is_boolean(value)) miss(from, key);
    return json_is_true(value);
}

duet_shape duet_json_reader_shape(duet_json_reader *from, const char *key)
{
    const json_t *list = json_object_get(from->object, key);
    duet_shape shape = {.rank = json_array_size(list)};
    bool good = json_is_array(list) && shape.rank <= DUET_MAX_RANK;
    for (size_t i = 0; good && i < shape.rank; i++) {
        json_int_t extent = json_integer_value(json_array_get(list, i)); /* 0 if it is none */
        good = extent > 0;
        if (good) shape.dims[i] = (size_t)extent;
    }
    if (good) return shape;
    miss(from, key);
    return (duet_shape){0};
}

json_t *duet_json_reader_object(duet_json_reader *from, const char *key)
{
    json_t *object = json_object_get(from->object, key);
    if (!json_is_object(object)) miss(from, key);
    return object;
}
