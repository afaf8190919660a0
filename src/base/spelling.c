/* SPDX-License-Identifier: MIT */
/* "Did you mean": the known name that a misspelt one is nearest to, or that is called so elsewhere. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "duet/base.h"

static char small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Levenshtein's distance, where swapping two neighbours counts as one mistake and capitals as none. Words longer than
 * LONGEST are far from everything. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 48 };
    size_t rows[3][LONGEST + 1];
    size_t length_a = strlen(a), length_b = strlen(b);
    if (length_a > LONGEST || length_b > LONGEST) return SIZE_MAX;
    for (size_t j = 0; j <= length_b; j++) rows[0][j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            size_t best = above[j - 1] + (small(a[i - 1]) != small(b[j - 1]));
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two_above[j - 2] + 1 < best)
                best = two_above[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[length_a % 3][length_b];
}

/* What other programs and papers call it. */
static const struct {
    const char *word, *name;
} elsewhere[] = {
    {"learning_rate", "lr"},     {"lr_scheduler", "lr_schedule"},
    {"batch_size", "batch"},     {"batchsize", "batch"},
    {"num_epochs", "epochs"},    {"n_epochs", "epochs"},
    {"max_epochs", "epochs"},    {"num_steps", "steps"},
    {"n_steps", "steps"},        {"max_steps", "steps"},
    {"random_state", "seed"},    {"random_seed", "seed"},
    {"output", "out"},           {"outdir", "out"},
    {"output_dir", "out"},       {"save_dir", "out"},
    {"dataset", "data"},         {"data_dir", "data"},
    {"data_path", "data"},       {"gpu", "device"},
    {"cuda", "device"},          {"latent_dim", "latent"},
    {"latent_size", "latent"},   {"z_dim", "latent"},
    {"hidden_dim", "hidden"},    {"hidden_size", "hidden"},
    {"dropout_rate", "dropout"}, {"fid", "frechet"},
    {"kid", "kernel-distance"},  {"recall", "precision"},
};

static bool is_same_word(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++)
        if (small(*a) != small(*b) && !(strchr("-_", *a) != NULL && strchr("-_", *b) != NULL)) return false;
    return *a == *b;
}

static bool is_elsewhere(const char *word, const char *name)
{
    bool is = false;
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        is = is || (strcmp(elsewhere[i].name, name) == 0 && is_same_word(elsewhere[i].word, word));
    return is;
}

void duet_spelling_offer(duet_spelling *nearest, const char *name)
{
    size_t length = strlen(name), word_length = strlen(nearest->word);
    size_t distance = edit_distance(nearest->word, name);
    size_t limit = 1 + (length < word_length ? word_length : length) / 4;
    bool begins = word_length >= 3 && strncmp(name, nearest->word, word_length) == 0;
    if (begins && distance > 0) distance = 1;
    if (is_elsewhere(nearest->word, name)) distance = 0;
    if (distance > limit || (nearest->best != NULL && distance >= nearest->distance)) return;
    nearest->best = name;
    nearest->distance = distance;
}

const char *duet_spelling_words(const duet_spelling *nearest, char *text, size_t size)
{
    if (nearest->best == NULL)
        *text = '\0';
    else
        snprintf(text, size, "; did you mean '%s'?", nearest->best);
    return text;
}
