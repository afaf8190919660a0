/* SPDX-License-Identifier: MIT */
/* `duet explain` in its four forms: text, a document that adds up, a drawing that Graphviz can read, and sources. */
#include "program.h"
#include "train_models.h"

#include <ctype.h>

static const command_case commands[] = {
    {"help", {"explain", "--help"}, 0, "usage: duet explain MODEL", NULL},
    {"help of a model", {"explain", "gan", "--help"}, 0, "gate_low", NULL},
    {"no model", {"explain"}, 2, NULL, "needs MODEL"},
    {"unknown model", {"explain", "vea"}, 2, NULL, "did you mean 'vae'?"},
    {"unknown option", {"explain", "vae", "--epochs", "3"}, 2, NULL, "no option '--epochs'"},
    {"two forms", {"explain", "vae", "--dot", "--json"}, 2, NULL, "give one of them"},
    {"unknown key", {"explain", "vae", "--set", "beat=4"}, 2, NULL, "did you mean 'beta'?"},
    {"bad value", {"explain", "vae", "--set", "beta=much"}, 2, NULL, "beta"},
    {"unknown data", {"explain", "vae", "--data", "ring9"}, 2, NULL, "ring8"},
    {"missing data", {"explain", "vae", "--data", "/nowhere/x.npy"}, 1, NULL, "/nowhere/x.npy"},
    {"unknown product", {"explain", "vae", "--data", "ring8", "--gemm", "quick"}, 2, NULL, "quick"},
    {"unknown device", {"explain", "vae", "--data", "ring8", "--device", "abacus"}, 3, NULL, "abacus"},
    {"batch too large", {"explain", "vae", "--data", "@/examples.npy", "--batch", "45"}, 1, NULL, "too few"},
    {"phases", {"explain", "gan", "--data", "ring8"}, 0, "Phase \"generator\", once a step", NULL},
    {"repeats", {"explain", "gan", "--data", "ring8", "--set", "k=3"}, 0, "\"discriminator\", 3 times a step", NULL},
    {"the step is counted", {"explain", "gan", "--data", "ring8", "--set", "g_steps=2"}, 0, "The plan \"step\"", NULL},
    {"side by side", {"explain", "vae", "--data", "ring8"}, 0, " side by side:", NULL},
    {"providers", {"explain", "ae", "--data", "ring8", "--gemm", "plain"}, 0, "gemm plain 128x", NULL},
    {"batch", {"explain", "ae", "--data", "ring8", "--batch", "33"}, 0, "batches of 33", NULL},
    {"on paper", {"explain", "gan", "--data", "ring8", "--for", "rx7900"}, 0, "(gfx1100) (gpu, on paper)", NULL},
    {"ranks", {"explain", "gan", "--data", "ring8", "--ranks", "3", "--for", "rx7900"}, 0, "all_reduce of ", NULL},
    {"too many ranks",
     {"explain", "ae", "--data", "ring8", "--batch", "8", "--ranks", "5"},
     2,
     NULL,
     "--batch 10, or fewer ranks"},
    {"unknown GPU", {"explain", "ae", "--data", "ring8", "--for", "rx79"}, 2, NULL, "did you mean 'rx7900'?"},
    {"two devices", {"explain", "ae", "--for", "h100", "--device", "0"}, 2, NULL, "give one"},
    {"code for two GPUs", {"explain", "ae", "--isa", "gfx900", "--for", "h100"}, 2, NULL, "leave --for out"},
    {"no code", {"explain", "ae", "--data", "ring8", "--isa", "m1"}, 2, NULL, "no compiler"},
    {"kernel without code", {"explain", "ae", "--kernel", "map"}, 2, NULL, "give both"},
    {"workload", {"explain", "mlpvae", "--data", "ring8"}, 0, "vae on ring8, batches of 128", NULL},
    {"workload and batch", {"explain", "mlpgan", "--data", "ring8", "--batch", "9"}, 0, "batches of 9", NULL},
    {"help of a workload", {"explain", "dcgan", "--help"}, 0, "gfx1100", NULL},
    {"halved to nothing",
     {"explain", "ddpm", "--data", "@/pictures.npy", "--batch", "2", "--for", "rx7900", "--set", "levels=4"},
     0,
     NULL,
     "pictures of 5 x 3 are one pixel after 3: what is halved after that has nothing to see; levels=3 is the most"},
    {"optimiser", {"explain", "ae", "--data", "ring8", "--set", "optimiser=sgd"}, 0, "Updates: sgd", NULL},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void command_line(void **state)
{
    const command_case *row = *state;
    expect(run(row->words), row->status, row->out, row->err);
}

static void text_names_phases_and_groups(void **state)
{
    (void)state;
    static const char *const models[] = {"vae", "gan"};
    static const char *const words[2][8] = {
        {"Phase \"elbo\"", "encoder, ", "decoder, ", "new trainer.fault_term", "minimises", "elbo = -loss",
         "gradient of decoder.output.bias", "sharing saves"},
        {"Phase \"discriminator\"", "Phase \"generator\"", "generator, ", "discriminator, ", "gate     accuracy <= 1",
         "assigns    gan.accuracy = accuracy", "Matrix products", "minimises  g_loss"},
    };
    for (size_t i = 0; i < 2; i++) {
        result r = RUN("explain", models[i], "--data", "@/examples.npy", "--batch", "8");
        assert_int_equal(r.status, 0);
        assert_null(strstr(r.out, " \n")); /* no line ends in spaces */
        for (size_t j = 0; j < 8; j++)
            if (strstr(r.out, words[i][j]) == NULL) fail_msg("\"%s\" is missing in:\n%s", words[i][j], r.out);
        result_free(&r);
    }
}

static json_int_t number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value)) fail_msg("\"%s\" is no whole number", key);
    return json_integer_value(value);
}

/* The document's sums are those of its launches, and say who shares memory both ways. */
static void a_document_adds_up(void **state)
{
    (void)state;
    json_t *parsed = document(RUN("explain", "gan", "--data", "ring8", "--set", "k=2", "--json"));
    json_t *first = json_array_get(json_object_get(parsed, "phases"), 0), *uses = json_object_get(parsed, "uses");
    assert_string_equal(json_string_value(json_array_get(json_object_get(first, "leaves_alone"), 0)), "generator");
    assert_true(json_is_null(json_object_get(json_array_get(uses, 0), "procedure")));
    assert_string_equal(json_string_value(json_object_get(json_array_get(uses, 1), "procedure")), "invert");
    json_t *phase, *launch, *tensor, *other;
    size_t i, j, k;
    json_int_t launches = 0, flops = 0, unshared = 0, tensors = 0;
    assert_int_equal(json_array_size(json_object_get(parsed, "phases")), 2);
    json_array_foreach(json_object_get(parsed, "phases"), i, phase)
    {
        json_int_t repeats = number(phase, "repeats"), phase_flops = 0;
        json_t *list = json_object_get(phase, "tensors");
        assert_int_equal(repeats, i == 0 ? 2 : 1);
        json_array_foreach(json_object_get(phase, "launches"), j, launch) phase_flops += number(launch, "flops");
        assert_int_equal(number(json_object_get(phase, "totals"), "flops"), phase_flops);
        flops += repeats * phase_flops;
        launches += repeats * (json_int_t)json_array_size(json_object_get(phase, "launches"));
        json_array_foreach(list, j, tensor)
        {
            if (strcmp(json_string_value(json_object_get(tensor, "home")), "arena") != 0) continue;
            unshared += number(tensor, "bytes");
            tensors++;
            json_array_foreach(json_object_get(tensor, "shares_with"), k, other)
            {
                json_t *back = json_object_get(json_array_get(list, (size_t)json_integer_value(other)), "shares_with");
                bool mutual = false;
                for (size_t n = 0; n < json_array_size(back); n++)
                    mutual |= json_integer_value(json_array_get(back, n)) == (json_int_t)j;
                assert_true(mutual);
            }
        }
    }
    assert_int_equal(number(json_object_get(parsed, "totals"), "launches"), launches);
    assert_int_equal(number(json_object_get(parsed, "totals"), "flops"), flops);
    assert_int_equal(number(json_object_get(parsed, "arena"), "unshared_bytes"), unshared);
    assert_int_equal(number(json_object_get(parsed, "arena"), "tensors"), tensors);
    assert_true(number(json_object_get(parsed, "arena"), "bytes") < unshared);
    json_decref(parsed);
}

/* ---- a small reader of Graphviz's language, as far as it is used: names, quoted texts, braces, edges ---- */

typedef struct dot_reader {
    const char *at;
    char word[512];
    int depth;
    size_t nodes, edges, clusters;
    char known[4096][24];
} dot_reader;

/* The next name, text or sign; false at the end. */
static bool next_word(dot_reader *reader)
{
    size_t used = 0;
    while (isspace((unsigned char)*reader->at)) reader->at++;
    if (*reader->at == '\0') return false;
    if (*reader->at == '"') {
        for (reader->at++; *reader->at != '"'; reader->at++) {
            if (*reader->at == '\0') fail_msg("a text does not end");
            if (*reader->at == '\\') reader->at++;
        }
        reader->at++;
        memcpy(reader->word, "\"", 2);
        return true;
    }
    bool name = isalnum((unsigned char)*reader->at) || *reader->at == '_';
    if (strncmp(reader->at, "->", 2) == 0) reader->word[used++] = *reader->at++;
    do {
        if (used + 1 == sizeof reader->word) fail_msg("a word is too long");
        reader->word[used++] = *reader->at++;
    } while (name && (isalnum((unsigned char)*reader->at) || *reader->at == '_'));
    reader->word[used] = '\0';
    return true;
}

static bool is_node(const dot_reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->nodes; i++)
        if (strcmp(reader->known[i], name) == 0) return true;
    return false;
}

/* A statement that begins with a name: attributes, a node, an edge between nodes that were declared. */
static void read_statement(dot_reader *reader)
{
    char name[sizeof reader->word];
    bool edge = false;
    snprintf(name, sizeof name, "%s", reader->word);
    for (; next_word(reader) && strcmp(reader->word, ";") != 0;) {
        if (strcmp(reader->word, "->") == 0) {
            assert_true(next_word(reader));
            edge = true;
            if (!is_node(reader, name)) fail_msg("an edge begins at %s, which is no node", name);
            if (!is_node(reader, reader->word)) fail_msg("an edge ends at %s, which is no node", reader->word);
        }
    }
    assert_string_equal(reader->word, ";");
    reader->edges += edge;
    if (edge || strcmp(name, "label") == 0 || strcmp(name, "node") == 0 || strcmp(name, "edge") == 0) return;
    assert_false(is_node(reader, name));
    assert_in_range(strlen(name), 1, sizeof reader->known[0] - 1);
    assert_in_range(reader->nodes, 0, 4095);
    memcpy(reader->known[reader->nodes++], name, strlen(name) + 1);
}

static void read_dot(dot_reader *reader, const char *text)
{
    *reader = (dot_reader){.at = text};
    assert_true(next_word(reader));
    assert_string_equal(reader->word, "digraph");
    assert_true(next_word(reader) && next_word(reader));
    assert_string_equal(reader->word, "{");
    for (reader->depth = 1; reader->depth > 0;) {
        assert_true(next_word(reader));
        if (strcmp(reader->word, "}") == 0) {
            reader->depth--;
        } else if (strcmp(reader->word, "subgraph") == 0) {
            assert_true(next_word(reader) && next_word(reader));
            assert_string_equal(reader->word, "{");
            reader->clusters++;
            reader->depth++;
        } else {
            read_statement(reader);
        }
    }
    assert_false(next_word(reader));
}

static void a_drawing_is_well_formed(void **state)
{
    (void)state;
    static dot_reader reader;
    char path[PATH_SIZE], command[2 * PATH_SIZE];
    expect(RUN("explain", "gan", "--data", "ring8", "--players"), 0,
           "\"discriminator\" -> phase1 [style=dashed, label=\"left alone\"]", NULL);
    result r = RUN("explain", "gan", "--data", "ring8", "--dot");
    json_t *parsed = document(RUN("explain", "gan", "--data", "ring8", "--json"));
    assert_int_equal(r.status, 0);
    read_dot(&reader, r.out);
    assert_int_equal(reader.clusters, 2);
    assert_true(reader.nodes >= (size_t)number(json_object_get(parsed, "totals"), "launches"));
    assert_true(reader.edges > reader.nodes);
    json_decref(parsed);
    test_file_write(inside("plan.dot", path), r.out, strlen(r.out));
    result_free(&r);
    if (system("command -v dot >/dev/null 2>&1") != 0) return; /* Graphviz's own word where it is installed */
    assert_in_range(snprintf(command, sizeof command, "dot -Tsvg '%s' >/dev/null", path), 1, sizeof command - 1);
    assert_int_equal(system(command), 0);
}

static void sources_are_printed(void **state)
{
    (void)state;
    expect(RUN("explain", "ae", "--data", "ring8", "--gemm", "panel", "--source"), 0, "#include \"gemm_panel.cl\"",
           NULL);
    expect(RUN("explain", "ae", "--data", "ring8", "--gemm", "panel", "--source"), 0,
           "cl/gemm_panel.cl, written by hand", NULL);
    expect(RUN("explain", "ae", "--data", "ring8", "--gemm", "plain", "--source"), 0,
           "cl/gemm_plain.cl, written by hand", NULL);
    expect(RUN("explain", "ae", "--data", "ring8", "--gemm", "clblast", "--source"), 0, "__kernel void map_", NULL);
}

/* On paper every launch names its program and a kernel that is in it; the device is described. No driver is asked. */
static void a_document_has_programs_on_paper(void **state)
{
    (void)state;
    const char *vendors = getenv("OCL_ICD_VENDORS");
    char *before = vendors != NULL ? strdup(vendors) : NULL;
    assert_int_equal(setenv("OCL_ICD_VENDORS", "/nonexistent", 1), 0);
    json_t *parsed = document(RUN("explain", "gan", "--data", "ring8", "--for", "rx7900", "--gemm", "tile", "--json"));
    if (before != NULL)
        assert_int_equal(setenv("OCL_ICD_VENDORS", before, 1), 0);
    else
        assert_int_equal(unsetenv("OCL_ICD_VENDORS"), 0);
    free(before);
    json_t *paper = json_object_get(parsed, "paper"), *programs = json_object_get(parsed, "programs"), *phase, *launch;
    size_t i, j, count = 0;
    assert_string_equal(json_string_value(json_object_get(paper, "target")), "gfx1100");
    assert_true(number(paper, "registers") > 0);
    json_array_foreach(json_object_get(parsed, "phases"), i, phase)
    {
        json_array_foreach(json_object_get(phase, "launches"), j, launch)
        {
            const char *name = json_string_value(json_object_get(launch, "function"));
            json_t *program = json_array_get(programs, (size_t)number(launch, "program"));
            const char *source = json_string_value(json_object_get(program, "source"));
            assert_non_null(name);
            assert_non_null(source);
            if (strstr(source, name) == NULL) fail_msg("%s is not in its program", name);
            count++;
        }
    }
    assert_true(count > 10);
    json_decref(parsed);
}

/* Where clang and libclc are here; elsewhere the answer says what brings them. */
static void code_is_printed(void **state)
{
    (void)state;
    static const char *const targets[] = {"gfx1100", "sm_80"}, *const words[] = {"; Occupancy:", "fma.rn.f32"};
    for (size_t i = 0; i < 2; i++) {
        result r = RUN("explain", "ae", "--data", "ring8", "--isa", targets[i], "--gemm", "plain", "--kernel", "gemm");
        if (r.status == 1) {
            assert_non_null(strstr(r.err, "apt-get install"));
            result_free(&r);
            continue;
        }
        expect(r, 0, words[i], NULL);
        expect(RUN("explain", "ae", "--data", "ring8", "--isa", targets[i], "--kernel", "nobody"), 2, NULL, "nobody");
    }
}

static int begin(void **state)
{
    (void)make_folder(state);
    test_write_examples(in_folder("examples.npy"), DUET_SHAPE(6));
    test_write_examples(in_folder("pictures.npy"), DUET_SHAPE(5, 3, 1));
    return 0;
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(text_names_phases_and_groups),     cmocka_unit_test(a_document_adds_up),
        cmocka_unit_test(a_drawing_is_well_formed),         cmocka_unit_test(sources_are_printed),
        cmocka_unit_test(a_document_has_programs_on_paper), cmocka_unit_test(code_is_printed),
    };
    enum { OTHERS = sizeof others / sizeof *others };
    struct CMUnitTest tests[COMMANDS + OTHERS];
    for (size_t i = 0; i < COMMANDS; i++) tests[i] = TEST_ROW(commands[i].name, command_line, &commands[i]);
    memcpy(tests + COMMANDS, others, sizeof others);
    return RUN_TESTS("cli explain", tests, begin, remove_folder);
}
