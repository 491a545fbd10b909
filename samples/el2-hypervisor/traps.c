/*
 * A trapped MSR or MRS (EC 0x18). The syndrome names the register by the
 * operands of the instruction, so no instruction has to be decoded.
 */
#include "hypervisor.h"

/** ESR_EL2.ISS of EC 0x18 (Arm ARM, "ISS encoding for an exception from MSR, MRS"). */
struct sysreg_access {
  unsigned Op0, Op1, CRn, CRm, Op2;
  unsigned Rt;
  bool is_read;
};

static struct sysreg_access decode(uint64_t esr) {
  return (struct sysreg_access){
    .Op0 = (esr >> 20) & 0x3,
    .Op2 = (esr >> 17) & 0x7,
    .Op1 = (esr >> 14) & 0x7,
    .CRn = (esr >> 10) & 0xf,
    .Rt = (esr >> 5) & 0x1f,
    .CRm = (esr >> 1) & 0xf,
    .is_read = esr & 1,
  };
}

/** Where the guest's value of a breakpoint, watchpoint or control register is kept. */
static uint64_t *debug_register(const struct sysreg_access *access) {
  if (access->Op0 != 2 || access->Op1 != 0 || access->CRn != 0) return NULL;
  if (access->CRm == 2 && access->Op2 == 2) return &vcpu.debug.MDSCR;
  switch (access->Op2) {
    case 4:
      return &vcpu.debug.DBGBVR[access->CRm];
    case 5:
      return &vcpu.debug.DBGBCR[access->CRm];
    case 6:
      return &vcpu.debug.DBGWVR[access->CRm];
    case 7:
      return &vcpu.debug.DBGWCR[access->CRm];
    default:
      return NULL;
  }
}

static bool is_register(const struct sysreg_access *access, unsigned CRm, unsigned Op2) {
  return access->Op0 == 2 && access->Op1 == 0 && access->CRn == 1 && access->CRm == CRm &&
         access->Op2 == Op2;
}

/** The guest gets what it would have got without us: an UNDEFINED instruction, at its EL1. */
static void inject_undefined(struct exception_frame *frame) {
  vcpu.counters.undefined++;
  WRITE_SYSREG(ESR_EL1, 0x02000000);
  WRITE_SYSREG(ELR_EL1, frame->elr);
  WRITE_SYSREG(SPSR_EL1, frame->spsr);
  frame->elr = READ_SYSREG(VBAR_EL1) + 0x200; // synchronous, from the current EL with SP_ELx
  frame->spsr = 0x3c5;                        // EL1 with SP_EL1, everything masked
}

void handle_sysreg_trap(struct exception_frame *frame) {
  struct sysreg_access access = decode(frame->esr); // #TRAP
  uint64_t value = access.Rt == 31 ? 0 : frame->x[access.Rt];
  uint64_t *stored = debug_register(&access);
  vcpu.counters.traps++;

  if (stored != NULL) {
    if (access.is_read) {
      value = *stored;
    } else {
      *stored = value;
      vcpu.dirty = true; // #DIRTY
      vcpu.counters.write_traps++;
    }
  } else if (is_register(&access, 0, 4) && !access.is_read) { // OSLAR_EL1
    vcpu.os_locked = value & 1;
    vcpu.counters.os_lock_traps++;
  } else if (is_register(&access, 1, 4) && access.is_read) { // OSLSR_EL1
    value = 0x8 | (vcpu.os_locked ? OSLSR_OSLK : 0);
    vcpu.counters.os_lock_traps++;
  } else if (is_register(&access, 3, 4) || is_register(&access, 0, 0)) { // OSDLR_EL1, MDRAR_EL1
    value = 0;
  } else {
    inject_undefined(frame);
    return;
  }

  if (access.is_read && access.Rt != 31) frame->x[access.Rt] = value;
  frame->elr += 4; // the instruction has been emulated: go on behind it
}
