#include <stdint.h>

#define UARTDR (*(volatile uint32_t *)0x09000000)

void put_hex(uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) UARTDR = "0123456789abcdef"[value >> shift & 15];
  UARTDR = '\n';
}

void *memset(void *to, int byte, unsigned long size) {
  unsigned char *p = to;
  while (size--) *p++ = (unsigned char)byte;
  return to;
}

void *memcpy(void *to, const void *from, unsigned long size) {
  unsigned char *p = to;
  const unsigned char *q = from;
  while (size--) *p++ = *q++;
  return to;
}
