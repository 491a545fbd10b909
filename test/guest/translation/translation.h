/* Stage 1 translation of the EL1&0 regime, seen from inside. Arm ARM, "VMSAv8-64 address translation". */
#ifndef TRANSLATION_H
#define TRANSLATION_H

#include "runtime.h"

/** log2 of the granule's bytes: 12, 14 or 16. */
extern unsigned granule_bits;

static inline uint64_t granule(void) {
  return 1ul << granule_bits;
}

/* -- tables.c */

enum {
  ATTR_NORMAL = 1 << 2, /* AttrIndx 1; 0 is Device-nGnRnE */
  ATTR_EL0 = 1 << 6,
  ATTR_READ_ONLY = 1 << 7,
  ATTR_INNER_SHAREABLE = 3 << 8,
  ATTR_AF = 1 << 10,
  ATTR_NG = 1 << 11,
};
#define ATTR_PXN (1ul << 53)
#define ATTR_UXN (1ul << 54)
/** Ordinary memory of EL1. */
#define ATTR_MEMORY (ATTR_NORMAL | ATTR_INNER_SHAREABLE | ATTR_AF)

/** T0SZ and T1SZ: 39-bit addresses. */
#define INPUT_BITS 39

/** The level at which a walk for 39-bit addresses starts. */
unsigned start_level(void);
/** Bytes of a level 2 block. */
uint64_t block_size(void);

/** An empty table; all tables are given back by reset_tables(). */
uint64_t *new_table(void);
void reset_tables(void);

/** The descriptor of `va` at `level`, 2 or 3; tables on the way to it are made. */
uint64_t *descriptor(uint64_t *root, uint64_t va, unsigned level);
void map_page(uint64_t *root, uint64_t va, uint64_t pa, uint64_t attributes);
void map_block(uint64_t *root, uint64_t va, uint64_t pa, uint64_t attributes);

/* -- code.S */

/** One instruction that may fault; the handler goes on after it. */
uint64_t load64(uint64_t va);
uint64_t load64_unprivileged(uint64_t va);
uint8_t load8(uint64_t va);
void store64(uint64_t va, uint64_t value);
void store64_unprivileged(uint64_t va, uint64_t value);
void store8(uint64_t va, uint64_t value);
void zero_block(uint64_t va);
void clean(uint64_t va);
/** Branches to `va` at EL1, where a RET should be. */
void call(uint64_t va);
/** ERET to `va` at EL0 with X0 = `x0`; the value of X0 at the SVC there. */
uint64_t call_el0(uint64_t va, uint64_t x0);
extern const char call_el0_done[];
/** Position-independent snippets to copy: LDR X0, [X0]; STR X0, [X0]; BR X0; each followed by SVC. RET. */
extern const uint32_t el0_load[2], el0_store[2], el0_branch[2], el1_return[1];

/* -- main.c */

/** The first exception since expect_nothing() or expect() was called last. */
struct event {
  uint64_t esr, far, elr;
  unsigned count;
};
extern struct event event;

/** Starts a case; its name is printed after the granule. */
void begin(const char *name);
void check(const char *what, uint64_t got, uint64_t want);
/** One exception with this syndrome and fault address has been taken. */
void check_fault(uint64_t esr, uint64_t far);
void check_no_fault(void);
void end(void);

/* -- cases.c */

void run_cases(void);

#endif
