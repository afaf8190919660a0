/* SPDX-License-Identifier: MIT */
/* The layer rule: a file includes only from its own layer and those below it; the command line includes duet.h alone;
 * OpenCL is called in src/device alone, CLBlast in src/product. The list of layers is also the table of
 * docs/architecture.md. The test reads the sources as text. */
#include "test.h"

#include <ctype.h>

/* Lowest first. A layer's public headers are those of include/duet named here. */
static const struct {
    const char *layer;
    const char *headers[3];
} layers[] = {
    {"base", {"base.h", "window.h"}},
    {"ranks", {"ranks.h"}},
    {"device", {"device.h", "opencl.h"}},
    {"product", {"bench.h"}},
    {"graph", {"graph.h"}},
    {"op", {"op.h"}},
    {"plan", {"explain.h", "plan.h"}},
    {"check", {"doctor.h", "lesson.h"}},
    {"nn", {"nn.h"}},
    {"data", {"data.h"}},
    {"report", {"report.h"}},
    {"model", {"model.h"}},
    {"train", {"train.h"}},
    {"tune", {"tune.h"}},
    {"run", {"run.h"}},
    {"metric", {"metric.h"}},
    {"mpi", {"mpi.h"}},
    {"cli", {NULL}},
};
enum {
    LAYERS = sizeof layers / sizeof layers[0],
    CLI = LAYERS - 1,
    MPI = LAYERS - 2,
    BASE = 0,
    DEVICE = 2,
    PRODUCT = 3,
    NONE = -1
};

static int layer_of_folder(const char *name, size_t length)
{
    for (int i = 0; i < LAYERS; i++) {
        if (strlen(layers[i].layer) == length && !strncmp(layers[i].layer, name, length)) return i;
    }
    return NONE;
}

static int layer_of_public(const char *header)
{
    for (int i = 0; i < LAYERS; i++) {
        for (int j = 0; j < 3 && layers[i].headers[j]; j++) {
            if (!strcmp(layers[i].headers[j], header)) return i;
        }
    }
    return NONE;
}

/* NULL if a file of `layer` may include `name`, else why not. */
static const char *include_fault(int layer, const char *name, bool quoted)
{
    if (!strncmp(name, "CL/", 3) || !strncmp(name, "OpenCL/", 7)) {
        return layer == DEVICE ? NULL : "only src/device includes OpenCL";
    }
    if (!strncmp(name, "clblast", 7)) return layer == PRODUCT ? NULL : "only src/product includes CLBlast";
    if (!strcmp(name, "mpi.h")) return layer == MPI ? NULL : "only src/mpi includes MPI";
    if (!strcmp(name, "duet.h")) return layer == CLI ? NULL : "the library includes the parts of duet.h it needs";
    if (!quoted) return NULL;
    if (!strncmp(name, "duet/", 5)) {
        int from = layer_of_public(name + 5);
        if (from == NONE) return "a public header that has no layer: give it one in tests/test_layers.c";
        if (layer == CLI) return from == MPI ? NULL : "the command line includes duet.h and duet/mpi.h only";
        return from <= layer ? NULL : "from a layer above";
    }
    const char *slash = strchr(name, '/');
    int from = slash ? layer_of_folder(name, (size_t)(slash - name)) : NONE;
    if (from == NONE) return "headers are named by their layer's folder";
    if (layer == CLI) return from == CLI ? NULL : "the command line includes duet.h only";
    return from <= layer ? NULL : "from a layer above";
}

/* Replaces comments and strings by blanks, so that only code is searched. `strings` false keeps the strings. */
static void blank(char *text, bool strings)
{
    for (char *at = text; *at;) {
        if (!strncmp(at, "//", 2)) {
            while (*at && *at != '\n') *at++ = ' ';
        } else if (!strncmp(at, "/*", 2)) {
            while (*at && strncmp(at, "*/", 2) != 0) {
                if (*at != '\n') *at = ' ';
                at++;
            }
            if (*at) at[0] = at[1] = ' ';
        } else if (*at == '"' || *at == '\'') {
            char quote = *at++;
            for (; *at && *at != quote && *at != '\n'; at++) {
                bool escape = *at == '\\' && at[1];
                if (strings) *at = ' ';
                if (escape && strings) at[1] = ' ';
                if (escape) at++;
            }
            if (*at) at++;
        } else {
            at++;
        }
    }
}

/* The first call in `code` of a function of OpenCL, unless `layer` is the device's, or of CLBlast, unless it is that of
 * products; NULL if there is none. */
static const char *foreign_call(int layer, const char *code)
{
    for (const char *at = code; (at = strchr(at, '(')); at++) {
        const char *end = at, *start;
        while (end > code && isspace((unsigned char)end[-1])) end--;
        for (start = end; start > code && (isalnum((unsigned char)start[-1]) || start[-1] == '_');) start--;
        bool opencl = end - start > 3 && start[0] == 'c' && start[1] == 'l' && isupper((unsigned char)start[2]);
        bool clblast = !strncmp(start, "CLBlast", 7) && end - start > 7;
        if ((opencl && layer != DEVICE) || (clblast && layer != PRODUCT)) return start;
    }
    return NULL;
}

/* The first call of jansson's in `code` that base/json.h stands for, or whose result nobody looks at; the program notes
 * for itself where jansson lacks memory. */
static const char *careless_call(int layer, const char *code)
{
    static const char *const adding[] = {"json_object_set", "json_array_append", "json_object_update"};
    for (const char *at = code; layer != BASE && layer != CLI && (at = strstr(at, "json_")); at++) {
        const char *before = at;
        bool alone = false;
        if (at > code && (isalnum((unsigned char)at[-1]) || at[-1] == '_')) continue;
        if (!strncmp(at, "json_load", 9) || !strncmp(at, "json_dumps", 10)) return at;
        while (before > code && isspace((unsigned char)before[-1])) before--;
        for (size_t i = 0; i < sizeof adding / sizeof *adding; i++)
            alone = alone || !strncmp(at, adding[i], strlen(adding[i]));
        if (alone && (before == code || strchr(";{})", before[-1]))) return at;
    }
    return NULL;
}

static int line_of(const char *text, const char *at)
{
    int line = 1;
    for (; text < at; text++) line += *text == '\n';
    return line;
}

static int check_includes(const char *path, int layer, const char *prefix, const char *text)
{
    int faults = 0;
    for (const char *at = text; (at = strstr(at, "#include")); at++) {
        char name[256], named[300];
        const char *open = at + strlen("#include");
        while (*open == ' ') open++;
        size_t length = *open == '"' || *open == '<' ? strcspn(open + 1, "\">\n") : 0;
        if (length == 0 || length >= sizeof name) continue;
        (void)snprintf(name, sizeof name, "%.*s", (int)length, open + 1);
        (void)snprintf(named, sizeof named, "%s%s", *open == '"' ? prefix : "", name);
        const char *why = include_fault(layer, named, *open == '"');
        if (why) {
            print_error("%s:%d: \"%s\": %s\n", path, line_of(text, at), name, why);
            faults++;
        }
    }
    return faults;
}

/* A family is written as a program outside the library would write it: against duet/model.h, and what families share.
 */
static int check_family(const char *path, const char *text)
{
    int faults = 0;
    if (!strstr(path, "/model/families/")) return 0;
    for (const char *at = text; (at = strstr(at, "#include \"")); at++) {
        const char *name = at + strlen("#include \"");
        if (!strncmp(name, "duet/model.h\"", 13) || !strncmp(name, "model/families/", 15))
            continue;
        print_error("%s:%d: a family includes duet/model.h and what families share, no more\n", path,
                    line_of(text, at));
        faults++;
    }
    return faults;
}

static int check_file(const char *path, int layer, const char *prefix)
{
    char *text = test_file_read(path, NULL);
    blank(text, false);
    int faults = check_includes(path, layer, prefix, text) + check_family(path, text);
    blank(text, true);
    const char *call = foreign_call(layer, text);
    if (call) {
        print_error("%s:%d: calls %.30s: OpenCL is called in src/device only, CLBlast in src/product\n", path,
                    line_of(text, call), call);
        faults++;
    }
    call = careless_call(layer, text);
    if (call) {
        print_error("%s:%d: calls %.30s: see base/json.h\n", path, line_of(text, call), call);
        faults++;
    }
    free(text);
    return faults;
}

/* Checks every .c and .h of a folder and the folders in it; the layer is the folder's, or that of each public header.
 */
static int check_folder(const char *folder, int layer, const char *prefix, int *files)
{
    int faults = 0;
    DIR *entries = opendir(folder);
    if (!entries) fail_msg("%s cannot be opened", folder);
    for (struct dirent *entry; (entry = readdir(entries));) {
        char path[2 * TEST_PATH_SIZE];
        size_t length = strlen(entry->d_name);
        if (layer != NONE && !strchr(entry->d_name, '.')) {
            (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            faults += check_folder(path, layer, prefix, files);
        }
        if (length < 3 || (strcmp(entry->d_name + length - 2, ".c") && strcmp(entry->d_name + length - 2, ".h"))) {
            continue;
        }
        int own = layer == NONE ? layer_of_public(entry->d_name) : layer;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (own == NONE) fail_msg("%s has no layer: give it one in tests/test_layers.c", path);
        faults += check_file(path, own, prefix);
        ++*files;
    }
    (void)closedir(entries);
    return faults;
}

static void check_layer(void **state)
{
    int layer = (int)(intptr_t)*state, files = 0;
    char folder[TEST_PATH_SIZE];
    (void)snprintf(folder, sizeof folder, "%s/src/%s", TEST_SOURCE_ROOT, layers[layer].layer);
    assert_int_equal(check_folder(folder, layer, "", &files), 0);
    if (files == 0) fail_msg("%s holds no source file", folder);
}

static void check_public_headers(void **state)
{
    (void)state;
    int files = 0;
    assert_int_equal(check_folder(TEST_SOURCE_ROOT "/include/duet", NONE, "duet/", &files), 0);
    assert_true(files > 0);
}

static void every_folder_is_a_layer(void **state)
{
    (void)state;
    DIR *entries = opendir(TEST_SOURCE_ROOT "/src");
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (entry->d_name[0] == '.' || strchr(entry->d_name, '.')) continue;
        if (layer_of_folder(entry->d_name, strlen(entry->d_name)) == NONE) {
            fail_msg("src/%s is not a layer: give it a place in tests/test_layers.c", entry->d_name);
        }
    }
    (void)closedir(entries);
}

/* The rows "| `name` | ..." of the table of layers, from the command line down. */
static void architecture_lists_the_layers(void **state)
{
    (void)state;
    char *text = test_file_read(TEST_SOURCE_ROOT "/docs/architecture.md", NULL);
    const char *at = strstr(text, "\n| layer |");
    assert_non_null(at);
    for (int i = LAYERS - 1; i >= 0; i--) {
        char row[64];
        (void)snprintf(row, sizeof row, "\n| `%s` |", layers[i].layer);
        const char *found = strstr(at, row);
        if (!found) fail_msg("docs/architecture.md lacks the layer %s, or has it elsewhere", layers[i].layer);
        at = found;
    }
    free(text);
}

static void rule_sees_faults(void **state)
{
    (void)state;
    int graph = layer_of_folder("graph", 5), model = layer_of_folder("model", 5);
    assert_null(include_fault(model, "graph/node.h", true));
    assert_null(include_fault(model, "model/model.h", true));
    assert_null(include_fault(model, "duet/op.h", true));
    assert_null(include_fault(graph, "math.h", false));
    assert_null(include_fault(CLI, "duet.h", true));
    assert_null(include_fault(CLI, "cli/options.h", true));
    assert_non_null(include_fault(graph, "model/model.h", true));
    assert_non_null(include_fault(graph, "duet/train.h", true));
    assert_non_null(include_fault(graph, "CL/cl.h", false));
    assert_non_null(include_fault(graph, "node.h", true));
    assert_non_null(include_fault(CLI, "base/philox.h", true));
    assert_non_null(include_fault(CLI, "duet/op.h", true));
    assert_null(include_fault(CLI, "duet/mpi.h", true));
    assert_null(include_fault(MPI, "mpi.h", false));
    assert_non_null(include_fault(CLI, "mpi.h", false));

    char text[] = "f(a); /* clFinish(q) */ g(\"clFinish(\\\"\", '\"'); // clFinish(q)\nclosed (b); cl_x(c);";
    blank(text, true);
    assert_null(foreign_call(graph, text));
    assert_non_null(foreign_call(graph, "int x = clFinish(queue);"));
    assert_null(foreign_call(DEVICE, "int x = clFinish(queue);"));
    assert_non_null(foreign_call(DEVICE, "CLBlastSgemm (x);"));
    assert_null(foreign_call(PRODUCT, "CLBlastSgemm (x);"));

    assert_non_null(careless_call(graph, "x = json_dumps(y, 0);"));
    assert_non_null(careless_call(graph, "{ json_array_append_new(list, one); }"));
    assert_non_null(careless_call(graph, "(void)json_object_set(to, key, value);"));
    assert_null(careless_call(graph, "failed |= json_object_set(to, key, value); duet_json_set(&to, key, value);"));
    assert_null(careless_call(CLI, "json_array_append_new(list, one);"));
}

int main(void)
{
    struct CMUnitTest tests[LAYERS + 4] = {
        cmocka_unit_test(rule_sees_faults), cmocka_unit_test(architecture_lists_the_layers),
        cmocka_unit_test(every_folder_is_a_layer), cmocka_unit_test(check_public_headers)};
    for (int i = 0; i < LAYERS; i++) {
        tests[i + 4] = TEST_ROW(layers[i].layer, check_layer, (intptr_t)i);
    }
    return RUN_TESTS("layers", tests, NULL, NULL);
}
