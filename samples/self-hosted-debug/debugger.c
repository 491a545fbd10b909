/*
 * The guest's own debugger, at its smallest: an exception handler.
 *
 * A breakpoint or watchpoint exception is taken before its instruction has run.
 * Returning without further ado would take it again, for ever. At EL1 the
 * handler therefore returns with debug exceptions masked (SPSR_EL1.D); at EL0,
 * where D has no effect, it switches the comparator off.
 */
#include "debugger.h"

struct debug_event events[MAX_EVENTS];
unsigned event_count;
uint64_t step_until;
unsigned passed_checks, failed_checks;

void forget_events(void) {
  event_count = 0;
}

void check(bool passed, const char *what) {
  print("%s %s\n", passed ? "PASS" : "FAIL", what);
  if (passed) {
    passed_checks++;
  } else {
    failed_checks++;
  }
}

void reset_debug_registers(void) {
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

static const char *class_name(enum exception_class class) {
  switch (class) {
    case EC_BREAKPOINT_LOWER_EL:
      return "breakpoint at EL0";
    case EC_BREAKPOINT_SAME_EL:
      return "breakpoint at EL1";
    case EC_SOFTWARE_STEP_LOWER_EL:
      return "step at EL0";
    case EC_SOFTWARE_STEP_SAME_EL:
      return "step at EL1";
    case EC_WATCHPOINT_LOWER_EL:
      return "watchpoint at EL0";
    case EC_WATCHPOINT_SAME_EL:
      return "watchpoint at EL1";
    case EC_BRK64:
      return "BRK";
    default:
      return "other";
  }
}

static bool is_watchpoint(enum exception_class class) {
  return class == EC_WATCHPOINT_LOWER_EL || class == EC_WATCHPOINT_SAME_EL;
}

static void record(const struct exception_frame *frame) {
  enum exception_class class = exception_class(frame);
  if (event_count >= MAX_EVENTS) unexpected_exception(frame);
  struct debug_event *event = &events[event_count++];
  event->class = class;
  event->esr = frame->esr;
  event->elr = frame->elr;
  event->far = is_watchpoint(class) ? frame->far : 0;
  print("     %s: ESR 0x%08lx ELR 0x%lx", class_name(class), event->esr, event->elr);
  if (is_watchpoint(class)) print(" FAR 0x%lx", event->far);
  print("\n");
}

static void disable_all_comparators(void) {
  struct debug_resources resources = debug_resources();
  for (unsigned n = 0; n < resources.breakpoints; n++) {
    write_debug_register(DBGBCR, n, read_debug_register(DBGBCR, n) & ~DBG_E);
  }
  for (unsigned n = 0; n < resources.watchpoints; n++) {
    write_debug_register(DBGWCR, n, read_debug_register(DBGWCR, n) & ~DBG_E);
  }
}

void handle_exception(struct exception_frame *frame) {
  switch (exception_class(frame)) {
    case EC_BREAKPOINT_SAME_EL:
    case EC_WATCHPOINT_SAME_EL:
      record(frame); // #BP2
      frame->spsr |= SPSR_D;
      break;

    case EC_BREAKPOINT_LOWER_EL:
    case EC_WATCHPOINT_LOWER_EL:
      record(frame); // #BP3
      disable_all_comparators();
      break;

    case EC_SOFTWARE_STEP_SAME_EL:
    case EC_SOFTWARE_STEP_LOWER_EL:
      record(frame); // #BP4
      if (frame->elr == step_until) {
        WRITE_SYSREG(MDSCR_EL1, READ_SYSREG(MDSCR_EL1) & ~MDSCR_SS);
      } else {
        frame->spsr |= SPSR_SS; // one more
      }
      break;

    case EC_BRK64:
      record(frame); // #BP5
      frame->elr += 4; // ELR is the BRK itself
      break;

    case EC_SVC64:
      // The EL0 program is done: go on in run_at_el0(), at EL1 with everything masked.
      WRITE_SYSREG(MDSCR_EL1, READ_SYSREG(MDSCR_EL1) & ~MDSCR_SS);
      frame->elr = (uint64_t)el0_finished;
      frame->spsr = 0x3c5;
      break;

    default:
      unexpected_exception(frame);
  }
}
