/* SPDX-License-Identifier: MIT */
/* Every public header compiles alone, as C11 and as C++: a program may include any one of them first. */
#include "test.h"

enum { MOST_HEADERS = 64 };

typedef struct header_case {
    char header[TEST_PATH_SIZE]; /* as an #include names it: duet/graph.h */
    char name[TEST_PATH_SIZE + 16];
    const char *compiler; /* NULL: there is none */
    const char *flags, *extension;
} header_case;

static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int run(const char *format, ...)
{
    char command[4 * TEST_PATH_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_in_range(length, 1, sizeof command - 1);
    return system(command);
}

static int compile(const header_case *test, const char *text)
{
    char folder[TEST_PATH_SIZE], path[TEST_PATH_SIZE + 32];
    test_folder_new(folder);
    assert_true(snprintf(path, sizeof path, "%s/alone.%s", folder, test->extension) > 0);
    test_file_write(path, text, strlen(text));
    int status = run("%s %s -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I'%s/include' '%s'", test->compiler,
                     test->flags, TEST_SOURCE_ROOT, path);
    test_folder_remove(folder);
    return status;
}

static void compiles_alone(void **state)
{
    const header_case *test = *state;
    char text[TEST_PATH_SIZE + 64];
    if (!test->compiler) skip();
    assert_true(snprintf(text, sizeof text, "#include <%s>\nint main(void);\n", test->header) > 0);
    assert_int_equal(compile(test, text), 0);
}

/* Were the compiler missing its flags or the include folder wrong, the tests above could pass for nothing. */
static void compiler_sees_mistakes(void **state)
{
    (void)state;
    const header_case c = {.compiler = TEST_CC, .flags = "-std=c11", .extension = "c"};
    assert_int_not_equal(compile(&c, "#include <duet/no_such_header.h>\nint main(void);\n"), 0);
    assert_int_not_equal(compile(&c, "#include <duet/base.h>\nduet_status f(duet_no_such_type x);\n"), 0);
}

static size_t add_header(header_case *cases, size_t count, const char *header)
{
    static const char *const cxx =
#ifdef TEST_CXX
        TEST_CXX;
#else
        NULL;
#endif
    const header_case forms[2] = {{.compiler = TEST_CC, .flags = "-std=c11", .extension = "c"},
                                  {.compiler = cxx, .flags = "-std=c++11", .extension = "cpp"}};
    for (int i = 0; i < 2; i++) {
        if (count == MOST_HEADERS) abort();
        header_case *test = &cases[count++];
        *test = forms[i];
        (void)snprintf(test->header, sizeof test->header, "%s", header);
        (void)snprintf(test->name, sizeof test->name, "%s as %s", header, i == 0 ? "C" : "C++");
    }
    return count;
}

int main(void)
{
    static header_case cases[MOST_HEADERS];
    struct CMUnitTest tests[MOST_HEADERS + 1] = {cmocka_unit_test(compiler_sees_mistakes)};
    size_t count = add_header(cases, 0, "duet.h");
    DIR *folder = opendir(TEST_SOURCE_ROOT "/include/duet");
    if (!folder) return EXIT_FAILURE;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char header[TEST_PATH_SIZE];
        size_t length = strlen(entry->d_name);
        if (length < 3 || strcmp(entry->d_name + length - 2, ".h") != 0) continue;
        (void)snprintf(header, sizeof header, "duet/%s", entry->d_name);
        count = add_header(cases, count, header);
    }
    (void)closedir(folder);
    for (size_t i = 0; i < count; i++) {
        tests[i + 1] = TEST_ROW(cases[i].name, compiles_alone, &cases[i]);
    }
    return test_run("headers", tests, count + 1, NULL, NULL);
}
