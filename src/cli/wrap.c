/* SPDX-License-Identifier: MIT */
/* Text of --help on a terminal that is narrower than the text: broken between words instead of anywhere. */
#include "cli/wrap.h"
#include "cli/output.h"

#include <stdint.h>
#include <string.h>

size_t cli_help_columns(void)
{
    return cli_on_terminal(stdout) ? cli_terminal_columns(stdout) : SIZE_MAX;
}

static bool fits(const char *text, size_t room)
{
    for (; *text != '\0'; text += *text == '\n') {
        const size_t length = strcspn(text, "\n");
        if (length > room) return false;
        text += length;
    }
    return true;
}

size_t cli_line_end(const char *text, size_t room)
{
    size_t last = 0;
    for (size_t at = 0;; at++) {
        const bool end = text[at] == '\0', choice = at > 0 && text[at - 1] == '|';
        const bool ends = end || choice || text[at] == ' ' || text[at] == '\n';
        if (ends && at > room && last > 0) return last;
        if (ends) last = at;
        if (end || (ends && at >= room)) return last;
    }
}

/* Line ends within a paragraph are no more than spaces; an empty line stays. */
static void print_words(const char *text, size_t column, size_t room)
{
    while (*text != '\0') {
        const size_t length = cli_line_end(text, room);
        for (size_t i = 0; i < length; i++) fputc(text[i] == '\n' ? ' ' : text[i], stdout);
        text += length;
        const bool paragraph = strncmp(text, "\n\n", 2) == 0;
        text += strspn(text, " \n");
        printf("\n%s%*s", paragraph ? "\n" : "", *text != '\0' ? (int)column : 0, "");
    }
}

void cli_print_wrapped(const char *text, size_t column)
{
    const size_t columns = cli_help_columns(), room = columns < column + 20 ? 20 : columns - column;
    if (!fits(text, room)) {
        print_words(text, column, room);
        return;
    }
    for (const char *line = text; *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        printf("%.*s\n", (int)length, line);
        line += length;
        if (*line == '\n') printf("%*s", *++line != '\0' ? (int)column : 0, "");
    }
}
