/* SPDX-License-Identifier: MIT */
/* Write, sync, rename, sync the folder: the order that survives a power cut on POSIX file systems. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"

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

FILE *duet_file_open(const char *path, const char **fault)
{
    struct stat about;
    const int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe does not wait for its writer */
    if (descriptor >= 0 && fstat(descriptor, &about) == 0 && !S_ISREG(about.st_mode)) {
        *fault = S_ISDIR(about.st_mode) ? "it is a folder, and a file was expected"
                                        : "it is a pipe or a device, and a file was expected";
        (void)close(descriptor);
        errno = EINVAL;
        return NULL;
    }
    FILE *stream = descriptor < 0 ? NULL : fdopen(descriptor, "rb");
    const int code = errno;
    if (stream == NULL) *fault = strerror(code);
    if (stream == NULL && descriptor >= 0) (void)close(descriptor);
    errno = code;
    return stream;
}

static void forget(duet_file *file)
{
    free(file->path);
    free(file->temporary);
    *file = (duet_file){0};
}

duet_status duet_file_create(duet_file *file, const char *path, duet_error *error)
{
    static const char suffix[] = ".tmp";
    size_t length = strlen(path);
    *file = (duet_file){.path = strdup(path), .temporary = malloc(length + sizeof suffix)};
    if (file->path == NULL || file->temporary == NULL) {
        forget(file);
        return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory for a file name", path);
    }
    memcpy(file->temporary, path, length);
    memcpy(file->temporary + length, suffix, sizeof suffix);
    int descriptor = open(file->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    file->stream = descriptor < 0 ? NULL : fdopen(descriptor, "w+b");
    if (file->stream != NULL) return DUET_OK;
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

/* Makes the rename itself last. Some file systems cannot sync a folder; the file is whole all the same. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
    int descriptor = folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        (void)fsync(descriptor);
        (void)close(descriptor);
    }
    free(folder);
}

duet_status duet_file_commit(duet_file *file, duet_error *error)
{
    bool whole = fflush(file->stream) == 0 && fsync(fileno(file->stream)) == 0;
    int code = errno;
    if (fclose(file->stream) != 0 && whole) {
        whole = false;
        code = errno;
    }
    file->stream = NULL;
    if (whole && rename(file->temporary, file->path) != 0) {
        whole = false;
        code = errno;
    }
    duet_status status = DUET_OK;
    if (whole) {
        sync_folder(file->path);
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
