/* SPDX-License-Identifier: MIT */
/* Each file of cl/ stands for itself: it compiles alone, with what it defines where nobody else did, on the device and
 * in a compiler of OpenCL C that knows nothing of this library. In a program it can be pasted again and again, and a
 * compiler names its lines. */
#include "program.h"

#include "device/device.h"

enum { MOST_FILES = 64 };

static char files[MOST_FILES][64];
static size_t file_count;

static int list_files(void **state)
{
    DIR *entries = opendir(TEST_SOURCE_ROOT "/cl");
    if (entries == NULL) return -1;
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL && file_count < MOST_FILES;) {
        const size_t length = strlen(entry->d_name);
        if (length < 4 || strcmp(entry->d_name + length - 3, ".cl") != 0) continue;
        (void)snprintf(files[file_count++], sizeof *files, "%s", entry->d_name);
    }
    return closedir(entries) == 0 && file_count < MOST_FILES ? make_folder(state) : -1;
}

static void each_compiles_on_the_device(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_device *device = test_device_open();
    cl_program program;
    for (size_t i = 0; i < file_count; i++)
        assert_ok(duet_device_program(device, files[i], NULL, &program, &error), &error);
    duet_device_close(&device);
}

/* Clang's front end; unused functions are no fault of a file that others include. */
static void each_compiles_in_clang(void **state)
{
    (void)state;
    static const char clang[] = "clang -x cl -cl-std=CL1.2 --target=spir64 -fsyntax-only -Wall -Wextra -Werror "
                                "-Wno-unused-function -Wno-unused-parameter";
    char command[8192], path[PATH_SIZE];
    test_file_write(inside("empty.cl", path), "kernel void nothing(void) {}\n", 29);
    (void)snprintf(command, sizeof command, "%s %s >/dev/null 2>&1", clang, path);
    if (system(command) != 0) {
        print_message("no clang here that compiles OpenCL C\n");
        skip();
    }
    for (size_t i = 0; i < file_count; i++) {
        (void)snprintf(command, sizeof command, "%s " TEST_SOURCE_ROOT "/cl/%s", clang, files[i]);
        if (system(command) != 0) fail_msg("clang does not compile cl/%s alone", files[i]);
    }
}

/* What a plan does with a file of one kernel for each of two kernels. */
static void each_can_be_pasted_twice(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_device *device = test_device_open();
    size_t pasted = 0;
    for (size_t i = 0; i < file_count; i++) {
        char text[1024], path[PATH_SIZE];
        (void)snprintf(path, sizeof path, TEST_SOURCE_ROOT "/cl/%s", files[i]);
        char *file = test_file_read(path, NULL);
        const bool has_name = strstr(file, "KERNEL_NAME(") != NULL;
        free(file);
        if (!has_name) continue;
        static const char definitions[] = "#define USE DATA\n#define A_LIES IN_SLABS\n#define A_TRANSPOSED 1\n"
                                          "#define B_TRANSPOSED 1\n";
        (void)snprintf(text, sizeof text,
                       "#include \"%s\"\n#undef KERNEL_NAME\n#undef USE\n#undef A_LIES\n#undef A_TRANSPOSED\n"
                       "#undef B_TRANSPOSED\n#undef FINISH\n#undef FINISH_FETCH\n#undef FINISH_PARAMETERS\n"
                       "#define KERNEL_NAME again\n#define FINISH_PARAMETERS , const uint more\n"
                       "#define FINISH_FETCH(row, column) FETCH_RUN(c + (row) * n + (column))\n"
                       "#define FINISH(row, column, product, count) c[(row) + (column)] = (product)[more];\n%s"
                       "#include \"%s\"\n",
                       files[i], definitions, files[i]);
        char *whole = duet_cl_expand(text, &error);
        assert_non_null(whole);
        cl_program program;
        cl_kernel kernel;
        assert_ok(duet_program_build(device, files[i], whole, "", &program, &error), &error);
        assert_ok(duet_kernel_new(program, "again", &kernel, &error), &error);
        clReleaseKernel(kernel);
        duet_program_free(&program);
        free(whole);
        pasted++;
    }
    assert_true(pasted >= 12);
    duet_device_close(&device);
}

/* A mistake within a kernel that a plan pastes several times. */
static void a_mistake_is_named_by_its_line(void **state)
{
    (void)state;
    static const char right[] = "float sum = 0.0f;", wrong[] = "float sum = none;";
    char path[PATH_SIZE], place[64];
    char *text = test_file_read(TEST_SOURCE_ROOT "/cl/gemm_plain.cl", NULL), *at = strstr(text, right);
    assert_non_null(at);
    memcpy(at, wrong, sizeof wrong - 1);
    size_t line = 1;
    for (const char *before = text; before < at; before++) line += *before == '\n';
    assert_int_equal(mkdir(inside("kernels", path), 0777), 0);
    test_file_write(inside("kernels/gemm_plain.cl", path), text, strlen(text));
    free(text);
    (void)snprintf(place, sizeof place, "gemm_plain.cl:%zu:", line);
    setenv("DUET_CL_PATH", inside("kernels", path), 1);
    result r = RUN("train", "ae", "--data", "ring8", "--gemm", "plain", "--steps", "1", "--out", "@/r");
    unsetenv("DUET_CL_PATH");
    expect(r, 1, NULL, place);
}

/* Compilers find it behind the file's end, in a text that nobody wrote. */
static void a_file_that_does_not_end_is_named(void **state)
{
    (void)state;
    char path[PATH_SIZE], words[PATH_SIZE + 64];
    size_t size;
    char *text = test_file_read(TEST_SOURCE_ROOT "/cl/philox.cl", &size), *longer = calloc(1, size + 64);
    assert_non_null(longer);
    (void)snprintf(longer, size + 64, "%sint unfinished(", text);
    assert_int_equal(mkdir(inside("unfinished", path), 0777), 0);
    test_file_write(inside("unfinished/philox.cl", path), longer, strlen(longer));
    free(longer);
    free(text);
    setenv("DUET_CL_PATH", inside("unfinished", path), 1);
    (void)snprintf(words, sizeof words, "with philox.cl of DUET_CL_PATH=%s", path);
    result r = RUN("train", "ae", "--data", "ring8", "--steps", "1", "--out", "@/u");
    unsetenv("DUET_CL_PATH");
    expect(r, 1, NULL, words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_compiles_on_the_device),       cmocka_unit_test(each_compiles_in_clang),
        cmocka_unit_test(each_can_be_pasted_twice),          cmocka_unit_test(a_mistake_is_named_by_its_line),
        cmocka_unit_test(a_file_that_does_not_end_is_named),
    };
    return RUN_TESTS("kernel_files", tests, list_files, remove_folder);
}
