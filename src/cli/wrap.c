/* SPDX-License-Identifier: MIT */
/* Text of --help, broken between words: in lines of one width wherever there is room, narrower on narrow terminals. */
#include "cli/wrap.h"
#include "cli/output.h"

#include <stdint.h>
#include <string.h>

enum { WIDEST = 104 };

size_t cli_help_columns(void)
{
    return cli_on_terminal(stdout) ? cli_terminal_columns(stdout) : SIZE_MAX;
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
void cli_print_wrapped(const char *text, size_t column)
{
    const size_t terminal = cli_help_columns(), columns = terminal < WIDEST ? terminal : WIDEST;
    const size_t room = columns < column + 20 ? 20 : columns - column;
    while (*text != '\0') {
        const size_t length = cli_line_end(text, room);
        for (size_t i = 0; i < length; i++) fputc(text[i] == '\n' ? ' ' : text[i], stdout);
        text += length;
        const bool paragraph = strncmp(text, "\n\n", 2) == 0;
        text += strspn(text, " \n");
        printf("\n%s%*s", paragraph ? "\n" : "", *text != '\0' ? (int)column : 0, "");
    }
}
