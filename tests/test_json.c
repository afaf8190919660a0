/* SPDX-License-Identifier: MIT */
/* Documents while memory is short: whichever allocation of jansson's fails, what is made, written or read is whole, or
 * NULL. */
#include "test.h"

#include <errno.h>

#include "base/json.h"

static long allowed; /* allocations until one fails */

static void *allocate(size_t bytes)
{
    if (allowed-- != 0) return malloc(bytes);
    errno = ENOMEM;
    return NULL;
}

/* Longer than the memory that jansson's reader and writer have for a token at first. */
static const char longer[] = "a name of many letters, for which a token's memory must grow";

/* Some of it has been there before: an array in an object, an object in that. */
static json_t *make(void)
{
    json_t *document = json_object(), *list = json_array(), *row = json_object();
    duet_json_set(&row, longer, json_real(1.25));
    duet_json_join(&row, json_pack("{s:i, s:b}", "one", 1, "yes", 1));
    for (int i = 0; i < 20; i++) duet_json_append(&list, json_integer(i));
    duet_json_append(&list, row);
    duet_json_append(&list, duet_json_text("\xff", 1));
    duet_json_set(&document, "list", list);
    duet_json_set(&document, "seed", json_integer(1234567890123456789));
    duet_json_set(&document, "text", duet_json_text(longer, sizeof longer - 1));
    return document;
}

static char *make_text(void)
{
    json_t *document = make();
    char *text = duet_json_write(document, JSON_COMPACT);
    json_decref(document);
    return text;
}

static void what_is_made_is_whole(void **state)
{
    (void)state;
    json_set_alloc_funcs(allocate, free);
    allowed = -1;
    char *whole = make_text(), *text = NULL;
    assert_non_null(strstr(whole, longer));
    assert_non_null(strstr(whole, "null"));
    long calls = 0;
    for (; text == NULL; calls++) { /* the first that is not NULL has had all its memory */
        allowed = calls;
        text = make_text();
        if (text != NULL) assert_string_equal(text, whole);
        if (text != NULL && allowed < 0) { /* it could do without: a table that stays small */
            free(text);
            text = NULL;
        }
    }
    assert_in_range(calls, 40, 1000);
    free(text);
    free(whole);
}

/* As text and from a file; what is no JSON is that, and not a lack of memory. */
static json_t *read_either(const char *text, bool file, json_error_t *fault)
{
    if (!file) return duet_json_read(text, strlen(text), 0, fault);
    FILE *stream = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    assert_non_null(stream);
    setvbuf(stream, NULL, _IONBF, 0);
    json_t *read = duet_json_read_file(stream, 0, fault);
    const int code = errno;
    (void)fclose(stream);
    errno = code;
    return read;
}

static void what_is_read_is_whole(void **state)
{
    const bool file = (intptr_t)*state != 0;
    json_error_t fault;
    json_set_alloc_funcs(allocate, free);
    allowed = -1;
    char *text = make_text();
    json_t *whole = make(), *read = NULL;
    for (long calls = 0; read == NULL; calls++) {
        allowed = calls;
        read = read_either(text, file, &fault);
        if (read == NULL) {
            assert_int_equal(errno, ENOMEM);
            assert_string_equal(fault.text, "out of memory");
        } else {
            assert_true(json_equal(read, whole));
        }
        if (read != NULL && allowed < 0) { /* it could do without */
            json_decref(read);
            read = NULL;
        }
    }
    allowed = -1;
    text[strlen(text) - 1] = '\0';
    assert_null(read_either(text, file, &fault));
    assert_int_not_equal(errno, ENOMEM);
    json_decref(read);
    json_decref(whole);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_is_whole),
        TEST_ROW("what_is_read_is_whole", what_is_read_is_whole, 0),
        TEST_ROW("what_is_read_of_files_is_whole", what_is_read_is_whole, 1),
    };
    return RUN_TESTS("json", tests, NULL, NULL);
}
