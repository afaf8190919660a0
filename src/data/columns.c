/* SPDX-License-Identifier: MIT */
/* Once sorted, equal values lie side by side. */
#include "data/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

static int compare(const void *a, const void *b)
{
    const float left = *(const float *)a, right = *(const float *)b;
    return left < right ? -1 : left > right;
}

duet_column duet_column_look(float *values, size_t count)
{
    duet_column it = {.count = count, .whole = true, .step = INFINITY};
    qsort(values, count, sizeof *values, compare);
    for (size_t i = 0, times; i < count; i += times) {
        for (times = 1; i + times < count && values[i + times] == values[i];) times++;
        const float before = values[i > 0 ? i - 1 : 0];
        if (it.distinct == 0) it.low = (duet_column_end){values[i], times, values[i]};
        if (it.distinct == 1) it.low.next = values[i];
        it.high = (duet_column_end){values[i], times, before};
        if (it.distinct++ > 0) it.step = fminf(it.step, values[i] - before);
        it.whole = it.whole && values[i] == floorf(values[i]);
        if (times > it.common_times) {
            it.common = values[i];
            it.common_times = times;
        }
    }
    if (it.distinct < 2) it.step = 0;
    return it;
}

long duet_columns_find(const char *names, const char *name)
{
    const size_t length = strlen(name);
    for (long place = 0; names != NULL && *names != '\0'; place++) {
        const size_t own = strcspn(names, "\n");
        if (own == length && strncasecmp(names, name, length) == 0) return place;
        names += own + (names[own] != '\0');
    }
    return -1;
}

char *duet_columns_join(const char *const *names, size_t count)
{
    duet_text lines = {0};
    for (size_t i = 0; i < count; i++) duet_text_add(&lines, "%s\n", names[i]);
    char *joined = lines.failed ? NULL : strdup(duet_text_get(&lines));
    duet_text_free(&lines);
    return joined;
}

const char *duet_column_name(const char *names, size_t column, char *text, size_t room)
{
    text[0] = '\0';
    if (names == NULL) return text;
    for (; column > 0 && (names = strchr(names, '\n')) != NULL; column--) names++;
    if (names != NULL) (void)duet_text_print(text, room, " (\"%.*s\")", (int)strcspn(names, "\n"), names);
    return text;
}
