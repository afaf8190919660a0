/* SPDX-License-Identifier: MIT */
/* What a trial's numbers say of a kernel, in words that help to find the fault: the kind of fault, the first element,
 * how many are like it, and, where the wrong numbers are those of a likely mistake, that mistake. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "check/lesson.h"

const char *duet_lesson_size(const lesson_row *row, const lesson_trial *trial, bool groups, char *text, size_t room)
{
    duet_text words = {0};
    for (size_t i = 0; row->numbers[i] != NULL; i++)
        duet_text_add(&words, "%s%s = %u", i > 0 ? ", " : "", row->numbers[i], (unsigned)trial->number[i]);
    if (groups && trial->group[1] > 1)
        duet_text_add(&words, "; groups of %zu x %zu", trial->group[0], trial->group[1]);
    else if (groups)
        duet_text_add(&words, "; groups of %zu", trial->group[0]);
    if (groups && trial->options != NULL) duet_text_add(&words, "; %s", trial->options);
    (void)snprintf(text, room, "%s", duet_text_get(&words));
    duet_text_free(&words);
    return text;
}

/** "c[3][5]", or "y[7]". */
static const char *place(const lesson_course *it, size_t index, size_t element, char text[64])
{
    const lesson_buffer *buffer = &it->row->buffers[index];
    const size_t columns = buffer->columns > 0 ? it->trial->number[buffer->columns - 1] : 0;
    if (columns > 0)
        (void)snprintf(text, 64, "%s[%zu][%zu]", buffer->name, element / columns, element % columns);
    else
        (void)snprintf(text, 64, "%s[%zu]", buffer->name, element);
    return text;
}

static void say(const lesson_course *it, duet_lesson_report *report, duet_lesson_verdict verdict, const char *format,
                ...) DUET_PRINTF(4, 5);
static void say(const lesson_course *it, duet_lesson_report *report, duet_lesson_verdict verdict, const char *format,
                ...)
{
    va_list arguments;
    char size[192];
    report->verdict = verdict;
    va_start(arguments, format);
    (void)duet_text_vprint(report->words, sizeof report->words, format, arguments);
    va_end(arguments);
    const size_t used = strlen(report->words);
    (void)snprintf(report->words + used, sizeof report->words - used, " (The trial: %s.)",
                   duet_lesson_size(it->row, it->trial, true, size, sizeof size));
}

static bool is_pattern(const float *number, lesson_role role)
{
    const uint32_t pattern = duet_lesson_pattern(role);
    return memcmp(number, &pattern, sizeof pattern) == 0;
}

/** Whether it is the pattern, or what a CPU makes of it by arithmetic. */
static bool is_made_of(const float *number, lesson_role role)
{
    uint32_t bits;
    memcpy(&bits, number, sizeof bits);
    return (bits & ~0x80400000u) == (duet_lesson_pattern(role) & ~0x80400000u);
}

/* ---- where nothing should have been written ---- */

static bool judge_guards(const lesson_course *it, size_t index, duet_lesson_report *report)
{
    const lesson_buffer *buffer = &it->row->buffers[index];
    const size_t guard = it->guard / sizeof(float), count = it->count[index];
    size_t ahead = 0, behind = 0, farthest = 0;
    for (size_t i = 0; i < guard; i++) {
        ahead += !is_pattern(&it->after[index][i], buffer->role);
        if (is_pattern(&it->after[index][guard + count + i], buffer->role)) continue;
        behind++;
        farthest = count + i;
    }
    if (ahead + behind == 0) return true;
    if (behind > 0)
        say(it, report, DUET_LESSON_OUTSIDE,
            "the kernel writes past the end of %s: %zu numbers behind its %zu, as far as %s[%zu]. The number of "
            "work-items is rounded up to whole groups: those that have no element must write nothing.",
            buffer->name, behind, count, buffer->name, farthest);
    else
        say(it, report, DUET_LESSON_OUTSIDE,
            "the kernel writes in front of %s: %zu numbers at negative indices. Look for a subtraction of unsigned "
            "numbers.",
            buffer->name, ahead);
    return false;
}

static bool judge_input(const lesson_course *it, size_t index, duet_lesson_report *report)
{
    char where[64];
    const float *before = duet_lesson_elements(it, it->before, index),
                *after = duet_lesson_elements(it, it->after, index);
    if (it->row->buffers[index].role != LESSON_INPUT) return true;
    for (size_t i = 0; i < it->count[index]; i++) {
        if (memcmp(&before[i], &after[i], sizeof before[i]) == 0) continue;
        say(it, report, DUET_LESSON_OUTSIDE, "the kernel writes into its input: %s was %.7g and is %.7g.",
            place(it, index, i, where), (double)before[i], (double)after[i]);
        return false;
    }
    return true;
}

/* ---- what was left out ---- */

static bool judge_unwritten(const lesson_course *it, size_t index, duet_lesson_report *report)
{
    char first[64], last[64];
    const float *after = duet_lesson_elements(it, it->after, index);
    const lesson_role role = it->row->buffers[index].role;
    size_t count = 0, from = 0, to = 0;
    for (size_t i = 0; role == LESSON_RESULT && i < it->count[index]; i++) {
        if (!is_pattern(&after[i], role)) continue;
        if (count++ == 0) from = i;
        to = i;
    }
    if (count == 0) return true;
    if (count == it->count[index])
        say(it, report, DUET_LESSON_UNWRITTEN,
            "nothing is written to %s: none of its %zu elements. Is the hole filled? If it is: is the line that stores "
            "reached?",
            it->row->buffers[index].name, count);
    else
        say(it, report, DUET_LESSON_UNWRITTEN,
            "%zu of the %zu elements of %s are never written, from %s to %s: no work-item takes them, or one leaves "
            "too "
            "early.",
            count, it->count[index], it->row->buffers[index].name, place(it, index, from, first),
            place(it, index, to, last));
    return false;
}

/* ---- what differs from run to run ---- */

static bool judge_steadiness(const lesson_course *it, float *const *again, size_t index, duet_lesson_report *report)
{
    char where[64];
    const float *after = duet_lesson_elements(it, it->after, index), *other = duet_lesson_elements(it, again, index);
    for (size_t i = 0; i < it->count[index]; i++) {
        if (memcmp(&after[i], &other[i], sizeof after[i]) == 0) continue;
        if (it->row->any_group) {
            say(it, report, DUET_LESSON_UNSTEADY,
                "the same numbers in groups of another size give other bits: %s was %.9g, then %.9g. The order in "
                "which "
                "numbers are added may follow from n and count alone, not from a group's size or a local number.",
                place(it, index, i, where), (double)other[i], (double)after[i]);
            return false;
        }
        say(it, report, DUET_LESSON_UNSTEADY,
            "two runs on the same numbers differ: %s was %.7g, then %.7g. Work-items race: one reads what another may "
            "not have written yet, or two write to one place. Is there a barrier between writing and reading what a "
            "group shares, and between reading it and writing it anew?",
            place(it, index, i, where), (double)other[i], (double)after[i]);
        return false;
    }
    return true;
}

/* ---- wrong numbers ---- */

static bool is_close(double expected, double found, double allowed)
{
    return fabs(expected - found) <= allowed; /* a NaN is close to nothing */
}

/** Whether the numbers are those of this mistake: all of them, to rounding, where it can be said what they are. */
static bool is_mistake(const lesson_course *it, const lesson_mistake *mistake, double allowed)
{
    double *other[LESSON_BUFFERS] = {NULL};
    float *before[LESSON_BUFFERS] = {NULL};
    bool same = true;
    for (size_t i = 0; i < LESSON_BUFFERS && it->whole[i] != NULL; i++) {
        before[i] = duet_lesson_elements(it, it->before, i);
        if (it->expected[i] == NULL) continue;
        other[i] = calloc(it->count[i] + 1, sizeof *other[i]);
        same = same && other[i] != NULL;
    }
    if (same) mistake->reference(it->trial, before, other);
    for (size_t i = 0; i < LESSON_BUFFERS && same; i++)
        for (size_t j = 0; other[i] != NULL && j < it->count[i] && same; j++)
            same = isnan(other[i][j]) || is_close(other[i][j], duet_lesson_elements(it, it->after, i)[j], allowed);
    for (size_t i = 0; i < LESSON_BUFFERS; i++) free(other[i]);
    return same;
}

static const char *hint(const lesson_course *it, float found, double allowed)
{
    const double margin = allowed > 1e-5 ? allowed : 1e-5;
    if (is_made_of(&found, LESSON_INPUT))
        return " It is no number, as everything beside an input is: the kernel reads outside of one.";
    if (is_made_of(&found, LESSON_RESULT))
        return " It is no number, as everything is that was not written yet: does the kernel add to what lies there, "
               "or "
               "read what is still to be written?";
    if (isnan(found))
        return " It is no number: was a sum begun at 0, and is everything that is read inside its matrix?";
    for (size_t i = 0; i < LESSON_MISTAKES && it->row->mistakes[i].reference != NULL; i++)
        if (is_mistake(it, &it->row->mistakes[i], margin)) return it->row->mistakes[i].words;
    return it->row->otherwise != NULL ? it->row->otherwise : "";
}

static bool judge_numbers(const lesson_course *it, size_t index, duet_lesson_report *report)
{
    char where[64], clue[512];
    const double allowed = it->row->allowed != NULL ? it->row->allowed(it->trial) : 0;
    const float *after = duet_lesson_elements(it, it->after, index);
    size_t wrong = 0, first = 0;
    if (it->expected[index] == NULL) return true;
    for (size_t i = 0; i < it->count[index]; i++) {
        if (is_close(it->expected[index][i], after[i], allowed)) continue;
        if (wrong++ == 0) first = i;
    }
    if (wrong == 0) return true;
    (void)snprintf(clue, sizeof clue, "%s", hint(it, after[first], allowed));
    say(it, report, DUET_LESSON_WRONG, "%s is wrong: expected %.7g, found %.7g. %zu of %zu elements of %s are wrong.%s",
        place(it, index, first, where), it->expected[index][first], (double)after[first], wrong, it->count[index],
        it->row->buffers[index].name, clue);
    return false;
}

void duet_lesson_judge(const lesson_course *it, float *const *again, duet_lesson_report *report)
{
    bool right = true;
    for (size_t i = 0; i < LESSON_BUFFERS && it->whole[i] != NULL && right; i++)
        right = judge_guards(it, i, report) && judge_input(it, i, report);
    for (size_t i = 0; i < LESSON_BUFFERS && it->whole[i] != NULL && right; i++) right = judge_unwritten(it, i, report);
    for (size_t i = 0; i < LESSON_BUFFERS && it->whole[i] != NULL && right; i++)
        right = judge_steadiness(it, again, i, report);
    for (size_t i = 0; i < LESSON_BUFFERS && it->whole[i] != NULL && right; i++) right = judge_numbers(it, i, report);
    for (size_t i = 0; i < LESSON_BUFFERS && it->whole[i] != NULL && right; i++)
        if (it->expected[i] != NULL) report->elements += it->count[i];
    report->trials += right;
}

/* ---- what the code has ---- */

/** The end of a comment that begins here; `at` where none does. */
static const char *skip_comment(const char *at)
{
    if (strncmp(at, "//", 2) == 0) return at + strcspn(at, "\n");
    if (strncmp(at, "/*", 2) != 0) return at;
    const char *end = strstr(at + 2, "*/");
    return end != NULL ? end + 2 : at + strlen(at);
}

static size_t count_word(const char *source, const char *word)
{
    size_t count = 0;
    for (const char *at = source; *at != '\0';) {
        const char *code = skip_comment(at);
        size_t length = 0;
        if (code != at) {
            at = code;
            continue;
        }
        while (isalnum((unsigned char)at[length]) || at[length] == '_') length++;
        count += length == strlen(word) && strncmp(at, word, length) == 0;
        at += length > 0 ? length : 1;
    }
    return count;
}

static void append(duet_lesson_report *report, const char *before, const char *words)
{
    const size_t used = strlen(report->words);
    (void)snprintf(report->words + used, sizeof report->words - used, "%s%s.", before, words);
}

void duet_lesson_judge_code(const lesson_row *row, const char *source, duet_lesson_report *report)
{
    const bool right = report->verdict == DUET_LESSON_RIGHT;
    if (report->verdict == DUET_LESSON_REFUSED) return;
    if (!right && row->avoid.word != NULL && count_word(source, row->avoid.word) > 0)
        append(report, " And ", row->avoid.complaint);
    if (report->verdict == DUET_LESSON_OUTSIDE) return;
    for (size_t i = 0; i < LESSON_NEEDS && row->needs[i].complaint != NULL; i++) {
        size_t count = 0;
        for (size_t j = 0; j < 2 && row->needs[i].words[j] != NULL; j++)
            count += count_word(source, row->needs[i].words[j]);
        if (count >= row->needs[i].times) continue;
        if (report->verdict == DUET_LESSON_UNWRITTEN && i == 0) return; /* it has hardly begun */
        append(report, right ? "the numbers are right, but " : " And ", row->needs[i].complaint);
        if (right) report->verdict = DUET_LESSON_BESIDE;
        return;
    }
}
