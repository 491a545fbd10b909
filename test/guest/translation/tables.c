#include "translation.h"

#define TABLES 24

static uint8_t pool[TABLES][0x10000] __attribute__((aligned(0x10000)));
static unsigned used;

void reset_tables(void) {
  used = 0;
}

uint64_t *new_table(void) {
  uint64_t *table = (uint64_t *)pool[used++];
  for (unsigned i = 0; i < granule() / 8; i++) table[i] = 0;
  return table;
}

static unsigned stride(void) {
  return granule_bits - 3;
}

static unsigned lowest_bit(unsigned level) {
  return granule_bits + stride() * (3 - level);
}

unsigned start_level(void) {
  unsigned level = 3;
  while (lowest_bit(level) + stride() < INPUT_BITS) level--;
  return level;
}

uint64_t block_size(void) {
  return 1ul << lowest_bit(2);
}

uint64_t *descriptor(uint64_t *root, uint64_t va, unsigned level) {
  uint64_t address = va & ((1ul << INPUT_BITS) - 1);
  uint64_t *table = root;
  for (unsigned at = start_level();; at++) {
    uint64_t *entry = &table[(address >> lowest_bit(at)) & ((1ul << stride()) - 1)];
    if (at == level) return entry;
    if (*entry == 0) *entry = (uint64_t)new_table() | 3;
    table = (uint64_t *)(*entry & 0xfffffffff000);
  }
}

void map_page(uint64_t *root, uint64_t va, uint64_t pa, uint64_t attributes) {
  *descriptor(root, va, 3) = pa | attributes | 3;
}

void map_block(uint64_t *root, uint64_t va, uint64_t pa, uint64_t attributes) {
  *descriptor(root, va, 2) = pa | attributes | 1;
}
