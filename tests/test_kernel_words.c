/* SPDX-License-Identifier: MIT */
/* Words that kernels must not use as names, since some compiler reserves them: OpenCL C's own reserve, OpenCL C++,
 * Metal (to which Apple's driver translates), and Intel's compiler for FPGAs. Read in the text of cl/ and of what is
 * generated.
 */
#include "program.h"

#include <ctype.h>

/* Without those that kernels use for what they mean, such as kernel, local, bool and true. */
static const char *const reserved[] = {
    /* OpenCL C 1.2 to 3.0, 6.1.9 and 6.5 */
    "half", "quad", "complex", "imaginary", "uniform", "pipe", "generic", "auto", "event_t", "sampler_t", "queue_t",
    "ndrange_t", "goto", "register", "wchar_t",
    /* OpenCL C++ and C++ for OpenCL */
    "alignas", "alignof", "and", "and_eq", "asm", "bitand", "bitor", "catch", "char16_t", "char32_t", "class", "compl",
    "concept", "consteval", "constexpr", "constinit", "const_cast", "decltype", "delete", "dynamic_cast", "explicit",
    "export", "friend", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator", "or",
    "or_eq", "private", "protected", "public", "reinterpret_cast", "requires", "static_assert", "static_cast",
    "template", "this", "thread_local", "throw", "try", "typeid", "typename", "using", "virtual", "xor", "xor_eq",
    /* Metal */
    "device", "fragment", "intersection", "mesh", "metal", "object", "object_data", "quadgroup", "ray_data", "sampler",
    "simdgroup", "stage_in", "texture", "thread", "threadgroup", "threadgroup_imageblock", "vertex",
    /* Intel FPGA SDK for OpenCL */
    "channel", "autorun", "task", "read_channel_altera", "read_channel_intel", "read_channel_nb_intel",
    "write_channel_altera", "write_channel_intel", "write_channel_nb_intel", "mem_fence_channel"};
enum { RESERVED = sizeof reserved / sizeof *reserved };

static bool is_reserved(const char *word, size_t length)
{
    for (size_t i = 0; i < RESERVED; i++)
        if (strlen(reserved[i]) == length && strncmp(reserved[i], word, length) == 0) return true;
    return false;
}

/* Behind a comment, or words for people, that begin here; the same place where none do. */
static const char *skip_comment(const char *at)
{
    if (strncmp(at, "//", 2) == 0 || strncmp(at, "#error", 6) == 0) return at + strcspn(at, "\n");
    if (strncmp(at, "/*", 2) != 0) return at;
    const char *end = strstr(at + 2, "*/");
    return end != NULL ? end + 2 : at + strlen(at);
}

/* The first reserved word in the text, with its length; NULL: none. */
static const char *find_reserved(const char *text, size_t *length)
{
    for (const char *at = text; *at != '\0';) {
        const char *next = skip_comment(at);
        if (next != at) {
            at = next;
        } else if (isalpha((unsigned char)*at) || *at == '_') {
            *length = 1;
            while (isalnum((unsigned char)at[*length]) || at[*length] == '_') ++*length;
            if (is_reserved(at, *length)) return at;
            at += *length;
        } else if (isdigit((unsigned char)*at)) {
            while (isalnum((unsigned char)*at) || *at == '.') at++;
        } else {
            at++;
        }
    }
    return NULL;
}

static void assert_free(const char *name, const char *text)
{
    size_t length = 0;
    const char *word = find_reserved(text, &length);
    if (word != NULL) fail_msg("%s: a compiler reserves \"%.*s\", here: %.60s", name, (int)length, word, word);
}

static void reserved_words_are_found(void **state)
{
    size_t length;
    (void)state;
    assert_null(find_reserved("/* a channel */ int channels = 1; // pipe\nfloat own_device = 0x1p3f;", &length));
    assert_non_null(find_reserved("int channel;", &length));
    assert_int_equal(length, 7);
}

static void kernel_files_have_none(void **state)
{
    DIR *entries = opendir(TEST_SOURCE_ROOT "/cl");
    size_t files = 0;
    (void)state;
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char path[PATH_SIZE];
        const size_t length = strlen(entry->d_name);
        if (length < 4 || strcmp(entry->d_name + length - 3, ".cl") != 0) continue;
        (void)snprintf(path, sizeof path, TEST_SOURCE_ROOT "/cl/%s", entry->d_name);
        char *text = test_file_read(path, NULL);
        assert_free(entry->d_name, text);
        free(text);
        files++;
    }
    assert_int_equal(closedir(entries), 0);
    assert_true(files >= 14);
}

static void generated_kernels_have_none(void **state)
{
    (void)state;
    result r = RUN("explain", "vae", "--data", "ring8", "--source");
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.out, "__kernel"));
    assert_free("vae", r.out);
    result_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserved_words_are_found),
        cmocka_unit_test(kernel_files_have_none),
        cmocka_unit_test(generated_kernels_have_none),
    };
    return RUN_TESTS("kernel_words", tests, make_folder, remove_folder);
}
