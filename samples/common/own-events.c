/*
 * Debug exceptions are taken before their instruction has run. The handler counts the event and returns
 * with PSTATE.D set, so that the instruction runs the second time.
 */
#include "own-events.h"

volatile struct own_events own_events;

void forget_own_events(void) {
  own_events = (struct own_events){0};
}

void clear_debug_registers(void) {
  MASK_DEBUG();
  WRITE_SYSREG(OSDLR_EL1, 0); // no OS Double Lock
  WRITE_SYSREG(OSLAR_EL1, 0); // no OS Lock: it is set after a cold reset
  WRITE_SYSREG(MDSCR_EL1, 0);
  struct debug_resources resources = debug_resources();
  for (unsigned n = 0; n < resources.breakpoints; n++) {
    write_debug_register(DBGBCR, n, 0);
    write_debug_register(DBGBVR, n, 0);
  }
  for (unsigned n = 0; n < resources.watchpoints; n++) {
    write_debug_register(DBGWCR, n, 0);
    write_debug_register(DBGWVR, n, 0);
  }
  ISB();
}

void call_debugged(void (*function)(void)) {
  UNMASK_DEBUG();
  function();
  MASK_DEBUG();
}

void spend_instructions(uint64_t instructions) {
  uint64_t rounds = instructions / 2 + 1;
  __asm__ volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(rounds) : : "cc");
}

void handle_exception(struct exception_frame *frame) {
  switch (exception_class(frame)) {
    case EC_BREAKPOINT_SAME_EL:
      own_events.breakpoints++; // #HIT
      break;
    case EC_WATCHPOINT_SAME_EL:
      own_events.watchpoints++;
      own_events.last_far = frame->far;
      break;
    default:
      unexpected_exception(frame);
  }
  own_events.last_pc = frame->elr;
  frame->spsr |= SPSR_D;
}
