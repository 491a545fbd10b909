/*
 * self-hosted-debug: a guest that debugs itself.
 *
 * AArch64 lets EL1 debug EL0 and even itself, without any tool from outside:
 * a kernel's hardware breakpoints, watchpoints and single-step are these
 * registers and the exceptions that they cause. Each check below sets one up,
 * runs into it, and compares what the handler (debugger.c) saw with what the
 * architecture promises.
 */
#include "debugger.h"

uint64_t el0_result;
static volatile uint64_t watched;

/* Somewhere to put a breakpoint. */
__attribute__((noinline)) static void landmark(void) {
  __asm__ volatile("nop");
}

static void check_registers(void) {
  struct debug_resources resources = debug_resources();
  print("%u breakpoints, %u of them context-aware, %u watchpoints\n", resources.breakpoints,
        resources.context_aware, resources.watchpoints);

  bool kept = true;
  for (unsigned n = 0; n < resources.breakpoints; n++) {
    write_debug_register(DBGBVR, n, 0x40000000 + 16 * n);
  }
  for (unsigned n = 0; n < resources.watchpoints; n++) {
    write_debug_register(DBGWVR, n, 0x50000000 + 16 * n);
  }
  for (unsigned n = 0; n < resources.breakpoints; n++) {
    if (read_debug_register(DBGBVR, n) != 0x40000000 + 16 * n) kept = false;
  }
  for (unsigned n = 0; n < resources.watchpoints; n++) {
    if (read_debug_register(DBGWVR, n) != 0x50000000 + 16 * n) kept = false;
  }
  check(kept, "every comparator keeps its own address");
}

static void check_brk(void) {
  forget_events();
  __asm__ volatile("brk #0x42");
  // BRK needs nothing enabled, and its operand arrives in ESR_EL1.ISS.
  check(event_count == 1 && events[0].esr == 0xf2000042, "BRK #0x42 is an exception of its own");
}

static void check_breakpoint(void) {
  forget_events();
  WRITE_SYSREG(DBGBVR0_EL1, landmark);
  WRITE_SYSREG(DBGBCR0_EL1, DBGBCR_BAS | DBG_EL1 | DBG_E);
  WRITE_SYSREG(MDSCR_EL1, MDSCR_MDE | MDSCR_KDE); // #BP1
  UNMASK_DEBUG();
  landmark();
  check(event_count == 1 && events[0].esr == 0xc6000022 && events[0].elr == (uint64_t)landmark,
        "a breakpoint stops EL1 before the instruction at its address");
  reset_debug_registers();
}

static void check_watchpoint(void) {
  forget_events();
  WRITE_SYSREG(DBGWVR0_EL1, &watched);
  WRITE_SYSREG(DBGWCR0_EL1, DBGWCR_BAS(0xff) | DBGWCR_LOAD | DBGWCR_STORE | DBG_EL1 | DBG_E);
  WRITE_SYSREG(MDSCR_EL1, MDSCR_MDE | MDSCR_KDE);
  UNMASK_DEBUG();
  watched = 1234;
  UNMASK_DEBUG();
  uint64_t value = watched;
  MASK_DEBUG();
  check(event_count == 2 && events[0].esr == 0xd6000062 && events[0].far == (uint64_t)&watched,
        "a watchpoint sees the store, and ESR.WnR says so");
  check(event_count == 2 && events[1].esr == 0xd6000022 && value == 1234,
        "and the load, which gets its value after the handler has returned");
  reset_debug_registers();
}

static void check_step(void) {
  forget_events();
  step_until = (uint64_t)stepped_end;
  WRITE_SYSREG(MDSCR_EL1, MDSCR_KDE | MDSCR_SS);
  ISB();
  stepped();
  uint64_t start = (uint64_t)stepped_start;
  bool in_order = event_count == 3;
  for (unsigned i = 0; in_order && i < 3; i++) in_order = events[i].elr == start + 4 * i;
  check(in_order, "software step stops at one instruction after the other");
  // ESR.ISV: was an instruction stepped to get here? Not the first time.
  check(event_count == 3 && events[0].esr == 0xce000022 && events[1].esr == 0xcf000022,
        "the first step exception comes before anything was stepped");
  reset_debug_registers();
}

static void check_linked_context(void) {
  // Breakpoint 0 compares the address; the highest one is context-aware and
  // compares CONTEXTIDR_EL1, where a kernel keeps the number of the process.
  unsigned comparator = debug_resources().breakpoints - 1;
  forget_events();
  write_debug_register(DBGBVR, comparator, 0xabcdef);
  write_debug_register(DBGBCR, comparator,
                       DBGBCR_BT(BT_LINKED_CONTEXT) | DBGBCR_BAS | DBG_EL1 | DBG_E);
  write_debug_register(DBGBVR, 0, (uint64_t)landmark);
  write_debug_register(DBGBCR, 0,
                       DBGBCR_BT(BT_LINKED_ADDRESS) | DBG_LBN(comparator) | DBGBCR_BAS | DBG_EL1 |
                         DBG_E);
  WRITE_SYSREG(MDSCR_EL1, MDSCR_MDE | MDSCR_KDE);

  WRITE_SYSREG(CONTEXTIDR_EL1, 0x123456);
  UNMASK_DEBUG();
  landmark();
  check(event_count == 0, "a linked breakpoint lets other processes pass");

  WRITE_SYSREG(CONTEXTIDR_EL1, 0xabcdef);
  UNMASK_DEBUG();
  landmark();
  check(event_count == 1 && events[0].elr == (uint64_t)landmark, "and stops the one it is meant for");
  WRITE_SYSREG(CONTEXTIDR_EL1, 0);
  reset_debug_registers();
}

static void check_el0(void) {
  forget_events();
  WRITE_SYSREG(DBGBVR1_EL1, el0_multiply);
  WRITE_SYSREG(DBGBCR1_EL1, DBGBCR_BAS | DBG_EL0 | DBG_E);
  WRITE_SYSREG(MDSCR_EL1, MDSCR_MDE); // KDE is about EL1 only
  ISB();
  run_at_el0(el0_program, SPSR_EL0);
  check(event_count == 1 && events[0].esr == 0xc2000022 && events[0].elr == (uint64_t)el0_multiply,
        "EL1 sets a breakpoint for EL0");
  reset_debug_registers();

  forget_events();
  el0_result = 0;
  WRITE_SYSREG(DBGWVR1_EL1, &el0_result);
  WRITE_SYSREG(DBGWCR1_EL1, DBGWCR_BAS(0xff) | DBGWCR_STORE | DBG_EL0 | DBG_E);
  WRITE_SYSREG(MDSCR_EL1, MDSCR_MDE);
  ISB();
  run_at_el0(el0_program, SPSR_EL0);
  check(event_count == 1 && events[0].esr == 0xd2000062 && events[0].elr == (uint64_t)el0_store &&
          events[0].far == (uint64_t)&el0_result && el0_result == 42,
        "EL1 watches what EL0 stores");
  reset_debug_registers();

  forget_events();
  step_until = (uint64_t)el0_store;
  WRITE_SYSREG(MDSCR_EL1, MDSCR_SS);
  ISB();
  run_at_el0(el0_program, SPSR_EL0 | SPSR_SS);
  bool in_order = event_count == 5;
  for (unsigned i = 0; in_order && i < 5; i++) {
    in_order = events[i].esr == 0xca000022 + (1ul << 24) &&
               events[i].elr == (uint64_t)el0_program + 4 * (i + 1);
  }
  check(in_order, "EL1 steps EL0, one instruction for each ERET");
  reset_debug_registers();
}

static void check_os_lock(void) {
  forget_events();
  WRITE_SYSREG(DBGBVR0_EL1, landmark);
  WRITE_SYSREG(DBGBCR0_EL1, DBGBCR_BAS | DBG_EL1 | DBG_E);
  WRITE_SYSREG(MDSCR_EL1, MDSCR_MDE | MDSCR_KDE);
  WRITE_SYSREG(OSLAR_EL1, 1);
  UNMASK_DEBUG();
  landmark();
  MASK_DEBUG();
  check(READ_SYSREG(OSLSR_EL1) & OSLSR_OSLK, "OSLSR_EL1.OSLK shows the OS Lock");
  check(event_count == 0, "the OS Lock silences breakpoints (QEMU 7.2 does not implement this)");
  reset_debug_registers();
}

int main(void) {
  reset_debug_registers();
  check_registers();
  check_brk();
  check_breakpoint();
  check_watchpoint();
  check_step();
  check_linked_context();
  check_el0();
  check_os_lock();
  show_lazy_switching();
  print("%u passed, %u failed\n", passed_checks, failed_checks); // #BP6
  return failed_checks == 0 ? 0 : 1;
}
