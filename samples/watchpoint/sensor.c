#include "sensor.h"

struct sensor sensor;

void sensor_calibrate(int32_t limit) {
  sensor.limit = limit; // #CALIBRATE
}

/* Stands for a temperature: a saw tooth between 60.0 and 75.0 degrees. */
static int32_t measure(uint32_t tick) {
  return 600 + (int32_t)(tick * 7 % 151);
}

bool sensor_sample(uint32_t tick) {
  sensor.latest = measure(tick);
  sensor.samples++;
  return sensor.latest <= sensor.limit; // #SAMPLE
}
