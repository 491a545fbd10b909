#include "journal.h"

#define JOURNAL_ENTRIES 16

/* An entry is one word: the event in the top byte, the tick below. */
static uint32_t total;
static uint32_t next;
static uint32_t entries[JOURNAL_ENTRIES];

void journal_add(enum event event, uint32_t tick) {
  if (next > JOURNAL_ENTRIES) next = 0; // #CAUSE
  entries[next] = (uint32_t)event << 24 | (tick & 0xffffff); // #BUG
  next++;
  total++;
}

uint32_t journal_total(void) {
  return total;
}
