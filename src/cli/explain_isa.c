/* SPDX-License-Identifier: MIT */
/* A kernel in the instructions of a GPU that need not be here: clang and libclc compile the program of a device on
 * paper to AMD's assembly, with what it says of registers and occupancy, or to NVIDIA's PTX. */
#include "cli/explain.h"
#include "cli/options.h"
#include "cli/output.h"

#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MOST_WORDS = 64, NEWEST_CLANG = 25, OLDEST_CLANG = 15 };

/* How clang is asked for a vendor's code, and where a kernel begins and ends in it. */
typedef struct vendor {
    const char *targets; /* how their names begin */
    const char *triple, *builtins;
    const char *head, *tail; /* around the kernel's name where it begins */
    const char *end, *close; /* what ends it, and is printed for that */
} vendor;

static const vendor vendors[] = {
    {"gfx", "amdgcn--amdhsa", "amdgcn--amdhsa.bc", "\n", ":", "\n; COMPUTE_PGM", ""},
    {"sm_", "nvptx64-nvidia-nvcl", "nvptx64--nvidiacl.bc", ".entry ", "(", "\n}\n", "}\n"},
};

typedef struct compiler {
    char clang[32], builtins[96];
} compiler;

static bool is_program(const char *name)
{
    const char *path = getenv("PATH");
    char file[512];
    for (size_t length; path != NULL; path = path[length] == ':' ? path + length + 1 : NULL) {
        length = strcspn(path, ":");
        snprintf(file, sizeof file, "%.*s/%s", (int)length, path, name);
        if (access(file, X_OK) == 0) return true;
    }
    return false;
}

/* The newest clang, and libclc's built-ins: of its own version where there are several. */
static bool find_compiler(const vendor *of, compiler *found)
{
    for (int number = NEWEST_CLANG; number >= OLDEST_CLANG; number--) {
        snprintf(found->clang, sizeof found->clang, "clang-%d", number);
        if (!is_program(found->clang)) continue;
        snprintf(found->builtins, sizeof found->builtins, "/usr/lib/llvm-%d/lib/clang/%d/lib/clc/%s", number, number,
                 of->builtins);
        if (access(found->builtins, R_OK) == 0) return true;
        snprintf(found->builtins, sizeof found->builtins, "/usr/lib/clc/%s", of->builtins);
        if (access(found->builtins, R_OK) == 0) return true;
    }
    return false;
}

/* The command's words; the options are cut in place. False: there are too many. */
static bool list_words(const compiler *with, const vendor *of, const char *processor, char *options,
                       const char *words[MOST_WORDS])
{
    const char *const fixed[] = {with->clang, "-w",
                                 "-x",        "cl",
                                 "-O3",       "-nogpulib",
                                 "-target",   of->triple,
                                 "-Xclang",   "-target-cpu",
                                 "-Xclang",   processor,
                                 "-Xclang",   "-finclude-default-header",
                                 "-Xclang",   "-mlink-bitcode-file",
                                 "-Xclang",   with->builtins,
                                 "-S",        "-o",
                                 "-",         "-"};
    size_t count = CLI_COUNT_OF(fixed);
    memcpy(words, fixed, sizeof fixed);
    for (char *word = strtok(options, " "); word != NULL; word = strtok(NULL, " ")) {
        if (count + 1 == MOST_WORDS) return false;
        words[count++] = word;
    }
    words[count] = NULL;
    return true;
}

/* Runs the command from one file to another. */
static bool run_from_to(const char *const words[], FILE *from, FILE *to)
{
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status = -1;
    if (posix_spawn_file_actions_init(&actions) != 0) return false;
    bool fine = posix_spawn_file_actions_adddup2(&actions, fileno(from), STDIN_FILENO) == 0 &&
                posix_spawn_file_actions_adddup2(&actions, fileno(to), STDOUT_FILENO) == 0 &&
                posix_spawnp(&child, words[0], &actions, NULL, (char *const *)words, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    return fine && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* All of a file as text, after a line's end so that its first line is found like any; the caller frees it. */
static char *read_whole(FILE *file)
{
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    char *text = size < 0 || fseek(file, 0, SEEK_SET) != 0 ? NULL : malloc((size_t)size + 2);
    if (text == NULL) return NULL;
    text[0] = '\n';
    const size_t got = fread(text + 1, 1, (size_t)size, file);
    text[got + 1] = '\0';
    return text;
}

/* The code of a program, NULL if there is none. The caller frees it. */
static char *compile(const compiler *with, const vendor *of, const char *processor, const duet_paper_program *program)
{
    const char *words[MOST_WORDS];
    char *options = strdup(program->options), *code = NULL;
    FILE *from = tmpfile(), *to = tmpfile();
    if (options != NULL && from != NULL && to != NULL && list_words(with, of, processor, options, words) &&
        fputs(program->source, from) >= 0 && fflush(from) == 0 && fseek(from, 0, SEEK_SET) == 0 &&
        run_from_to(words, from, to))
        code = read_whole(to);
    if (from != NULL) (void)fclose(from);
    if (to != NULL) (void)fclose(to);
    free(options);
    return code;
}

/* What is said to the assembler, and not to the GPU. */
static bool is_directive(const char *line)
{
    line += strspn(line, "\t");
    return strncmp(line, ".amdhsa", 7) == 0 || strncmp(line, ".end_amdhsa", 11) == 0 ||
           strncmp(line, ".section", 8) == 0 || strncmp(line, ".p2align", 8) == 0 || strncmp(line, ".text", 5) == 0;
}

static bool print_kernel(const vendor *of, const char *code, const char *name, const char *function)
{
    char start[128];
    snprintf(start, sizeof start, "%s%s%s", of->head, function, of->tail);
    const char *first = strstr(code, start);
    if (first == NULL) return false;
    first += first[0] == '\n';
    const char *last = strstr(first, of->end);
    if (last == NULL) last = first + strlen(first);
    printf("; %s\n", name);
    for (size_t length; first < last; first += length) {
        length = strcspn(first, "\n") + 1;
        if (!is_directive(first)) printf("%.*s", (int)length, first);
    }
    printf("%s\n", of->close);
    return true;
}

/* Whether an earlier launch shows the same kernel. */
static bool was_shown(const cli_step *step, size_t phase, size_t index)
{
    const duet_explained_launch *launch = &step->phases[phase].plan.launches[index];
    for (size_t i = 0; i <= phase; i++)
        for (size_t j = 0; j < (i < phase ? step->phases[i].plan.launch_count : index); j++) {
            const duet_explained_launch *other = &step->phases[i].plan.launches[j];
            if (!other->library && other->program == launch->program && strcmp(other->function, launch->function) == 0)
                return true;
        }
    return false;
}

static bool is_wanted(const duet_explained_launch *launch, const char *kernel)
{
    return !launch->library && (kernel == NULL || strcmp(launch->function, kernel) == 0 ||
                                strncmp(launch->name, kernel, strlen(kernel)) == 0);
}

static int print_wanted(const cli_step *step, const compiler *with, const vendor *of, const char *kernel)
{
    const char *target = duet_device_paper(step->device)->target;
    size_t shown = 0, compiled = SIZE_MAX;
    char *code = NULL;
    int status = CLI_DONE;
    for (size_t i = 0; i < step->count && status == CLI_DONE; i++)
        for (size_t j = 0; j < step->phases[i].plan.launch_count && status == CLI_DONE; j++) {
            const duet_explained_launch *launch = &step->phases[i].plan.launches[j];
            if (!is_wanted(launch, kernel) || was_shown(step, i, j)) continue;
            if (compiled != launch->program) {
                free(code);
                code = compile(with, of, target, duet_device_paper_program(step->device, launch->program));
                compiled = launch->program;
            }
            shown++;
            if (code == NULL)
                status = cli_complain(CLI_FAILED, "%s cannot compile the program of %s for %s: what it says is above",
                                      with->clang, launch->name, target);
            else if (!print_kernel(of, code, launch->name, launch->function))
                status =
                    cli_complain(CLI_FAILED, "%s left no kernel %s in what it made", with->clang, launch->function);
        }
    free(code);
    if (shown == 0 && status == CLI_DONE)
        return cli_complain(CLI_MISTAKE, "no kernel of this step is called '%s': 'duet explain' lists them", kernel);
    return status;
}

int cli_explain_isa(const cli_step *step, const char *kernel)
{
    const char *target = duet_device_paper(step->device)->target;
    compiler with;
    for (size_t i = 0; target != NULL && i < CLI_COUNT_OF(vendors); i++) {
        if (strncmp(target, vendors[i].targets, strlen(vendors[i].targets)) != 0) continue;
        if (find_compiler(&vendors[i], &with)) return print_wanted(step, &with, &vendors[i], kernel);
        return cli_complain(
            CLI_FAILED, "no clang with libclc's %s is here: on Debian, apt-get install clang-19 libclc-19 brings them",
            vendors[i].builtins);
    }
    return cli_complain(CLI_MISTAKE,
                        "--isa is for GPUs of AMD (gfx1100, ...) and NVIDIA (sm_80, ...): for %s there is no "
                        "compiler that prints its code",
                        duet_device_describe(step->device)->name);
}
