/* SPDX-License-Identifier: MIT */
/* test_resume with many more kills, for the slow suite: each lands somewhere else. */
#define KILLS      25
#define KILL_STEPS 150
#include "test_resume.c"
