/* SPDX-License-Identifier: MIT */
/* Ranks were started with one command line, so what is wrong with it each of them finds, and one says. That it is one
 * is looked at first: mpirun starts ranks with different ones too. */
#include "cli/together.h"
#include "cli/output.h"

#include <string.h>

void cli_together_hush(const duet_ranks *ranks, char complaint[CLI_COMPLAINT])
{
    complaint[0] = '\0';
    if (duet_ranks_rank(ranks) == 0) return;
    cli_keep_complaints(complaint, CLI_COMPLAINT);
    if (freopen("/dev/null", "w", stdout) == NULL) fclose(stdout);
}

/* What is sent of a word; its end may be cut off, but not in the checksum. */
typedef struct sent_word {
    uint64_t length; /* UINT64_MAX: there is none */
    uint64_t checksum;
    char start[48];
} sent_word;

static uint64_t checksum_of(const char *text) /* FNV-1a */
{
    uint64_t sum = 0xcbf29ce484222325u;
    for (; *text != '\0'; text++) sum = (sum ^ (unsigned char)*text) * 0x100000001b3u;
    return sum;
}

static sent_word word_to_send(size_t count, char *const words[], size_t at)
{
    sent_word sent = {.length = UINT64_MAX};
    if (at >= count) return sent;
    sent.length = strlen(words[at]);
    sent.checksum = checksum_of(words[at]);
    snprintf(sent.start, sizeof sent.start, "%s", words[at]);
    return sent;
}

/* "'x'", or "no word". */
static const char *word_to_show(const sent_word *sent, char text[64])
{
    if (sent->length == UINT64_MAX)
        snprintf(text, 64, "no word");
    else
        snprintf(text, 64, "'%s'", sent->start);
    return text;
}

/* Every rank goes through the words of rank 0 and one more, which is none, whether it has found another or not. */
static duet_status compare(duet_ranks *ranks, size_t count, char *const words[], duet_error *own, duet_error *error)
{
    uint64_t told = count;
    char shown[2][64];
    duet_status status = duet_ranks_share(ranks, &told, sizeof told, error);
    for (uint64_t i = 0; status == DUET_OK && i <= told; i++) {
        const sent_word mine = word_to_send(count, words, i);
        sent_word first = mine;
        status = duet_ranks_share(ranks, &first, sizeof first, error);
        if (status != DUET_OK || own->status != DUET_OK ||
            (first.length == mine.length && first.checksum == mine.checksum))
            continue;
        own->status = DUET_ERROR_USAGE;
        snprintf(own->message, sizeof own->message,
                 "behind 'duet' its command line has %s as word %zu, and that of rank 0 has %s: start all ranks with "
                 "one command line, and others by an mpirun of their own",
                 word_to_show(&mine, shown[0]), (size_t)i + 1, word_to_show(&first, shown[1]));
    }
    return status;
}

int cli_together_compare(duet_ranks *ranks, size_t count, char *const words[])
{
    duet_error error = {0}, own = {0};
    if (ranks == NULL) return CLI_DONE;
    duet_status status = compare(ranks, count, words, &own, &error);
    if (status == DUET_OK) {
        error = own;
        status = duet_ranks_agree(ranks, own.status, &error);
    }
    if (status == DUET_OK) return CLI_DONE;
    return duet_ranks_rank(ranks) == 0 ? cli_fail(&error) : cli_exit_status(status);
}

/* The library status that has this exit status. */
static duet_status status_of(int exit_status)
{
    switch (exit_status) {
    case CLI_DONE: return DUET_OK;
    case CLI_MISTAKE: return DUET_ERROR_USAGE;
    case CLI_NO_DEVICE: return DUET_ERROR_NO_DEVICE;
    case CLI_WRONG: return DUET_ERROR_NUMERIC;
    default: return DUET_ERROR_FILE;
    }
}

int cli_together_settle(duet_ranks *ranks, int status, const char *complaint)
{
    duet_error error = {.status = status_of(status)};
    if (ranks == NULL) return status;
    snprintf(error.message, sizeof error.message, "%s", complaint);
    if (duet_ranks_agree(ranks, error.status, &error) == DUET_OK) return status;
    return status == CLI_DONE ? cli_fail(&error) : status;
}

int cli_together_fail_alone(const duet_ranks *ranks, const duet_error *error)
{
    const size_t rank = duet_ranks_rank(ranks);
    cli_keep_complaints(NULL, 0);
    return cli_complain(cli_exit_status(error->status), "rank %zu on %s: %s", rank, duet_ranks_host(ranks, rank),
                        error->message);
}
