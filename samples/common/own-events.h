/* A guest that debugs itself: how often its breakpoints and watchpoints have hit. */
#ifndef OWN_EVENTS_H
#define OWN_EVENTS_H

#include "debug-registers.h"

struct own_events {
  unsigned breakpoints;
  unsigned watchpoints;
  uint64_t last_pc;  /* ELR_EL1 of the last one */
  uint64_t last_far; /* FAR_EL1 of the last watchpoint */
};

/** Since forget_own_events(). */
extern volatile struct own_events own_events;
void forget_own_events(void);

/** Unlocks the debug registers and clears all of them. */
void clear_debug_registers(void);

/** Calls a function with debug exceptions unmasked; the first one masks them again. */
void call_debugged(void (*function)(void));

/** Keeps the processor busy, about so many instructions. */
void spend_instructions(uint64_t instructions);

#endif
