/*
 * lazy-switching: four ways to use the debug registers, and what each one makes the hypervisor do.
 *
 * All four look the same from inside: registers hold what was written, breakpoints hit. The difference is in
 * what the hypervisor saves and loads at each of the interrupts that come by while the guest works.
 */
#include "own-events.h"

/* Several of the host's interrupts, one every 4,000,000 instructions. */
#define WORK_INSTRUCTIONS 20000000ul

static unsigned failures;

static void report(const char *phase, bool kept) {
  print("%s: %s\n", phase, kept ? "the registers held what was written" : "A REGISTER WAS LOST");
  if (!kept) failures++;
}

__attribute__((noinline)) static void landmark(void) {
  __asm__ volatile("nop");
}

/* Nothing is switched: the registers are not the guest's. */
static void quiet(void) {
  spend_instructions(WORK_INSTRUCTIONS); // #QUIET
  report("quiet", true);
}

/* One trap, then all writes go straight through, and one save at the next interrupt. */
static void programmed_once(void) {
  unsigned breakpoints = debug_resources().breakpoints;
  for (unsigned n = 0; n < breakpoints; n++) {
    write_debug_register(DBGBVR, n, 0x40100000ul + 0x40 * n); // #ONCE
  }
  spend_instructions(WORK_INSTRUCTIONS);
  bool kept = true;
  for (unsigned n = 0; n < breakpoints; n++) {
    if (read_debug_register(DBGBVR, n) != 0x40100000ul + 0x40 * n) kept = false;
  }
  report("programmed once", kept);
}

/* A save and a load at every interrupt, as long as MDSCR_EL1.MDE is set. */
static void always_debugging(void) {
  write_debug_register(DBGBVR, 0, (uint64_t)landmark);
  write_debug_register(DBGBCR, 0, DBGBCR_BAS | DBG_EL1 | DBG_E);
  WRITE_SYSREG(MDSCR_EL1, MDSCR_MDE | MDSCR_KDE); // #ALWAYS
  spend_instructions(WORK_INSTRUCTIONS);
  forget_own_events();
  call_debugged(landmark);
  WRITE_SYSREG(MDSCR_EL1, 0);
  report("always debugging", own_events.breakpoints == 1);
}

/* Registers that trap under every policy but EAGER. */
static void locked(void) {
  bool kept = true;
  for (unsigned n = 0; n < 8; n++) {
    WRITE_SYSREG(OSLAR_EL1, n & 1); // #LOCK
    ISB();
    if (((READ_SYSREG(OSLSR_EL1) & OSLSR_OSLK) != 0) != ((n & 1) != 0)) kept = false;
  }
  WRITE_SYSREG(OSLAR_EL1, 0);
  report("locked and unlocked", kept);
}

int main(void) {
  clear_debug_registers();
  spend_instructions(WORK_INSTRUCTIONS); // let the registers go cold
  quiet();
  programmed_once();
  always_debugging();
  locked();
  print("%u lost\n", failures);
  return failures == 0 ? 0 : 1;
}
