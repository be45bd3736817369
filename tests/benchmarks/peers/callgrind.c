/* Tells callgrind what to count: the library that `guard_count.py` calls around every step.
 *
 * Outside valgrind every function does nothing.
 */
#include <valgrind/callgrind.h>

/* Count from zero. */
void count_begin(void)
{
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
}

/* Write what was counted since into a file of its own, under this name. */
void count_end(const char *name)
{
    CALLGRIND_DUMP_STATS_AT(name);
    CALLGRIND_STOP_INSTRUMENTATION;
}
