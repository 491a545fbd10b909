/*
 * The guest: a program at EL1 that believes the processor is its own. It uses
 * the debug registers as a kernel does, calls its hypervisor with HVC, and runs
 * a few instructions at EL0.
 */
#include "hypervisor.h"

static unsigned breakpoint_hits, undefined_hits, svc_hits;
static uint64_t svc_result;

/** HVC with its number as an immediate; x0 carries an argument and the result. */
#define HYPERCALL(number)                                                  \
  ({                                                                       \
    register uint64_t x0_ __asm__("x0") = 0;                               \
    __asm__ volatile("hvc %1" : "+r"(x0_) : "i"(number) : "memory");       \
    x0_;                                                                   \
  })

__attribute__((noinline)) static void guest_landmark(void) {
  __asm__ volatile("nop");
}

/** The guest's exceptions, taken to EL1. The hypervisor does not hear of them. */
void guest_exception(struct exception_frame *frame) {
  switch (exception_class(frame)) {
    case EC_BREAKPOINT_SAME_EL:
      breakpoint_hits++; // #GUEST_BREAKPOINT
      frame->spsr |= SPSR_D;
      break;
    case EC_SVC64:
      svc_hits++;
      svc_result = frame->x[0]; // #GUEST_SVC
      frame->elr = (uint64_t)guest_el0_finished;
      frame->spsr = 0x3c5;
      break;
    case EC_UNKNOWN:
      undefined_hits++;
      frame->elr += 4;
      break;
    default:
      unexpected_exception(frame);
  }
}

static void expect(bool passed, const char *what) {
  print("  guest: %s %s\n", passed ? "PASS" : "FAIL", what);
}

static bool addresses_are_kept(void) {
  return READ_SYSREG(DBGBVR1_EL1) == 0x40100040 && READ_SYSREG(DBGWVR0_EL1) == 0x40100080;
}

void guest_main(void) {
  print("  guest: at EL%lu\n", (unsigned long)(READ_SYSREG(CurrentEL) >> 2));
  expect(HYPERCALL(HVC_VERSION) == HYPERVISOR_VERSION, "a hypercall returns a value"); // #GUEST

  // The OS Lock is emulated: each of these traps.
  WRITE_SYSREG(OSLAR_EL1, 1);
  bool locked = READ_SYSREG(OSLSR_EL1) & OSLSR_OSLK;
  WRITE_SYSREG(OSLAR_EL1, 0);
  expect(locked && !(READ_SYSREG(OSLSR_EL1) & OSLSR_OSLK), "the OS Lock goes on and off");

  // The first write traps, the others do not.
  WRITE_SYSREG(DBGBVR0_EL1, guest_landmark); // #GUEST_FIRST_WRITE
  WRITE_SYSREG(DBGBCR0_EL1, DBGBCR_BAS | DBG_EL1 | DBG_E);
  WRITE_SYSREG(DBGBVR1_EL1, 0x40100040);
  WRITE_SYSREG(DBGWVR0_EL1, 0x40100080);
  WRITE_SYSREG(DBGWCR0_EL1, 0);
  expect(addresses_are_kept(), "debug registers hold what was written");

  // An exit with debugging off: the registers go back to the hypervisor.
  HYPERCALL(HVC_YIELD);
  expect(addresses_are_kept(), "and still hold it after an exit");

  // Debugging on: from now on they are loaded at every entry.
  WRITE_SYSREG(MDSCR_EL1, MDSCR_MDE | MDSCR_KDE); // #GUEST_MDE
  for (int i = 0; i < 3; i++) {
    HYPERCALL(HVC_YIELD);
    UNMASK_DEBUG();
    guest_landmark();
    MASK_DEBUG();
  }
  expect(breakpoint_hits == 3, "its breakpoint fires after every exit");
  WRITE_SYSREG(MDSCR_EL1, 0);

  // A register that the hypervisor does not have. The exit before takes the
  // debug registers away again, so that the access traps and is refused.
  HYPERCALL(HVC_YIELD);
  uint64_t unused;
  __asm__ volatile("mrs %0, S2_0_C0_C6_2" : "=r"(unused)); // OSECCR_EL1
  expect(undefined_hits == 1, "OSECCR_EL1 is UNDEFINED here");

  guest_run_el0();
  expect(svc_hits == 1 && svc_result == 42, "EL0 computed 42 and came back by SVC");

  HYPERCALL(HVC_END);
}
