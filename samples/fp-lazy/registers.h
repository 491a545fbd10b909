/* V0 to V31 as a whole: registers.S. */
#ifndef REGISTERS_H
#define REGISTERS_H

#include <stdint.h>

/** V<n> = pattern + n in both halves. */
void fill_vectors(uint64_t pattern);

/** @return bit n is set where V<n> is not what fill_vectors(pattern) has left */
uint32_t changed_vectors(uint64_t pattern);

#endif
