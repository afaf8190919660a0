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

/* Ten pictures of two classes for the training and two for the test, under names with `front` before them. */
static void write_parts(const char *archive, const char *front, size_t from, size_t to)
{
    static char members[12][64];
    const char *list[13] = {NULL};
    for (size_t i = from; i < to; i++) {
        (void)snprintf(members[i], sizeof members[i], "%s%s/%s/%zu.png<%zu.png", front, i < 10 ? "train" : "test",
                       i % 2 == 0 ? "a" : "b", i, i % PICTURES);
        list[i - from] = members[i];
    }
    write_archive(archive, list, false);
}

static void assert_parts(const char *archive)
{
    duet_data *data = open_sound(in_folder(archive));
    const duet_data_info *info = duet_data_describe(data);
    if (info->count[DUET_TRAIN] != 10 || info->count[DUET_TEST] != 2 || info->classes != 2) fail_msg("%s", archive);
    duet_data_close(&data);
}

/* As what unpacks them has it. */
static void names_lead_where_they_are_unpacked(void **state)
{
    (void)state;
    static const char *const fronts[] = {"", "/", "./", ".//", "//x//", "x/./"};
    write_pictures("", PICTURES, 0);
    for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++)
        for (size_t k = 0; k < 2; k++) {
            write_parts(k == 0 ? "x.tar" : "x.zip", fronts[i], 0, 12);
            assert_parts(k == 0 ? "x.tar" : "x.zip");
        }
    write_parts("x.tar", "../x/", 0, 12);
    assert_refused("above", in_folder("x.tar"), DUET_ERROR_DATA,
                   "the name of its member ../x/train/a/0.png leads to the folder above: write it again from within");
}

/* What follows the end of one would be missing without a word. */
static void joined_archives_are_read_to_their_end(void **state)
{
    (void)state;
    static const char *const parts[][3] = {
        {"a.tar", "b.tar", "x.tar"}, {"a.tar.gz", "b.tar.gz", "x.tar.gz"}, {"a.zip", "b.zip", "x.zip"}};
    write_pictures("", PICTURES, 0);
    for (size_t i = 0; i < 3; i++) {
        size_t sizes[2];
        write_parts(parts[i][0], "", 0, 5);
        write_parts(parts[i][1], "", 5, 12);
        char *first = test_file_read(in_folder(parts[i][0]), &sizes[0]);
        char *second = test_file_read(in_folder(parts[i][1]), &sizes[1]);
        first = realloc(first, sizes[0] + sizes[1]);
        assert_non_null(first);
        memcpy(first + sizes[0], second, sizes[1]);
        write_file(parts[i][2], first, sizes[0] + sizes[1]);
        if (i < 2)
            assert_parts(parts[i][2]);
        else
            assert_refused("zip", in_folder(parts[i][2]), DUET_ERROR_DATA,
                           "is two zip files, joined, of which the last");
        free(first);
        free(second);
    }
    size_t size;
    char *bytes = test_file_read(in_folder("a.tar"), &size);
    write_file("x.tar", bytes, size - 5); /* without the last of its zeros, which programs that unpack pass over */
    assert_refused("a part of a block", in_folder("x.tar"), DUET_ERROR_DATA,
                   "get it again, or, if it unpacks without a fault, name the folder");
    free(bytes);
}

/* Where the second member of a zip file begins, whose first one is an empty file of that name. */
static size_t write_behind(const char *name)
{
    char first[100];
    size_t size, second = 4;
    (void)snprintf(first, sizeof first, "%s<empty", name);
    write_file("empty", "", 0);
    write_archive("a.zip", (const char *const[]){first, "a/0.png<0.png", "b/0.png<1.png", NULL}, false);
    char *bytes = test_file_read(in_folder("a.zip"), &size);
    while (memcmp(bytes + second, "PK\3\4", 4) != 0) second++;
    free(bytes);
    return second;
}

/* Of 65,535 members and more a record of ZIP64 and its locator lie before the end of a zip file, by which the members
 * seem to begin so many bytes later than they do. */
static void a_record_of_zip64_is_no_zip_file_in_front(void **state)
{
    (void)state;
    enum { RECORD = 56, LOCATOR = 20, END = 22 };
    char name[64] = "", added[RECORD + LOCATOR] = "PK\6\6\54";
    write_pictures("", 2, 0);
    memset(name, 'e', RECORD + LOCATOR + 1 - write_behind("e"));
    assert_int_equal(write_behind(name), RECORD + LOCATOR);
    size_t size;
    char *bytes = test_file_read(in_folder("a.zip"), &size);
    const uint64_t place = size - END;
    memcpy(added + 12, "\55\0\55", 4);
    added[24] = added[32] = 3;
    memcpy(added + 40, bytes + place + 12, 4);
    memcpy(added + 48, bytes + place + 16, 4);
    memcpy(added + RECORD, "PK\6\7", 4);
    memcpy(added + RECORD + 8, &place, sizeof place);
    added[RECORD + 16] = 1;
    bytes = realloc(bytes, size + sizeof added);
    assert_non_null(bytes);
    memmove(bytes + place + sizeof added, bytes + place, END);
    memcpy(bytes + place, added, sizeof added);
    write_file("x.zip", bytes, size + sizeof added);
    duet_data *data = open_sound(in_folder("x.zip"));
    assert_int_equal(duet_data_describe(data)->classes, 2);
    duet_data_close(&data);
    free(bytes);
}

/* Thumbnails have the names of the pictures that they are of. */
static void what_systems_keep_is_passed_over(void **state)
{
    (void)state;
    static const char *const kept[] = {"@eaDir",     "__MACOSX",     "@Recycle",  "#recycle",
                                       "lost+found", "$RECYCLE.BIN", ".@__thumb", ".ipynb_checkpoints"};
    char members[2 * sizeof kept / sizeof *kept][64];
    const char *list[sizeof members / sizeof *members + 3] = {"set/a/0.png", "set/b/0.png"};
    for (size_t i = 0; i < 3; i++) make_inner(((const char *const[]){"set", "set/a", "set/b"})[i]);
    write_pictures("set/a/", 1, 0);
    write_pictures("set/b/", 1, 500);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        (void)snprintf(members[i], sizeof members[i], "set/%s%s/", i % 2 == 0 ? "a/" : "", kept[i / 2]);
        make_inner(members[i]);
        write_pictures(members[i], 1, 900);
        (void)strcat(members[i], "0.png");
        list[2 + i] = members[i];
    }
    write_archive("x.zip", list, false);
    for (size_t i = 0; i < 2; i++) {
        duet_data *data = open_sound(in_folder(i == 0 ? "set" : "x.zip"));
        const duet_data_info *info = duet_data_describe(data);
        assert_int_equal(info->count[DUET_TRAIN] + info->count[DUET_TEST], 2);
        assert_int_equal(info->classes, 2);
        duet_data_close(&data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(names_are_read_in_any_locale),
        IN_FOLDER(names_that_nobody_can_read_are_refused),
        IN_FOLDER(links_are_refused),
        IN_FOLDER(names_lead_where_they_are_unpacked),
        IN_FOLDER(joined_archives_are_read_to_their_end),
        IN_FOLDER(a_record_of_zip64_is_no_zip_file_in_front),
        IN_FOLDER(what_systems_keep_is_passed_over),
    };
    return RUN_TESTS("archives", tests, NULL, NULL);
}
