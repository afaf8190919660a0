/* Numbers in texts that people and files hold: read alike whatever locale the host program has chosen. */
#ifndef DUET_SRC_BASE_NUMBER_H
#define DUET_SRC_BASE_NUMBER_H

#include "duet/base.h"

/** The whole text as a decimal number with a point, such as 3, -0.5 or 1e-8. False if it is none, or one that float64
 *  cannot hold: hexadecimal, "inf", "nan" and spaces are none. */
bool duet_number_read(const char *text, double *number);

#endif
