// What single events cost: `kind` picks one, work() makes it happen `iterations` times.
#include <stdint.h>

enum { LOOP, TLB_MISS, EXCEPTION, PLAIN_REGISTER, DAIF, COUNTER, TTBR, TLBI };
// Filled in before the guest starts; in .data, so that it has a place in the file.
__attribute__((section(".data"))) volatile uint32_t kind = LOOP;

enum { PAGES = 256, PAGE = 4096 };
static volatile uint8_t touched[PAGES * PAGE] __attribute__((aligned(4096)));

// An exception from EL1 to EL1 goes to the vector at 0x200, which returns at once.
__asm__(
    "  .balign 2048\n"
    "vectors:\n"
    "  .skip 0x200\n"
    "  eret\n"
    "  .skip 0x600 - 4\n");

uint64_t work(uint32_t iterations) {
  uint64_t value = 0;
  __asm__ volatile("adr %0, vectors\n msr vbar_el1, %0\n isb" : "=r"(value));
  const uint32_t chosen = kind;
  for (uint32_t i = 0; i < iterations; i++) {
    switch (chosen) {
      case TLB_MISS:
        // One invalidation for all pages that are touched then.
        if (i % PAGES == 0) __asm__ volatile("dsb ishst\n tlbi vmalle1\n dsb ish\n isb");
        (void)touched[(i % PAGES) * PAGE];
        break;
      case EXCEPTION:
        __asm__ volatile("svc #0");
        break;
      case PLAIN_REGISTER:
        __asm__ volatile("mrs %0, tpidr_el1\n msr tpidr_el1, %0" : "=r"(value));
        break;
      case DAIF:
        __asm__ volatile("msr daifset, #2\n msr daifclr, #2");
        break;
      case COUNTER:
        __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
        break;
      case TTBR:
        __asm__ volatile("mrs %0, ttbr0_el1\n msr ttbr0_el1, %0\n isb" : "=r"(value));
        break;
      case TLBI:
        __asm__ volatile("dsb ishst\n tlbi vae1, %0\n dsb ish\n isb" ::"r"((uint64_t)touched >> 12));
        break;
      default:
        __asm__ volatile("");
    }
  }
  return chosen;
}
