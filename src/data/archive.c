/* SPDX-License-Identifier: MIT */
/* libarchive with the filters that it has built in: those that would start other programs are not asked for. */
#include "data/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "data/foreign.h"
#include "data/picture.h"

enum { BLOCK = 64 * 1024 };

/* What the system said where it could not read; NULL: it did. Other numbers are libarchive's own, and over the system's
 * it writes what its formats make of the end that they see: `code`, errno after the call, 0 before it, still knows. */
static const char *fault_of(struct archive *handle, int code)
{
    static const int codes[] = {EIO, ESTALE, ETIMEDOUT, EACCES, ENXIO};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (code == codes[i] || archive_errno(handle) == codes[i]) return strerror(codes[i]);
    return NULL;
}

static duet_status out_of_memory(const char *path, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory to read it", path);
}

/* What libarchive has no words for, it could not read. Memory that an inflater lacks it calls damage: errno, which was
 * 0 before the call, knows. */
static duet_status archive_fail(const duet_archive *it, duet_error *error)
{
    const char *fault = fault_of(it->handle, errno);
    const bool short_memory = errno == ENOMEM || archive_errno(it->handle) == ENOMEM;
    const char *words = archive_error_string(it->handle);
    if (short_memory) return out_of_memory(it->path, error);
    if (fault != NULL) return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be read: %s", it->path, fault);
    if (archive_read_has_encrypted_entries(it->handle) > 0)
        return duet_fail(error, DUET_ERROR_DATA, "%s: its members are encrypted: unpack it, and name the folder",
                         it->path);
    if (words == NULL)
        return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be read to its end; if it is damaged, get it again",
                         it->path);
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: a damaged archive: %s; get it again, or, if it unpacks without a fault, name the folder",
                     it->path, words);
}

static bool is_zip(const char *path)
{
    char start[2] = "";
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    const bool is = fread(start, 1, 2, file) == 2 && memcmp(start, "PK", 2) == 0;
    (void)fclose(file);
    return is;
}

/* libarchive turns names that are UTF-8 into the letters of the thread's locale, and has none where it cannot: so they
 * are read in one of UTF-8, whatever the program's is. Of a tar file it then has the bytes, which that would compose.
 * 0: there is no such locale. False: out of memory. */
static bool letters_new(locale_t *letters, const char *path)
{
    static const char *const names[] = {"C.UTF-8", "C.utf8", "en_US.UTF-8", "UTF-8"};
    *letters = (locale_t)0;
    errno = 0;
    if (!is_zip(path)) *letters = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
    for (size_t i = 0; *letters == (locale_t)0 && errno != ENOMEM && i < sizeof names / sizeof *names; i++)
        *letters = newlocale(LC_CTYPE_MASK, names[i], (locale_t)0);
    return *letters != (locale_t)0 || errno != ENOMEM;
}

/* *opened: NULL after an error. */
static duet_status open_file(void **opened, const char *path, duet_error *error)
{
    errno = 0;
    struct archive *handle = *opened = archive_read_new();
    bool sound = handle != NULL && archive_read_support_format_zip(handle) == ARCHIVE_OK &&
                 archive_read_support_format_tar(handle) == ARCHIVE_OK &&
                 archive_read_support_filter_gzip(handle) == ARCHIVE_OK &&
                 archive_read_set_format_option(handle, "tar", "read_concatenated_archives", "1") == ARCHIVE_OK;
    /* without its library each of these is a warning, and would start a program: then it is not used */
    int (*const filters[])(struct archive *) = {archive_read_support_filter_bzip2, archive_read_support_filter_xz,
                                                archive_read_support_filter_zstd};
    for (size_t i = 0; sound && i < sizeof filters / sizeof *filters; i++) (void)filters[i](handle);
    const bool is_open = sound && archive_read_open_filename(handle, path, BLOCK) == ARCHIVE_OK;
    const char *fault = handle == NULL ? NULL : fault_of(handle, errno); /* also of one format's first look alone */
    if (is_open && fault == NULL) return DUET_OK;
    const bool short_memory = !sound || errno == ENOMEM || archive_errno(handle) == ENOMEM;
    const char *words = short_memory ? NULL : archive_error_string(handle);
    if (!short_memory && fault != NULL) words = fault;
    duet_status status = short_memory ? out_of_memory(path, error)
                                      : duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened as an archive: %s",
                                                  path, words != NULL ? words : "it is damaged or of another format");
    if (handle != NULL) (void)archive_read_free(handle);
    *opened = NULL;
    return status;
}

duet_status duet_archive_open(duet_archive *archive, const char *path, duet_error *error)
{
    archive->path = strdup(path);
    if (archive->path == NULL) return duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", path);
    if (access(path, R_OK) != 0) {
        duet_archive_close(archive);
        return duet_fail(error, DUET_ERROR_FILE, "%s: cannot be opened: %s", path, strerror(errno));
    }
    duet_status status =
        letters_new(&archive->letters, path) ? open_file(&archive->handle, path, error) : out_of_memory(path, error);
    archive->position = SIZE_MAX;
    if (status != DUET_OK) duet_archive_close(archive);
    return status;
}

void duet_archive_close(duet_archive *archive)
{
    if (archive->handle != NULL) (void)archive_read_free(archive->handle);
    if (archive->letters != (locale_t)0) freelocale(archive->letters);
    free(archive->own);
    free(archive->path);
    *archive = (duet_archive){0};
}

/* Whether a name on the path is that of the folder above. */
static bool leads_up(const char *path)
{
    for (; *path != '\0'; path += strspn(path, "/")) {
        const size_t length = strcspn(path, "/");
        if (length == 2 && strncmp(path, "..", 2) == 0) return true;
        path += length;
    }
    return false;
}

/* What the path is called where it is unpacked: without what leads nowhere, as "/", "./" and "//" do; behind a folder
 * there is one slash, which some archivers leave out. The caller frees it; NULL: out of memory. */
static char *plain_path(const char *path, bool is_folder)
{
    char *plain = malloc(strlen(path) + 2), *to = plain;
    for (; plain != NULL && *path != '\0'; path += strspn(path, "/")) {
        const size_t length = strcspn(path, "/");
        if (length > 1 || (length == 1 && path[0] != '.')) {
            if (to > plain) *to++ = '/';
            memcpy(to, path, length);
            to += length;
        }
        path += length;
    }
    if (plain != NULL) (void)strcpy(to, is_folder && to > plain ? "/" : "");
    return plain;
}

/* Behind the last member of a tar file there are blocks of zeros, which the file of a cut one lacks; libarchive takes
 * both for the end. */
static duet_status next_header(duet_archive *archive, struct archive_entry **entry, bool *more, duet_error *error)
{
    struct archive *handle = archive->handle;
    errno = 0;
    if (archive->in_tar && archive_read_data_skip(handle) < ARCHIVE_WARN) return archive_fail(archive, error);
    const la_int64_t end = archive_filter_bytes(handle, 0);
    const int code = archive_read_next_header(handle, entry);
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN && code != ARCHIVE_EOF) return archive_fail(archive, error);
    *more = code != ARCHIVE_EOF;
    if (*more) archive->in_tar = (archive_format(handle) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
    if (*more || !archive->in_tar || archive_filter_bytes(handle, 0) > end) return DUET_OK;
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: is cut behind a member: the zeros are missing that end a tar file: get it again; if it was "
                     "written so, and is whole, unpack it, and name the folder",
                     archive->path);
}

/* A member that was passed over would be missing without a word. */
static duet_status fail_name(const duet_archive *archive, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: holds a member whose name cannot be read as UTF-8: unpack it, and name the folder",
                     archive->path);
}

static duet_status fail_link(const duet_archive *archive, struct archive_entry *entry, duet_error *error)
{
    const char *to = archive_entry_hardlink(entry);
    if (to == NULL) to = archive_entry_symlink(entry);
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: its member %s is a link%s%s, and links are followed in folders alone: unpack it, and name "
                     "the folder",
                     archive->path, archive->name, to != NULL ? " to " : "", to != NULL ? to : "");
}

/* Programs that unpack refuse it, or write it elsewhere. */
static duet_status fail_above(const duet_archive *archive, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_DATA,
                     "%s: the name of its member %s leads to the folder above: write it again from within the folder "
                     "of its files, such as tar -cf NEW.tar -C FOLDER .",
                     archive->path, archive->name);
}

/* `name` is what the archive calls it. */
static duet_status take_name(duet_archive *archive, const char *name, bool is_folder, duet_error *error)
{
    free(archive->own);
    archive->name = archive->own = plain_path(name, is_folder);
    if (archive->name == NULL) return out_of_memory(archive->path, error);
    return leads_up(name) ? fail_above(archive, error) : DUET_OK;
}

/* Whether a name is that of a file, which is no folder. */
static bool is_file_name(const char *name)
{
    static const char *const endings[] = {".md", ".rst",   ".csv", ".xml", ".html", ".pdf", ".yaml", ".yml", ".toml",
                                          ".py", ".ipynb", ".sh",  ".log", ".gz",   ".zip", ".npz",  NULL};
    return duet_foreign_is_about(name) || duet_foreign_is_text(name) || duet_foreign_by_name(name) != NULL ||
           duet_picture_name_is(name) || duet_name_ends_in(name, endings);
}

/* Whether a member is a link by which examples would be missing: one whose own name is that of a picture or an array,
 * which is what counts in a folder too; or a symbolic one that may lead to a folder, such as a class. */
static bool is_link(const duet_archive *archive, struct archive_entry *entry)
{
    static const char *const arrays[] = {".npy", NULL};
    const char *name = archive->name, *to = archive_entry_symlink(entry);
    const bool is_soft = archive_entry_filetype(entry) == AE_IFLNK;
    if (duet_archive_passes(name) || (!is_soft && archive_entry_hardlink(entry) == NULL)) return false;
    if (duet_picture_name_is(name) || duet_name_ends_in(name, arrays)) return true;
    return is_soft && !is_file_name(name) && !(to != NULL && is_file_name(to));
}

static duet_status next_member(duet_archive *archive, bool *more, duet_error *error)
{
    struct archive_entry *entry;
    for (*more = true;;) {
        DUET_TRY(next_header(archive, &entry, more, error));
        if (!*more) return DUET_OK;
        errno = 0; /* NULL for want of memory is not a name that nobody can read */
        const char *name = archive_entry_pathname(entry);
        const bool is_folder = archive_entry_filetype(entry) == AE_IFDIR;
        if (name == NULL && errno == ENOMEM) return out_of_memory(archive->path, error);
        if (name == NULL) return fail_name(archive, error);
        DUET_TRY(take_name(archive, name, is_folder, error));
        if (archive_entry_filetype(entry) == AE_IFREG) break;
        if (is_link(archive, entry)) return fail_link(archive, entry, error);
        if (archive->folders && is_folder) return DUET_OK;
    }
    archive->position++;
    archive->size = archive_entry_size_is_set(entry) ? (size_t)archive_entry_size(entry) : 0;
    return DUET_OK;
}

duet_status duet_archive_next(duet_archive *archive, bool *more, duet_error *error)
{
    locale_t hosts = uselocale(archive->letters); /* of 0 it changes nothing */
    duet_status status = next_member(archive, more, error);
    uselocale(hosts);
    return status;
}

duet_status duet_archive_go(duet_archive *archive, size_t position, duet_error *error)
{
    if (archive->position != SIZE_MAX && archive->position >= position) {
        (void)archive_read_free(archive->handle);
        archive->position = SIZE_MAX;
        archive->in_tar = false;
        DUET_TRY(open_file(&archive->handle, archive->path, error));
    }
    for (bool more = true; archive->position != position;) {
        DUET_TRY(duet_archive_next(archive, &more, error));
        if (!more) return duet_fail(error, DUET_ERROR_FILE, "%s: has changed: members are missing", archive->path);
    }
    return DUET_OK;
}

duet_status duet_archive_read(duet_archive *archive, void *bytes, size_t count, size_t *got, duet_error *error)
{
    errno = 0;
    la_ssize_t read = archive_read_data(archive->handle, bytes, count);
    *got = read < 0 ? 0 : (size_t)read;
    return read < 0 ? archive_fail(archive, error) : DUET_OK;
}

bool duet_archive_passes(const char *name)
{
    return name[0] == '\0' || duet_foreign_path_is_hidden(name);
}

bool duet_archive_is(const char *path)
{
    static const char *const endings[] = {".zip", ".npz", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"};
    size_t length = strlen(path);
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode)) return false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t end = strlen(endings[i]);
        if (length > end && strcasecmp(path + length - end, endings[i]) == 0) return true;
    }
    duet_archive archive = {0};
    struct archive_entry *entry;
    if (about.st_size == 0 || duet_archive_open(&archive, path, NULL) != DUET_OK) return false;
    locale_t hosts = uselocale(archive.letters);
    const int code = archive_read_next_header(archive.handle, &entry);
    const bool is = code == ARCHIVE_OK || code == ARCHIVE_WARN;
    uselocale(hosts);
    duet_archive_close(&archive);
    return is;
}

/* A member as a stream. */

typedef struct member {
    duet_archive archive;
    size_t position, place; /* place: bytes read of it */
} member;

/* The CRC-32 of what is not deflated libarchive looks at when it is asked for what follows. */
static duet_status member_read(duet_stream *stream, void *bytes, size_t count, size_t *got, duet_error *error)
{
    member *it = stream->handle;
    unsigned char behind;
    size_t more;
    DUET_TRY(duet_archive_read(&it->archive, bytes, count, got, error));
    it->place += *got;
    return it->place < stream->length ? DUET_OK : duet_archive_read(&it->archive, &behind, 1, &more, error);
}

/* Forward by reading, backward from the beginning. */
static duet_status member_seek(duet_stream *stream, size_t place, duet_error *error)
{
    static const char what[] = "its examples";
    member *it = stream->handle;
    unsigned char skipped[4096];
    if (place < it->place) {
        DUET_TRY(duet_archive_go(&it->archive, it->position, error));
        it->place = 0;
    }
    while (it->place < place) {
        size_t wanted = place - it->place < sizeof skipped ? place - it->place : sizeof skipped, got;
        DUET_TRY(member_read(stream, skipped, wanted, &got, error));
        if (got == 0) return duet_fail(error, DUET_ERROR_DATA, "%s: truncated: it ends inside %s", stream->path, what);
    }
    return DUET_OK;
}

static void member_close(duet_stream *stream)
{
    member *it = stream->handle;
    if (it != NULL) duet_archive_close(&it->archive);
    free(it);
}

static duet_status member_again(duet_stream *to, const duet_stream *from, duet_error *error)
{
    const member *it = from->handle;
    return duet_stream_open_member(to, from->file, it->position, from->path, from->length, error);
}

static const duet_stream_kind member_kind = {member_read, member_seek, member_again, member_close, false};

duet_status duet_stream_open_member(duet_stream *stream, const char *path, size_t position, const char *name,
                                    size_t length, duet_error *error)
{
    struct stat about;
    member *it = calloc(1, sizeof *it);
    *stream = (duet_stream){.kind = &member_kind, .handle = it, .path = strdup(name), .file = strdup(path)};
    duet_status status = DUET_OK;
    if (it == NULL || stream->path == NULL || stream->file == NULL)
        status = duet_fail(error, DUET_ERROR_MEMORY, "%s: out of memory", path);
    if (status == DUET_OK) status = duet_archive_open(&it->archive, path, error);
    if (status == DUET_OK) status = duet_archive_go(&it->archive, position, error);
    if (status != DUET_OK) {
        duet_stream_close(stream);
        return status;
    }
    it->position = position;
    stream->exact = true;
    stream->length = length;
    stream->size = stat(path, &about) == 0 ? (size_t)about.st_size : 0;
    return DUET_OK;
}
