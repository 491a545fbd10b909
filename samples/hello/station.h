/* The things that hello is about: a weather station and what it measured. */
#ifndef STATION_H
#define STATION_H

#include <stdint.h>

enum quantity { TEMPERATURE, PRESSURE, RAINFALL };

/** A whole number or a fraction: which one is valid follows from reading.quantity. */
union value {
  int32_t whole;
  double fraction;
};

struct time {
  unsigned hour : 5;
  unsigned minute : 6;
  unsigned daylight : 1;
};

struct reading {
  enum quantity quantity;
  struct time time;
  union value value;
};

struct station {
  const char *name;
  struct {
    int16_t metres;
    int16_t error;
  } altitude;
  struct reading readings[4];
};

/** Mean of the temperatures among `count` readings, in degrees Celsius; 0 if there are none. */
double mean_temperature(const struct reading *readings, int count);

/** In assembly: rotates `hash` left by five bits and mixes in one byte. */
uint32_t mix(uint32_t hash, uint8_t byte);

#endif
