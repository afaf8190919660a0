/* SPDX-License-Identifier: MIT */
/* Devices found: listing (also with a driver that crashes), order and choice. The device that is then open has a
 * program of its own, test_device.c. */
#include "base/text.h"
#include "device/discovery.h"
#include "test.h"

/* ---- listing ---- */

enum { SECONDS_A_DRIVER = 4 };

/** A driver that ends whoever loads it. */
static void make_crashing_driver(const char *folder, const char *end)
{
    char path[TEST_PATH_SIZE + 32], line[2 * TEST_PATH_SIZE + 256];
    snprintf(path, sizeof path, "%s/crash.c", folder);
    int size = snprintf(line, sizeof line,
                        "#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\n__attribute__((constructor)) "
                        "static void die(void) { %s; }\n",
                        end);
    test_file_write(path, line, (size_t)size);
    snprintf(line, sizeof line, "%s -shared -fPIC -o %s/crash.so %s/crash.c", TEST_CC, folder, folder);
    assert_int_equal(system(line), 0);
    snprintf(path, sizeof path, "%s/crash.icd", folder);
    int length = snprintf(line, sizeof line, "%s/crash.so\n", folder);
    test_file_write(path, line, (size_t)length);
}

static void restore_vendors(char *before)
{
    if (before != NULL)
        setenv("OCL_ICD_VENDORS", before, 1);
    else
        unsetenv("OCL_ICD_VENDORS");
    free(before);
}

static void survive_a_driver(const char *end, const char *words)
{
    char folder[TEST_PATH_SIZE], command[2 * TEST_PATH_SIZE];
    const char *vendors = getenv("OCL_ICD_VENDORS");
    char *before = vendors != NULL ? strdup(vendors) : NULL;
    duet_error error = {0};
    duet_device_info *infos = NULL;
    size_t count = 0;
    test_folder_new(folder);
    make_crashing_driver(folder, end);
    setenv("OCL_ICD_VENDORS", folder, 1);

    /* Alone, nothing can be listed, and the message says where to look. */
    const double begin = duet_seconds();
    duet_status status = duet_device_list_within(1, &infos, &count, &error);
    assert_true(duet_seconds() - begin < 12); /* what hangs is waited for twice */
    if (status == DUET_OK) {                  /* a simulator, or macOS: drivers are not found through vendor files */
        duet_device_list_free(&infos);
        restore_vendors(before);
        test_folder_remove(folder);
        skip();
    }
    assert_status(status, DUET_ERROR_NO_DEVICE, &error);
    assert_message(&error, folder);
    assert_message(&error, words);
    assert_null(infos);

    /* Beside others, these are listed, with the reason why a process that loads them all cannot have them. */
    const char *from = before != NULL ? before : "/etc/OpenCL/vendors";
    snprintf(command, sizeof command, "cp %s%s %s/", from, strstr(from, ".icd") != NULL ? "" : "/*.icd", folder);
    assert_int_equal(system(command), 0);
    error = (duet_error){0};
    assert_ok(duet_device_list_within(SECONDS_A_DRIVER, &infos, &count, &error), &error);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(infos[i].name[0] != '\0');
        assert_non_null(strstr(infos[i].refusal, words));
        assert_non_null(strstr(infos[i].refusal, folder));
        assert_false(infos[i].preferred);
    }
    duet_device_list_free(&infos);
    assert_null(infos);
    restore_vendors(before);
    test_folder_remove(folder);
}

/** These must run first: the children inherit a loader that has not chosen its drivers yet. */
static void listing_survives_a_driver_that_crashes(void **state)
{
    (void)state;
    survive_a_driver("abort()", "crash.icd crashes");
}

static void listing_survives_a_driver_that_exits(void **state)
{
    (void)state;
    survive_a_driver("_Exit(2)", "crash.icd crashes");
}

/** Also one that no alarm ends. */
static void listing_survives_a_driver_that_hangs(void **state)
{
    (void)state;
    survive_a_driver("sigset_t all; sigfillset(&all); sigprocmask(SIG_BLOCK, &all, NULL); for (;;) pause()",
                     "crash.icd does not answer");
}

static void foreign_texts_are_cleaned(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        size_t capacity;
        const char *expected;
    } rows[] = {
        {"  A  device \n", 32, "A  device"},
        {"Intel\xae Iris", 32, "Intel? Iris"},                               /* Latin-1 */
        {"Intel\xc2\xae Iris", 32, "Intel\xc2\xae Iris"},                    /* UTF-8 */
        {"\xe2\x82\xac\xf0\x9f\x98\x80", 8, "\xe2\x82\xac\xf0\x9f\x98\x80"}, /* exactly as long as there is room */
        {"\xe2\x82\xac\xf0\x9f\x98\x80", 7, "\xe2\x82\xac"},                 /* not within a character */
        {"cut\xe2\x82", 32, "cut??"},
        {"\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xff", 32, "??????????"}, /* too long, surrogate, too large, no UTF-8 */
        {" \t", 32, ""},
        {"", 1, ""},
        {"x", 1, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[32];
        duet_text_clean(rows[i].from, text, rows[i].capacity);
        assert_string_equal(text, rows[i].expected);
    }
}

static void an_index_opens_the_device_it_was_listed_as(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_device_info *infos = NULL;
    size_t count = 0;
    assert_ok(duet_device_list(&infos, &count, &error), &error);
    assert_true(count > 0);
    assert_true(infos[0].preferred);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || !infos[i].preferred);
        if (infos[i].refusal[0] != '\0') continue;
        assert_true(infos[i].compute_units > 0 && infos[i].allocation_bytes > 0 && infos[i].work_group_size > 0);
        char selector[32];
        snprintf(selector, sizeof selector, "%zu", i);
        duet_device *device = NULL;
        assert_ok(duet_device_open(&device, selector, &error), &error);
        const duet_device_info *open = duet_device_describe(device);
        assert_string_equal(open->name, infos[i].name);
        assert_string_equal(open->platform, infos[i].platform);
        assert_int_equal(open->preferred, infos[i].preferred);
        duet_device_close(&device);
        assert_null(device);
    }
    duet_device_list_free(&infos);
}

/* ---- order and choice, on made-up machines ---- */

static duet_found_device make_found(const char *name, duet_device_kind kind, uint32_t units, uint32_t clock,
                                    cl_uint vendor, bool mesa, const char *refusal)
{
    duet_found_device found = {.vendor_id = vendor, .mesa = mesa};
    found.info.kind = kind;
    found.info.compute_units = units;
    found.info.clock_mhz = clock;
    snprintf(found.info.name, sizeof found.info.name, "%s", name);
    snprintf(found.info.platform, sizeof found.info.platform, "%s", mesa ? "rusticl" : "Vendor's own");
    snprintf(found.info.refusal, sizeof found.info.refusal, "%s", refusal);
    return found;
}

enum { FOUND = 8 };

static void make_machine(duet_found_device found[FOUND])
{
    found[0] = make_found("processor by mesa", DUET_DEVICE_CPU, 64, 9000, 5, true, "");
    found[1] = make_found("board", DUET_DEVICE_ACCELERATOR, 500, 500, 4, false, "no compiler");
    found[2] = make_found("processor", DUET_DEVICE_CPU, 32, 2000, 6, false, "");
    found[3] = make_found("Iris", DUET_DEVICE_INTEGRATED, 90, 1000, 1, false, "");
    found[4] = make_found("Radeon by mesa", DUET_DEVICE_GPU, 80, 3000, 2, true, "");
    found[5] = make_found("GeForce", DUET_DEVICE_GPU, 60, 1900, 3, false, "");
    found[6] = make_found("Radeon", DUET_DEVICE_GPU, 80, 2000, 2, false, "");
    found[7] = make_found("emulator", DUET_DEVICE_ACCELERATOR, 32, 2000, 7, false, "");
    duet_found_order(found, FOUND);
}

static void the_best_device_comes_first(void **state)
{
    (void)state;
    static const char *const expected[FOUND] = {
        "Radeon",    "Radeon by mesa",    "GeForce",  "Iris", /* the vendor's driver first, however Mesa counts */
        "processor", "processor by mesa", "emulator", "board"};
    duet_found_device found[FOUND];
    make_machine(found);
    for (size_t i = 0; i < FOUND; i++) {
        assert_string_equal(found[i].info.name, expected[i]);
        assert_int_equal(found[i].info.preferred, i == 0);
    }
}

static void a_selector_is_index_type_or_piece_of_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *selector;
        size_t expected;
    } rows[] = {
        {NULL, 0},      {"", 0},       {"0", 0},       {"5", 5},           {"gpu", 0},
        {"CPU", 4},     {"iris", 3},   {"gefor", 2},   {"accelerator", 6}, {"integrated gpu", 3},
        {"by mesa", 1}, {"rustic", 1}, {"BY MESA", 1}, {"or by", 5},
    };
    duet_found_device found[FOUND];
    make_machine(found);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_error error = {0};
        size_t chosen = FOUND;
        assert_ok(duet_found_choose(found, FOUND, rows[i].selector, "", &chosen, &error), &error);
        if (chosen != rows[i].expected)
            fail_msg("selector \"%s\" chose %zu, expected %zu", rows[i].selector, chosen, rows[i].expected);
    }
}

/* A driver's name ends with the kernels and the options that are not its own, whatever its length and theirs. */
static void kernels_and_options_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        size_t length; /* of the driver's name */
        const char *kernels, *options, *end;
    } rows[] = {
        {9, "", "", "d"},
        {9, "0123456789abcdef", "", "d with kernels 0123456789abcdef"},
        {9, "", "-g", "d with -g"},
        {9, "0123456789abcdef", "-g", "d with kernels 0123456789abcdef with -g"},
        {127, "0123456789abcdef", "", "d with kernels 0123456789abcdef"},
        {27, "0123456789abcdef", "-D ONE=0123456789 -D TWO=0123456789 -D THREE=0123456789 -D C=012",
         "d with kernels 0123456789abcdef with -D ONE=0123456789 -D TWO=0123456789 -D THREE=0123456789 -D C=012"},
        {28, "0123456789abcdef", "-D ONE=0123456789 -D TWO=0123456789 -D THREE=0123456789 -D C=012",
         "d with kernels 0123456789abcdef with options "},
        {127, "0123456789abcdef", "-D ONE=0123456789 -D TWO=0123456789 -D THREE=0123456789 -D C=012",
         "d with kernels 0123456789abcdef with options "},
        {9, "", "-D ONE=0123456789 -D TWO=0123456789 -D THREE=0123456789 -D C=0123", "d with options "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[DUET_DRIVER_SIZE] = "", other[DUET_DRIVER_SIZE] = "", options[100];
        memset(name, 'd', rows[i].length);
        memset(other, 'd', rows[i].length);
        duet_driver_note(name, rows[i].kernels, rows[i].options);
        if (strstr(name, rows[i].end) == NULL) fail_msg("\"%s\" is not in \"%s\"", rows[i].end, name);
        if (rows[i].options[0] == '\0') continue;
        (void)snprintf(options, sizeof options, "%s", rows[i].options);
        options[strlen(options) - 1]++;
        duet_driver_note(other, rows[i].kernels, options);
        assert_string_not_equal(name, other);
    }
}

/* Two boards of one kind and a weaker one, which one driver shows, and one of them by another driver too. */
static void ranks_take_turns_among_devices_of_a_driver(void **state)
{
    (void)state;
    static const struct {
        const char *selector;
        size_t turns[5];
    } rows[] = {
        {NULL, {0, 1, 0, 1, 0}},    {"gpu", {0, 1, 2, 0, 1}},   {"1", {1, 1, 1, 1, 1}},
        {"large", {0, 1, 0, 1, 0}}, {"small", {2, 2, 2, 2, 2}}, {"cpu", {4, 4, 4, 4, 4}},
    };
    enum { BOARDS = 5 };
    static int drivers[2];
    duet_found_device found[BOARDS];
    for (size_t i = 0; i < 3; i++) {
        found[i] = make_found(i < 2 ? "large" : "small", DUET_DEVICE_GPU, i < 2 ? 80 : 10, 1000, 3, false, "");
        found[i].platform = (cl_platform_id)(void *)&drivers[0];
    }
    found[3] = make_found("large by mesa", DUET_DEVICE_GPU, 80, 1, 3, true, "");
    found[4] = make_found("processor", DUET_DEVICE_CPU, 32, 2000, 6, false, "");
    found[3].platform = found[4].platform = (cl_platform_id)(void *)&drivers[1];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t turn = 0; turn < 5; turn++) {
            duet_error error = {0};
            size_t chosen;
            assert_ok(duet_found_choose(found, BOARDS, rows[i].selector, "", &chosen, &error), &error);
            assert_int_equal(duet_found_turn(found, BOARDS, rows[i].selector, chosen, turn), rows[i].turns[turn]);
        }
}

static void a_selector_that_fits_none_says_what_there_is(void **state)
{
    (void)state;
    duet_found_device found[FOUND];
    make_machine(found);
    size_t chosen = 0;
    static const char *const unknown[] = {"8", "voodoo", "00000000000000000000000000000000000001", "-1"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        duet_error error = {0};
        assert_status(duet_found_choose(found, FOUND, unknown[i], " (from there)", &chosen, &error),
                      DUET_ERROR_NO_DEVICE, &error);
        assert_message(&error, unknown[i]);
        assert_message(&error, " (from there)");
        assert_message(&error, "2 gpu GeForce (Vendor's own)");
    }
    duet_error refused = {0}, none = {0};
    assert_status(duet_found_choose(found, FOUND, "board", "", &chosen, &refused), DUET_ERROR_NO_DEVICE, &refused);
    assert_message(&refused, "no compiler");
    assert_status(duet_found_choose(NULL, 0, NULL, "", &chosen, &none), DUET_ERROR_NO_DEVICE, &none);
}

static void the_environment_names_the_device(void **state)
{
    (void)state;
    duet_error error = {0};
    duet_device *device = NULL;
    const char *value = getenv("DUET_DEVICE");
    char *before = value != NULL ? strdup(value) : NULL;
    setenv("DUET_DEVICE", "no such device", 1);
    assert_status(duet_device_open(&device, NULL, &error), DUET_ERROR_NO_DEVICE, &error);
    assert_null(device);
    assert_message(&error, "DUET_DEVICE");
    error = (duet_error){0};
    assert_ok(duet_device_open(&device, "0", &error), &error); /* a selector of the caller's goes first */
    duet_device_close(&device);
    if (before != NULL)
        setenv("DUET_DEVICE", before, 1);
    else
        unsetenv("DUET_DEVICE");
    free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listing_survives_a_driver_that_crashes),
        cmocka_unit_test(listing_survives_a_driver_that_exits),
        cmocka_unit_test(listing_survives_a_driver_that_hangs),
        cmocka_unit_test(foreign_texts_are_cleaned),
        cmocka_unit_test(an_index_opens_the_device_it_was_listed_as),
        cmocka_unit_test(the_best_device_comes_first),
        cmocka_unit_test(a_selector_is_index_type_or_piece_of_a_name),
        cmocka_unit_test(ranks_take_turns_among_devices_of_a_driver),
        cmocka_unit_test(kernels_and_options_are_told_apart),
        cmocka_unit_test(a_selector_that_fits_none_says_what_there_is),
        cmocka_unit_test(the_environment_names_the_device),
    };
    return RUN_TESTS("discovery", tests, NULL, NULL);
}
