/* Sample records (Arm ARM, "Statistical Profiling Extension Sample Record Specification"). */
#ifndef PACKETS_H
#define PACKETS_H

#include <stdint.h>

#define MOST_SAMPLES 4096

struct profile {
  uint32_t samples;
  uint32_t loads;
  uint32_t stores;
  uint32_t branches;
  /** Packets with a header that is not known. */
  uint32_t unknown;
  /** Addresses of the sampled instructions, as far as they fit. */
  uint64_t pcs[MOST_SAMPLES];
};

/** Adds what the records in `bytes` bytes say. */
void add_records(struct profile *profile, const uint8_t *records, uint64_t bytes);

/** Samples of instructions from `start` to before `end`. */
uint32_t samples_between(const struct profile *profile, uint64_t start, uint64_t end);

#endif
