/* SPDX-License-Identifier: MIT */
/* test_kills with many more of them, for the slow suite: each lands somewhere else. */
#define KILLS      25
#define KILL_STEPS 150
#include "test_kills.c"
