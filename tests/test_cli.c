/* SPDX-License-Identifier: MIT */
/* The program as a person meets it: command lines in a table, each with its exit status and a piece of what it says;
 * then documents, trainings, and what fails or is interrupted. */
#include "program.h"

#include "duet/report.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <zlib.h>

/* ---- the table ---- */

#define LONG_50   "a-name-that-is-rather-long-as-names-of-folders-go-"
#define LONG_NAME LONG_50 LONG_50 LONG_50 LONG_50 LONG_50 LONG_50

static const command_case cases[] = {
    {"no command", {NULL}, 2, NULL, "usage: duet"},
    {"unknown command", {"trian"}, 2, NULL, "did you mean 'train'?"},
    {"help", {"--help"}, 0, "interpolate", NULL},
    {"help of a command", {"help", "eval"}, 0, "--metric NAME", NULL},
    {"help of a topic", {"help", "environment"}, 0, "DUET_CL_PATH", NULL},
    {"a word behind a topic", {"help", "exit-status", "more"}, 2, "", "'duet help exit-status' has no use for 'more'"},
    {"words behind a command", {"help", "eval", "more"}, 2, "", "'duet help eval' has no use for 'more'"},
    {"words behind a model", {"help", "train", "vae", "more"}, 2, "", "has no use for 'more'"},
    {"help of help", {"help", "help"}, 0, "usage: duet COMMAND", NULL},
    {"misspelt topic", {"help", "exit-stats"}, 2, NULL, "did you mean 'exit-status'?"},
    {"help has examples", {"compare", "--help"}, 0, "\n  duet compare runs/vae runs/gan", NULL},
    {"completion of a command", {"complete", "tr"}, 0, "traverse\t", NULL},
    {"completion of a setting", {"complete", "train", "vae", "--set", "be"}, 0, "beta=\tweight", NULL},
    {"completion of a value", {"complete", "train", "vae", "--set", "kl=m"}, 0, "kl=monte-carlo\t", NULL},
    {"completion of a joined value", {"complete", "train", "vae", "--da=gri"}, 0, "--da=grid25\t", NULL},
    {"completion of a file", {"complete", "features", "run", "--out", ""}, 0, ":files npy\n", NULL},
    {"completion of a second operand", {"complete", "compare", "a", ""}, 0, ":folders\n", NULL},
    {"split that is nearly one", {"encode", "run", "--split", "tset"}, 2, NULL, "did you mean 'test'?"},
    {"a workload that is nearly one", {"explain", "mlpva"}, 2, NULL, "did you mean 'mlpvae'?"},
    {"a metric to keep that is nearly one",
     {"train", "vae", "--keep-best", "elob"},
     2,
     NULL,
     "did you mean 'elbo'? ('duet eval"},
    {"help of a model that is none", {"train", "vea", "--help"}, 2, "--checkpoint-every N", "did you mean 'vae'?"},
    {"explanation of a model that is none", {"help", "explain", "nosuch"}, 2, NULL, "there is no model 'nosuch'"},
    {"version", {"--version"}, 0, "duet ", NULL},
    {"devices --help", {"devices", "--help"}, 0, "usage: duet devices", NULL},
    {"models --help", {"models", "--help"}, 0, "usage: duet models", NULL},
    {"datasets --help", {"datasets", "--help"}, 0, "usage: duet datasets", NULL},
    {"train --help", {"train", "--help"}, 0, "--checkpoint-every N", NULL},
    {"train vae --help lists its settings", {"train", "vae", "--help"}, 0, "beta", NULL},
    {"train gan-conv --help has its preset",
     {"train", "gan-conv", "--help"},
     0,
     "preset=original: latent=2 dropout=0.3 d_batch=joint fakes=inference k=0",
     NULL},
    {"train gan-conv --help has its batch", {"train", "gan-conv", "--help"}, 0, "batches of 64, 10 epochs", NULL},
    {"sample --help", {"sample", "-h"}, 0, "usage: duet sample RUN", NULL},
    {"reconstruct --help", {"reconstruct", "--help"}, 0, "usage: duet reconstruct RUN", NULL},
    {"interpolate --help", {"interpolate", "--help"}, 0, "usage: duet interpolate RUN", NULL},
    {"eval --help lists the metrics", {"eval", "--help"}, 0, "elbo", NULL},
    {"doctor --help", {"doctor", "--help"}, 0, "usage: duet doctor", NULL},

    {"train without a model", {"train"}, 2, NULL, "needs MODEL"},
    {"unknown model", {"train", "vea"}, 2, NULL, "did you mean 'vae'?"},
    {"unknown option", {"train", "vae", "--epoch-count", "3"}, 2, NULL, "no option '--epoch-count'"},
    {"an option as others call it", {"train", "vae", "--output-dir", "x"}, 2, NULL, "did you mean '--out'?"},
    {"a choice that is nearly one", {"train", "vae", "--set", "activation=rleu"}, 2, NULL, "did you mean 'relu'?"},
    {"misspelt option ahead of a command", {"--verison"}, 2, NULL, "did you mean '--version'?"},
    {"misspelt help", {"train", "vae", "--helpp"}, 2, NULL, "did you mean '--help'?"},
    {"version as a command", {"version"}, 2, NULL, "did you mean '--version'?"},
    {"help in capitals", {"Help"}, 2, NULL, "did you mean 'help'?"},
    {"a GPU that is nearly one", {"explain", "vae", "--for", "rx790"}, 2, NULL, "did you mean 'rx7900'?"},
    {"and as compilers call it", {"explain", "vae", "--isa", "gfx110"}, 2, NULL, "did you mean 'gfx1100'?"},
    {"a command in capitals", {"TRAIN", "vae"}, 2, NULL, "did you mean 'train'?"},
    {"a model in capitals", {"train", "VAE"}, 2, NULL, "did you mean 'vae'?"},
    {"misspelt score", {"score", "run", "--by", "elbow"}, 2, NULL, "did you mean 'elbo'?"},
    {"a value that comes with a metric", {"eval", "run", "--metric", "kl"}, 2, NULL, "comes with the metric elbo"},
    {"setting as an option", {"train", "vae", "--lr", "0.1"}, 2, NULL, "did you mean '--set lr=VALUE'?"},
    {"by its name elsewhere", {"train", "vae", "--learning-rate", "1"}, 2, NULL, "did you mean '--set lr=VALUE'?"},
    {"option as a setting", {"train", "vae", "--set", "batch=32"}, 2, NULL, "but an option: --batch 32"},
    {"flag as a setting", {"train", "vae", "--set", "stream=yes"}, 2, NULL, "but an option: --stream\n"},
    {"option by its name elsewhere", {"train", "vae", "--batch-size", "32"}, 2, NULL, "did you mean '--batch'?"},
    {"key by its name elsewhere", {"train", "vae", "--set", "learning_rate=1"}, 2, NULL, "did you mean 'lr'?"},
    {"metric by its name elsewhere", {"train", "vae", "--watch", "FID"}, 2, NULL, "did you mean 'frechet'?"},
    {"one that the model has not", {"train", "vae", "--levels", "2"}, 2, NULL, "did you mean '--labels'?"},
    {"one of training, at use", {"eval", "@/vae", "--lr", "3"}, 2, NULL, "no option '--lr' ('duet eval --help'"},
    {"another", {"reconstruct", "--hidden", "8", "@/vae"}, 2, NULL, "no option '--hidden' ('duet reconstruct"},
    {"one of use as an option", {"eval", "@/vae", "--k", "9"}, 2, NULL, "did you mean '--set k=VALUE'?"},
    {"behind other words", {"invert", "--steps", "9", "@/vae"}, 2, NULL, "did you mean '--set steps=VALUE'?"},
    {"one that the command does not read", {"sample", "@/vae", "--steps", "9"}, 2, NULL, "'--steps' ('duet sample"},
    {"one of use, of no run", {"eval", "@/nowhere", "--k", "9"}, 2, NULL, "no option '--k' ('duet eval --help'"},
    {"misspelt data set", {"train", "vae", "--data", "fashon-mnist"}, 2, NULL, "did you mean 'fashion-mnist'?"},
    {"misspelt data set to judge on", {"eval", "@/vae", "--data", "ring9"}, 2, NULL, "did you mean 'ring8'?"},
    {"misspelt data set to explain", {"explain", "vae", "--data", "sixgaussians"}, 2, NULL, "is neither a data set"},
    {"setting of another procedure", {"sample", "@/vae", "--set", "steps=3"}, 1, NULL, "--set steps=3 has no effect"},
    {"misspelt option", {"train", "vae", "--sede", "3"}, 2, NULL, "did you mean '--seed'?"},
    {"unknown letter", {"sample", "run", "-x"}, 2, NULL, "no option '-x'"},
    {"option without its value", {"train", "vae", "--epochs"}, 2, NULL, "--epochs needs a value"},
    {"flag with a value", {"train", "vae", "--quiet=yes"}, 2, NULL, "takes no value"},
    {"data without their option", {"train", "vae", "@/vae"}, 2, NULL, "if it is the data, say '--data "},
    {"a word too many", {"train", "vae", "gan"}, 2, NULL, "has no use for 'gan'"},
    {"number that is none", {"train", "vae", "--epochs", "ten"}, 2, NULL, "not 'ten'"},
    {"number with a tail", {"train", "vae", "--epochs", "3x"}, 2, NULL, "not '3x'"},
    {"negative number", {"train", "vae", "--batch", "-1"}, 2, NULL, "not '-1'"},
    {"zero epochs", {"train", "vae", "--epochs", "0"}, 2, NULL, "from 1"},
    {"number past 64 bits", {"train", "vae", "--steps", "99999999999999999999"}, 2, NULL, "--steps"},
    {"seed of 2^63", {"train", "vae", "--seed", "9223372036854775808"}, 2, NULL, "--seed"},
    {"epochs and steps", {"train", "vae", "--epochs", "1", "--steps", "1"}, 2, NULL, "give one of them"},
    {"setting without a value", {"train", "vae", "--set", "beta"}, 2, NULL, "KEY=VALUE"},
    {"unknown key", {"train", "vae", "--set", "beat=4"}, 2, NULL, "did you mean 'beta'?"},
    {"bad value of a key", {"train", "vae", "--data", "ring8", "--set", "beta=much", "--out", "@/r"}, 2, NULL, "beta"},
    {"a large count", {"train", "vae", "--set", "lr_steps=2e9"}, 2, NULL, "not a whole number from 0 to 1000000000"},
    {"too many widths",
     {"train", "vae", "--set", "hidden=9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9"},
     2,
     NULL,
     "not a list of at most 16 layer widths from 1 to 1048576, such"},
    {"a long number",
     {"train", "vae", "--set", "lr=0.00000000000000000000000000000000000000000000000000000000000000000000000000000001"},
     2,
     NULL,
     "characters: write it shorter"},
    {"bad value, missing data", {"train", "vae", "--data", "/nowhere/x.npy", "--set", "lr=abc"}, 2, NULL, "lr"},
    {"unknown data set", {"train", "vae", "--data", "ring9", "--out", "@/r"}, 2, NULL, "ring8"},
    {"unknown data set to judge on", {"eval", "@/vae", "--data", "ring9"}, 2, NULL, "ring8"},
    {"unknown data set to reconstruct", {"reconstruct", "@/vae", "--data", "ring9"}, 2, NULL, "ring8"},
    {"unknown matrix product",
     {"train", "vae", "--data", "ring8", "--gemm", "quick", "--out", "@/r"},
     2,
     NULL,
     "quick"},
    {"unknown matrix product, missing data",
     {"train", "vae", "--data", "/nowhere/x.npy", "--gemm", "quick"},
     2,
     NULL,
     "quick"},
    {"one file of features",
     {"eval", "run", "--features", "a.npy"},
     2,
     NULL,
     "--features a.npy alone: give it once more"},
    {"a run directory without a name", {"train", "vae", "--data", "ring8", "--out", ""}, 2, NULL, "of 0 characters"},
    {"pictures too large", {"data", "@/few.npy", "--size", "70000x70000"}, 2, NULL, "1 to 65536 each"},
    {"unknown matrix product to resume with", {"train", "--resume", "@/none", "--gemm", "quick"}, 2, NULL, "quick"},
    {"unknown metric", {"eval", "run", "--metric", "elob"}, 2, NULL, "did you mean 'elbo'?"},
    {"picture of an unknown kind", {"sample", "run", "--out", "a.jpg"}, 2, NULL, ".png or .npy"},
    {"row of one step", {"interpolate", "run", "--steps", "1"}, 2, NULL, "from 2"},
    {"encode --help", {"encode", "--help"}, 0, "FILE-labels.npy", NULL},
    {"manifold of a number", {"sample", "run", "--manifold", "4", "-n", "3"}, 2, NULL, "leave -n out"},
    {"a manifold by a seed", {"sample", "run", "--manifold", "4", "--seed", "3"}, 2, NULL, "leave --seed out"},
    {"a lesson's options without a kernel", {"lesson", "1", "--no-times"}, 2, NULL, "are for a kernel of yours"},
    {"and without a lesson", {"lesson", "--device", "0"}, 2, NULL, "are for a kernel of yours"},
    {"examples by number and by count", {"invert", "run", "--example", "1", "-n", "2"}, 2, NULL, "leave -n out"},
    {"a provider that is none", {"train", "vae", "--gemm", "conv-pannel"}, 2, NULL, "did you mean 'conv-panel'?"},
    {"and to explain", {"explain", "vae", "--gemm", "unfoldd"}, 2, NULL, "did you mean 'unfold'?"},
    {"an example of no number",
     {"invert", "run", "--example", "first"},
     2,
     NULL,
     "--example takes a whole number from 0"},
    {"a latent of no number", {"traverse", "run", "--latent", "abc"}, 2, NULL, "--latent takes a whole number from 0"},
    {"latents by number and by count", {"traverse", "run", "--latent", "1", "-n", "2"}, 2, NULL, "leave -n out"},
    {"a curve of examples", {"score", "run", "--curve", "a.png", "-n", "2"}, 2, NULL, "no meaning beside it"},
    {"a seed of examples", {"features", "run", "--split", "test", "--seed", "0"}, 2, NULL, "are for samples"},
    {"manifold of one", {"sample", "run", "--manifold", "1"}, 2, NULL, "from 2"},
    {"split of a third kind", {"encode", "run", "--split", "valid"}, 2, NULL, "train, test or all"},
    {"codes of an unknown kind", {"encode", "run", "--out", "a.csv"}, 2, NULL, ".png or .npy"},
    {"preset of an unknown kind", {"train", "gan-conv", "--set", "preset=best"}, 2, NULL, "none|original"},
    {"preset of a model without", {"train", "vae", "--set", "preset=original"}, 2, NULL, "no setting 'preset'"},
    {"points for convolutions", {"train", "vae-conv", "--data", "ring8", "--out", "@/r"}, 1, NULL, "needs pictures"},
    {"points for a classifier", {"train", "classifier", "--data", "ring8", "--out", "@/r"}, 1, NULL, "needs pictures"},
    {"sample without a run", {"sample"}, 2, NULL, "needs RUN"},

    {"unknown device", {"train", "vae", "--data", "ring8", "--device", "abacus", "--out", "@/r"}, 3, NULL, "abacus"},
    {"doctor on an unknown device", {"doctor", "--device", "abacus"}, 3, NULL, "abacus"},

    {"missing data", {"train", "vae", "--data", "/nowhere/x.npy", "--out", "@/r"}, 1, NULL, "/nowhere/x.npy"},
    {"truncated array", {"train", "vae", "--data", "@/short.npy", "--out", "@/r"}, 1, NULL, "short.npy"},
    {"no array at all", {"train", "vae", "--data", "@/text.npy", "--out", "@/r"}, 1, NULL, "text.npy"},
    {"batch larger than the data",
     {"train", "vae", "--data", "@/few.npy", "--batch", "4096", "--out", "@/r"},
     1,
     NULL,
     "too few"},
    {"run directory that cannot be made",
     {"train", "vae", "--data", "ring8", "--steps", "1", "--out", "/proc/nowhere/run"},
     1,
     NULL,
     "/proc/nowhere"},
    {"a run directory in the place of a file",
     {"train", "vae", "--data", "ring8", "--steps", "1", "--out", "@/few.npy"},
     1,
     NULL,
     "there is a file in its place"},
    {"a run directory of too long a name",
     {"train", "vae", "--data", "ring8", "--steps", "1", "--out", "@/" LONG_NAME},
     1,
     NULL,
     "cannot be made: File name too long"},
    {"a file of a run to resume",
     {"train", "--resume", "@/broken/run.json"},
     1,
     NULL,
     "run.json is a file: the directory"},
    {"a best that was not kept", {"sample", "@/vae/best.safetensors"}, 1, NULL, "--keep-best METRIC writes"},
    {"run that is not there", {"sample", "@/none"}, 1, NULL, "none"},
    {"resuming what is not there", {"train", "--resume", "@/none"}, 1, NULL, "none"},
    {"run file that is no JSON", {"eval", "@/broken"}, 1, NULL, "run.json is cut or damaged (line 1"},

    {"devices", {"devices"}, 0, "memory", NULL},
    {"models", {"models"}, 0, "vae", NULL},
    {"datasets", {"datasets"}, 0, "two-peaks", NULL},
};
enum { CASES = sizeof cases / sizeof *cases };

static void command_line(void **state)
{
    const command_case *row = *state;
    char path[PATH_SIZE];
    expect(run(row->words), row->status, row->out, row->err);
    assert_int_equal(access(inside("r", path), F_OK), -1); /* a command that fails so early leaves nothing behind */
}

/* ---- documents ---- */

static void lists_are_documents(void **state)
{
    (void)state;
    static const char *const lists[] = {"devices", "models", "datasets"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_t *parsed = document(RUN(lists[i], "--json"));
        assert_true(json_array_size(json_object_get(parsed, lists[i])) > 0);
        json_decref(parsed);
    }
}

static void one_device_is_the_default(void **state)
{
    (void)state;
    json_t *parsed = document(RUN("devices", "--json")), *device;
    size_t index, defaults = 0;
    json_array_foreach(json_object_get(parsed, "devices"), index, device)
    {
        assert_int_equal(json_integer_value(json_object_get(device, "index")), index);
        defaults += json_is_true(json_object_get(device, "default"));
    }
    assert_int_equal(defaults, 1);
    json_decref(parsed);
}

/* ---- runs ---- */

static void training_names_its_run_and_nothing_else(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    result r = RUN("train", "vae", "--data", "ring8", "--steps", "2", "--quiet", "--out", "@/quiet");
    assert_string_equal(r.err, "");
    assert_string_equal(r.out, inside("quiet\n", path));
    expect(r, 0, NULL, NULL);
    expect(RUN("train", "vae", "--data", "ring8", "--out", "@/quiet"), 1, NULL, "already holds a run");
    r = RUN("train", "gan", "--data", "ring8", "--steps", "1", "--set", "label_noise=0.5", "--set",
            "generator_hidden=4", "--set", "discriminator_hidden=4", "--quiet", "--out", "@/warned");
    assert_ptr_equal(strstr(r.err, "warning: label_noise=0.5"), r.err);
    expect(r, 0, "warned", NULL);
}

static void a_profile_lists_kernels(void **state)
{
    (void)state;
    expect(RUN("train", "vae", "--data", "ring8", "--steps", "2", "--profile", "--out", "@/profile"), 0, "FLOP/s",
           NULL);
}

/* It is read on another thread, which changes nothing of what a person is told; no folder of the run stays behind. */
static void a_damaged_data_set_is_refused(void **state)
{
    (void)state;
    enum { ROWS = 2000, COLUMNS = 500 };
    static uint8_t bytes[12 + ROWS * COLUMNS] = {
        0, 0, 8, 2, 0, 0, ROWS >> 8, ROWS & 255, 0, 0, COLUMNS >> 8, COLUMNS & 255};
    char path[PATH_SIZE];
    size_t size;
    for (size_t i = 12; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * i / 7);
    gzFile file = gzopen(inside("pictures.idx.gz", path), "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, sizeof bytes), sizeof bytes);
    assert_int_equal(gzclose(file), Z_OK);
    char *packed = test_file_read(path, &size);
    packed[size - 8] ^= 1; /* of the checksum: only reading it all can tell */
    test_file_write(path, packed, size);
    expect(RUN("train", "ae", "--data", "@/pictures.idx.gz", "--steps", "2", "--out", "@/damaged"), 1, NULL,
           "pictures.idx.gz: damaged gzip file");
    assert_int_equal(access(inside("damaged", path), F_OK), -1);
    packed[size - 8] ^= 1;
    packed[size - 4] ^= 1; /* of the length */
    test_file_write(inside("pictures.idx.gz", path), packed, size);
    free(packed);
    expect(RUN("train", "ae", "--data", "@/pictures.idx.gz", "--steps", "2", "--out", "@/damaged"), 1, NULL,
           "pictures.idx.gz: damaged gzip file");
    assert_int_equal(access(inside("damaged", path), F_OK), -1);
}

/* Wide layers make a checkpoint of 12 MB; the driver may still write its kernels under the limit. */
static void a_full_disk_leaves_no_half_checkpoint(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4 << 20;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    result r = RUN("train", "vae", "--data", "ring8", "--steps", "2", "--set", "hidden=1024,500", "--out", "@/full");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    expect(r, 1, NULL, "checkpoint.safetensors");
    assert_int_equal(access(inside("full/checkpoint.safetensors", path), F_OK), -1);
    expect(RUN("sample", "@/full"), 1, NULL, "checkpoint");
}

static void results_that_cannot_be_written_are_a_failure(void **state)
{
    (void)state;
    posix_spawn_file_actions_t actions;
    char *arguments[] = {(char *)PROGRAM, (char *)"models", NULL};
    pid_t child;
    int status;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 1, "/dev/full", O_WRONLY, 0), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0), 0);
    assert_int_equal(posix_spawn(&child, PROGRAM, &actions, NULL, arguments, environ), 0);
    assert_int_equal(posix_spawn_file_actions_destroy(&actions), 0);
    while (waitpid(child, &status, 0) < 0) assert_int_equal(errno, EINTR);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

static void without_a_driver_there_is_no_device(void **state)
{
    (void)state;
    const char *value = getenv("OCL_ICD_VENDORS");
    char *before = value != NULL ? strdup(value) : NULL;
    setenv("OCL_ICD_VENDORS", folder, 1);
    result trained = RUN("train", "vae", "--data", "ring8", "--out", "@/r"), listed = RUN("devices", "--json");
    if (before != NULL)
        setenv("OCL_ICD_VENDORS", before, 1);
    else
        unsetenv("OCL_ICD_VENDORS");
    free(before);
    expect(trained, 3, NULL, "pocl-opencl-icd");
    json_t *parsed = document(listed);
    assert_int_equal(json_array_size(json_object_get(parsed, "devices")), 0);
    json_decref(parsed);
}

/* The work failed, though there is a device. */
static void a_kernel_that_does_not_compile_is_a_failure(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    (void)mkdir(inside("kernels", path), 0777);
    test_file_write(inside("kernels/elementwise.cl", path), "no kernel", 9);
    setenv("DUET_CL_PATH", inside("kernels", path), 1);
    result trained = RUN("train", "vae", "--data", "ring8", "--out", "@/r");
    unsetenv("DUET_CL_PATH");
    expect(trained, 1, NULL, "does not compile");
    assert_int_equal(access(inside("r", path), F_OK), -1);
}

/* `2>&1 | tee log` dies of the same Ctrl-C: what is said then has no reader, and the run ends as it should. */
static void an_interrupted_training_needs_no_reader(void **state)
{
    (void)state;
    char path[PATH_SIZE], run_path[PATH_SIZE];
    int ends[2];
    pid_t child;
    posix_spawn_file_actions_t actions;
    char *arguments[] = {(char *)PROGRAM, (char *)"train",   (char *)"vae",      (char *)"--data",
                         (char *)"ring8", (char *)"--steps", (char *)"10000000", (char *)"--checkpoint-every",
                         (char *)"50",    (char *)"--out",   run_path,           NULL};
    const struct timespec pause = {.tv_nsec = 20000000};
    (void)inside("unread", run_path);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(
        posix_spawn_file_actions_addopen(&actions, 1, inside("out", path), O_WRONLY | O_CREAT | O_TRUNC, 0666), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, ends[1], 2), 0);
    assert_int_equal(posix_spawn(&child, PROGRAM, &actions, NULL, arguments, environ), 0);
    assert_int_equal(posix_spawn_file_actions_destroy(&actions), 0);
    assert_int_equal(close(ends[1]), 0);
    for (int i = 0; i < 3000 && access(inside("unread/checkpoint.safetensors", path), F_OK) != 0; i++)
        (void)nanosleep(&pause, NULL);
    assert_int_equal(kill(child, SIGINT), 0);
    expect(finish(child), 130, "unread", NULL);
}

/* Ctrl-C once the training is under way: 130, a checkpoint, and the run goes on from there. */
static void an_interrupted_training_goes_on(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    const struct timespec pause = {.tv_nsec = 20000000};
    pid_t child = start((const char *const[]){"train", "vae", "--data", "ring8", "--steps", "10000000",
                                              "--checkpoint-every", "50", "--out", "@/stopped", NULL});
    for (int i = 0; i < 3000 && access(inside("stopped/checkpoint.safetensors", path), F_OK) != 0; i++)
        (void)nanosleep(&pause, NULL);
    assert_int_equal(kill(child, SIGINT), 0);
    expect(finish(child), 130, "stopped", "--resume");
    assert_int_equal(access(path, F_OK), 0);
    expect(RUN("train", "--resume", "@/stopped", "--steps", "1"), 0, "stopped", "steps already");
}

/* A latent cannot vary over one example: that is no number of active ones. */
static void active_units_need_two_examples(void **state)
{
    (void)state;
    expect(RUN("train", "vae", "--data", "@/pair", "--batch", "8", "--steps", "2", "--quiet", "--out", "@/lone"), 0,
           "lone", NULL);
    expect(RUN("eval", "@/lone", "--metric", "active-units"), 1, "", "needs at least 2 examples");
}

static void an_autoencoder_says_why_it_has_no_samples(void **state)
{
    (void)state;
    expect(RUN("train", "ae", "--data", "ring8", "--steps", "2", "--quiet", "--out", "@/ae"), 0, "ae", NULL);
    expect(RUN("sample", "@/ae"), 1, "", "no distribution to draw them from");
    expect(RUN("interpolate", "@/ae", "-n", "1"), 0, "interpolation.png", NULL); /* as it says */
    expect(RUN("reconstruct", "@/ae", "-n", "1"), 0, "reconstruction.png", NULL);
}

static void write_inputs(void)
{
    static const float values[64 * 2];
    char path[PATH_SIZE];
    duet_error error = {0};
    size_t size;
    (void)mkdir(inside("pair", path), 0777);
    assert_ok(duet_write_npy(inside("pair/test.npy", path), values, DUET_SHAPE(1, 2), &error), &error);
    assert_ok(duet_write_npy(inside("pair/train.npy", path), values, DUET_SHAPE(64, 2), &error), &error);
    assert_ok(duet_write_npy(inside("few.npy", path), values, DUET_SHAPE(64, 2), &error), &error);
    char *whole = test_file_read(path, &size);
    test_file_write(inside("short.npy", path), whole, size - 1);
    free(whole);
    test_file_write(inside("text.npy", path), "words", 5);
    (void)mkdir(inside("broken", path), 0777);
    test_file_write(inside("broken/run.json", path), "{", 1);
}

static int begin(void **state)
{
    (void)make_folder(state);
    write_inputs();
    expect(RUN("train", "vae", "--data", "ring8", "--steps", "4", "--out", "@/vae"), 0, "/vae", NULL);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(lists_are_documents),
        cmocka_unit_test(one_device_is_the_default),
        cmocka_unit_test(training_names_its_run_and_nothing_else),
        cmocka_unit_test(a_profile_lists_kernels),
        cmocka_unit_test(a_damaged_data_set_is_refused),
        cmocka_unit_test(a_full_disk_leaves_no_half_checkpoint),
        cmocka_unit_test(results_that_cannot_be_written_are_a_failure),
        cmocka_unit_test(without_a_driver_there_is_no_device),
        cmocka_unit_test(a_kernel_that_does_not_compile_is_a_failure),
        cmocka_unit_test(active_units_need_two_examples),
        cmocka_unit_test(an_autoencoder_says_why_it_has_no_samples),
        cmocka_unit_test(an_interrupted_training_goes_on),
        cmocka_unit_test(an_interrupted_training_needs_no_reader),
    };
    enum { OTHERS = sizeof others / sizeof *others };
    struct CMUnitTest tests[CASES + OTHERS];
    for (size_t i = 0; i < CASES; i++) tests[i] = TEST_ROW(cases[i].name, command_line, &cases[i]);
    memcpy(tests + CASES, others, sizeof others);
    return RUN_TESTS("cli", tests, begin, remove_folder);
}
