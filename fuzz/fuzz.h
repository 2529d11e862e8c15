/*
 * A fuzz target is one function over any bytes: it must not crash, leak or take long, and asserts what has to hold. corpus.c
 * runs it over stored inputs; with -Dlibfuzzer=true libFuzzer makes new ones.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
