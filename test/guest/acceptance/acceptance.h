/* The frame in which the acceptance cases run: what they share, and what they are called. */
#ifndef ACCEPTANCE_H
#define ACCEPTANCE_H

#include "debug-registers.h"

#define MAX_EVENTS 24

/** One exception, as the handler found it. */
struct event {
  uint64_t esr;
  uint64_t elr;
  uint64_t far;
  uint64_t spsr;
};

extern struct event events[MAX_EVENTS];
extern unsigned event_count; /* may be more than MAX_EVENTS: only the first are kept */

/** What the handler does after it has recorded a breakpoint or watchpoint exception from EL1. */
enum resume { RESUME_WITH_D_SET, RESUME_WITH_BREAKPOINT_OFF };
extern enum resume resume;

/** What it does after a software step: SPSR.SS := 1, or MDSCR_EL1.SS := 0. */
enum after_step { STEP_AGAIN, STEP_NO_MORE };
extern enum after_step after_step;

/** Where to go on after a step exception instead of at its ELR; 0 for ELR. */
extern uint64_t resume_step_at;

/** The slots that a case uses: b is an ordinary breakpoint, c a context-aware one, w a watchpoint. */
struct slots {
  unsigned b, w, c;
};
extern struct slots slots;
extern struct debug_resources resources;

/** Masks debug exceptions, unlocks, and clears MDSCR_EL1, every comparator and every event. */
void reset_case(void);

/** Compares one value; the first difference of a case is what its FAIL line shows. */
void expect(const char *what, uint64_t got, uint64_t want);

/** Compares event number i (ESR and ELR). */
void expect_event(unsigned i, uint64_t esr, uint64_t elr);

/** Compares the number of events. */
void expect_events(unsigned count);

/** The case cannot be decided here; nothing but this reason is printed. */
void skip(const char *reason);

/** True if event i is an alignment fault: with the MMU off memory is Device memory. */
bool is_alignment_fault(unsigned i);

/* Field combinations that many cases use. */
#define BCR_EL1 (DBGBCR_BAS | DBG_EL1 | DBG_E)
#define BCR_EL0 (DBGBCR_BAS | DBG_EL0 | DBG_E)
#define WCR_STORE_EL1 (DBGWCR_BAS(0xff) | DBGWCR_STORE | DBG_EL1 | DBG_E)
#define WCR_ANY_EL1 (WCR_STORE_EL1 | DBGWCR_LOAD)

/* Syndromes (the case table gives them in full). */
#define ESR_BREAKPOINT_EL1 0xc6000022ul
#define ESR_BREAKPOINT_EL0 0xc2000022ul
#define ESR_WATCHPOINT_LOAD_EL1 0xd6000022ul
#define ESR_WATCHPOINT_STORE_EL1 0xd6000062ul
#define ESR_STEP_EL1_FIRST 0xce000022ul
#define ESR_STEP_EL1 0xcf000022ul
#define ESR_STEP_EL0 0xcb000022ul
#define ESR_BRK0 0xf2000000ul
#define ESR_SVC0 0x56000000ul
#define ESR_UNDEFINED 0x02000000ul

/** Arms breakpoint n with an address. */
static inline void set_breakpoint(unsigned n, const char *address, uint64_t control) {
  write_debug_register(DBGBVR, n, (uint64_t)address);
  write_debug_register(DBGBCR, n, control);
}

static inline void set_watchpoint(unsigned n, uint64_t address, uint64_t control) {
  write_debug_register(DBGWVR, n, address);
  write_debug_register(DBGWCR, n, control);
}

/** MDSCR_EL1, synchronised. */
static inline void set_MDSCR(uint64_t value) {
  WRITE_SYSREG(MDSCR_EL1, value);
  ISB();
}

/* code.S: the code under test, by labels */
extern const char hw_bp0[], ss_start[], nop_at[], svc_at[], brk_at[];
extern const char e22_first[], e46_before_isb[], e46_after_isb[], e45_eret[], e45_done[];
extern const char el0_nop[], el0_store[], el0_svc[], el0_udf[], el0_ldxr[];
extern const char el0_read_dbgbvr[], el0_read_mdccsr[], el0_finished[];
extern uint64_t el0_data;
void code_unmask16(void);
void code_steps(void);
void code_nop(void);
void code_svc(void);
void code_brk(void);
void code_context(uint64_t contextidr);
void code_e45(uint64_t spsr);
void code_e46(uint64_t mdscr);
void run_at_el0(const char *program, uint64_t spsr);
extern volatile uint8_t memory[3 * 4096]; /* at the start of a page */

/**
 * Cases E2, E4 and E6 call this: here a harness saves the machine, restores it
 * into another one, and adds 1 to `migrations`. Without that the cases are skipped.
 */
void migrate_point(void);
extern volatile uint32_t migrations;

struct acceptance_case {
  const char *id;
  void (*run)(void);
};
extern const struct acceptance_case linux_cases[], architecture_cases[];
extern const unsigned linux_case_count, architecture_case_count;

#endif
