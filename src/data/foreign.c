/* SPDX-License-Identifier: MIT */
/* First bytes know what a name may hide; of texts and of archives in archives the name alone says it. */
#include "data/foreign.h"

#include <string.h>
#include <strings.h>

#include "data/picture.h"

static const char pickle[] = "is a pickle of Python: save its arrays by numpy.save or numpy.savez";
static const char page[] = "is a page of the web, such as says why a download failed: get the file again";
static const char unpack[] = "is an archive of another kind: unpack it, and name the folder";
static const char packed[] = "is one compressed file, of a kind that is not read: unpack it, and name that";
static const char sheet[] = "is a spreadsheet: save its table as .csv";
static const char tensors[] = "is a file of PyTorch: save its tensors as arrays, by numpy.savez('x.npz', "
                              "x_train=tensor.numpy())";
static const char hdf5[] = "is an HDF5 file: save its arrays by numpy.save or numpy.savez";
static const char parquet[] = "is a Parquet file: save its table as .csv";
static const char arrow[] = "is a file of Arrow: save its table as .csv";
static const char matlab[] = "is a MATLAB file: save its arrays, which scipy.io.loadmat reads, by numpy.save or "
                             "numpy.savez";
static const char json[] = "is JSON: save its numbers as .csv, or as an array by numpy.save";
static const char text[] =
    "is a text by its name: if columns lie in it that commas, semicolons or tabs separate, let its "
    "name end in .csv";
static const char cifar[] = "is of CIFAR's version for Python: get the binary one, or save its arrays by numpy.savez";

/* As long as it takes to be no word that a table may begin with. */
#define START(bytes) bytes, sizeof(bytes) - 1

static const struct {
    const char *begins;
    size_t length;
    const char *words;
} starts[] = {
    {START("\x1F\x8B"), "is compressed twice: gunzip it once"},
    {START("\x89HDF"), hdf5},
    {START("MATLAB 5.0 MAT-file"), matlab},
    {START("MATLAB 7.3 MAT-file"), matlab},
    {START("PAR1\x15"), parquet},
    {START("ARROW1\0\0"), arrow},
    {START("Rar!\x1A\x07"), "is a RAR archive: unpack it, and name the folder"},
    {START("7z\xBC\xAF"), "is a 7z archive: unpack it, and name the folder"},
    {START("\xD0\xCF\x11\xE0"), sheet},
    {START("\x80\x02"), pickle},
    {START("\x80\x03"), pickle},
    {START("\x80\x04"), pickle},
    {START("\x80\x05"), pickle},
    {START("\x89PNG"), "is one picture; a folder or an archive of them is expected"},
    {START("\xFF\xD8\xFF"), "is one picture; a folder or an archive of them is expected"},
    {START("<!DOCTYPE"), page},
    {START("<!doctype"), page},
    {START("<html"), page},
    {START("<HTML"), page},
    {START("version https://git-lfs"), "is a pointer of Git LFS, and not the file: get that by git lfs pull"},
};

const char *duet_foreign_by_start(const unsigned char *start, size_t length)
{
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        if (length >= starts[i].length && memcmp(start, starts[i].begins, starts[i].length) == 0)
            return starts[i].words;
    }
    return NULL;
}

static const struct {
    const char *endings[8], *words;
} names[] = {
    {{".tsv", ".tab", ".txt", ".dat", ".data", ".text"}, text},
    {{".xlsx", ".xls", ".xlsm", ".ods"}, sheet},
    {{".pt", ".pth", ".ckpt"}, tensors},
    {{".pkl", ".pickle", ".joblib"}, pickle},
    {{".h5", ".hdf5", ".hdf"}, hdf5},
    {{".mat"}, matlab},
    {{".parquet", ".pq"}, parquet},
    {{".arrow", ".feather"}, arrow},
    {{".json", ".jsonl", ".ndjson"}, json},
    {{".tfrecord", ".tfrecords"}, "is a file of TensorFlow: save its arrays by numpy.savez"},
    {{".rds", ".rda", ".rdata"}, "is a file of R: save its table by write.csv"},
    {{".7z", ".rar"}, unpack},
    {{".xz", ".bz2", ".zst"}, packed},
    {{".part", ".crdownload", ".tmp", ".download"}, "is not wholly there by its name: get it again"},
};

/* Thumbnails and bins of storage servers and of systems, which have the names of the files that lie beside them. */
static const char *const kept[] = {
    "@eaDir",    "@Recycle",   "@Recently-Snapshot", "#recycle",
    "#snapshot", "lost+found", "$RECYCLE.BIN",       "System Volume Information",
    "__MACOSX",  "Thumbs.db",  "desktop.ini",
};

static bool is_hidden(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strlen(kept[i]) == length && strncasecmp(name, kept[i], length) == 0) return true;
    return name[0] == '.';
}

bool duet_foreign_is_hidden(const char *name)
{
    return is_hidden(name, strlen(name));
}

bool duet_foreign_path_is_hidden(const char *path)
{
    for (size_t length;; path += length + 1) {
        length = strcspn(path, "/");
        if (is_hidden(path, length)) return true;
        if (path[length] == '\0') return false;
    }
}

bool duet_foreign_is_text(const char *name)
{
    static const char *const endings[] = {".txt", ".dat", ".data", ".text", NULL};
    return duet_name_ends_in(name, endings);
}

bool duet_foreign_is_about(const char *name)
{
    static const char *const about[] = {"README", "LICENSE", "LICENCE", "NOTICE"};
    const char *slash = strrchr(name, '/'), *last = slash == NULL ? name : slash + 1;
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        if (strncasecmp(last, about[i], strlen(about[i])) == 0) return true;
    return false;
}

const char *duet_foreign_by_name(const char *name)
{
    const char *slash = strrchr(name, '/'), *last = slash == NULL ? name : slash + 1;
    if (strchr(last, '.') == NULL && (strncmp(last, "data_batch", 10) == 0 || strcmp(last, "test_batch") == 0))
        return cifar; /* data_batch_1.bin is the binary version, .mat MATLAB's */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (duet_name_ends_in(last, names[i].endings)) return names[i].words;
    return duet_picture_is_foreign(last) ? "is a picture of a kind that is not read: save it as PNG" : NULL;
}
