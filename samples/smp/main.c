/*
 * smp: two processors count together, with a lock and without one.
 *
 * counter++ is a load, an addition and a store. Between the load and the store of one processor the other
 * can store a count of its own, and that one is lost.
 */
#include "processors.h"

#define ROUNDS 2000u

static uint32_t counter_lock;
static volatile unsigned locked_counter;
static volatile unsigned unlocked_counter;
static unsigned secondary_is_done;

static uint8_t secondary_stack[4096] __attribute__((aligned(16)));

static void count(void) {
  for (unsigned round = 0; round < ROUNDS; round++) {
    lock(&counter_lock);
    locked_counter++; // #LOCKED
    unlock(&counter_lock);
    unlocked_counter++; // #RACE
  }
}

void secondary_main(void) {
  count(); // #SECONDARY
  __atomic_store_n(&secondary_is_done, 1, __ATOMIC_RELEASE);
}

int main(void) {
  int64_t error = psci_cpu_on(1, secondary_stack + sizeof secondary_stack);
  if (error != 0) {
    print("CPU_ON gives %ld: this machine has one processor\n", error);
    return 1;
  }
  count(); // #PRIMARY
  while (__atomic_load_n(&secondary_is_done, __ATOMIC_ACQUIRE) == 0) __asm__ volatile("yield");

  unsigned expected = 2 * ROUNDS;
  bool exact = locked_counter == expected;
  bool plausible = unlocked_counter >= 2 && unlocked_counter <= expected;
  print("with a lock: %u of %u\n", locked_counter, expected);
  print("without a lock: %s\n", plausible ? "some may be lost" : "IMPOSSIBLE");
  return exact && plausible ? 0 : 1;
}
