#include "station.h"

double mean_temperature(const struct reading *readings, int count) {
  double sum = 0.0;
  int temperatures = 0;
  for (int i = 0; i < count; i++) {
    const struct reading *reading = &readings[i];
    if (reading->quantity != TEMPERATURE) continue;
    sum += reading->value.fraction; // #BP3
    temperatures++;
  }
  return temperatures == 0 ? 0.0 : sum / temperatures;
}
