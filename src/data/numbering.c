/* SPDX-License-Identifier: MIT */
/* Numbers from 0 or 1 on, each once, are told by how many they are, by the least and the greatest, and by the sum of a
 * print of each, which no others have. */
#include "data/numbering.h"

#include <math.h>

#include "data/copies.h"

static uint64_t print_of(double number)
{
    return duet_print(&number, sizeof number);
}

void duet_numbering_add(duet_numbering *it, double number)
{
    const bool first = it->count++ == 0;
    it->broken = it->broken || !(number >= 0 && number == floor(number)) || (!first && number == it->before);
    if (it->broken) return;
    it->low = first ? number : fmin(it->low, number);
    it->high = first ? number : fmax(it->high, number);
    it->mixed = it->mixed || (!first && number < it->before);
    it->sum += print_of(number);
    it->before = number;
}

bool duet_numbering_is_whole(const duet_numbering *it)
{
    uint64_t sum = 0;
    if (it->count == 0 || it->broken || (it->low != 0 && it->low != 1)) return false;
    if (it->high - it->low != (double)(it->count - 1)) return false;
    for (size_t i = 0; i < it->count; i++) sum += print_of(it->low + (double)i);
    return sum == it->sum;
}
