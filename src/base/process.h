/*
 * Naming a process beyond doubt: pids come again, a pid together with its start time does not before the machine starts
 * again. Source of the format: proc(5), /proc/PID/stat.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <sys/types.h>

#include "base/str.h"

/* Ticks since boot at which a process started. ERR_NOT_FOUND: none has that pid, or only a zombie. */
int process_start_time(pid_t pid, uint64_t *ret_ticks) BASE_MUST_USE;

/* The same from the text of its stat file. ERR_NOT_FOUND: a zombie; ERR_INVALID: no such text. */
int process_stat_start_time(struct str stat, uint64_t *ret_ticks) BASE_MUST_USE;

#endif
