/*
 * E1 to E18: what kvm-unit-tests (debug.c) and the KVM selftest
 * debug-exceptions try, with the results that the case table gives.
 */
#include "acceptance.h"

#define CONTEXT 0xabcdef

/** Tells whether a harness has moved us to another machine in between. */
static bool migrate(void) {
  uint32_t before = migrations;
  uint64_t ID_AA64DFR0_EL1 = READ_SYSREG(ID_AA64DFR0_EL1);
  migrate_point();
  expect("ID_AA64DFR0_EL1.BRPs", READ_SYSREG(ID_AA64DFR0_EL1) & 0xf000, ID_AA64DFR0_EL1 & 0xf000);
  return migrations != before;
}

static void breakpoints(bool with_migration) {
  for (unsigned n = 0; n < resources.breakpoints; n++) {
    write_debug_register(DBGBVR, n, (uint64_t)hw_bp0 + 4 * n);
    write_debug_register(DBGBCR, n, 0x1fe3); // BAS spills into bits 12:9, which are RES0
  }
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  if (with_migration && !migrate()) {
    skip("not migrated");
    return;
  }
  code_unmask16();
  expect_events(resources.breakpoints);
  for (unsigned n = 0; n < resources.breakpoints; n++) {
    expect_event(n, ESR_BREAKPOINT_EL1, (uint64_t)hw_bp0 + 4 * n);
  }
  expect("DBGBCR0_EL1[12:9]", read_debug_register(DBGBCR, 0) & 0x1e00, 0);
}

static void E1(void) {
  breakpoints(false);
}

static void E2(void) {
  breakpoints(true);
}

static void watchpoints(bool with_migration) {
  volatile uint8_t *write_data = memory;
  for (unsigned n = 0; n < resources.watchpoints; n++) {
    write_data[n] = 0;
    write_debug_register(DBGWVR, n, (uint64_t)&write_data[n]);
    write_debug_register(DBGWCR, n, 0x1ffb); // all eight bytes, loads and stores, EL1
  }
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  if (with_migration && !migrate()) {
    skip("not migrated");
    return;
  }
  for (unsigned n = 0; n < resources.watchpoints; n++) {
    UNMASK_DEBUG();
    write_data[n] = (uint8_t)(n + 1);
  }
  MASK_DEBUG();
  set_MDSCR(0);
  expect_events(resources.watchpoints);
  for (unsigned n = 0; n < resources.watchpoints; n++) {
    expect("ESR_EL1 of an event", events[n].esr, ESR_WATCHPOINT_STORE_EL1);
    expect("FAR_EL1", events[n].far, (uint64_t)&write_data[n]);
    expect("stored data", write_data[n], n + 1);
  }
}

static void E3(void) {
  watchpoints(false);
}

static void E4(void) {
  watchpoints(true);
}

static void expect_three_steps(void) {
  uint64_t start = (uint64_t)ss_start;
  expect_event(0, ESR_STEP_EL1_FIRST, start);
  expect_event(1, ESR_STEP_EL1, start + 4);
  expect_event(2, ESR_STEP_EL1, start + 8);
  expect_events(3);
}

static void steps(bool with_migration) {
  set_MDSCR(MDSCR_KDE | MDSCR_SS);
  if (with_migration && !migrate()) {
    skip("not migrated");
    return;
  }
  code_steps();
  expect_three_steps();
}

static void E5(void) {
  steps(false);
}

static void E6(void) {
  steps(true);
}

static void E7(void) {
  code_brk();
  expect_events(1);
  expect_event(0, ESR_BRK0, (uint64_t)brk_at);
}

static void arm_breakpoint(const char *address) {
  set_breakpoint(slots.b, address, BCR_EL1);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  UNMASK_DEBUG();
}

static void E8(void) {
  arm_breakpoint(nop_at);
  code_nop();
  expect_events(1);
  expect_event(0, ESR_BREAKPOINT_EL1, (uint64_t)nop_at);
}

static void E9(void) {
  arm_breakpoint(svc_at);
  code_svc();
  expect_events(2);
  expect_event(0, ESR_BREAKPOINT_EL1, (uint64_t)svc_at);
  expect_event(1, ESR_SVC0, (uint64_t)svc_at + 4);
}

static void E10(void) {
  arm_breakpoint(brk_at);
  code_brk();
  expect_events(2);
  expect_event(0, ESR_BREAKPOINT_EL1, (uint64_t)brk_at);
  expect_event(1, ESR_BRK0, (uint64_t)brk_at);
}

static void arm_watchpoint(uint64_t linked) {
  memory[0] = 0;
  set_watchpoint(slots.w, (uint64_t)memory, WCR_ANY_EL1 | linked);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
}

static void store_x(void) {
  UNMASK_DEBUG();
  memory[0] = 'x';
  MASK_DEBUG();
  set_MDSCR(0);
}

static void E11(void) {
  arm_watchpoint(0);
  store_x();
  expect_events(1);
  expect("ESR_EL1", events[0].esr, ESR_WATCHPOINT_STORE_EL1);
  expect("FAR_EL1", events[0].far, (uint64_t)memory);
  expect("stored data", memory[0], 'x');
}

static void E12(void) {
  set_MDSCR(MDSCR_KDE | MDSCR_SS);
  code_steps();
  expect_three_steps();
}

static void lock(void) {
  WRITE_SYSREG(OSLAR_EL1, 1);
  ISB();
}

static void E13(void) {
  lock();
  code_brk();
  expect_events(1);
  expect_event(0, ESR_BRK0, (uint64_t)brk_at);
  expect("OSLSR_EL1.OSLK", READ_SYSREG(OSLSR_EL1) & OSLSR_OSLK, OSLSR_OSLK);
}

static void E14(void) {
  lock();
  arm_breakpoint(nop_at);
  code_nop();
  expect_events(0);
}

static void E15(void) {
  lock();
  arm_watchpoint(0);
  store_x();
  expect_events(0);
  expect("stored data", memory[0], 'x');
}

static void E16(void) {
  lock();
  set_MDSCR(MDSCR_KDE | MDSCR_SS);
  code_steps();
  expect_events(0);
}

static void E17(void) {
  set_breakpoint(slots.c, (const char *)CONTEXT, DBGBCR_BT(BT_LINKED_CONTEXT) | BCR_EL1);
  set_breakpoint(slots.b, nop_at, DBGBCR_BT(BT_LINKED_ADDRESS) | DBG_LBN(slots.c) | BCR_EL1);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  WRITE_SYSREG(CONTEXTIDR_EL1, CONTEXT);
  UNMASK_DEBUG();
  code_nop();
  MASK_DEBUG();
  expect_events(1);
  expect_event(0, ESR_BREAKPOINT_EL1, (uint64_t)nop_at);
}

static void E18(void) {
  set_breakpoint(slots.c, (const char *)CONTEXT, DBGBCR_BT(BT_LINKED_CONTEXT) | BCR_EL1);
  WRITE_SYSREG(CONTEXTIDR_EL1, CONTEXT + 1);
  arm_watchpoint(DBGWCR_WT | DBG_LBN(slots.c));
  store_x();
  expect("events in another context", event_count, 0);
  WRITE_SYSREG(CONTEXTIDR_EL1, CONTEXT);
  arm_watchpoint(DBGWCR_WT | DBG_LBN(slots.c));
  store_x();
  expect("events in the context", event_count, 1);
  expect("FAR_EL1", events[0].far, (uint64_t)memory);
}

const struct acceptance_case linux_cases[] = {
  { "E1", E1 },   { "E2", E2 },   { "E3", E3 },   { "E4", E4 },   { "E5", E5 },   { "E6", E6 },
  { "E7", E7 },   { "E8", E8 },   { "E9", E9 },   { "E10", E10 }, { "E11", E11 }, { "E12", E12 },
  { "E13", E13 }, { "E14", E14 }, { "E15", E15 }, { "E16", E16 }, { "E17", E17 }, { "E18", E18 },
};
const unsigned linux_case_count = sizeof linux_cases / sizeof linux_cases[0];
