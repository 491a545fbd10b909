/*
 * shared-breakpoints: a guest that uses every breakpoint there is, and still leaves room for yours.
 *
 * It puts an address breakpoint on each of its stations, one of them linked to a context comparator, and a
 * watchpoint on its counter, then counts what hits. Whatever breakpoints and watchpoints you set beside it,
 * the counts must not change.
 */
#include "own-events.h"

#define ROUNDS 5
#define OWN_CONTEXT 0x5afeul

static volatile uint64_t counter;

#define STATION(n) \
  __attribute__((noinline)) static void station_##n(void) { \
    __asm__ volatile("nop"); \
  }
STATION(0) STATION(1) STATION(2) STATION(3) STATION(4)

typedef void station(void);
static station *const stations[] = {station_0, station_1, station_2, station_3, station_4};
#define STATIONS (sizeof(stations) / sizeof(stations[0]))

__attribute__((noinline)) static void count(void) {
  counter++; // #COUNT
}

/* The last breakpoint is context-aware: it compares CONTEXTIDR_EL1 for those that are linked to it. */
static unsigned set_breakpoints(struct debug_resources resources) {
  unsigned comparator = resources.breakpoints - 1;
  write_debug_register(DBGBVR, comparator, OWN_CONTEXT);
  write_debug_register(DBGBCR, comparator,
                       DBGBCR_BT(BT_LINKED_CONTEXT) | DBGBCR_BAS | DBG_EL1 | DBG_E);
  unsigned used = 0;
  for (; used < STATIONS && used < comparator; used++) {
    uint64_t link = used == 0 ? DBGBCR_BT(BT_LINKED_ADDRESS) | DBG_LBN(comparator) : 0;
    write_debug_register(DBGBVR, used, (uint64_t)stations[used]);
    write_debug_register(DBGBCR, used, link | DBGBCR_BAS | DBG_EL1 | DBG_E);
  }
  write_debug_register(DBGWVR, 0, (uint64_t)&counter);
  write_debug_register(DBGWCR, 0, DBGWCR_BAS(0xff) | DBGWCR_STORE | DBG_EL1 | DBG_E);
  WRITE_SYSREG(CONTEXTIDR_EL1, OWN_CONTEXT);
  WRITE_SYSREG(MDSCR_EL1, MDSCR_MDE | MDSCR_KDE); // #ARMED
  ISB();
  return used;
}

int main(void) {
  clear_debug_registers();
  struct debug_resources resources = debug_resources();
  unsigned used = set_breakpoints(resources);
  print("%u breakpoints on stations, one comparator, one watchpoint\n", used);
  unsigned wrong = 0;
  for (unsigned round = 1; round <= ROUNDS; round++) { // #ROUND
    forget_own_events();
    for (unsigned n = 0; n < used; n++) call_debugged(stations[n]);
    call_debugged(count);
    bool right = own_events.breakpoints == used && own_events.watchpoints == 1 &&
                 own_events.last_far == (uint64_t)&counter && counter == round;
    print("round %u: %u breakpoints and %u watchpoint hit, counter %lu\n", round,
          own_events.breakpoints, own_events.watchpoints, counter);
    if (!right) wrong++;
  }
  print("%u of %u rounds wrong\n", wrong, ROUNDS);
  return wrong == 0 ? 0 : 1;
}
