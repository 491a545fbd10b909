/*
 * The lazy switch in miniature.
 *
 * The processor has one set of debug registers; the guest and the hypervisor
 * both want it. Switching all of them at every exit and entry is dear. So the
 * guest starts without them: its accesses trap. The first write that traps
 * marks them dirty; the next entry then loads the guest's values and lets
 * further accesses through. The exit after that saves them, and the mark is
 * gone, unless the guest has debugging switched on (MDE or KDE): then it
 * is marked dirty again at every entry, because its breakpoints must be armed.
 */
#include "hypervisor.h"

struct vcpu vcpu;

/* The hypervisor's own values while the guest's are in the processor. */
static struct debug_state own;
static struct debug_resources resources;

static void save(struct debug_state *state) {
  for (unsigned n = 0; n < resources.breakpoints; n++) {
    state->DBGBVR[n] = read_debug_register(DBGBVR, n);
    state->DBGBCR[n] = read_debug_register(DBGBCR, n);
  }
  for (unsigned n = 0; n < resources.watchpoints; n++) {
    state->DBGWVR[n] = read_debug_register(DBGWVR, n);
    state->DBGWCR[n] = read_debug_register(DBGWCR, n);
  }
  state->MDSCR = READ_SYSREG(MDSCR_EL1);
}

static void load(const struct debug_state *state) {
  for (unsigned n = 0; n < resources.breakpoints; n++) {
    write_debug_register(DBGBVR, n, state->DBGBVR[n]);
    write_debug_register(DBGBCR, n, state->DBGBCR[n]);
  }
  for (unsigned n = 0; n < resources.watchpoints; n++) {
    write_debug_register(DBGWVR, n, state->DBGWVR[n]);
    write_debug_register(DBGWCR, n, state->DBGWCR[n]);
  }
  WRITE_SYSREG(MDSCR_EL1, state->MDSCR);
}

void world_switch_init(void) {
  resources = debug_resources();
  WRITE_SYSREG(OSDLR_EL1, 0);
  WRITE_SYSREG(OSLAR_EL1, 0);
  load(&own); // all zero: nothing armed
}

void world_switch_to_guest(void) {
  if (vcpu.debug.MDSCR & (MDSCR_MDE | MDSCR_KDE)) vcpu.dirty = true;
  uint64_t MDCR_EL2 = (READ_SYSREG(MDCR_EL2) & MDCR_HPMN) | MDCR_TDOSA | MDCR_TDRA;
  if (vcpu.dirty) {
    save(&own);
    load(&vcpu.debug); // #LOAD
    vcpu.counters.loads++;
  } else {
    MDCR_EL2 |= MDCR_TDA;
  }
  WRITE_SYSREG(MDCR_EL2, MDCR_EL2); // #ENTER
  ISB();
}

void world_switch_to_hypervisor(void) {
  vcpu.counters.exits++;
  if (!vcpu.dirty) return;
  save(&vcpu.debug); // #SAVE
  vcpu.counters.saves++;
  load(&own);
  vcpu.dirty = false;
  ISB();
}
