/*
 * el2-hypervisor: a guest that is itself a hypervisor.
 *
 * It starts at EL2, drops to EL1 and runs two guests of its own. The first uses
 * debug registers and is charged for them as little as possible (world-switch.c).
 * The second does not know that it is being debugged: the hypervisor steps it
 * and sees its BRK (MDCR_EL2.TDE).
 */
#include "hypervisor.h"

static unsigned failed;

static void check(bool passed, const char *what) {
  print("%s %s\n", passed ? "PASS" : "FAIL", what);
  if (!passed) failed++;
}

/* While this is set, debug exceptions of the guest come here and are counted. */
static bool debugging;
static uint64_t first_step, last_step, brk_address;
static unsigned steps;

static void handle_debug_exception(struct exception_frame *frame) {
  vcpu.counters.debug_exceptions++;
  if (exception_class(frame) == EC_SOFTWARE_STEP_LOWER_EL) {
    if (steps++ == 0) first_step = frame->elr;
    last_step = frame->elr; // #STEP
    frame->spsr |= SPSR_SS; // and the next one
  } else {
    brk_address = frame->elr;
    frame->elr += 4;
  }
}

/** The number of an HVC is in ESR_EL2.ISS; ELR_EL2 is already behind it. */
static void handle_hypercall(struct exception_frame *frame) {
  vcpu.counters.hypercalls++;
  switch ((enum hypercall)(frame->esr & 0xffff)) {
    case HVC_VERSION:
      frame->x[0] = HYPERVISOR_VERSION;
      break;
    case HVC_YIELD:
      break;
    case HVC_END:
      frame->elr = (uint64_t)leave_guest_for_good;
      frame->spsr = 0x3c9; // EL2 with SP_EL2, everything masked
      break;
    default:
      unexpected_exception(frame);
  }
}

/** Every exit from the guest: out, whatever it wanted, and in again. */
void handle_exception(struct exception_frame *frame) {
  if (frame->vector != VECTOR_SYNC_LOWER_EL) unexpected_exception(frame);
  if (!debugging) world_switch_to_hypervisor();

  switch (exception_class(frame)) {
    case EC_HVC64:
      handle_hypercall(frame); // #HVC
      break;
    case EC_SYSREG:
      handle_sysreg_trap(frame);
      break;
    case EC_SOFTWARE_STEP_LOWER_EL:
    case EC_BRK64:
      handle_debug_exception(frame);
      break;
    default:
      unexpected_exception(frame);
  }

  if (!debugging) world_switch_to_guest();
}

static void run_first_guest(void) {
  print("First guest, with debug registers switched lazily\n");
  world_switch_to_guest();
  enter_guest(guest_main, 0x3c5); // #BP1
  world_switch_to_hypervisor();

  const struct counters *counters = &vcpu.counters;
  print("%u hypercalls, %u trapped debug register writes, %u OS Lock traps, %u loads, %u saves\n",
        counters->hypercalls, counters->write_traps, counters->os_lock_traps, counters->loads,
        counters->saves); // #BP2
  check(counters->hypercalls == 7, "seven hypercalls");
  check(counters->os_lock_traps == 4, "every access to the OS Lock trapped");
  check(counters->write_traps == 2, "two bursts of writes, two traps");
  check(counters->loads == counters->saves, "what was loaded has been saved again");
}

static void run_second_guest(void) {
  print("Second guest, stepped by the hypervisor\n");
  debugging = true;
  // TDE takes all debug exceptions to EL2, whatever PSTATE.D says at EL1.
  WRITE_SYSREG(MDCR_EL2, (READ_SYSREG(MDCR_EL2) & MDCR_HPMN) | MDCR_TDE);
  WRITE_SYSREG(MDSCR_EL1, MDSCR_SS);
  ISB();
  enter_guest(stepped_guest, 0x3c5 | SPSR_SS); // #BP3
  WRITE_SYSREG(MDSCR_EL1, 0);
  debugging = false;

  check(first_step == (uint64_t)stepped_guest + 4, "the first step ends after one instruction");
  check(brk_address == (uint64_t)stepped_guest_brk, "BRK #0x99 came to EL2");
  print("%u steps, the last one to 0x%lx\n", steps, last_step);
}

int main(void) {
  print("Hypervisor at EL%lu\n", (unsigned long)(READ_SYSREG(CurrentEL) >> 2));
  world_switch_init();
  run_first_guest();
  run_second_guest();
  print("%s\n", failed == 0 ? "Done: SYSTEM_OFF" : "Done, with failures"); // #BP4
  return failed == 0 ? 0 : 1;
}
