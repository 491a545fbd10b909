/* A boiler's temperature sensor and the limit at which the boiler must be shut down. */
#ifndef SENSOR_H
#define SENSOR_H

#include <stdbool.h>
#include <stdint.h>

struct sensor {
  int32_t limit; /* tenths of a degree; above it the boiler is shut down */
  int32_t latest;
  uint32_t samples;
};

extern struct sensor sensor;

/** Sets the limit. The only function that may. */
void sensor_calibrate(int32_t limit);

/** Takes one sample; false if it is above the limit. */
bool sensor_sample(uint32_t tick);

#endif
