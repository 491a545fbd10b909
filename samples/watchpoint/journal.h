/* The last things that happened, oldest overwritten first. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdint.h>

enum event { EVENT_START = 1, EVENT_HEARTBEAT, EVENT_VALVE, EVENT_STOP };

void journal_add(enum event event, uint32_t tick);

uint32_t journal_total(void);

#endif
