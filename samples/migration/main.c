/*
 * migration: a guest that is moved to another processor while its own breakpoints are set.
 *
 * Its context comparator is the last of its breakpoints. On a processor with more of them another number is
 * context-aware, and the hypervisor has to move the comparator and follow the links. The guest must not notice.
 */
#include "own-events.h"

#define ROUNDS 4
#define OWN_CONTEXT 0xabcdeful

__attribute__((noinline)) static void landmark(void) {
  __asm__ volatile("nop");
}

__attribute__((noinline)) static void before_round(unsigned round) {
  print("round %u\n", round); // #MIGRATE
}

static unsigned hits_with_context(uint64_t context) {
  WRITE_SYSREG(CONTEXTIDR_EL1, context);
  ISB();
  forget_own_events();
  call_debugged(landmark);
  return own_events.breakpoints;
}

int main(void) {
  clear_debug_registers();
  struct debug_resources at_start = debug_resources();
  unsigned comparator = at_start.breakpoints - 1;
  write_debug_register(DBGBVR, comparator, OWN_CONTEXT);
  write_debug_register(DBGBCR, comparator,
                       DBGBCR_BT(BT_LINKED_CONTEXT) | DBGBCR_BAS | DBG_EL1 | DBG_E);
  write_debug_register(DBGBVR, 0, (uint64_t)landmark);
  write_debug_register(DBGBCR, 0, DBGBCR_BT(BT_LINKED_ADDRESS) | DBG_LBN(comparator) | DBGBCR_BAS |
                                    DBG_EL1 | DBG_E);
  uint64_t control = read_debug_register(DBGBCR, 0);
  WRITE_SYSREG(MDSCR_EL1, MDSCR_MDE | MDSCR_KDE);
  ISB();
  print("%u breakpoints, %u of them context-aware, %u watchpoints; breakpoint 0 is linked to %u\n",
        at_start.breakpoints, at_start.context_aware, at_start.watchpoints, comparator);
  unsigned wrong = 0;
  for (unsigned round = 1; round <= ROUNDS; round++) {
    before_round(round);
    struct debug_resources now = debug_resources();
    bool same = now.breakpoints == at_start.breakpoints &&
                now.context_aware == at_start.context_aware &&
                now.watchpoints == at_start.watchpoints && read_debug_register(DBGBCR, 0) == control;
    unsigned own = hits_with_context(OWN_CONTEXT);
    unsigned other = hits_with_context(OWN_CONTEXT + 1);
    print("  %s; hit %u time in its context, %u in another\n",
          same ? "the same processor" : "ANOTHER PROCESSOR", own, other);
    if (!same || own != 1 || other != 0) wrong++;
  }
  print("%u of %u rounds wrong\n", wrong, ROUNDS);
  return wrong == 0 ? 0 : 1;
}
