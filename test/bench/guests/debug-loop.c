// A function called and a variable written once an iteration, for breakpoints and watchpoints; beside
// them in the same pages a function never called and a variable never touched.
#include <stdint.h>

volatile uint32_t counter;
volatile uint32_t untouched;

__attribute__((noinline)) uint32_t tick(uint32_t n) {
  counter = n;
  return n ^ counter >> 3;
}

__attribute__((noinline)) uint32_t never_called(uint32_t n) { return n + untouched; }

uint64_t work(uint32_t iterations) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < iterations; i++) sum += tick(i);
  if (sum == 1) sum += never_called(3);
  return sum;
}
