/*
 * stage2: stage 2 translation and the EL2 regime with each granule.
 *
 * Prints one line per case, as test/guest/translation does, then DONE. The exit status is 0 if no case
 * failed.
 */
#include "stage2.h"

unsigned granule_bits;
struct event event;

static const char *granule_name;
static const char *case_name;
static bool failed;
static unsigned failures;
static const char *what;
static uint64_t got, want;

void handle_exception(struct exception_frame *frame) {
  unsigned ec = exception_class(frame);
  if (ec != EC_HVC64) {
    if (event.count++ == 0) {
      event.esr = frame->esr;
      event.far = frame->far;
      event.hpfar = READ_SYSREG(HPFAR_EL2);
    }
    if (event.count > 8) unexpected_exception(frame);
  }
  if (frame->vector == VECTOR_SYNC_LOWER_EL) {
    frame->elr = (uint64_t)call_el1_done;
    frame->spsr = 0x3c9; // EL2h, DAIF set
  } else if (ec == 0x21) {
    frame->elr = frame->x[30]; // nothing was executed there: back to the caller
  } else if (ec == EC_DATA_ABORT_SAME_EL) {
    frame->elr += 4;
  } else {
    unexpected_exception(frame);
  }
}

void check(const char *what_, uint64_t got_, uint64_t want_) {
  if (failed || got_ == want_) return;
  failed = true;
  what = what_;
  got = got_;
  want = want_;
}

void check_fault(uint64_t esr, uint64_t far) {
  check("exceptions", event.count, 1);
  check("ESR_EL2", event.esr, esr);
  check("FAR_EL2", event.far, far);
  event = (struct event){0};
}

void check_stage2_fault(uint64_t esr, uint64_t far, uint64_t ipa) {
  check("HPFAR_EL2", event.hpfar, (ipa >> 12) << 4);
  check_fault(esr, far);
}

void check_no_fault(void) {
  check("ESR_EL2", event.esr, 0);
  check("exceptions", event.count, 0);
  event = (struct event){0};
}

void begin(const char *name) {
  case_name = name;
  failed = false;
  event = (struct event){0};
}

void end(void) {
  print("%s %s ", granule_name, case_name);
  if (failed) {
    print("FAIL (%s: got 0x%lx, want 0x%lx)\n", what, got, want);
    failures++;
  } else {
    print("PASS\n");
  }
}

int main(void) {
  uint64_t features = READ_SYSREG(ID_AA64MMFR0_EL1);
  const struct {
    const char *name;
    unsigned bits;
    bool implemented;
  } granules[] = {
      {"4K", 12, ((features >> 28) & 15) != 15},
      {"16K", 14, ((features >> 20) & 15) != 0},
      {"64K", 16, ((features >> 24) & 15) != 15},
  };
  for (unsigned i = 0; i < 3; i++) {
    granule_name = granules[i].name;
    granule_bits = granules[i].bits;
    if (granules[i].implemented) {
      run_cases();
    } else {
      print("%s SKIP not implemented\n", granule_name);
    }
  }
  print("DONE\n");
  return failures == 0 ? 0 : 1;
}
