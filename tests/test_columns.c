/* SPDX-License-Identifier: MIT */
/* Columns of which a density has no bound: those of few values, and those that follow from others; and columns that are
 * too narrow or too wide. */
#include "model_parts.h"

enum { COARSE_ROWS = 400 };

/* Kinds of a column's values: numbers of no grid, of a hundredth, of a tenth; whole ones, few, two, blurred by noise as
 * wide as their step, with one again and again, with one in most rows. */
static float value_of(char kind, size_t row, size_t column)
{
    uint64_t z = (row * 64 + column + 1) * 0x9e3779b97f4a7c15u; /* SplitMix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    const float number = (float)(z >> 40) / (1 << 24) * 8 - 4; /* in [-4, 4), hardly one twice */
    switch (kind) {
    case 'h': return roundf(100 * number) / 100;
    case 't': return roundf(10 * number) / 10;
    case 'w': return (float)(row * 37 % 113) + 18;
    case 'f': return (float)(row % 5) / 5;
    case '2': return (float)(row % 2) * 3;
    case 'b': return (float)(row * 37 % 113) + (number + 4) / 8;
    case 'a': return row % 5 == 0 ? 0.25F : number;
    case 'z': return row % 5 < 3 ? 0 : number;
    case '1': return 3;
    case 'm': return row % (column + 2) == 0 ? -1 : 1;
    default: return number;
    }
}

/* What learns densities of numbers as they are closes in on them. Noise blurs bytes for flows, k / 255 in
 * [0, 1]. */
static void coarse_columns_are_warned_of(void **state)
{
    (void)state;
    static const struct {
        const char *family, *kinds;
        float scale;
        const char *piece; /* NULL: nothing is said */
    } rows[] = {
        {"mixture", "nn2", 1, "columns of 3 have few values, or one again and again: 3 (0 and 3 alone): a density"},
        {"mixture", "nn2", 0.1F, ": 3 (0 and 0.3 alone): "},
        {"realnvp", "nn2", 1, "array[:, 2] += 3 * numpy.random.random(len(array))"},
        {"nice", "nn2", 1, ": 3 (0 and 3 alone): "},
        {"realnvp", "222", 0.1F, ": 1 (0 and 0.3 alone), 2"},
        {"realnvp", "222", 1.0F / 3, NULL},
        {"vae", "nn2", 1, NULL},
        {"ae", "nn2", 1, NULL},
        {"mixture", "nwf", 1,
         "of 360 examples that were looked at these columns of 3 have few values, or one again "
         "and again: 2 (113 values), 3 (5 values): "},
        {"mixture", "fnn", 1, "array[:, 0] += 0.2 * numpy.random.random(len(array))"},
        {"realnvp", "tnn", 1, NULL}, /* 81 values in 360 rows are no few */
        {"realnvp", "hnn", 1, NULL},
        {"realnvp", "bnn", 1, NULL}, /* what the warning advises */
        {"mixture", "nan", 1, ": 2 (0.25 in 7"},
        {"mixture", "nzn", 1, ": 2 (0 in 2"},
        {"realnvp", "nzn", 1, "whatever is learnt of the others: take them out\n"}, /* no step is one to blur */
        {"mixture", "fnn", 1e8F, "scale the numbers down, so that least_deviation, which is 1e+06 at most, can"},
        {"mixture", "22222", 1,
         ": 1 (0 and 3 alone), 2 (0 and 3 alone), 3 (0 and 3 alone), 4 (0 and 3 alone) and 1 more:"},
        {"mixture", "1nn", 1, NULL}, /* what opened the set has said so */
    };
    char path[TEST_PATH_SIZE + 32], said[WARNINGS];
    duet_error error = {0};
    (void)snprintf(path, sizeof path, "%s/coarse.npy", folder);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float values[5 * COARSE_ROWS];
        const size_t columns = strlen(rows[i].kinds);
        test_graph it;
        for (size_t k = 0; k < columns * COARSE_ROWS; k++)
            values[k] = rows[i].scale * value_of(rows[i].kinds[k % columns], k / columns, k % columns);
        assert_ok(duet_write_npy(path, values, DUET_SHAPE(COARSE_ROWS, columns), &error), &error);
        test_graph_open(&it, device, DUET_BUILD_TRAIN, 4, rows[i].family, path, NULL, 0);
        if (rows[i].piece == NULL)
            assert_int_equal(it.build->warning_count, 0);
        else if (strstr(warnings_of(it.build, said), rows[i].piece) == NULL)
            fail_msg("%s of %s: \"%s\"", rows[i].family, rows[i].kinds, said);
        test_graph_close(&it);
    }
}

enum { PICTURE = 4, PICTURE_ROWS = 100 };

/* Bytes of a picture whose border is black; 'n': noise everywhere; of a table 't' whose third column has two. */
static uint8_t byte_of(char kind, size_t row, size_t place)
{
    const size_t y = place / PICTURE, x = place % PICTURE;
    const bool border = y == 0 || x == 0 || y == PICTURE - 1 || x == PICTURE - 1;
    if (kind == 't') return place == 2 ? (uint8_t)(row % 2 * 200) : (uint8_t)(row * 37 % 251 + place);
    const float noise = (value_of('n', row, place) + 4) / 8;
    return border && kind != 'n' ? 0 : (uint8_t)(noise * 256);
}

static void write_bytes(const char *path, char kind, float scale, float term)
{
    enum { ALL = PICTURE * PICTURE };
    static uint8_t bytes[PICTURE_ROWS * ALL];
    static float floats[PICTURE_ROWS * ALL];
    const size_t width = kind == 't' ? 5 : ALL;
    const duet_shape shape = kind == 't' ? DUET_SHAPE(PICTURE_ROWS, 5) : DUET_SHAPE(PICTURE_ROWS, PICTURE, PICTURE, 1);
    duet_error error = {0};
    for (size_t i = 0; i < PICTURE_ROWS * width; i++) {
        bytes[i] = byte_of(kind, i / width, i % width);
        floats[i] = scale * (float)bytes[i] + term;
    }
    if (scale == 0)
        assert_ok(duet_write_npy_bytes(path, bytes, shape, &error), &error);
    else
        assert_ok(duet_write_npy(path, floats, shape, &error), &error);
}

/* Pixels that are black throughout have no density, whatever scale their pictures are in, and neither have bytes of a
 * table of which there are few; noise of bytes, or a floor as wide, holds it. */
static void numbers_of_pictures_are_warned_of(void **state)
{
    (void)state;
    static const char few[] = " of 16 numbers have few values, or one again and again: a density has no bound there";
    static const char scaled[] = ": save numpy.clip((array + 1.0) / 2, 0, 1).astype('<f4'), in both splits alike; then "
                                 "dequantise=yes adds the noise of bytes";
    static const struct {
        const char *family, *setting;
        float scale, term; /* scale 0: bytes as they are */
        char kind;
        const char *piece; /* NULL: nothing is said */
    } rows[] = {
        {"nice", "alpha=0.001", 2.0F / 255, -1, 'b', few},
        {"nice", "alpha=0.001", 2.0F / 255, -1, 'b', scaled},
        {"realnvp", "alpha=0.001", 4.0F / 255, -2, 'b', few},
        {"nice", "alpha=0.001", 2.0F / 255, -1, 'n', NULL},
        {"nice", "dequantise=no", 0, 0, 'n', NULL},
        {"nice", "dequantise=auto", 0, 0, 'b', NULL},
        {"nice", "dequantise=no", 0, 0, 'b', ": dequantise=yes adds the noise of bytes"},
        {"nice", "dequantise=yes", 0.9F / 255, 0, 'b', NULL},
        {"mixture", "components=3", 2.0F / 255, -1, 'b', "least_deviation=0.00197 keeps it as wide"},
        {"mixture", "least_deviation=0.00197", 2.0F / 255, -1, 'b', NULL},
        {"mixture", "components=3", 0, 0, 'b', NULL}, /* its floor is a byte's share */
        {"mixture", "least_deviation=1e-6", 0, 0, 'b', few},
        {"mixture", "components=3", 0, 0, 't',
         "columns of 5 have few values, or one again and again: 3 (0 and 0.784314 alone):"},
        {"nice", "dequantise=no", 0, 0, 't',
         "alone): a density has no bound there, and nll falls as it closes in on them, "
         "whatever is learnt of the others: take them out, or dequantise=yes"},
        {"nice", "dequantise=auto", 0, 0, 't', NULL},
    };
    char path[TEST_PATH_SIZE + 32], said[WARNINGS];
    (void)snprintf(path, sizeof path, "%s/picture.npy", folder);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        test_graph it;
        write_bytes(path, rows[i].kind, rows[i].scale, rows[i].term);
        test_graph_open(&it, device, DUET_BUILD_TRAIN, 4, rows[i].family, path, &rows[i].setting, 1);
        warnings_of(it.build, said);
        if (rows[i].piece != NULL ? strstr(said, rows[i].piece) == NULL : strstr(said, "few values") != NULL)
            fail_msg("%s %s of %c: \"%s\"", rows[i].family, rows[i].setting, rows[i].kind, said);
        test_graph_close(&it);
    }
}

/* Letters as above; or what follows from columns 1 and 2: their sum, the first turned over, both but for a thousandth.
 * 'c' and 's': cosine and sine of the first; 'q': a square of it; 'k': sizes that grow together. 'o': one row far out,
 * the same for all such columns. 'g' and 'G': what four rows or eight have in common, 'u': a row's number.
 * '*', '/', '3' and 'l': product, ratio, cube and logarithm; 'p', 'i' and 'e': a
 * product, a cubic and a sine but for some hundredths or thousandths. */
static float value_beside(const char *kinds, size_t row, size_t column)
{
    const float first = value_of(kinds[0], row, 0), second = value_of(kinds[1], row, 1);
    switch (kinds[column]) {
    case '+': return 0.3F * first + second + 5;
    case '-': return 1 - 2 * first;
    case '~': return first + second + 0.001F * value_of('n', row, column);
    case 'c': return cosf(first);
    case 's': return sinf(first);
    case 'q': return first * first + 3 * first + second;
    case '*': return first * second;
    case '/': return first / (second + 5);
    case '3': return first * first * first;
    case 'l': return logf(first + 5);
    case 'p': return first * second + 0.01F * value_of('n', row, column);
    case 'i': return first / 4 * first * second + 0.003F * value_of('n', row, column);
    case 'e': return sinf(first) + 0.003F * value_of('n', row, column);
    case 'k': return expf(2.5F * first + 0.05F * value_of('n', row * (column + 3), 0));
    case 'g':
    case 'G': return value_of('n', row / (kinds[column] == 'g' ? 4 : 8), column);
    case 'u': return (float)row;
    case 'o': return row == 7 ? 1e6F : value_of('n', row, column);
    default: return value_of(kinds[column], row, column);
    }
}

static void dependent_columns_are_warned_of(void **state)
{
    (void)state;
    static const struct {
        const char *family, *kinds, *piece; /* NULL: nothing is said */
        size_t count;
    } rows[] = {
        {"nice", "nn+", "columns of 3 follow from others, as copies or sums of multiples: 3 from 1 and 2: a density",
         400},
        {"realnvp", "nnn-", ": 4 from 1: a density", 400},
        {"realnvp", "nn+-", ": 3 from 1 and 2, 4 from 1: a density", 400},
        {"realnvp", "nn+-", "numpy.delete(array, [2, 3], 1)", 400},
        {"nice", "nn", NULL, 400}, /* what the warning advises */
        {"nice", "nn~", NULL, 400},
        {"mixture", "nn+", NULL, 400}, /* as wide along its axes as ever */
        {"vae", "nn+", NULL, 400},
        {"nice", "nn+", NULL, 13}, /* 12 of them in training say little */
        {"nice", "oono", NULL, 400},
        {"nice", "nn------", "5 from 1, 6 from 1 and 2 more: a density", 400},
        {"nice", "ww+", ": 2 from 1, 3 from 1: a density", 400},
        {"realnvp", "nncs", "columns of 4 lie on a curved surface, as rows of one length do", 400},
        {"realnvp", "nncs", ": 3 from 4: a density has no bound there", 400},
        {"nice", "nn*", ": 2 from 1 and 3: a density", 400},
        {"realnvp", "nnn/*", ": 2 from 1 and 5: a density", 400},
        {"nice", "nn/", " and ", 400},
        {"nice", "nn3", " from ", 400},
        {"realnvp", "nnl", " from ", 400},
        {"nice", "nnc", ": 3 from 1: a density", 400},
        {"nice", "nnp", NULL, 400},
        {"nice", "nni", NULL, 400},
        {"nice", "nne", NULL, 400},
        {"nice", "nnhhttbbnnnnnnnnnnn", NULL, 400},
        {"nice", "nn22nn", ": 3 (0 and 3 alone), 4", 400}, /* two values make every product follow from others */
        {"nice", "nnkkkkkk", NULL, 400},
        {"nice", "ggn", NULL, 400}, /* each says which group of rows it is, and is no curve */
        {"nice", "ugn", NULL, 400},
        {"nice", "gg", NULL, 400},         /* copies of rows, */
        {"nice", "GGGGGGGGGG", NULL, 400}, /* of which products would say all */
        {"vae", "nn*", NULL, 400},
        {"nice", "nnq", " from 1 and ", 400},
        {"nice", "nnsq+", "columns of 5 follow from others", 400},
        {"vae", "nncs", NULL, 400},
        {"nice", "nncs", NULL, 13},
        {"nice", "kkkkkkkk", NULL, 30}, /* squares of a few rows stand far above all others */
        {"nice", "mmmmm", "-1 and 1 alone) and 1 more: a density", 11},
    };
    char path[TEST_PATH_SIZE + 32], said[WARNINGS];
    duet_error error = {0};
    (void)snprintf(path, sizeof path, "%s/dependent.npy", folder);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float values[24 * COARSE_ROWS];
        const size_t columns = strlen(rows[i].kinds);
        test_graph it;
        for (size_t k = 0; k < columns * rows[i].count; k++)
            values[k] = value_beside(rows[i].kinds, k / columns, k % columns);
        assert_ok(duet_write_npy(path, values, DUET_SHAPE(rows[i].count, columns), &error), &error);
        test_graph_open(&it, device, DUET_BUILD_TRAIN, 4, rows[i].family, path, NULL, 0);
        warnings_of(it.build, said);
        if (rows[i].piece != NULL ? strstr(said, rows[i].piece) == NULL : strstr(said, "a density") != NULL)
            fail_msg("%s of %s: \"%s\"", rows[i].family, rows[i].kinds, said);
        if (strpbrk(rows[i].kinds, "m2") != NULL) assert_null(strstr(said, "curved"));
        test_graph_close(&it);
    }
}

enum { CHANNEL_ROWS = 60, CHANNEL_PLACES = 16 };

/* Grey 'g', twice that and a half 'd', another number 'n', grey with noise '~', between the others 'm'; cut off at 1 in
 * capitals. */
static float channel_of(const char *kinds, size_t row, size_t place, size_t channel)
{
    const char kind = kinds[channel];
    const float grey = value_of('n', row, place);
    const float own = value_of('n', row + 1000 * (channel + 1), place);
    switch (kind) {
    case 'g': return grey;
    case 'G': return fminf(grey, 1);
    case 'd': return 2 * grey + 0.5F;
    case '~': return grey + 0.01F * own;
    case 'm': return (grey + value_of('n', row + 1000 * channel, place)) / 2;
    default: return own;
    }
}

/* Grey pictures that were saved in colour have pixels on a line. */
static void dependent_channels_are_warned_of(void **state)
{
    (void)state;
    static const struct {
        const char *family, *kinds, *piece; /* NULL: nothing is said of channels */
    } rows[] = {
        {"nice", "ggg",
         "these channels of 3 follow from others, as copies or sums of multiples: 2 from 1, 3 from 1: a density has no "
         "bound there, and nll falls as it closes in on them, whatever is learnt of the others: take them out, as by "
         "numpy.delete(array, [1, 2], 3) where they are last, of both splits"},
        {"realnvp", "gdn", ": 2 from 1: a density"},
        {"nice", "gnm", " from 1 and "},
        {"nice", "GGG", ": 2 from 1, 3 from 1: a density"},
        {"nice", "g", NULL}, /* what the warning advises */
        {"nice", "gnn", NULL},
        {"nice", "g~~", NULL},
        {"mixture", "ggg", NULL}, /* as wide along its axes as ever */
        {"vae", "ggg", NULL},
    };
    char path[TEST_PATH_SIZE + 32], said[WARNINGS];
    (void)snprintf(path, sizeof path, "%s/channels.npy", folder);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float values[CHANNEL_ROWS * CHANNEL_PLACES * 3];
        const size_t channels = strlen(rows[i].kinds), width = CHANNEL_PLACES * channels;
        duet_error error = {0};
        test_graph it;
        for (size_t k = 0; k < CHANNEL_ROWS * width; k++)
            values[k] = channel_of(rows[i].kinds, k / width, k % width / channels, k % channels);
        assert_ok(duet_write_npy(path, values, DUET_SHAPE(CHANNEL_ROWS, 4, 4, channels), &error), &error);
        test_graph_open(&it, device, DUET_BUILD_TRAIN, 4, rows[i].family, path, NULL, 0);
        warnings_of(it.build, said);
        if (rows[i].piece != NULL ? strstr(said, rows[i].piece) == NULL : strstr(said, "channels") != NULL)
            fail_msg("%s of %s: \"%s\"", rows[i].family, rows[i].kinds, said);
        test_graph_close(&it);
    }
}

/* Columns of normal-like numbers, each as wide as it says; 0: dummies of a twentieth. */
static float wide(float deviation, size_t row, size_t column)
{
    float sum = 0;
    if (deviation == 0) return row % 20 == 0;
    for (size_t i = 0; i < 4; i++) sum += value_of('n', 4 * row + i, column); /* of deviation 4.62 */
    return 3 + deviation * sum / 4.62F;
}

/* What mixes examples with noise of deviation 1, or draws them around their decoder's, is made for numbers about as
 * wide. */
static void widths_are_warned_of(void **state)
{
    (void)state;
    static const struct {
        const char *family, *settings[2];
        float deviations[5];
        bool pictures;
        const char *piece; /* NULL: nothing is said */
    } rows[] = {
        {"ddpm", {NULL}, {1, 1, 1, 1, 1}, false, NULL},
        {"ddpm", {NULL}, {0.4F, 2, 1, 3, 0}, false, NULL},
        {"ddpm",
         {NULL},
         {0.01F, 1, 1, 1, 1},
         false,
         "these columns of 5 deviate by less than 0.2 or more than 5: 1 (0.0"},
        {"ddpm", {NULL}, {1, 20, 1, 1, 1}, false, ": 2 (2"},
        {"ddpm", {NULL}, {20, 20, 20, 20, 20}, false, " and 1 more: they are mixed with noise of deviation 1"},
        {"ddpm", {NULL}, {20, 20, 20, 20, 20}, false, "deviates otherwise: save ((array - t.mean(0)) / "},
        {"ddpm", {NULL}, {0.15F, 0.15F, 0.15F, 0.15F, 0.15F}, true, NULL},
        {"ddpm", {NULL}, {0.01F, 0.01F, 0.01F, 0.01F, 0.01F}, true, "all numbers together (0.01"},
        {"flow-matching", {NULL}, {0.15F, 10, 1, 1, 1}, false, NULL},
        {"flow-matching", {NULL}, {0.01F, 20, 1, 1, 1}, false, ": 1 (0.0"},
        {"vae", {NULL}, {1, 1, 1, 1, 1}, false, NULL},
        {"vae",
         {NULL},
         {0.01F, 0.01F, 0.01F, 0.01F, 0.01F},
         false,
         "nothing to say of what is taken for noise: save ("},
        {"vae",
         {NULL},
         {50, 0.3F, 1, 2, 0},
         false,
         "these columns of 5 are less than half as wide as 1, which p(x given z) is in each, where another is as wide "
         "as "},
        {"vae", {NULL}, {50, 0.3F, 1, 2, 0}, true, NULL},
        {"vae", {NULL}, {3, 0.3F, 1, 1, 1}, false, NULL},
        {"vae", {"sigma=0.1"}, {50, 0.3F, 1, 2, 0}, false, NULL},
        {"vae", {"sigma=0.01"}, {0.01F, 0.01F, 0.01F, 0.01F, 0.01F}, false, NULL},
        {"vae", {"beta=0.0001"}, {0.01F, 0.01F, 0.01F, 0.01F, 0.01F}, false, NULL},
        {"ae", {NULL}, {0.01F, 0.01F, 0.01F, 0.01F, 0.01F}, false, NULL},
        {"ae", {NULL}, {50, 0.3F, 2, 2, 2}, false, "these columns of 5 are less wide than a 64th of the widest, where"},
        {"ae", {NULL}, {50, 2, 2, 2, 0.3F}, false, ": 5 (0."},
        {"ae", {NULL}, {50, 2, 2, 2, 2}, false, NULL},
        {"ae", {NULL}, {50, 0.3F, 2, 2, 2}, true, NULL},
        {"ae", {"likelihood=gaussian-learned", "sigma_per=feature"}, {50, 0.3F, 2, 2, 2}, false, NULL},
        {"aae", {NULL}, {50, 0.3F, 2, 2, 2}, false, "next to nothing of them is learnt beside it: save ("},
        {"bigan", {NULL}, {50, 0.3F, 2, 2, 2}, false, "less wide than a 64th"},
        {"vae-gan", {NULL}, {50, 0.3F, 2, 2, 2}, false, "less wide than a 64th"},
        {"gan", {NULL}, {50, 0.3F, 2, 2, 2}, false, NULL},
        {"gan", {NULL}, {50, 0.03F, 2, 2, 2}, false, "less wide than a 1000th"},
        {"infogan", {NULL}, {50, 0.03F, 2, 2, 2}, false, "less wide than a 1000th"},
        {"mixture", {NULL}, {50, 0.3F, 2, 2, 2}, false, NULL},
        {"mixture", {NULL}, {50, 0.1F, 2, 2, 2}, false, "less wide than a 256th"},
        {"vae",
         {"likelihood=gaussian-learned", "sigma_per=feature"},
         {0.001F, 1, 1, 1, 1},
         false,
         "1 of 5 numbers vary by no more than sigma_floor=0.0025: 1 (0.00"},
        {"aae",
         {"likelihood=gaussian-learned", "sigma_per=feature"},
         {1, 0.001F, 1, 1, 1},
         true,
         "whatever is learnt of the others: sigma_per=model learns one"},
        {"vae", {"likelihood=gaussian-learned", "sigma_per=feature"}, {1, 0.01F, 1, 1, 1}, false, NULL},
        {"vae", {"likelihood=gaussian-learned", "sigma_per=model"}, {1, 0.001F, 1, 1, 1}, false, NULL},
    };
    char path[TEST_PATH_SIZE + 32], said[WARNINGS];
    duet_error error = {0};
    (void)snprintf(path, sizeof path, "%s/wide.npy", folder);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static float values[5 * COARSE_ROWS];
        test_graph it;
        const duet_shape shape = rows[i].pictures ? DUET_SHAPE(COARSE_ROWS, 1, 5, 1) : DUET_SHAPE(COARSE_ROWS, 5);
        for (size_t k = 0; k < 5 * COARSE_ROWS; k++) values[k] = wide(rows[i].deviations[k % 5], k / 5, k % 5);
        assert_ok(duet_write_npy(path, values, shape, &error), &error);
        const size_t count = (size_t)(rows[i].settings[0] != NULL) + (size_t)(rows[i].settings[1] != NULL);
        test_graph_open(&it, device, DUET_BUILD_TRAIN, 4, rows[i].family, path, rows[i].settings, count);
        warnings_of(it.build, said);
        if (rows[i].piece != NULL ? strstr(said, rows[i].piece) == NULL : said[0] != '\0')
            fail_msg("row %zu, %s: \"%s\"", i, rows[i].family, said);
        test_graph_close(&it);
    }
}

/* A column whose deviation is of a few numbers far off, which some thousand examples miss, is as wide as it is. */
static void outliers_make_a_column_wide(void **state)
{
    (void)state;
    enum { ROWS = 40000 };
    static const char *const learnt[] = {"likelihood=gaussian-learned", "sigma_per=feature"};
    static const struct {
        const char *family;
        size_t settings;
    } rows[] = {{"ddpm", 0}, {"flow-matching", 0}, {"vae", 2}, {"vae", 0}};
    static float values[2 * ROWS];
    char path[TEST_PATH_SIZE + 32], said[WARNINGS];
    duet_error error = {0};
    for (size_t i = 0; i < ROWS; i++) {
        values[2 * i] = wide(0.001F, i, 0) - 3;
        values[2 * i + 1] = wide(0.001F, i, 1) - 3;
    }
    values[2 * 30001] = values[2 * 30001 + 1] = 200; /* so that both deviate by 1 */
    (void)snprintf(path, sizeof path, "%s/outlier.npy:values=numbers", folder);
    const size_t length = strlen(path) - strlen(":values=numbers");
    path[length] = '\0';
    assert_ok(duet_write_npy(path, values, DUET_SHAPE(ROWS, 2), &error), &error);
    path[length] = ':'; /* which says that 200 is meant so */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        test_graph it;
        test_graph_open(&it, device, DUET_BUILD_TRAIN, 4, rows[i].family, path, learnt, rows[i].settings);
        warnings_of(it.build, said);
        if (said[0] != '\0') fail_msg("%s: \"%s\"", rows[i].family, said);
        test_graph_close(&it);
    }
}

/* The array of a file of bytes has them as they are. */
static void dark_bytes_are_scaled_as_bytes(void **state)
{
    (void)state;
    char path[TEST_PATH_SIZE + 32], said[WARNINGS];
    duet_error error = {0};
    static uint8_t bytes[COARSE_ROWS * 64];
    test_graph it;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 % 11);
    (void)snprintf(path, sizeof path, "%s/dark.npy", folder);
    assert_ok(duet_write_npy_bytes(path, bytes, DUET_SHAPE(COARSE_ROWS, 1, 8, 8), &error), &error);
    test_graph_open(&it, device, DUET_BUILD_TRAIN, 4, "vae", path, (const char *const[]){"likelihood=gaussian"}, 1);
    warnings_of(it.build, said);
    assert_non_null(strstr(said, "save numpy.clip(array / 10, 0, 1).astype"));
    test_graph_close(&it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coarse_columns_are_warned_of),
        cmocka_unit_test(numbers_of_pictures_are_warned_of),
        cmocka_unit_test(dependent_columns_are_warned_of),
        cmocka_unit_test(dependent_channels_are_warned_of),
        cmocka_unit_test(widths_are_warned_of),
        cmocka_unit_test(outliers_make_a_column_wide),
        cmocka_unit_test(dark_bytes_are_scaled_as_bytes),
    };
    return RUN_TESTS("columns", tests, open_all, close_all);
}
