/* SPDX-License-Identifier: MIT */
/* Members of archives that are easily lost without a word: those with names beyond ASCII, and links. */
#include "data_checks.h"
#include "picture_files.h"

#include <locale.h>

enum { PICTURES = 10 /* a class */ };

/* Sets the flag by which the names of a zip file's members are UTF-8, as Python and macOS do. */
static void flag_names(const char *name)
{
    size_t size;
    char *bytes = test_file_read(in_folder(name), &size);
    for (size_t i = 0; i + 10 < size; i++) {
        if (memcmp(bytes + i, "PK\3\4", 4) == 0) bytes[i + 7] |= 8;
        if (memcmp(bytes + i, "PK\1\2", 4) == 0) bytes[i + 9] |= 8;
    }
    write_file(name, bytes, size);
    free(bytes);
}

/* Two classes of the same pictures, as an archive of them. */
static void write_classes(const char *archive, const char *class)
{
    static char members[2 * PICTURES][64];
    const char *list[2 * PICTURES + 1] = {NULL};
    write_pictures("", PICTURES, 0);
    for (size_t i = 0; i < 2 * PICTURES; i++) {
        (void)snprintf(members[i], sizeof members[i], "%s/%zu.png<%zu.png", i % 2 == 0 ? "Hund" : class, i,
                       i % PICTURES);
        list[i] = members[i];
    }
    write_archive(archive, list, false);
}

static void assert_classes(const char *archive)
{
    duet_data *data = open_sound(in_folder(archive));
    const duet_data_info *info = duet_data_describe(data);
    assert_int_equal(info->count[DUET_TRAIN] + info->count[DUET_TEST], 2 * PICTURES);
    assert_int_equal(info->classes, 2);
    assert_string_equal(info->class_names[0], "Hund");
    assert_string_equal(info->class_names[1], "K\303\244tzchen");
    duet_data_close(&data);
}

static void assert_arrays(const char *archive)
{
    duet_data *data = open_sound(in_folder(archive));
    const duet_data_info *info = duet_data_describe(data);
    assert_int_equal(info->count[DUET_TRAIN], 6);
    assert_int_equal(info->count[DUET_TEST], 2);
    duet_data_close(&data);
}

static void names_are_read_in_any_locale(void **state)
{
    (void)state;
    static const char *const locales[] = {"C", "C.UTF-8", ""};
    static const char *const arrays[] = {"gr\303\266\303\237e-train.npy", "gr\303\266\303\237e-test.npy", NULL};
    static const char *const archives[] = {"x.zip", "flagged.zip", "x.tar", "named.otherwise"};
    for (size_t i = 0; i < sizeof archives / sizeof *archives; i++)
        write_classes(i == 3 ? "other.zip" : archives[i], "K\303\244tzchen");
    write_npy(arrays[0], 1, ARRAY("|u1", "False", "(6, 2)"), "0123456789ab", 12);
    write_npy(arrays[1], 1, ARRAY("|u1", "False", "(2, 2)"), "cdef", 4);
    write_archive("x.npz", arrays, false);
    write_archive("deflated.npz", arrays, true);
    flag_names("flagged.zip");
    flag_names("other.zip");
    flag_names("x.npz");
    flag_names("deflated.npz");
    assert_int_equal(rename(in_folder("other.zip"), in_folder("named.otherwise")), 0);
    for (size_t i = 0; i < sizeof locales / sizeof *locales; i++) {
        if (setlocale(LC_ALL, locales[i]) == NULL) continue;
        for (size_t k = 0; k < sizeof archives / sizeof *archives; k++) assert_classes(archives[k]);
        assert_arrays("x.npz");
        assert_arrays("deflated.npz");
    }
    assert_non_null(setlocale(LC_ALL, "C"));
}

static void names_that_nobody_can_read_are_refused(void **state)
{
    (void)state;
    write_classes("x.zip", "K\344tzchen");
    assert_refused("of no kind", in_folder("x.zip"), DUET_ERROR_DATA,
                   "the name of the class \"K?tzchen\" is not UTF-8: unpack it, rename that folder");
    flag_names("x.zip");
    assert_refused("no UTF-8", in_folder("x.zip"), DUET_ERROR_DATA,
                   "x.zip: holds a member whose name cannot be read as UTF-8: unpack it, and name the folder");
}

/* In a folder they are followed. */
static void links_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *archive, *members[4], *said; /* NULL: nothing */
    } rows[] = {
        {"x.tar", {"a/0.png<0.png", "a/1.png<1.png", "b/0.png=a/0.png"}, "b/0.png is a link to a/0.png"},
        {"x.tar.gz",
         {"a/0.png<0.png", "a/1.png<1.png", "b>a"},
         "b is a link to a, and links are followed in folders "
         "alone: unpack it, and name the folder"},
        {"x.zip", {"a/0.png<0.png", "a/1.png<1.png", "b>a"}, "b is a link to a,"},
        {"y.zip", {"a/0.png<0.png", "a/1.png<1.png", "b/0.png>../a/0.png"}, "b/0.png is a link to ../a/0.png"},
        {"x.npz", {"train.npy", "test.npy>train.npy"}, "test.npy is a link to train.npy"},
        {"hidden.tar", {"a/0.png<0.png", "a/1.png<1.png", "a/.png>1.png"}, NULL},
        {"away.tar", {"a/0.png<0.png", "a/1.png<1.png", "b>/data/1.2/b"}, "b is a link to /data/1.2/b"},
        {"about.tar", {"a/0.png<0.png", "a/1.png<1.png", "LICENSE>../LICENSE", "READ.md=a/0.png"}, NULL},
        {"table.zip", {"a/0.png<0.png", "a/1.png<1.png", "labels.csv>../labels.csv", "all>labels.txt"}, NULL},
    };
    write_pictures("", 2, 0);
    write_npy("train.npy", 1, ARRAY("|u1", "False", "(6, 2)"), "0123456789ab", 12);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_archive(rows[i].archive, rows[i].members, false);
        if (rows[i].said != NULL) {
            assert_refused(rows[i].archive, in_folder(rows[i].archive), DUET_ERROR_DATA, rows[i].said);
            continue;
        }
        duet_data *data = open_sound(in_folder(rows[i].archive));
        duet_data_close(&data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(names_are_read_in_any_locale),
        IN_FOLDER(names_that_nobody_can_read_are_refused),
        IN_FOLDER(links_are_refused),
    };
    return RUN_TESTS("archives", tests, NULL, NULL);
}
