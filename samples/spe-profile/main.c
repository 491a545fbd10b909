/*
 * spe-profile: the guest profiles itself with the Statistical Profiling
 * Extension, reads the sample records in its buffer and prints a profile.
 */
#include "packets.h"
#include "runtime.h"
#include "spe.h"

#define ROUNDS 400

static uint32_t numbers[256];

/** About two thirds of all instructions. */
__attribute__((noinline)) static uint32_t sum_numbers(void) {
  uint32_t sum = 0;
  for (int i = 0; i < 256; i++) sum += numbers[i];
  return sum;
}

/** About one third. */
__attribute__((noinline)) static void fill_numbers(uint32_t seed) {
  for (int i = 0; i < 128; i++) numbers[i] = seed * (uint32_t)i;
}

static struct profile profile;

/** What is in the buffer goes into the profile, and the buffer is empty again. */
static void collect(void) {
  uint64_t end = spe_stop(); /* #BP2 read memory at spe_buffer: the packets */
  add_records(&profile, spe_buffer, end - (uint64_t)spe_buffer);
  spe_start();
}

int main(void) {
  if (!spe_exists()) {
    print("This processor has no SPE, or the hypervisor hides it\n");
    return 1;
  }
  spe_start(); /* #BP1 system registers, Profiling and trace: PMBLIMITR_EL1.E and PMSCR_EL1 */
  uint32_t sum = 0;
  for (uint32_t round = 0; round < ROUNDS; round++) {
    fill_numbers(round);
    sum += sum_numbers();
    if (spe_is_full()) collect();
  }
  collect();
  spe_stop();
  print("Sum %08x\n", sum);
  print("%u samples: %u loads, %u stores, %u branches\n", profile.samples, profile.loads,
        profile.stores, profile.branches);
  /* The functions stand in memory in the order of the source. */
  uint32_t in_sum = samples_between(&profile, (uint64_t)sum_numbers, (uint64_t)fill_numbers);
  uint32_t in_fill = samples_between(&profile, (uint64_t)fill_numbers, (uint64_t)collect);
  print("in sum_numbers %u, in fill_numbers %u, elsewhere %u\n", in_sum, in_fill,
        profile.samples - in_sum - in_fill);
  print(profile.unknown == 0 ? "Every packet was understood\n" : "%u packets are unknown\n",
        profile.unknown);
  return profile.samples > 0 && profile.unknown == 0 ? 0 : 1; /* #BP3 profile */
}
