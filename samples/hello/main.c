/*
 * hello: a first walk with the debugger.
 *
 * Stop in main(), step with F10 (over) and F11 (into), and watch the Variables
 * pane: every kind of C variable is in here somewhere. The markers #BP1, #BP2
 * and so on are good places for a breakpoint.
 */
#include "runtime.h"
#include "station.h"

/* Globals: look for them under "Globals", or hover over a name. */
int greetings = 0;
const char *greeting = "Hello";
static uint32_t fingerprint = 0x5eed;

/* Two calls away from the UART: a call stack worth looking at. */
static void print_line(const char *text) {
  print("%s\n", text);
}

static void greet(const char *name) {
  char line[48];
  int length = 0;
  for (const char *from = greeting; *from; from++) line[length++] = *from;
  line[length++] = ',';
  line[length++] = ' ';
  for (const char *from = name; *from; from++) line[length++] = *from;
  line[length++] = '!';
  line[length] = '\0';
  greetings++;
  print_line(line); // #BP2
}

/* Recursion: step in a few times, and the call stack grows by a frame each time. */
static uint64_t factorial(unsigned n) {
  if (n <= 1) return 1; // #BP5
  return n * factorial(n - 1);
}

/* A static local keeps its value from call to call. */
static void remember(const char *text) {
  static unsigned calls;
  calls++;
  while (*text) {
    fingerprint = mix(fingerprint, (uint8_t)*text);
    text++;
  }
}

/* Two decimals, rounded; doubles live in the FP/SIMD registers. */
static void print_fraction(double value) {
  bool negative = value < 0;
  double magnitude = negative ? -value : value;
  uint64_t hundredths = (uint64_t)(magnitude * 100.0 + 0.5);
  print("%s%lu.%02lu", negative ? "-" : "", hundredths / 100, hundredths % 100);
}

int main(void) {
  struct station station = {
    .name = "Spurn Point",
    .altitude = { .metres = 19, .error = -2 },
    .readings = {
      { TEMPERATURE, { .hour = 5, .minute = 30, .daylight = 0 }, { .fraction = -1.25 } },
      { PRESSURE, { .hour = 5, .minute = 31, .daylight = 0 }, { .whole = 1013 } },
      { TEMPERATURE, { .hour = 13, .minute = 0, .daylight = 1 }, { .fraction = 8.75 } },
      { RAINFALL, { .hour = 21, .minute = 59, .daylight = 0 }, { .whole = 4 } },
    },
  };
  const struct reading *latest = &station.readings[3];
  int squares[5];

  greet(station.name); // #BP1

  for (int i = 0; i < 5; i++) {
    squares[i] = i * i; // #LOOP
  }

  double mean = mean_temperature(station.readings, 4);
  uint64_t permutations = factorial(5);
  remember(station.name);

  print("Altitude %d m, last reading at %u:%02u, rainfall %d mm\n", station.altitude.metres,
        latest->time.hour, latest->time.minute, latest->value.whole);
  print("Mean temperature ");
  print_fraction(mean);
  print(" degrees, squares up to %d, 5! = %lu\n", squares[4], permutations);
  print("Fingerprint 0x%08x after %d greeting\n", fingerprint, greetings); // #BP6

  return 0;
}
