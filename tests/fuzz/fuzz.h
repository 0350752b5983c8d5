/*
 * fuzz.h -- the one function of a fuzz target.
 *
 * libFuzzer calls it with input that it makes up, replay.c with the files of the corpus.  A broken
 * promise is an assert; memory errors are AddressSanitizer's.  Returns 0.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
