/* A hypervisor small enough to read at one sitting. */
#ifndef HYPERVISOR_H
#define HYPERVISOR_H

#include "debug-registers.h"

/* MDCR_EL2: which of the guest's debug accesses and exceptions come to EL2. */
#define MDCR_HPMN 0x1ful     /* event counters of EL1; kept as it is */
#define MDCR_TDE (1ul << 8)  /* debug exceptions are taken to EL2 */
#define MDCR_TDA (1ul << 9)  /* accesses to breakpoint, watchpoint and control registers trap */
#define MDCR_TDOSA (1ul << 10) /* accesses to the OS Lock trap */
#define MDCR_TDRA (1ul << 11)  /* accesses to MDRAR_EL1 trap */

/** Immediates of HVC: what the guest asks for. */
enum hypercall { HVC_VERSION = 1, HVC_YIELD = 2, HVC_END = 3 };
#define HYPERVISOR_VERSION 0x54524150ul

/** One copy of the debug registers: those of the guest, or the hypervisor's own. */
struct debug_state {
  uint64_t DBGBVR[16], DBGBCR[16], DBGWVR[16], DBGWCR[16];
  uint64_t MDSCR;
};

/** What it has cost so far. */
struct counters {
  unsigned exits;
  unsigned hypercalls;
  unsigned traps;       /* EC 0x18, all registers */
  unsigned write_traps; /* of breakpoint, watchpoint and control registers */
  unsigned os_lock_traps;
  unsigned undefined; /* registers unknown to us: the guest gets its exception */
  unsigned saves;     /* guest registers read out of the processor */
  unsigned loads;     /* and written into it */
  unsigned debug_exceptions;
};

struct vcpu {
  struct debug_state debug;
  bool dirty; /* the processor, not `debug`, has the newest values */
  bool os_locked;
  struct counters counters;
};

extern struct vcpu vcpu;

/* world-switch.c */
void world_switch_init(void);
void world_switch_to_guest(void);
void world_switch_to_hypervisor(void);

/* traps.c */
void handle_sysreg_trap(struct exception_frame *frame);

/* guest-entry.S, guest.c */
extern const char leave_guest_for_good[], guest_el0_finished[], stepped_guest_brk[];
void enter_guest(void (*entry)(void), uint64_t spsr);
uint64_t guest_run_el0(void);
void guest_main(void);
void stepped_guest(void);

#endif
