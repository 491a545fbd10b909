/* Sample records: a header, a payload whose size is in the header, until End or Timestamp. */
#include "packets.h"

enum {
  PADDING = 0x00,
  END = 0x01,
  TIMESTAMP = 0x71,
  ADDRESS_PC = 0xb0,
};

static uint64_t payload_of(const uint8_t *packet, uint64_t size) {
  uint64_t payload = 0;
  for (uint64_t i = 0; i < size; i++) payload |= (uint64_t)packet[1 + i] << (8 * i);
  return payload;
}

/** Classes 0b01, load or store, and 0b10, branch; bit 0 of a load or store says store. */
static void add_operation(struct profile *profile, uint32_t class, uint64_t payload) {
  if (class == 2) profile->branches++;
  if (class == 1 && (payload & 1) != 0) profile->stores++;
  if (class == 1 && (payload & 1) == 0) profile->loads++;
}

static void add_packet(struct profile *profile, uint8_t header, uint64_t payload) {
  if (header == ADDRESS_PC) {
    /* Bits 63:56 hold the exception level. */
    if (profile->samples < MOST_SAMPLES) profile->pcs[profile->samples] = payload & 0xfffffffffffffful;
    profile->samples++;
  } else if ((header & 0xfc) == 0x48) {
    add_operation(profile, header & 3, payload);
  } else if ((header & 0xf8) != 0xb0 && (header & 0xf8) != 0x98 && (header & 0xcf) != 0x42 &&
             header != TIMESTAMP) {
    profile->unknown++;
  }
}

void add_records(struct profile *profile, const uint8_t *records, uint64_t bytes) {
  for (uint64_t at = 0; at < bytes;) {
    uint8_t header = records[at];
    if (header == PADDING || header == END) {
      at++;
      continue;
    }
    uint64_t size = 1ul << ((header >> 4) & 3);
    add_packet(profile, header, payload_of(records + at, size));
    at += 1 + size;
  }
}

uint32_t samples_between(const struct profile *profile, uint64_t start, uint64_t end) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < profile->samples && i < MOST_SAMPLES; i++) {
    if (profile->pcs[i] >= start && profile->pcs[i] < end) count++;
  }
  return count;
}
