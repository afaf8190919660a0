/* SPDX-License-Identifier: MIT */
/* Messages, exit statuses, JSON: the one place where the program speaks. */
#include "cli/output.h"
#include "cli/interrupt.h"
#include "cli/width.h"

#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LONGEST_LINE = 4096 };

/* The text without what would steer a terminal: '?' for control bytes and for what is not UTF-8; line ends and tabs
 * stay. Names of files may hold anything. */
static void put_clean(const char *text, FILE *stream)
{
    char clean[LONGEST_LINE];
    snprintf(clean, sizeof clean, "%s", text);
    duet_text_plain(clean);
    fputs(clean, stream);
}

void cli_print_name(const char *name)
{
    if (isatty(STDOUT_FILENO) == 1)
        put_clean(name, stdout);
    else
        fputs(name, stdout);
    fputc('\n', stdout);
}

const char *cli_line(const char *name, char *room, size_t size)
{
    snprintf(room, size, "%s", name);
    for (char *at = room; (at = strpbrk(at, "\n\t")) != NULL;) *at = '?';
    return room;
}

bool cli_on_terminal(FILE *stream)
{
    const char *kind = getenv("TERM");
    return isatty(fileno(stream)) == 1 && (kind == NULL || strcmp(kind, "dumb") != 0);
}

size_t cli_terminal_columns(FILE *stream)
{
    struct winsize size;
    return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col : 80;
}

bool cli_reader_is_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

static char *kept;
static size_t kept_size;

void cli_keep_complaints(char *text, size_t size)
{
    kept = text;
    kept_size = size;
}

int cli_complain(int status, const char *format, ...)
{
    char text[LONGEST_LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (kept != NULL) {
        snprintf(kept, kept_size, "%s", text);
        return status;
    }
    fputs("duet: ", stderr);
    put_clean(text, stderr);
    fputc('\n', stderr);
    return status;
}

int cli_exit_status(duet_status status)
{
    switch (status) {
    case DUET_OK: return CLI_DONE;
    case DUET_ERROR_USAGE: return CLI_MISTAKE;
    case DUET_ERROR_NO_DEVICE: return CLI_NO_DEVICE;
    case DUET_ERROR_NUMERIC: return CLI_WRONG;
    case DUET_ERROR_INTERRUPTED: return cli_interrupt_status();
    case DUET_ERROR_FILE:
    case DUET_ERROR_DATA:
    case DUET_ERROR_GRAPH:
    case DUET_ERROR_DEVICE:
    case DUET_ERROR_MEMORY: return CLI_FAILED;
    }
    return CLI_FAILED;
}

int cli_fail(const duet_error *error)
{
    return cli_complain(cli_exit_status(error->status), "%s", error->message);
}

int cli_fail_opened(const duet_error *error)
{
    int status = cli_fail(error);
    return status == CLI_MISTAKE ? CLI_FAILED : status;
}

void cli_log(void *context, const char *line)
{
    (void)context;
    put_clean(line, stderr);
    fputc('\n', stderr);
}

void cli_print(FILE *stream, const char *format, ...)
{
    char text[LONGEST_LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put_clean(text, stream);
}

const char *cli_escape(FILE *stream, cli_colour colour)
{
    static const char *const escapes[] = {
        [CLI_PLAIN] = "\033[0m", [CLI_BOLD] = "\033[1m", [CLI_RED] = "\033[31m", [CLI_GREEN] = "\033[32m"};
    const char *no_colour = getenv("NO_COLOR");
    if ((no_colour != NULL && *no_colour != '\0') || !cli_on_terminal(stream)) return "";
    return escapes[colour];
}

bool cli_ends_in(const char *text, const char *ending)
{
    size_t length = strlen(text), ending_length = strlen(ending);
    return length > ending_length && strcmp(text + length - ending_length, ending) == 0;
}

/* The process is the program's own, so that it may say how jansson gets its memory; a library may not. */
static atomic_bool json_lacked;

static void *allocate_json(size_t bytes)
{
    void *memory = malloc(bytes);
    if (memory == NULL) atomic_store(&json_lacked, true);
    return memory;
}

void cli_json_begin(void)
{
    json_set_alloc_funcs(allocate_json, free);
}

int cli_json_check(void)
{
    if (!atomic_load(&json_lacked)) return CLI_DONE;
    return cli_complain(CLI_FAILED, "out of memory: of JSON that was read or made a part may be missing");
}

double cli_json_number_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *cli_json_text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

json_t *cli_json_number(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

cli_estimate cli_mean(const double *numbers, size_t n, double least, double most)
{
    cli_estimate it;
    duet_mean_interval(numbers, n, &it.value, &it.low, &it.high);
    if (it.low < least) it.low = least;
    if (it.high > most) it.high = most;
    return it;
}

const char *cli_interval(const cli_estimate *estimate, char *text, size_t size)
{
    if (isnan(estimate->low))
        snprintf(text, size, "no interval");
    else
        snprintf(text, size, "%.4g to %.4g", estimate->low, estimate->high);
    return text;
}

void cli_json_estimate(json_t *object, const char *key, const cli_estimate *estimate)
{
    const double numbers[] = {estimate->value, estimate->low, estimate->high};
    static const char *const ends[] = {"", "_low", "_high"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", key, ends[i]);
        json_object_set_new(object, name, cli_json_number(numbers[i]));
    }
}

json_t *cli_json_text(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL) return value;
    char *ascii = malloc(strlen(text) + 1);
    if (ascii == NULL) return NULL;
    size_t length = 0;
    for (const char *c = text; *c != '\0'; c++) ascii[length++] = (unsigned char)*c < 128 ? *c : '?';
    ascii[length] = '\0';
    value = json_string(ascii);
    free(ascii);
    return value;
}

/* One character at which a piece of a document begins that is not ASCII, or DEL: as \u where it would steer a terminal.
 * Returns its bytes; 0: it could not be written. */
static size_t put_character(const char *piece, size_t size, FILE *stream)
{
    char text[5] = "";
    int columns;
    memcpy(text, piece, size < 4 ? size : 4);
    const size_t bytes = cli_character(text, &columns);
    const unsigned char *at = (const unsigned char *)text;
    const unsigned code = bytes == 1   ? at[0]
                          : bytes == 2 ? (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu)
                                       : (at[0] & 0xfu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
    const bool written = columns < 0 ? fprintf(stream, "\\u%04x", code) > 0 : fwrite(text, 1, bytes, stream) == bytes;
    return written ? bytes : 0;
}

/* A piece of a document. jansson's pieces end between characters. */
static int put_json(const char *piece, size_t size, void *stream)
{
    while (size > 0) {
        size_t taken = 0;
        while (taken < size && (unsigned char)piece[taken] < 0x7f) taken++;
        if (taken > 0 && fwrite(piece, 1, taken, stream) != taken) return -1;
        if (taken == 0) taken = put_character(piece, size, stream);
        if (taken == 0) return -1;
        piece += taken;
        size -= taken;
    }
    return 0;
}

void cli_json_put(const char *text)
{
    (void)put_json(text, strlen(text), stdout); /* a failure stays with the stream */
    fputc('\n', stdout);
}

int cli_json_print(json_t *document)
{
    json_t *whole = json_pack("{s:i}", "schema", 1);
    int failed = document == NULL || whole == NULL || json_object_update(whole, document) != 0,
        lacked = cli_json_check();
    failed =
        failed || lacked || json_dump_callback(whole, put_json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) != 0;
    json_decref(document);
    json_decref(whole);
    if (failed && cli_reader_is_gone()) return CLI_UNREAD;
    if (lacked != CLI_DONE) return lacked;
    if (failed) return cli_complain(CLI_FAILED, "the JSON document could not be written: memory or disk is full");
    fputc('\n', stdout);
    return CLI_DONE;
}

int cli_data_check(const char *name)
{
    duet_error error = {0};
    char hint[80];
    if (duet_data_check(name, &error) == DUET_OK) return CLI_DONE;
    const size_t count = duet_dataset_list(NULL, 0);
    duet_dataset_row *rows = calloc(count + 1, sizeof *rows);
    duet_spelling nearest = {.word = name};
    if (rows != NULL) (void)duet_dataset_list(rows, count);
    for (size_t i = 0; rows != NULL && i < count; i++) duet_spelling_offer(&nearest, rows[i].name);
    cli_complain(CLI_MISTAKE, "%s%s", error.message, duet_spelling_words(&nearest, hint, sizeof hint));
    free(rows);
    return cli_exit_status(error.status);
}

static json_t *pair_json(const size_t pair[2])
{
    return json_pack("[I, I]", (json_int_t)pair[0], (json_int_t)pair[1]);
}

json_t *cli_convolution_json(const duet_convolution_product *convolution)
{
    const duet_window *window = &convolution->window;
    if (convolution->use == DUET_NO_CONVOLUTION) return json_null();
    return json_pack("{s:s s:I s:I s:I s:I s:I s:I s:o s:o s:o s:o s:o}", "use",
                     duet_convolution_use_name(convolution->use), "images", (json_int_t)convolution->images, "height",
                     (json_int_t)convolution->height, "width", (json_int_t)convolution->width, "channels",
                     (json_int_t)convolution->channels, "features", (json_int_t)convolution->features, "groups",
                     (json_int_t)convolution->groups, "kernel", pair_json(window->size), "stride",
                     pair_json(window->stride), "dilation", pair_json(window->dilation), "pad_before",
                     pair_json(window->pad_before), "pad_after", pair_json(window->pad_after));
}
