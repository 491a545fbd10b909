// Recursion and an indirect call in every step.
#include <stdint.h>

static uint32_t fibonacci(uint32_t n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
static uint32_t twice(uint32_t n) { return 2 * n; }
static uint32_t plus(uint32_t n) { return n + 7; }
static uint32_t (*volatile const operations[])(uint32_t) = {twice, plus, fibonacci};

uint64_t work(uint32_t iterations) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < iterations; i++) {
    sum = sum * 3 + operations[i % 2](i);
    sum += operations[2](16);
  }
  return sum;
}
