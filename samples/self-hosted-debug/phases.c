/*
 * Lazy switching, seen from inside.
 *
 * A hypervisor that shares the processor's debug registers between guests and
 * itself does not want to save and restore them, some forty of them, whenever
 * the guest is left or entered. So it waits: register accesses trap
 * (MDCR_EL2.TDA) until the guest shows that it means it. The guest cannot see
 * that, and must not: its registers always hold what it wrote. These phases
 * check that they do; the World Switch view shows what it took.
 */
#include "debugger.h"

/*
 * Long enough for the hypervisor's periodic interrupt, every 4 ms of virtual
 * time at a notional 1 GHz, to come by: each one is an exit and an entry.
 */
#ifndef PAUSE_INSTRUCTIONS
#define PAUSE_INSTRUCTIONS 5000000ul
#endif

#define PATTERN(n) (0x40100000ul + 0x40 * (n))

static void spend_instructions(uint64_t instructions) {
  uint64_t rounds = instructions / 2;
  __asm__ volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(rounds) : : "cc");
}

static bool addresses_are_kept(unsigned breakpoints) {
  for (unsigned n = 0; n < breakpoints; n++) {
    if (read_debug_register(DBGBVR, n) != PATTERN(n)) return false;
  }
  return true;
}

__attribute__((noinline)) static void phase_landmark(void) {
  __asm__ volatile("nop");
}

static void phase_a(unsigned breakpoints) {
  print("Phase A: write every DBGBVR while MDSCR_EL1.MDE = 0\n");
  // LAZY_DIRTY: the first write traps, marks the registers dirty and loads
  // them; the others go straight to the processor.
  for (unsigned n = 0; n < breakpoints; n++) write_debug_register(DBGBVR, n, PATTERN(n)); // #PHASE_A
  check(addresses_are_kept(breakpoints), "A: they read back");
}

static void phase_b(unsigned breakpoints) {
  print("Phase B: the same again, %lu instructions later\n", PAUSE_INSTRUCTIONS);
  // At the first exit with MDE = 0 the registers are saved and the flag dies,
  // so that this, too, begins with one trap.
  spend_instructions(PAUSE_INSTRUCTIONS);
  bool kept = addresses_are_kept(breakpoints); // #PHASE_B
  for (unsigned n = 0; n < breakpoints; n++) write_debug_register(DBGBVR, n, PATTERN(n));
  check(kept && addresses_are_kept(breakpoints), "B: nothing was lost in between");
}

static void phase_c(unsigned breakpoints) {
  print("Phase C: MDE = 1, the registers stay with the guest\n");
  // From now on every entry loads them and no access traps.
  write_debug_register(DBGBVR, 0, (uint64_t)phase_landmark);
  write_debug_register(DBGBCR, 0, DBGBCR_BAS | DBG_EL1 | DBG_E);
  WRITE_SYSREG(MDSCR_EL1, MDSCR_MDE | MDSCR_KDE); // #PHASE_C
  unsigned hits = 0;
  bool kept = true;
  for (unsigned round = 0; round < 3; round++) {
    spend_instructions(PAUSE_INSTRUCTIONS);
    for (unsigned n = 1; n < breakpoints; n++) {
      if (read_debug_register(DBGBVR, n) != PATTERN(n)) kept = false;
    }
    forget_events();
    UNMASK_DEBUG();
    phase_landmark();
    hits += event_count;
  }
  MASK_DEBUG();
  check(hits == 3 && kept, "C: the breakpoint fires after every pause");
}

static void phase_d(void) {
  print("Phase D: the OS Lock goes on and off, MDE stays 1\n");
  WRITE_SYSREG(OSLAR_EL1, 1); // #PHASE_D
  ISB();
  spend_instructions(PAUSE_INSTRUCTIONS);
  bool locked = (READ_SYSREG(OSLSR_EL1) & OSLSR_OSLK) != 0;
  WRITE_SYSREG(OSLAR_EL1, 0);
  ISB();
  bool unlocked = (READ_SYSREG(OSLSR_EL1) & OSLSR_OSLK) == 0;
  forget_events();
  UNMASK_DEBUG();
  phase_landmark();
  MASK_DEBUG();
  check(locked && unlocked && event_count == 1, "D: unlocked, the same breakpoint fires again");
}

static void phase_e(void) {
  print("Phase E: registers whose access traps whoever owns the others\n");
  // MDCR_EL2.TDOSA and TDRA stay set: the hypervisor emulates these for ever.
  uint64_t OSLSR_EL1 = READ_SYSREG(OSLSR_EL1); // #PHASE_E
  uint64_t OSDLR_EL1 = READ_SYSREG(OSDLR_EL1);
  uint64_t MDRAR_EL1 = READ_SYSREG(MDRAR_EL1);
  print("     OSLSR_EL1 0x%lx, OSDLR_EL1 0x%lx, MDRAR_EL1 0x%lx\n", OSLSR_EL1, OSDLR_EL1, MDRAR_EL1);
  check(OSLSR_EL1 == 0x8 && OSDLR_EL1 == 0 && MDRAR_EL1 == 0,
        "E: an OS Lock that is open, no Double Lock, no debug ROM");
}

void show_lazy_switching(void) {
  unsigned breakpoints = debug_resources().breakpoints;
  reset_debug_registers();
  // Let the registers go cold first, or phase A begins with them loaded.
  spend_instructions(PAUSE_INSTRUCTIONS);
  phase_a(breakpoints);
  phase_b(breakpoints);
  phase_c(breakpoints);
  phase_d();
  phase_e();
  reset_debug_registers();
}
