/* Between the vector table and the sample's own exception handler. */
#include "runtime.h"

extern const char semihosting_hlt[];
void semihosting_exit(uint64_t status);

void system_exit(int status) {
  semihosting_exit((uint64_t)status);
  psci_system_off();
}

void exception_entry(struct exception_frame *frame) {
  // Without a semihosting host the HLT in exit.S is UNDEFINED: go on to PSCI.
  if (exception_class(frame) == EC_UNKNOWN && frame->elr == (uint64_t)semihosting_hlt) {
    frame->elr += 4;
    return;
  }
  handle_exception(frame);
}

__attribute__((weak)) void handle_exception(struct exception_frame *frame) {
  unexpected_exception(frame);
}

void unexpected_exception(const struct exception_frame *frame) {
  print("Unexpected exception, vector %lu: ESR 0x%lx, ELR 0x%lx, FAR 0x%lx, SPSR 0x%lx\n",
        frame->vector, frame->esr, frame->elr, frame->far, frame->spsr);
  system_exit(2);
}
