/* The guest's own debugger: what it has seen, and how it is asked to behave. */
#ifndef DEBUGGER_H
#define DEBUGGER_H

#include "debug-registers.h"

#define MAX_EVENTS 16

/** One debug exception, as the handler found it. */
struct debug_event {
  enum exception_class class;
  uint64_t esr;
  uint64_t elr;
  uint64_t far; /* watchpoints only, otherwise 0 */
};

/** What happened since forget_events(), oldest first. */
extern struct debug_event events[MAX_EVENTS];
extern unsigned event_count;

void forget_events(void);

/** Stepping goes on until the PC is this address; then the handler turns it off. */
extern uint64_t step_until;

/** Undoes everything: unlocks, clears MDSCR_EL1 and every breakpoint and watchpoint. */
void reset_debug_registers(void);

/** Prints PASS or FAIL and a sentence, and counts. */
void check(bool passed, const char *what);
extern unsigned passed_checks, failed_checks;

/* program.S */
extern const char stepped_start[], stepped_end[];
extern const char el0_program[], el0_multiply[], el0_store[], el0_finished[];
extern uint64_t el0_result;
void stepped(void);
void run_at_el0(const char *program, uint64_t spsr);

/** SPSR_EL1.M for EL0 using SP_EL0. EL0 takes debug exceptions whatever PSTATE.D is. */
#define SPSR_EL0 0x000ul

/* phases.c */
void show_lazy_switching(void);

#endif
