/* SPDX-License-Identifier: MIT */
/* Making a run's folder, and the paths that go into it. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "run/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "base/text.h"
#include "data/options.h"
#include "duet/data.h"
#include "duet/run.h"

static duet_status fail_make(const char *path, int code, duet_error *error)
{
    char here[DUET_RUN_PATH] = "";
    const bool outside = path[0] == '/' || getcwd(here, sizeof here) == NULL;
    struct stat about;
    const bool is_taken = code == EEXIST || code == ENOTDIR;
    const bool dangles = is_taken && lstat(path, &about) == 0 && S_ISLNK(about.st_mode) && stat(path, &about) != 0;
    const char *words = dangles    ? "there is a link in its place that leads nowhere: remove the link"
                        : is_taken ? "there is a file in its place"
                                   : strerror(code);
    return duet_fail(error, DUET_ERROR_FILE, "the folder %s%s%s cannot be made: %s%s", path, outside ? "" : " in ",
                     outside ? "" : here, words,
                     code == EACCES || code == EROFS ? ": name one of yours with --out" : "");
}

/* *code: why it could not be made; where it cannot be looked at what lies there is not known. */
static bool is_folder(const char *path, int *code)
{
    struct stat about;
    if (stat(path, &about) == 0) return S_ISDIR(about.st_mode);
    if (errno != ENOENT) *code = errno;
    return false;
}

/* A folder that lasts: files that are synced in it are lost with it. Sets errno. */
static bool make_folder(const char *path)
{
    if (mkdir(path, 0777) != 0) return false;
    duet_file_sync_name(path);
    return true;
}

/* mkdir -p. *made: the last folder is new. */
static duet_status make_folders(char *path, bool *made, duet_error *error)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL) *slash = '\0';
        *made = make_folder(path);
        int code = errno; /* of mkdir: looking changes it */
        duet_status status = *made || is_folder(path, &code) ? DUET_OK : fail_make(path, code, error);
        if (slash != NULL) *slash = '/';
        if (status != DUET_OK || slash == NULL) return status;
    }
}

/* A name or path made fit for a folder's name: its last part without endings, plain characters only. */
static void short_name(const char *path, char text[64])
{
    size_t length = strlen(path), used = 0;
    while (length > 1 && path[length - 1] == '/') length--;
    size_t start = length;
    while (start > 0 && path[start - 1] != '/') start--;
    for (size_t i = start; i < length && used < 63; i++) {
        char c = path[i];
        if (c == '.' && used > 0) break;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        text[used++] = plain ? c : '_';
    }
    if (used == 0) memcpy(text, "data", used = 4);
    text[used] = '\0';
}

/* mkdir finds and takes a free number atomically, so several trainings can start at once. */
static duet_status make_numbered(const char *model, const char *data, char path[DUET_RUN_PATH], bool *made,
                                 duet_error *error)
{
    char name[64], family[64], runs[] = "runs";
    duet_data_options options;
    DUET_TRY(duet_data_options_read(&options, data, error));
    short_name(options.path, name);
    short_name(model, family);
    duet_data_options_free(&options);
    DUET_TRY(make_folders(runs, made, error));
    for (unsigned number = 1; number < 100000; number++) {
        snprintf(path, DUET_RUN_PATH, "runs/%s-%s-%u", family, name, number);
        *made = make_folder(path);
        if (*made) return DUET_OK;
        if (errno != EEXIST) return fail_make(path, errno, error);
    }
    return duet_fail(error, DUET_ERROR_FILE, "no free name is left in runs/: give one with --out");
}

bool duet_run_folder_holds(const char *path, const char *name)
{
    char file[DUET_RUN_PATH + 32];
    snprintf(file, sizeof file, "%s/%s", path, name);
    return duet_path_is_there(file);
}

/* What cannot be looked into is not taken for a folder that holds something. */
static duet_status check_seen(const char *path, duet_error *error)
{
    struct stat about;
    bool seen = stat(path, &about) == 0 ? !S_ISDIR(about.st_mode) || access(path, X_OK) == 0
                                        : errno == ENOENT || errno == ENOTDIR;
    int code = errno;
    if (seen || !is_folder(path, &code)) return seen ? DUET_OK : fail_make(path, code, error);
    return duet_fail(error, DUET_ERROR_FILE, "the folder %s cannot be looked into: %s: name one of yours with --out",
                     path, strerror(code));
}

/* The number of an epoch's picture, epoch-NNNN.png or epoch-NNNN-reconstruction.png; 0: it is none. */
static uint64_t picture_epoch(const char *name)
{
    char *end;
    if (strncmp(name, "epoch-", 6) != 0 || name[6] < '0' || name[6] > '9') return 0;
    uint64_t epoch = strtoull(name + 6, &end, 10);
    return strcmp(end, ".png") == 0 || strcmp(end, "-reconstruction.png") == 0 ? epoch : 0;
}

/* Refuses a picture or an array that somebody's use of a run has left in the folder `name`; pictures of epochs are made
 * anew. */
static duet_status check_no_use(const char *path, const char *name, duet_error *error)
{
    char *inner = duet_path_join(path, name), found[256] = "";
    if (inner == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    DIR *folder = opendir(inner);
    for (struct dirent *entry; folder != NULL && *found == '\0' && (entry = readdir(folder)) != NULL;) {
        const char *dot = strrchr(entry->d_name, '.');
        const bool used = dot != NULL && (strcmp(dot, ".png") == 0 || strcmp(dot, ".npy") == 0);
        if (used && picture_epoch(entry->d_name) == 0) (void)snprintf(found, sizeof found, "%s", entry->d_name);
    }
    if (folder != NULL) (void)closedir(folder);
    free(inner);
    if (*found == '\0') return DUET_OK;
    return duet_fail(error, DUET_ERROR_FILE,
                     "%s holds %s/%s, but no run.json that says what run it is of: move %s/%s away, or choose another "
                     "--out",
                     path, name, found, path, name);
}

duet_status duet_run_folder_check_unused(const char *path, duet_error *error)
{
    /* what pages read: an evaluation would count as the new run's own */
    static const char *const parts[] = {"checkpoint.safetensors", "best.safetensors", "metrics.jsonl",
                                        "evaluation.json", "best-evaluation.json"};
    static const char *const folders[] = {"samples", "report", "best-report"}; /* of what was made by its use */
    DUET_TRY(check_seen(path, error));
    if (duet_run_folder_holds(path, "run.json"))
        return duet_fail(error, DUET_ERROR_FILE,
                         "%s already holds a run: go on with it by --resume %s, or choose another --out", path,
                         DUET_WORD("%s", path));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (duet_run_folder_holds(path, parts[i]))
            return duet_fail(error, DUET_ERROR_FILE,
                             "%s holds %s %s, but no run.json that says what run it is of: move it away, or choose "
                             "another --out",
                             path, parts[i][0] == 'e' ? "an" : "a", parts[i]);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) DUET_TRY(check_no_use(path, folders[i], error));
    return DUET_OK;
}

duet_status duet_run_folder_make(const char *out, const char *model, const char *data, char path[DUET_RUN_PATH],
                                 bool *made, duet_error *error)
{
    *made = false;
    if (out == NULL) return make_numbered(model, data, path, made, error);
    size_t length = strlen(out);
    if (length == 0 || length >= DUET_RUN_PATH - 32)
        return duet_fail(error, DUET_ERROR_USAGE, "a run directory's path of %zu characters; it has 1 to %d", length,
                         DUET_RUN_PATH - 33);
    memcpy(path, out, length + 1);
    DUET_TRY(duet_run_folder_check_unused(path, error));
    return make_folders(path, made, error);
}

duet_status duet_run_folder_make_inner(const char *path, const char *name, duet_error *error)
{
    char *inner = duet_path_join(path, name);
    if (inner == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    duet_status status = duet_folder_make(inner, error);
    free(inner);
    return status;
}

duet_status duet_folder_make(const char *path, duet_error *error)
{
    struct stat about;
    if (make_folder(path)) return DUET_OK;
    int code = errno;
    if (lstat(path, &about) != 0) return fail_make(path, code == EEXIST ? errno : code, error);
    if (S_ISDIR(about.st_mode)) return DUET_OK;
    if (code == EEXIST && S_ISLNK(about.st_mode))
        return duet_fail(error, DUET_ERROR_FILE,
                         "%s: is a link, and what is written here must not go elsewhere: remove it, or put the folder "
                         "itself in its place",
                         path);
    return fail_make(path, code, error);
}

/* Who trains, and how that is ended. A child that was forked while its parent trained holds the lock after it. */
static void tell_of_holder(long holder, duet_lock_doubt doubt, const char *path, char words[400])
{
    if (holder <= 0)
        (void)snprintf(words, 400, "another process: wait until that ends");
    else if (holder == (long)getpid())
        (void)snprintf(words, 400,
                       "a process of this one's number, in another thread of it or another container: wait until that "
                       "ends");
    else if (doubt == DUET_LOCK_BY_NUMBER)
        (void)snprintf(words, 400,
                       "process %ld, as far as its lock says on a file system without locks: wait until that ends, or, "
                       "if that is no training, remove %.100s/lock",
                       holder, path);
    else if (duet_lock_holder_lives(holder))
        (void)snprintf(
            words, 400,
            "process %ld: wait until that ends, or stop it (kill %ld has it write a checkpoint, and kill -CONT "
            "%ld go on if it is suspended)%s%.100s%s",
            holder, holder, holder,
            doubt == DUET_LOCK_COPIED ? ", or, if that trains what this is a copy of, remove " : "",
            doubt == DUET_LOCK_COPIED ? path : "", doubt == DUET_LOCK_COPIED ? "/lock" : "");
    else
        (void)snprintf(
            words, 400,
            "a process of another machine, or by a child that process %ld, which is gone here, has left: end "
            "it (fuser %.100s/lock names it)",
            holder, path);
}

duet_status duet_run_folder_lock(const char *path, duet_lock *lock, duet_error *error)
{
    long holder = DUET_LOCK_FREE;
    char words[400], *place = duet_run_path(path), *file = place == NULL ? NULL : duet_path_join(place, "lock");
    free(place);
    if (file == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "out of memory for a path");
    duet_status status = duet_lock_take(lock, file, &holder, error);
    free(file);
    if (status != DUET_OK || holder == DUET_LOCK_FREE) return status;
    tell_of_holder(holder, lock->doubt, path, words);
    return duet_fail(error, DUET_ERROR_FILE, "%s is being trained by %s, then go on with --resume %s", path, words,
                     DUET_WORD("%s", path));
}

duet_status duet_run_folder_check_begun(const char *path, duet_error *error)
{
    duet_lock lock = {0};
    if (duet_run_folder_holds(path, "run.json") || !duet_run_folder_holds(path, "lock")) return DUET_OK;
    DUET_TRY(duet_run_folder_lock(path, &lock, error));
    duet_lock_release(&lock);
    return duet_fail(error, DUET_ERROR_FILE,
                     "%s holds no run.json: a training was ended here before its first step, and nothing says what it "
                     "was; begin it anew with --out %s",
                     path, DUET_WORD("%s", path));
}

void duet_run_folder_drop_pictures(const char *samples, uint64_t epoch)
{
    DIR *folder = opendir(samples);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        if (picture_epoch(entry->d_name) > epoch) (void)unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder != NULL) (void)closedir(folder);
}

void duet_run_folder_remove_empty(const char *path)
{
    (void)rmdir(path); /* fails, as it should, where there is something */
}

char *duet_run_path(const char *path)
{
    char *full = realpath(path, NULL);
    return full != NULL ? full : strdup(path);
}

char *duet_run_data_name(const char *name)
{
    size_t count = duet_dataset_list(NULL, 0);
    duet_dataset_row *rows = calloc(count > 0 ? count : 1, sizeof *rows);
    duet_data_options options;
    bool known = false;
    if (rows == NULL) return NULL;
    (void)duet_dataset_list(rows, count);
    bool is_path = duet_data_options_read(&options, name, NULL) == DUET_OK;
    for (size_t i = 0; i < count; i++) known |= is_path && strcmp(rows[i].name, options.path) == 0;
    free(rows);
    duet_data_options_free(&options);
    return duet_data_name_absolute(name, known);
}
