/* SPDX-License-Identifier: MIT */
/* Output and exit statuses of all commands: results go to standard output, messages for people to standard error, and a
 * library status becomes an exit status in one place. */
#ifndef DUET_SRC_CLI_OUTPUT_H
#define DUET_SRC_CLI_OUTPUT_H

#include "duet.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/** Exit statuses (docs/commands.md). */
enum {
    CLI_DONE = 0,
    CLI_FAILED = 1,       /* a file or run had to be opened to see the mistake, or the work failed */
    CLI_MISTAKE = 2,      /* the command line alone shows the mistake */
    CLI_NO_DEVICE = 3,    /* no usable device */
    CLI_WRONG = 4,        /* numbers are wrong; cli_interrupt_status has what a signal gives */
    CLI_UNREAD = 128 + 13 /* standard output lost its reader: SIGPIPE's, as of other programs */
};

/** A file's name as a line of standard output: as it is for a program, cleaned for a person. */
void cli_print_name(const char *name);

/** A name as a part of a line, in `room`: ends of lines and tabs in it become '?'. Returns `room`. */
const char *cli_line(const char *name, char *room, size_t size);
/** Whether the stream is a terminal that can move its cursor and show colours (TERM is not "dumb"). */
bool cli_on_terminal(FILE *stream);
/** Columns of that terminal, 80 where it does not say. */
size_t cli_terminal_columns(FILE *stream);
/** Whether standard output is a pipe that nobody reads any more, as behind `| head`. */
bool cli_reader_is_gone(void);

/** Prints one line on standard error, with "duet: " in front. Returns `status`, for `return cli_complain(...)`. */
int cli_complain(int status, const char *format, ...) DUET_PRINTF(2, 3);

/** From now on cli_complain keeps its last line in `text` and prints nothing: for one of several processes that find
 * the same mistakes. NULL: it prints. */
void cli_keep_complaints(char *text, size_t size);

/** The exit status of a library status. */
int cli_exit_status(duet_status status);

/** Prints the error and returns its exit status. */
int cli_fail(const duet_error *error);
/** The same once a run has been opened: what is wrong now could not be seen on the command line. */
int cli_fail_opened(const duet_error *error);

/** A line of explanation from the library: standard error, one line. Fits duet_log_function. */
void cli_log(void *context, const char *line);

/** Prints text that names what a stranger may have named, such as files or what is in them: what would steer a terminal
 *  becomes '?'. */
void cli_print(FILE *stream, const char *format, ...) DUET_PRINTF(2, 3);

/** {"use", "images", "height", ...}, as in tuning files; null for none. */
json_t *cli_convolution_json(const duet_convolution_product *convolution);

typedef enum cli_colour { CLI_PLAIN, CLI_BOLD, CLI_RED, CLI_GREEN } cli_colour;

/** The escape that starts (CLI_PLAIN: ends) a colour; "" where the stream is no such terminal or NO_COLOR is set. */
const char *cli_escape(FILE *stream, cli_colour colour);

/** Whether a file name has this ending, and something before it. */
bool cli_ends_in(const char *text, const char *ending);

/** The number under a key of an object; NAN if there is none. */
double cli_json_number_at(const json_t *object, const char *key);
/** The text under a key; "" if there is none. */
const char *cli_json_text_at(const json_t *object, const char *key);
/** A number for a JSON document; null if it is not finite. */
json_t *cli_json_number(double number);
/** What was computed, and the ends of its interval of 95%, NaN where there is none. */
typedef struct cli_estimate {
    double value, low, high;
} cli_estimate;

/** The mean of n numbers that lie from `least` to `most` (an infinity: anywhere), beyond which no end goes. */
cli_estimate cli_mean(const double *numbers, size_t n, double least, double most);
/** "0.1234 to 0.5678", or "no interval" where the ends are NaN. */
const char *cli_interval(const cli_estimate *estimate, char *text, size_t size);
/** Sets KEY, KEY_low and KEY_high of an object; null where one is NaN. */
void cli_json_estimate(json_t *object, const char *key, const cli_estimate *estimate);
/** Text for a JSON document; bytes that are not ASCII become '?' where the text is not UTF-8. */
json_t *cli_json_text(const char *text);
/** From here on it is noted where jansson gets no memory, which is what its results would say one by one. */
void cli_json_begin(void);
/** CLI_DONE, or, after a message, CLI_FAILED where it got none at any time: a document may lack a part then, and what
 *  was read may not be what was there. */
int cli_json_check(void);
/** Prints the document (`"schema": 1` is put in front; a document of another schema has it) on standard output and
 * frees it. Returns an exit status. */
int cli_json_print(json_t *document);
/** Prints a document that is text, and a line end, without bytes that would steer a terminal. */
void cli_json_put(const char *text);

/** CLI_DONE if `name` may be data (duet_data_check; NULL is fine); else a message, with the nearest set. */
int cli_data_check(const char *name);

#endif
