/* SPDX-License-Identifier: MIT */
/* Write, sync, rename, sync the folder: the order that survives a power cut on POSIX file systems. A temporary is
 * locked while it is written, so that one without a lock is known to be what a killed writer left. */
#define _DEFAULT_SOURCE /* flock */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"

#define TEMPORARY_HEAD ".duet-"
#define TEMPORARY_TAIL ".tmp"
enum { MOST_TEMPORARIES = 1000 };

static duet_status write_fail(const duet_file *file, int code, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be written: %s", file->path, strerror(code));
}

char *duet_path_join(const char *folder, const char *name)
{
    size_t folder_length = strlen(folder), size = folder_length + strlen(name) + 2;
    const char *between = folder_length == 0 || folder[folder_length - 1] == '/' ? "" : "/";
    char *path = malloc(size);
    if (path != NULL) snprintf(path, size, "%s%s%s", folder, between, name);
    return path;
}

bool duet_path_is_there(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0 || (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG);
}

static bool holds(const char *folder, const char *name, mode_t type)
{
    struct stat about;
    char *path = duet_path_join(folder, name);
    bool found = path != NULL && stat(path, &about) == 0 && (about.st_mode & S_IFMT) == type;
    free(path);
    return found;
}

bool duet_path_holds_file(const char *folder, const char *name)
{
    return holds(folder, name, S_IFREG);
}

bool duet_path_is_same(const char *path, const char *other)
{
    struct stat one, two;
    return stat(path, &one) == 0 && stat(other, &two) == 0 && one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

bool duet_path_holds_folder(const char *folder, const char *name)
{
    return holds(folder, name, S_IFDIR);
}

static const char *other_kind(const struct stat *about)
{
    return S_ISDIR(about->st_mode) ? "it is a folder, and a file was expected"
                                   : "it is a pipe or a device, and a file was expected";
}

FILE *duet_file_open(const char *path, const char **fault)
{
    struct stat about;
    const int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe does not wait for its writer */
    if (descriptor >= 0 && fstat(descriptor, &about) == 0 && !S_ISREG(about.st_mode)) {
        *fault = other_kind(&about);
        (void)close(descriptor);
        errno = EINVAL;
        return NULL;
    }
    FILE *stream = descriptor < 0 ? NULL : fdopen(descriptor, "rb");
    const int code = errno;
    const bool dangles = code == ENOENT && lstat(path, &about) == 0;
    if (stream == NULL) *fault = dangles ? "it is a link that leads nowhere" : strerror(code);
    if (stream == NULL && descriptor >= 0) (void)close(descriptor);
    errno = code;
    return stream;
}

bool duet_folder_next(DIR *folder, const char *path, const char **name, duet_status *status, duet_error *error)
{
    if (*status != DUET_OK) return false;
    errno = 0;
    const struct dirent *entry = readdir(folder);
    *name = entry == NULL ? NULL : entry->d_name;
    if (entry == NULL && errno != 0)
        *status = duet_fail(error, DUET_ERROR_FILE, "%s: cannot be read: %s", path, strerror(errno));
    return entry != NULL;
}

static void forget(duet_file *file)
{
    free(file->path);
    free(file->temporary);
    *file = (duet_file){0};
}

/* The folder that a path lies in; the caller frees it. NULL: out of memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static bool is_temporary(const char *name)
{
    size_t length = strlen(name), head = strlen(TEMPORARY_HEAD), tail = strlen(TEMPORARY_TAIL);
    return length > head + tail && strncmp(name, TEMPORARY_HEAD, head) == 0 &&
           strcmp(name + length - tail, TEMPORARY_TAIL) == 0 &&
           strspn(name + head, "0123456789-") == length - head - tail;
}

/* Removes the file if it is ours and nobody writes it. Where files cannot be locked it stays. Before it was locked its
 * writer may have given it its own name, and another writer have taken this one; after that it keeps it. */
static void remove_left(int folder, const char *name)
{
    struct stat about, named;
    int descriptor = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) return;
    if (fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode) && about.st_uid == geteuid() &&
        flock(descriptor, LOCK_EX | LOCK_NB) == 0 && fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
        named.st_ino == about.st_ino && named.st_dev == about.st_dev)
        (void)unlinkat(folder, name, 0);
    (void)close(descriptor);
}

/* Removes what writers left that were killed. */
static void sweep(const char *path)
{
    char *name = folder_of(path);
    DIR *folder = name == NULL ? NULL : opendir(name);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        if (is_temporary(entry->d_name)) remove_left(dirfd(folder), entry->d_name);
    if (folder != NULL) (void)closedir(folder);
    free(name);
}

/* Whether the new file is the caller's alone: locked where files can be, and not just taken for one that was left. */
static bool claim(int descriptor)
{
    struct stat about;
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
    return fstat(descriptor, &about) != 0 || about.st_nlink > 0;
}

/* Makes the temporary under a name that nobody has: never a file or a link that is there already. -1 and errno: no. */
static int open_temporary(duet_file *file, size_t room)
{
    const char *slash = strrchr(file->path, '/');
    int folder = slash == NULL ? 0 : (int)(slash - file->path) + 1;
    for (unsigned number = 0; number < MOST_TEMPORARIES; number++) {
        snprintf(file->temporary, room, "%.*s" TEMPORARY_HEAD "%ld-%u" TEMPORARY_TAIL, folder, file->path,
                 (long)getpid(), number);
        int descriptor = open(file->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (descriptor >= 0 && claim(descriptor)) return descriptor;
        if (descriptor < 0 && errno != EEXIST) return -1;
        if (descriptor >= 0) (void)close(descriptor);
    }
    errno = EEXIST;
    return -1;
}

/* The rename would put a file in the place of a device or a pipe. A link is replaced, not what it leads to. */
static duet_status check_place(const char *path, duet_error *error)
{
    struct stat about;
    if (lstat(path, &about) != 0 || S_ISREG(about.st_mode) || S_ISLNK(about.st_mode)) return DUET_OK;
    return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be written: %s", path, other_kind(&about));
}

duet_status duet_file_create(duet_file *file, const char *path, duet_error *error)
{
    DUET_TRY(check_place(path, error));
    size_t room = strlen(path) + 64;
    *file = (duet_file){.path = strdup(path), .temporary = malloc(room)};
    if (file->path == NULL || file->temporary == NULL) {
        forget(file);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for a file name", path);
    }
    int descriptor = open_temporary(file, room);
    file->stream = descriptor < 0 ? NULL : fdopen(descriptor, "w+b");
    if (file->stream != NULL) {
        sweep(path);
        return DUET_OK;
    }
    duet_status status = write_fail(file, errno, error);
    if (descriptor >= 0) {
        (void)close(descriptor);
        (void)unlink(file->temporary);
    }
    forget(file);
    return status;
}

duet_status duet_file_write(duet_file *file, const void *bytes, size_t count, duet_error *error)
{
    if (fwrite(bytes, 1, count, file->stream) == count) return DUET_OK;
    return write_fail(file, errno, error);
}

int duet_file_open_folder(const char *path)
{
    char *folder = folder_of(path);
    const int descriptor = folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    return descriptor;
}

void duet_file_sync_name(const char *path)
{
    const int descriptor = duet_file_open_folder(path);
    if (descriptor < 0) return;
    (void)fsync(descriptor);
    (void)close(descriptor);
}

duet_status duet_file_commit(duet_file *file, duet_error *error)
{
    bool whole = fflush(file->stream) == 0 && fsync(fileno(file->stream)) == 0;
    int code = errno, held = fcntl(fileno(file->stream), F_DUPFD_CLOEXEC, 0); /* the lock, until the name is gone */
    if (fclose(file->stream) != 0 && whole) {
        whole = false;
        code = errno;
    }
    file->stream = NULL;
    if (whole && rename(file->temporary, file->path) != 0) {
        whole = false;
        code = errno;
    }
    if (held >= 0) (void)close(held);
    duet_status status = DUET_OK;
    if (whole) {
        duet_file_sync_name(file->path); /* the rename itself is to last */
        free(file->temporary);
        file->temporary = NULL;
    } else {
        status = write_fail(file, code, error);
    }
    duet_file_discard(file);
    return status;
}

void duet_file_discard(duet_file *file)
{
    if (file->stream != NULL) (void)fclose(file->stream);
    if (file->temporary != NULL) (void)unlink(file->temporary);
    forget(file);
}

duet_status duet_file_replace(const char *path, const void *bytes, size_t count, duet_error *error)
{
    duet_file file = {0};
    DUET_TRY(duet_file_create(&file, path, error));
    duet_status status = duet_file_write(&file, bytes, count, error);
    if (status == DUET_OK) return duet_file_commit(&file, error);
    duet_file_discard(&file);
    return status;
}

bool duet_file_has_other_names(FILE *stream)
{
    struct stat about;
    return fstat(fileno(stream), &about) == 0 && about.st_nlink > 1;
}

duet_status duet_file_open_own(const char *path, FILE **stream, duet_error *error)
{
    struct stat about;
    *stream = NULL;
    int descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    if (descriptor < 0 && errno == ELOOP)
        return duet_fail(error, DUET_ERROR_FILE,
                         "%s: is a link, and what is written here must not go elsewhere: "
                         "remove it, or put the file itself in its place",
                         path);
    if (descriptor < 0)
        return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened for writing: %s", path, strerror(errno));
    const bool known = fstat(descriptor, &about) == 0, is_file = known && S_ISREG(about.st_mode);
    *stream = is_file ? fdopen(descriptor, "r+b") : NULL;
    if (*stream != NULL) return DUET_OK;
    duet_status status = duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened for writing: %s", path,
                                   known && !is_file ? "it is no file" : strerror(errno));
    (void)close(descriptor);
    return status;
}
