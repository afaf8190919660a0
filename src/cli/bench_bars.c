/* SPDX-License-Identifier: MIT */
/* An SVG file of horizontal bars. Each group has its own scale, up to its fastest device: workloads differ by powers of
 * ten, and what compares are devices. */
#include "cli/bench_bars.h"
#include "cli/bench_record.h"
#include "cli/options.h"
#include "cli/output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 900, LEFT = 130, RIGHT = 120, BAR = 14, GAP = 4, GROUP_GAP = 16, LINE = 18, MARGIN = 16, WORDS = 160 };

/* Told apart also by those who see few colours (Okabe & Ito 2008). */
static const char *const colours[] = {"#0072b2", "#e69f00", "#009e73", "#cc79a7",
                                      "#56b4e9", "#d55e00", "#f0e442", "#000000"};

/* A file's text: names come from strangers' files. */
static void put_escaped(FILE *stream, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '<')
            fputs("&lt;", stream);
        else if (*text == '&')
            fputs("&amp;", stream);
        else
            fputc((unsigned char)*text < ' ' ? '?' : *text, stream);
    }
}

static void put_text(FILE *stream, int x, size_t y, const char *text, const char *style)
{
    fprintf(stream, "<text x=\"%d\" y=\"%zu\"%s>", x, y, style);
    put_escaped(stream, text);
    fputs("</text>\n", stream);
}

static void draw_legend(FILE *stream, const json_t *results)
{
    const json_t *result;
    size_t i;
    json_array_foreach(results, i, result)
    {
        char line[256];
        char conditions[WORDS];
        const size_t y = MARGIN + 2 * i * LINE;
        snprintf(line, sizeof line, "%.100s (%.40s, driver %.60s)", cli_json_text_at(result, "device"),
                 cli_json_text_at(result, "platform"), cli_json_text_at(result, "driver"));
        fprintf(stream, "<rect x=\"%d\" y=\"%zu\" width=\"12\" height=\"12\" fill=\"%s\"/>\n", MARGIN, y,
                colours[i % CLI_COUNT_OF(colours)]);
        put_text(stream, MARGIN + 20, y + 11, line, "");
        cli_bench_conditions(result, conditions, sizeof conditions);
        put_text(stream, MARGIN + 20, y + LINE + 9, conditions, " fill=\"#555555\"");
    }
}

static double fastest(const json_t *values)
{
    const json_t *value;
    size_t i;
    double most = NAN;
    json_array_foreach(values, i, value) most = fmax(most, cli_json_number_at(value, "images_per_second"));
    return most;
}

/* Words wider than what is left of the bars stand above them. */
static size_t room_above(const json_t *row)
{
    enum { BESIDE = 16 };
    char words[WORDS];
    return strlen(cli_bench_work_name(row, words, sizeof words)) > BESIDE ? LINE : 0;
}

/* The bars of one workload from height `y` on. Returns where they end. */
static size_t draw_group(FILE *stream, const json_t *row, size_t y)
{
    const json_t *values = json_object_get(row, "results"), *value;
    const double most = fastest(values);
    char words[WORDS];
    size_t i;
    put_text(stream, MARGIN, y + BAR - 2, cli_bench_work_name(row, words, sizeof words), "");
    y += room_above(row);
    json_array_foreach(values, i, value)
    {
        const double rate = cli_json_number_at(value, "images_per_second"),
                     length = (WIDTH - LEFT - RIGHT) * rate / most;
        if (isnan(rate)) continue;
        snprintf(words, sizeof words, "%.0f", rate);
        fprintf(stream, "<rect x=\"%d\" y=\"%zu\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", LEFT, y, length, BAR,
                colours[i % CLI_COUNT_OF(colours)]);
        put_text(stream, LEFT + 6 + (int)length, y + BAR - 2, words, "");
        y += BAR + GAP;
    }
    return y + GROUP_GAP;
}

static bool is_drawn(const json_t *row)
{
    return !isnan(fastest(json_object_get(row, "results")));
}

static size_t height_of(const json_t *results, const json_t *rows)
{
    const json_t *row, *value;
    size_t i, j, height = 2 * MARGIN + (2 * json_array_size(results) + 2) * LINE;
    json_array_foreach(rows, i, row)
    {
        json_array_foreach(json_object_get(row, "results"), j, value) height +=
            isnan(cli_json_number_at(value, "images_per_second")) ? 0 : BAR + GAP;
        height += is_drawn(row) ? GROUP_GAP + room_above(row) : 0;
    }
    return height;
}

static void draw(FILE *stream, const json_t *results, const json_t *rows)
{
    const size_t height = height_of(results, rows);
    const json_t *row;
    size_t i, y = MARGIN + 2 * json_array_size(results) * LINE + LINE;
    fprintf(stream,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %zu\" width=\"%d\" height=\"%zu\" "
            "font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"images a second by workload\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
            WIDTH, height, WIDTH, height);
    draw_legend(stream, results);
    put_text(stream, LEFT, y, "training examples a second; each workload has a scale of its own", " fill=\"#555555\"");
    y += LINE;
    json_array_foreach(rows, i, row) if (is_drawn(row)) y = draw_group(stream, row, y);
    fputs("</svg>\n", stream);
}

int cli_bench_draw(const json_t *results, const json_t *rows, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    duet_error error = {0};
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL) return cli_complain(CLI_FAILED, "there is too little memory for a drawing");
    draw(stream, results, rows);
    const bool whole = fclose(stream) == 0;
    if (whole) duet_write_file(path, text, size, &error);
    free(text);
    if (!whole) return cli_complain(CLI_FAILED, "there is too little memory for a drawing");
    return error.status == DUET_OK ? CLI_DONE : cli_fail(&error);
}
