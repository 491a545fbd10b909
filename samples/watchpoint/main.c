/*
 * watchpoint: a bug that is far away from where it is noticed.
 *
 * A control loop samples a sensor, keeps a journal and checks now and then that
 * its configuration is still what it was. It is not: something has changed
 * sensor.limit, and nothing in this file or in sensor.c did.
 */
#include "journal.h"
#include "runtime.h"
#include "sensor.h"

#define LIMIT 750
#define TICKS 5000
#define HEARTBEAT_EVERY 40
#define VALVE_EVERY 90
#define CHECK_EVERY 1000

/* Work that has nothing to do with the bug, so that the trail goes cold. */
static uint32_t control(uint32_t tick, uint32_t state) {
  return state * 1664525u + tick + 1013904223u;
}

static bool configuration_intact(void) {
  return sensor.limit == LIMIT; // #CHECK
}

int main(void) {
  uint32_t state = 1;
  print("Boiler control: limit %d, %d ticks\n", LIMIT, TICKS);
  sensor_calibrate(LIMIT);
  journal_add(EVENT_START, 0); // #BP1

  for (uint32_t tick = 1; tick <= TICKS; tick++) {
    if (!sensor_sample(tick)) {
      print("Tick %u: shut down, %d is above the limit\n", tick, sensor.latest);
      return 3;
    }
    state = control(tick, state);
    if (tick % HEARTBEAT_EVERY == 0) journal_add(EVENT_HEARTBEAT, tick);
    if (tick % VALVE_EVERY == 0) journal_add(EVENT_VALVE, tick);
    if (tick % CHECK_EVERY == 0 && !configuration_intact()) {
      print("Tick %u: something changed sensor.limit from %d to %d (0x%x)\n", tick, LIMIT,
            sensor.limit, (unsigned)sensor.limit); // #NOTICED
      print("%u journal entries, controller state 0x%08x\n", journal_total(), state);
      return 1;
    }
  }

  journal_add(EVENT_STOP, TICKS);
  print("All %d ticks done, limit still %d\n", TICKS, sensor.limit);
  return 0;
}
