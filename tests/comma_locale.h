/* SPDX-License-Identifier: MIT */
/* A host program's locale in which the point of numbers is a comma. */
#ifndef DUET_TESTS_COMMA_LOCALE_H
#define DUET_TESTS_COMMA_LOCALE_H

#include "folder.h"

#include <locale.h>

/** Chooses it for this category, and sees that it holds: an installed one, else one that is made in the folder. False:
 *  there is no way to one here. */
static inline bool set_comma_locale(int category)
{
    char command[3 * TEST_PATH_SIZE], shown[16];
    if (setlocale(category, "de_DE.UTF-8") == NULL) {
        (void)snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", folder);
        if (system(command) != 0 || setenv("LOCPATH", folder, 1) != 0 || setlocale(category, "de_DE.UTF-8") == NULL)
            return false;
    }
    (void)snprintf(shown, sizeof shown, "%.1f", 0.5);
    assert_string_equal(shown, "0,5");
    return true;
}

#endif
