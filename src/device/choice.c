/* SPDX-License-Identifier: MIT */
/* Which device is best, and which one a selector means. The order depends on what the devices are and on nothing that
 * changes from process to process, so that an index means the same tomorrow. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/discovery.h"

static const char *const kind_names[] = {
    [DUET_DEVICE_GPU] = "gpu",
    [DUET_DEVICE_INTEGRATED] = "integrated gpu",
    [DUET_DEVICE_CPU] = "cpu",
    [DUET_DEVICE_ACCELERATOR] = "accelerator",
};

const char *duet_device_kind_name(duet_device_kind kind)
{
    size_t index = (size_t)kind;
    return index < sizeof kind_names / sizeof *kind_names ? kind_names[index] : "unknown";
}

/** Every CPU row is the one processor of this machine: the clock its driver reports wanders and says nothing. */
static double strength_of(const duet_device_info *info)
{
    return (double)info->compute_units * (info->kind == DUET_DEVICE_CPU ? 1.0 : (double)info->clock_mhz);
}

static bool same_chip(const duet_found_device *a, const duet_found_device *b)
{
    return a->info.kind == b->info.kind && (a->info.kind == DUET_DEVICE_CPU || a->vendor_id == b->vendor_id);
}

/** A Mesa row is at most as strong as the vendor's own row for the chip; the tie then goes to the vendor's. */
static void rate(duet_found_device *found, size_t count)
{
    for (size_t i = 0; i < count; i++) found[i].strength = strength_of(&found[i].info);
    for (size_t i = 0; i < count; i++) {
        if (!found[i].mesa) continue;
        double limit = -1;
        for (size_t j = 0; j < count; j++) {
            bool own = !found[j].mesa && found[j].info.refusal[0] == '\0' && same_chip(&found[i], &found[j]);
            if (own && found[j].strength > limit) limit = found[j].strength;
        }
        if (limit >= 0 && found[i].strength > limit) found[i].strength = limit;
    }
}

static int best_first(const void *left, const void *right)
{
    const duet_found_device *a = left, *b = right;
    const bool a_refused = a->info.refusal[0] != '\0', b_refused = b->info.refusal[0] != '\0';
    if (a_refused != b_refused) return a_refused ? 1 : -1;
    if (a->info.kind != b->info.kind) return a->info.kind < b->info.kind ? -1 : 1;
    if (a->strength != b->strength) return a->strength > b->strength ? -1 : 1;
    if (a->mesa != b->mesa) return a->mesa ? 1 : -1;
    int order = strcmp(a->info.platform, b->info.platform);
    return order != 0 ? order : strcmp(a->info.name, b->info.name);
}

void duet_found_order(duet_found_device *found, size_t count)
{
    if (count == 0) return;
    rate(found, count);
    qsort(found, count, sizeof *found, best_first);
    for (size_t i = 0; i < count; i++) found[i].info.preferred = i == 0 && found[i].info.refusal[0] == '\0';
}

/** Appends to a message, silently cut at its end. */
static void append(char *text, size_t capacity, const char *format, ...) DUET_PRINTF(3, 4);
static void append(char *text, size_t capacity, const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, capacity - length, format, arguments);
    va_end(arguments);
}

/** "0 cpu NAME; 1 ..." */
static void name_all(const duet_found_device *found, size_t count, char *text, size_t capacity)
{
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        append(text, capacity, "%s%zu %s %s (%s)", i == 0 ? "" : "; ", i, duet_device_kind_name(found[i].info.kind),
               found[i].info.name, found[i].info.platform);
}

static bool contains(const char *text, const char *piece)
{
    size_t length = strlen(piece);
    for (; *text != '\0'; text++) {
        size_t i = 0;
        while (i < length && tolower((unsigned char)text[i]) == tolower((unsigned char)piece[i])) i++;
        if (i == length) return true;
    }
    return false;
}

static bool equal_words(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && contains(a, b);
}

typedef enum selector_kind { BY_INDEX, BY_TYPE, BY_NAME } selector_kind;

static selector_kind kind_of(const char *selector)
{
    if (strspn(selector, "0123456789") == strlen(selector)) return BY_INDEX;
    for (size_t i = 0; i < sizeof kind_names / sizeof *kind_names; i++)
        if (equal_words(selector, kind_names[i])) return BY_TYPE;
    return BY_NAME;
}

static bool fits(const duet_found_device *row, size_t index, const char *selector, selector_kind kind)
{
    switch (kind) {
    case BY_INDEX: return strlen(selector) < 6 && strtoul(selector, NULL, 10) == index;
    case BY_TYPE:
        return equal_words(selector, duet_device_kind_name(row->info.kind)) ||
               (equal_words(selector, "gpu") && row->info.kind == DUET_DEVICE_INTEGRATED);
    case BY_NAME: break;
    }
    return contains(row->info.name, selector) || contains(row->info.platform, selector);
}

static duet_status refuse(const duet_found_device *row, size_t index, duet_error *error)
{
    return duet_fail(error, DUET_ERROR_NO_DEVICE, "device %zu, %s (%s), cannot be used: %s", index, row->info.name,
                     row->info.platform, row->info.refusal);
}

/* Whether a rank may take this one in the chosen one's place. Several drivers may show the same chip, so it is one of
 * the same driver, and of the same name unless the selector lets others in. */
static bool takes_turns(const duet_found_device *found, size_t chosen, size_t index, const char *selector)
{
    const duet_found_device *row = &found[index], *first = &found[chosen];
    if (row->info.refusal[0] != '\0' || row->platform != first->platform || row->info.kind != first->info.kind)
        return false;
    return selector == NULL || selector[0] == '\0' ? strcmp(row->info.name, first->info.name) == 0
                                                   : fits(row, index, selector, kind_of(selector));
}

size_t duet_found_turn(const duet_found_device *found, size_t count, const char *selector, size_t chosen, size_t turn)
{
    size_t alike = 0, i = chosen;
    for (size_t k = chosen; k < count; k++) alike += takes_turns(found, chosen, k, selector);
    for (turn %= alike; turn > 0; turn -= takes_turns(found, chosen, i, selector)) i++;
    return i;
}

duet_status duet_found_choose(const duet_found_device *found, size_t count, const char *selector, const char *origin,
                              size_t *chosen, duet_error *error)
{
    *chosen = 0;
    if (count == 0) return duet_device_absent(error);
    if (selector == NULL || selector[0] == '\0') {
        if (found[0].info.refusal[0] != '\0') return refuse(&found[0], 0, error);
        return DUET_OK;
    }
    const selector_kind kind = kind_of(selector);
    size_t refused = count;
    for (size_t i = 0; i < count; i++) {
        if (!fits(&found[i], i, selector, kind)) continue;
        if (found[i].info.refusal[0] == '\0') {
            *chosen = i;
            return DUET_OK;
        }
        if (refused == count) refused = i;
    }
    if (refused < count) return refuse(&found[refused], refused, error);
    char names[768];
    name_all(found, count, names, sizeof names);
    return duet_fail(error, DUET_ERROR_NO_DEVICE,
                     "no device fits \"%.64s\"%s: give an index, a type (cpu gpu accelerator) or a piece of a name; "
                     "there are: %s",
                     selector, origin, names);
}
