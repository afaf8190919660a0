/* SPDX-License-Identifier: MIT */
/* Fashion-MNIST (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747): where a machine keeps it. $DUET_DATA comes first, then
 * the data folders of the XDG base directory specification, under datasets/ as Debian's package has it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/copies.h"
#include "data/data.h"

const char *const duet_fashion_mnist_classes[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                                  "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

const char *const duet_fashion_mnist_help =
    "install it (Debian, Ubuntu: apt install dataset-fashion-mnist), or put the four .gz files of "
    "https://github.com/zalandoresearch/fashion-mnist into a folder and set DUET_DATA to it";

static const char set_name[] = "fashion-mnist";

/* MNIST's file, plain or compressed; some unpackers make the last dash a dot. */
static bool has_part(const char *folder, const char *part, int extents)
{
    static const char *const forms[] = {"%s-idx%d-ubyte", "%s-idx%d-ubyte.gz", "%s.idx%d-ubyte", "%s.idx%d-ubyte.gz"};
    char name[64];
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        snprintf(name, sizeof name, forms[i], part, extents);
        if (duet_path_holds_file(folder, name)) return true;
    }
    return false;
}

/* All four files: a folder of other data under $DUET_DATA is not this set. */
static bool is_here(const char *folder)
{
    return has_part(folder, "train-images", 3) && has_part(folder, "train-labels", 1) &&
           has_part(folder, "t10k-images", 3) && has_part(folder, "t10k-labels", 1);
}

/* Returns `folder` if it holds the set; else frees it and returns NULL. */
static char *keep_fitting(char *folder)
{
    if (folder != NULL && is_here(folder)) return folder;
    free(folder);
    return NULL;
}

static char *find_under(const char *root, const char *inner)
{
    char *folder = duet_path_join(root, inner);
    char *found = folder == NULL ? NULL : keep_fitting(duet_path_join(folder, set_name));
    free(folder);
    return found;
}

/* The set's folder under the first root that has it; roots are separated by colons. */
static char *find_in_list(const char *list)
{
    char *found = NULL;
    while (found == NULL && *list != '\0') {
        size_t length = strcspn(list, ":");
        char *root = length == 0 ? NULL : strndup(list, length);
        if (root != NULL) found = find_under(root, "datasets");
        free(root);
        list += length + (list[length] == ':');
    }
    return found;
}

static const char *set_or(const char *variable, const char *otherwise)
{
    const char *value = getenv(variable);
    return value != NULL && *value != '\0' ? value : otherwise;
}

char *duet_fashion_mnist_find(const char **passed_over)
{
    const char *own = set_or("DUET_DATA", ""), *home = set_or("XDG_DATA_HOME", ""), *user = set_or("HOME", "");
    char *found = NULL;
    if (*own != '\0') found = find_under(own, "");
    if (*own != '\0' && found == NULL) found = keep_fitting(strdup(own));
    *passed_over = *own != '\0' && found == NULL ? own : NULL;
    if (*home != '\0' && found == NULL) found = find_under(home, "datasets");
    if (*home == '\0' && *user != '\0' && found == NULL) found = find_under(user, ".local/share/datasets");
    if (found == NULL) found = find_in_list(set_or("XDG_DATA_DIRS", "/usr/local/share:/usr/share"));
    return found != NULL ? found : find_in_list("/usr/local/share:/usr/share");
}

/* MNIST has the same names and counts, and is not so even: training examples of each digit. */
static bool is_mnist(const uint8_t *labels, size_t count)
{
    static const size_t digits[] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
    size_t found[256] = {0};
    for (size_t i = 0; i < count; i++) found[labels[i]]++;
    return memcmp(found, digits, sizeof digits) == 0;
}

const char *duet_fashion_mnist_doubt(const uint8_t *labels, size_t count)
{
    const uint64_t print = UINT64_C(0x1dc1ff867e88e8cb);
    if (labels == NULL || count != 60000 || duet_print(labels, count) == print) return NULL;
    return is_mnist(labels, count) ? "MNIST, the digits" : "some other set";
}
