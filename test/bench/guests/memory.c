// Fills, block copies with pairs, byte copies and sums over a buffer larger than a level-1 cache.
#include <stdint.h>

enum { WORDS = 8192 };
static uint64_t from[WORDS], to[WORDS];

uint64_t work(uint32_t iterations) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < iterations; i++) {
    for (int w = 0; w < WORDS; w++) from[w] = (uint64_t)w * 0x9e3779b97f4a7c15u + i;
    for (int w = 0; w < WORDS; w += 4) {
      uint64_t a = from[w], b = from[w + 1], c = from[w + 2], d = from[w + 3];
      to[w] = a; to[w + 1] = b; to[w + 2] = c; to[w + 3] = d;
    }
    const uint8_t *bytes = (const uint8_t *)from;
    uint8_t *out = (uint8_t *)to;
    for (int n = 0; n < WORDS; n++) out[n * 3] = bytes[n * 5];
    for (int w = 0; w < WORDS; w++) sum += to[w];
  }
  return sum;
}
