/* SPDX-License-Identifier: MIT */
/* Documents while memory is short: whichever allocation of jansson's fails, what is made, written or read is whole, or
 * NULL. */
#include "test.h"

#include <errno.h>

#include "base/json.h"

/* What comes of the allocation that is due. */
typedef enum manner { FAILS_ONCE, FAILS_FOR_GOOD, FOUND_ELSEWHERE } manner;
static manner how;
static long allowed; /* allocations until it is due; negative: none is */
static bool was_due;

static void *allocate(size_t bytes)
{
    const bool due = allowed == 0;
    if (allowed > 0 || (due && how != FAILS_FOR_GOOD)) allowed--;
    was_due |= due;
    if (due) errno = ENOMEM;
    return due && how != FOUND_ELSEWHERE ? NULL : malloc(bytes);
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
    duet_json_set(&document, "seed", json_integer(1234567890123456789)); /* a token's memory grows for a number first */
    duet_json_set(&document, "list", list);
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
    how = FAILS_ONCE;
    allowed = -1;
    char *whole = make_text();
    assert_non_null(strstr(whole, longer));
    assert_non_null(strstr(whole, "null"));
    long calls = 0;
    for (was_due = true; was_due; calls++) {
        was_due = false;
        allowed = calls;
        char *text = make_text();
        if (text != NULL) assert_string_equal(text, whole);
        assert_true(text != NULL || was_due);
        free(text);
    }
    assert_in_range(calls, 40, 1000);
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

/* What fails once is there when it is read again. */
static void what_is_read_is_whole(void **state)
{
    const bool file = (intptr_t)*state >= 3;
    json_error_t fault;
    json_set_alloc_funcs(allocate, free);
    how = (manner)((intptr_t)*state % 3);
    allowed = -1;
    char *text = make_text();
    json_t *whole = make();
    long calls = 0, lacks = 0;
    for (was_due = true; was_due; calls++) {
        was_due = false;
        allowed = calls;
        json_t *read = read_either(text, file, &fault);
        if (read == NULL) {
            assert_int_equal(errno, ENOMEM);
            assert_string_equal(fault.text, "out of memory");
            lacks++;
        } else {
            assert_true(json_equal(read, whole));
        }
        json_decref(read);
    }
    assert_in_range(calls, 40, 1000);
    assert_true(how == FAILS_FOR_GOOD ? lacks > 40 : lacks == 0);
    allowed = -1;
    text[strlen(text) - 1] = '\0';
    assert_null(read_either(text, file, &fault));
    assert_int_not_equal(errno, ENOMEM);
    json_decref(whole);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_is_whole),
        TEST_ROW("what_is_read_is_whole_with_one_failure", what_is_read_is_whole, FAILS_ONCE),
        TEST_ROW("what_is_read_is_whole_with_failures", what_is_read_is_whole, FAILS_FOR_GOOD),
        TEST_ROW("what_is_read_is_whole_with_memory_from_elsewhere", what_is_read_is_whole, FOUND_ELSEWHERE),
        TEST_ROW("what_is_read_of_files_is_whole_with_one_failure", what_is_read_is_whole, 3 + FAILS_ONCE),
        TEST_ROW("what_is_read_of_files_is_whole_with_failures", what_is_read_is_whole, 3 + FAILS_FOR_GOOD),
        TEST_ROW("what_is_read_of_files_is_whole_with_memory_from_elsewhere", what_is_read_is_whole,
                 3 + FOUND_ELSEWHERE),
    };
    return RUN_TESTS("json", tests, NULL, NULL);
}
