/*
 * fp-lazy: the guest fills V0 to V31, waits while its host is busy, and looks
 * whether every register still holds what it wrote.
 *
 * The host has other users for the same registers. See README.md.
 */
#include "registers.h"
#include "runtime.h"

/** Instructions between two looks: 6 ms, longer than the 4 ms between two interrupts of the host. */
#define WAIT_INSTRUCTIONS 6000000ul
#define ROUNDS 5

static void wait(uint64_t instructions) {
  /* Two instructions for each turn. */
  uint64_t turns = instructions / 2;
  __asm__ volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(turns) : : "cc");
}

/** One round with a pattern of its own. @return the registers that changed, one bit each */
static uint32_t round_of(uint64_t pattern) {
  fill_vectors(pattern); /* #BP1 the first FP instruction traps: look at FP/SIMD in the Hypervisor scope */
  wait(WAIT_INSTRUCTIONS);
  return changed_vectors(pattern); /* #BP2 the host has used the registers meanwhile */
}

int main(void) {
  print("Waiting without floating point\n");
  wait(WAIT_INSTRUCTIONS); /* #BP0 no FP instruction yet: nothing is saved or loaded */
  uint32_t changed = 0;
  for (int round = 1; round <= ROUNDS; round++) {
    uint64_t pattern = 0x4755455354000000ul + ((uint64_t)round << 16); /* "GUEST" */
    uint32_t now = round_of(pattern);
    print("Round %d: V0 to V31 %s\n", round, now == 0 ? "are as they were" : "have CHANGED");
    changed |= now;
  }
  print(changed == 0 ? "No register was lost\n" : "Registers were lost: %08x\n", changed);
  return changed == 0 ? 0 : 1;
}
