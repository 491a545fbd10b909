/* The exception handler: records, and lets the program under test go on. */
#include "acceptance.h"

struct event events[MAX_EVENTS];
unsigned event_count;
enum resume resume;
enum after_step after_step;
uint64_t resume_step_at;
volatile uint32_t migrations;

void reset_case(void) {
  MASK_DEBUG();
  WRITE_SYSREG(OSDLR_EL1, 0);
  WRITE_SYSREG(OSLAR_EL1, 0);
  WRITE_SYSREG(MDSCR_EL1, 0);
  WRITE_SYSREG(CONTEXTIDR_EL1, 0);
  for (unsigned n = 0; n < resources.breakpoints; n++) {
    write_debug_register(DBGBCR, n, 0);
    write_debug_register(DBGBVR, n, 0);
  }
  for (unsigned n = 0; n < resources.watchpoints; n++) {
    write_debug_register(DBGWCR, n, 0);
    write_debug_register(DBGWVR, n, 0);
  }
  ISB();
  event_count = 0;
  resume = RESUME_WITH_D_SET;
  after_step = STEP_AGAIN;
  resume_step_at = 0;
}

bool is_alignment_fault(unsigned i) {
  return i < event_count && events[i].esr >> 26 == EC_DATA_ABORT_SAME_EL &&
         (events[i].esr & 0x3f) == 0x21;
}

static void switch_off_breakpoint(uint64_t address) {
  for (unsigned n = 0; n < resources.breakpoints; n++) {
    if (read_debug_register(DBGBVR, n) == address) write_debug_register(DBGBCR, n, 0);
  }
}

static void switch_off_watchpoints(void) {
  for (unsigned n = 0; n < resources.watchpoints; n++) write_debug_register(DBGWCR, n, 0);
}

static void end_el0_program(struct exception_frame *frame) {
  WRITE_SYSREG(MDSCR_EL1, READ_SYSREG(MDSCR_EL1) & ~MDSCR_SS);
  frame->elr = (uint64_t)el0_finished;
  frame->spsr = 0x3c5;
}

// WPTV and WPT: a processor may tell which watchpoint it was, and with FEAT_Debugv8p9 it does.
#define ESR_WATCHPOINT_NUMBER (0x7ful << 17)

static uint64_t comparable(struct exception_frame *frame) {
  enum exception_class class = exception_class(frame);
  bool is_watchpoint = class == EC_WATCHPOINT_SAME_EL || class == EC_WATCHPOINT_LOWER_EL;
  return is_watchpoint ? frame->esr & ~ESR_WATCHPOINT_NUMBER : frame->esr;
}

void handle_exception(struct exception_frame *frame) {
  enum exception_class class = exception_class(frame);
  bool from_el0 = frame->vector == VECTOR_SYNC_LOWER_EL;

  if (class == EC_SVC64 && from_el0 && (frame->esr & 0xffff) == 7) {
    end_el0_program(frame);
    return;
  }

  if (event_count < MAX_EVENTS) {
    events[event_count] = (struct event){
      .esr = comparable(frame), .elr = frame->elr, .far = frame->far, .spsr = frame->spsr
    };
  }
  event_count++;
  // A wrong machine may never stop: after so many events nothing stays armed.
  if (event_count > 2 * MAX_EVENTS) {
    WRITE_SYSREG(MDSCR_EL1, 0);
    ISB();
  }

  switch (class) {
    case EC_BREAKPOINT_SAME_EL:
      if (resume == RESUME_WITH_BREAKPOINT_OFF) {
        switch_off_breakpoint(frame->elr);
      } else {
        frame->spsr |= SPSR_D;
      }
      break;
    case EC_WATCHPOINT_SAME_EL:
      frame->spsr |= SPSR_D;
      break;
    case EC_BREAKPOINT_LOWER_EL:
      switch_off_breakpoint(frame->elr);
      break;
    case EC_WATCHPOINT_LOWER_EL:
      switch_off_watchpoints();
      break;
    case EC_SOFTWARE_STEP_SAME_EL:
    case EC_SOFTWARE_STEP_LOWER_EL:
      if (after_step == STEP_AGAIN) {
        frame->spsr |= SPSR_SS;
      } else {
        WRITE_SYSREG(MDSCR_EL1, READ_SYSREG(MDSCR_EL1) & ~MDSCR_SS);
      }
      if (resume_step_at != 0) frame->elr = resume_step_at;
      break;
    case EC_SVC64: // ELR is already behind it
      break;
    case EC_BRK64:
    case EC_UNKNOWN:
    case EC_SYSREG:
      frame->elr += 4;
      break;
    case EC_DATA_ABORT_SAME_EL:
      if (!is_alignment_fault(event_count - 1)) unexpected_exception(frame);
      frame->elr += 4;
      break;
    default:
      unexpected_exception(frame);
  }
}
