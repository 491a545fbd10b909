/* E20 to E50, those that need neither EL2 nor the MMU: promises of the Arm ARM's text. */
#include "acceptance.h"

#define CONTEXT 0x5a5a5a
#define LINK_TO(n) (DBGBCR_BT(BT_LINKED_ADDRESS) | DBG_LBN(n))
#define PAGE ((uint64_t)memory + 4096)

static void run_nop(void) {
  UNMASK_DEBUG();
  code_nop();
  MASK_DEBUG();
}

static void set_context(uint64_t type, uint64_t enable) {
  set_breakpoint(slots.c, (const char *)CONTEXT,
                 DBGBCR_BT(type) | DBGBCR_BAS | DBG_EL1 | enable);
}

static void store1(uint64_t address) {
  UNMASK_DEBUG();
  __asm__ volatile("strb %w0, [%1]" : : "r"(0x5a), "r"(address) : "memory");
  MASK_DEBUG();
}

static void load1(uint64_t address) {
  uint32_t value;
  UNMASK_DEBUG();
  __asm__ volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
  MASK_DEBUG();
}

static void E20(void) {
  set_context(BT_LINKED_CONTEXT, DBG_E);
  set_breakpoint(slots.b, nop_at, LINK_TO(slots.c) | BCR_EL1);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  WRITE_SYSREG(CONTEXTIDR_EL1, CONTEXT ^ 1);
  run_nop();
  expect_events(0);
}

static void E21(void) {
  set_context(BT_LINKED_CONTEXT, DBG_E);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  WRITE_SYSREG(CONTEXTIDR_EL1, CONTEXT);
  run_nop();
  expect_events(0);
}

static void E22(void) {
  set_context(BT_CONTEXT, DBG_E);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  code_context(CONTEXT);
  expect_events(1);
  expect_event(0, ESR_BREAKPOINT_EL1, (uint64_t)e22_first);
}

static void E23(void) {
  unsigned ordinary = slots.b + 1;
  set_breakpoint(ordinary, (const char *)CONTEXT, DBGBCR_BT(BT_LINKED_CONTEXT) | BCR_EL1);
  set_breakpoint(slots.b, nop_at, LINK_TO(ordinary) | BCR_EL1);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  WRITE_SYSREG(CONTEXTIDR_EL1, CONTEXT);
  run_nop();
  expect_events(0);
  expect("DBGBCR.LBN", read_debug_register(DBGBCR, slots.b) >> 16 & 0xf, ordinary);
}

static void E24(void) {
  set_context(BT_LINKED_CONTEXT, 0);
  set_breakpoint(slots.b, nop_at, LINK_TO(slots.c) | BCR_EL1);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  WRITE_SYSREG(CONTEXTIDR_EL1, CONTEXT);
  run_nop();
  expect_events(0);
}

static void E25(void) {
  set_context(BT_LINKED_CONTEXT, DBG_E);
  set_breakpoint(0, nop_at, LINK_TO(slots.c) | BCR_EL1);
  set_breakpoint(1, svc_at, LINK_TO(slots.c) | BCR_EL1);
  set_watchpoint(0, PAGE, WCR_STORE_EL1 | DBGWCR_WT | DBG_LBN(slots.c));
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  WRITE_SYSREG(CONTEXTIDR_EL1, CONTEXT);
  run_nop();
  UNMASK_DEBUG();
  code_svc();
  store1(PAGE);
  expect_events(4);
  expect_event(0, ESR_BREAKPOINT_EL1, (uint64_t)nop_at);
  expect_event(1, ESR_BREAKPOINT_EL1, (uint64_t)svc_at);
  expect_event(2, ESR_SVC0, (uint64_t)svc_at + 4);
  expect("ESR_EL1 of the watchpoint", events[3].esr, ESR_WATCHPOINT_STORE_EL1);
}

static void E27(void) {
  set_breakpoint(0, nop_at, BCR_EL1);
  set_breakpoint(1, el0_nop, BCR_EL0);
  set_MDSCR(MDSCR_MDE);
  run_nop();
  expect("events at EL1", event_count, 0);
  run_at_el0(el0_nop, 0);
  expect_events(1);
  expect_event(0, ESR_BREAKPOINT_EL0, (uint64_t)el0_nop);
}

static void E28(void) {
  set_breakpoint(0, nop_at, BCR_EL1);
  set_breakpoint(1, el0_nop, BCR_EL0);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  code_nop(); // PSTATE.D is 1
  expect("events at EL1", event_count, 0);
  run_at_el0(el0_nop, SPSR_D);
  expect_events(1);
  expect_event(0, ESR_BREAKPOINT_EL0, (uint64_t)el0_nop);
}

static void E29(void) {
  set_breakpoint(0, ss_start, BCR_EL1);
  set_watchpoint(0, PAGE, WCR_ANY_EL1);
  set_MDSCR(MDSCR_KDE);
  store1(PAGE);
  expect("watchpoint events", event_count, 0);
  set_MDSCR(MDSCR_KDE | MDSCR_SS);
  code_steps();
  expect_event(0, ESR_STEP_EL1_FIRST, (uint64_t)ss_start);
  expect_event(1, ESR_STEP_EL1, (uint64_t)ss_start + 4);
  expect_event(2, ESR_STEP_EL1, (uint64_t)ss_start + 8);
  for (unsigned i = 0; i < event_count && i < MAX_EVENTS; i++) {
    expect("class of an event", events[i].esr >> 26, EC_SOFTWARE_STEP_SAME_EL);
  }
}

static void E30(void) {
  uint64_t never = DBGWCR_BAS(0xff) | DBG_EL1 | DBG_E;
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  set_watchpoint(0, PAGE, never | DBGWCR_LOAD);
  store1(PAGE);
  expect("events of a store, LSC = 01", event_count, 0);
  set_watchpoint(0, PAGE, never | DBGWCR_STORE);
  load1(PAGE);
  expect("events of a load, LSC = 10", event_count, 0);
  set_watchpoint(0, PAGE, never);
  load1(PAGE);
  store1(PAGE);
  expect("events with LSC = 00", event_count, 0);
}

static void E31(void) {
  set_watchpoint(0, PAGE, WCR_ANY_EL1);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  load1(PAGE);
  store1(PAGE);
  expect_events(2);
  expect("ESR_EL1 of the load", events[0].esr, ESR_WATCHPOINT_LOAD_EL1);
  expect("ESR_EL1 of the store", events[1].esr, ESR_WATCHPOINT_STORE_EL1);
}

static void watch_byte_3(void) {
  set_watchpoint(0, PAGE, DBGWCR_BAS(0x08) | DBGWCR_LOAD | DBGWCR_STORE | DBG_EL1 | DBG_E);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
}

static void E32(void) {
  watch_byte_3();
  store1(PAGE + 4);
  expect("events of the byte behind", event_count, 0);
  store1(PAGE + 3);
  expect_events(1);
  expect("ESR_EL1", events[0].esr, ESR_WATCHPOINT_STORE_EL1);
  expect("FAR_EL1", events[0].far, PAGE + 3);
}

static void E32_unaligned(void) {
  watch_byte_3();
  UNMASK_DEBUG();
  __asm__ volatile("str xzr, [%0]" : : "r"(PAGE - 4) : "memory");
  MASK_DEBUG();
  if (is_alignment_fault(0)) {
    skip("alignment fault: memory is Device memory while the MMU is off");
    return;
  }
  expect_events(1);
  expect("ESR_EL1", events[0].esr, ESR_WATCHPOINT_STORE_EL1);
  expect("FAR_EL1", events[0].far, PAGE + 3);
}

static void E33(void) {
  set_watchpoint(0, PAGE + 4, DBGWCR_BAS(0x0f) | DBGWCR_STORE | DBG_EL1 | DBG_E);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  store1(PAGE + 8);
  expect("events of the word behind", event_count, 0);
  store1(PAGE + 6);
  expect_events(1);
  expect("FAR_EL1", events[0].far, PAGE + 6);
}

static void E34(void) {
  set_watchpoint(0, PAGE, WCR_STORE_EL1 | DBGWCR_MASK(12));
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  store1(PAGE - 1);
  store1(PAGE + 4096);
  expect("events of the neighbouring pages", event_count, 0);
  static const uint16_t offsets[] = { 0, 1, 0x7ff, 0x800, 0xffe, 0xfff };
  for (unsigned i = 0; i < 6; i++) {
    store1(PAGE + offsets[i]);
    expect_events(i + 1);
    expect("FAR_EL1", events[i].far, PAGE + offsets[i]);
  }
}

static void E35(void) {
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  for (unsigned mask = 1; mask <= 2; mask++) {
    set_watchpoint(0, PAGE, WCR_ANY_EL1 | DBGWCR_MASK(mask));
    store1(PAGE);
    load1(PAGE);
  }
  expect_events(0);
}

static void E36(void) {
  uint64_t value;
  set_watchpoint(0, PAGE, DBGWCR_BAS(0xff) | DBGWCR_LOAD | DBGWCR_STORE | DBG_EL0 | DBG_E);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  load1(PAGE);
  expect("events of LDR", event_count, 0);
  UNMASK_DEBUG();
  __asm__ volatile("ldtr %0, [%1]" : "=r"(value) : "r"(PAGE) : "memory");
  MASK_DEBUG();
  expect_events(1);
  expect("ESR_EL1 of LDTR", events[0].esr, ESR_WATCHPOINT_LOAD_EL1);
}

static void E37(void) {
  uint64_t DCZID_EL0 = READ_SYSREG(DCZID_EL0);
  uint64_t block = 4ul << (DCZID_EL0 & 0xf);
  if ((DCZID_EL0 & 0x10) != 0 || block < 0x28) {
    skip("DC ZVA is prohibited or its block is too small");
    return;
  }
  set_watchpoint(0, PAGE, WCR_STORE_EL1);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  UNMASK_DEBUG();
  __asm__ volatile("dc zva, %0" : : "r"(PAGE + 0x20) : "memory");
  MASK_DEBUG();
  if (is_alignment_fault(0)) {
    skip("alignment fault: memory is Device memory while the MMU is off");
    return;
  }
  expect_events(1);
  expect("ESR_EL1", events[0].esr, ESR_WATCHPOINT_STORE_EL1);
  expect("FAR_EL1 is in the block", events[0].far >= PAGE && events[0].far < PAGE + block, 1);
}

static void E38(void) {
  uint32_t status;
  set_watchpoint(0, PAGE, WCR_STORE_EL1);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  UNMASK_DEBUG();
  __asm__ volatile("clrex\n\tstxr %w0, xzr, [%1]" : "=&r"(status) : "r"(PAGE) : "memory");
  MASK_DEBUG();
  expect("status of STXR", status, 1);
  expect_events(0);
}

/** HMC, SSC and PMC (or PAC) from a code of five bits. */
static uint64_t conditions(unsigned code) {
  return (uint64_t)(code & 0x10) << 9 | (uint64_t)(code & 0xc) << 12 | (code & 3) << 1;
}

/*
 * Codes HMC:SSC:PxC that fire at EL1 and at EL0. With EL2 but neither EL3 nor
 * Secure EL2, 1:00:01 and 1:00:11 are valid too; without EL2 only those with
 * HMC = 0 and SSC = 00 are. A guest cannot tell which processor it is on.
 */
#define EL1_WITH_EL2 0x000a000aul
#define EL0_WITH_EL2 0x0008000cul
#define EL1_WITHOUT_EL2 0xaul
#define EL0_WITHOUT_EL2 0xcul

static void expect_conditions(const char *what, uint64_t at_el1, uint64_t at_el0) {
  if (at_el1 == EL1_WITHOUT_EL2 && at_el0 == EL0_WITHOUT_EL2) return;
  expect(what, at_el1 << 32 | at_el0, EL1_WITH_EL2 << 32 | EL0_WITH_EL2);
}

static void E39(void) {
  uint64_t breakpoints_el1 = 0, breakpoints_el0 = 0, watchpoints_el1 = 0, watchpoints_el0 = 0;
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  for (unsigned code = 0; code < 32; code++) {
    uint64_t fired = 1ul << code;

    event_count = 0;
    set_breakpoint(0, nop_at, DBGBCR_BAS | conditions(code) | DBG_E);
    run_nop();
    if (event_count == 1) breakpoints_el1 |= fired;

    event_count = 0;
    set_breakpoint(0, el0_nop, DBGBCR_BAS | conditions(code) | DBG_E);
    ISB();
    run_at_el0(el0_nop, 0);
    if (event_count == 1) breakpoints_el0 |= fired;
    write_debug_register(DBGBCR, 0, 0);

    uint64_t control = DBGWCR_BAS(0xff) | DBGWCR_STORE | conditions(code) | DBG_E;
    event_count = 0;
    set_watchpoint(0, PAGE, control);
    store1(PAGE);
    if (event_count == 1) watchpoints_el1 |= fired;

    event_count = 0;
    set_watchpoint(0, (uint64_t)&el0_data, control);
    ISB();
    run_at_el0(el0_store, 0);
    if (event_count == 1) watchpoints_el0 |= fired;
    write_debug_register(DBGWCR, 0, 0);
  }
  expect_conditions("breakpoint codes at EL1:EL0", breakpoints_el1, breakpoints_el0);
  expect_conditions("watchpoint codes at EL1:EL0", watchpoints_el1, watchpoints_el0);
}

static void E42(void) {
  after_step = STEP_NO_MORE;
  set_MDSCR(MDSCR_SS);
  run_at_el0(el0_svc, SPSR_SS);
  expect_events(2);
  expect_event(0, 0x56000001, (uint64_t)el0_svc + 4);
  expect("SPSR_EL1.SS of SVC", events[0].spsr & SPSR_SS, 0);
  expect("class of the step exception", events[1].esr >> 26, EC_SOFTWARE_STEP_LOWER_EL);
  expect("ELR_EL1 of the step exception", events[1].elr, (uint64_t)el0_svc + 4);
}

static void E43(void) {
  after_step = STEP_NO_MORE;
  set_MDSCR(MDSCR_SS);
  run_at_el0(el0_udf, SPSR_SS);
  expect_events(2);
  expect_event(0, ESR_UNDEFINED, (uint64_t)el0_udf);
  expect("SPSR_EL1.SS of UDF", events[0].spsr & SPSR_SS, SPSR_SS);
  expect_event(1, ESR_STEP_EL0, (uint64_t)el0_udf + 8);
}

static void E44(void) {
  after_step = STEP_NO_MORE;
  set_MDSCR(MDSCR_SS);
  run_at_el0(el0_ldxr, SPSR_SS);
  expect_events(1);
  expect_event(0, ESR_STEP_EL0 | 1 << 6, (uint64_t)el0_ldxr + 4);
}

static void E45(void) {
  after_step = STEP_NO_MORE;
  resume_step_at = (uint64_t)e45_done;
  set_MDSCR(MDSCR_KDE | MDSCR_SS);
  code_e45(0x1c5 | SPSR_SS); // EL1, D = 0
  expect_events(1);
  expect("class of the event", events[0].esr >> 26, EC_SOFTWARE_STEP_SAME_EL);
  expect("ELR_EL1 of the event", events[0].elr, (uint64_t)e45_eret);
}

static void E46(void) {
  resume = RESUME_WITH_BREAKPOINT_OFF;
  set_breakpoint(0, e46_before_isb, BCR_EL1);
  set_breakpoint(1, e46_after_isb, BCR_EL1);
  ISB();
  code_e46(MDSCR_MDE | MDSCR_KDE);
  unsigned last = event_count - 1; // one event before the ISB is allowed
  expect("one or two events", event_count == 1 || event_count == 2, 1);
  expect_event(last, ESR_BREAKPOINT_EL1, (uint64_t)e46_after_isb);
}

static void E47(void) {
  set_MDSCR(MDSCR_TDCC);
  run_at_el0(el0_read_mdccsr, 0);
  expect_events(1);
  expect_event(0, 0x6220c003, (uint64_t)el0_read_mdccsr);
}

static void E48(void) {
  run_at_el0(el0_read_dbgbvr, 0);
  expect_events(1);
  expect_event(0, ESR_UNDEFINED, (uint64_t)el0_read_dbgbvr);
}

static void E49(void) {
  if (resources.breakpoints == 16) {
    skip("all sixteen breakpoints are implemented");
    return;
  }
  (void)read_debug_register(DBGBVR, resources.breakpoints);
  expect_events(1);
  expect("ESR_EL1", events[0].esr, ESR_UNDEFINED);
}

static void E50(void) {
  // ID_AA64DFR0_EL1.DoubleLock is signed: 0 is implemented, 0b1111 is not.
  bool implemented = (READ_SYSREG(ID_AA64DFR0_EL1) >> 36 & 0xf) == 0;
  WRITE_SYSREG(OSDLR_EL1, 1);
  expect("OSDLR_EL1.DLK", READ_SYSREG(OSDLR_EL1) & 1, implemented);
  set_breakpoint(0, nop_at, BCR_EL1);
  set_watchpoint(0, PAGE, WCR_STORE_EL1);
  set_MDSCR(MDSCR_MDE | MDSCR_KDE);
  run_nop();
  store1(PAGE);
  expect_events(implemented ? 0 : 2);
  event_count = 0;
  after_step = STEP_AGAIN;
  set_MDSCR(MDSCR_KDE | MDSCR_SS);
  code_steps();
  expect("step exceptions", event_count, implemented ? 0 : 3);
}

const struct acceptance_case architecture_cases[] = {
  { "E20", E20 }, { "E21", E21 }, { "E22", E22 }, { "E23", E23 },
  { "E24", E24 }, { "E25", E25 }, { "E27", E27 }, { "E28", E28 },
  { "E29", E29 }, { "E30", E30 }, { "E31", E31 }, { "E32", E32 },
  { "E32-unaligned", E32_unaligned },             { "E33", E33 },
  { "E34", E34 }, { "E35", E35 }, { "E36", E36 }, { "E37", E37 },
  { "E38", E38 }, { "E39", E39 }, { "E42", E42 }, { "E43", E43 },
  { "E44", E44 }, { "E46", E46 }, { "E47", E47 }, { "E48", E48 },
  { "E49", E49 }, { "E50", E50 },
  // Last: a processor that gets this one wrong never comes back.
  { "E45", E45 },
};
const unsigned architecture_case_count = sizeof architecture_cases / sizeof architecture_cases[0];
