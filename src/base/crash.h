/*
 * The last words of a process that crashes (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT): the signal, what the thread was doing
 * (assert_context) and a backtrace on standard error; then the signal takes its course, so that the status and the core file
 * are those of the crash.
 */
#ifndef BASE_CRASH_H
#define BASE_CRASH_H

/* Once, at the start of main, before threads. The main thread gets a stack of its own for the handler, which then also works
 * when its stack has overflowed. */
void crash_setup(void);

#endif
