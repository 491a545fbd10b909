/*
 * The self-hosted debug registers (Arm ARM, "AArch64 Self-hosted Debug"):
 * field values, and access to register number <n> where n is a variable.
 * MSR and MRS name their register in the instruction itself, so that takes a
 * switch with one instruction per register.
 */
#ifndef DEBUG_REGISTERS_H
#define DEBUG_REGISTERS_H

#include "runtime.h"

/* MDSCR_EL1 */
#define MDSCR_SS (1ul << 0)    /* software step enabled */
#define MDSCR_TDCC (1ul << 12) /* EL0 accesses to the debug communications channel trap */
#define MDSCR_KDE (1ul << 13)  /* debug exceptions also from EL1 itself */
#define MDSCR_MDE (1ul << 15)  /* breakpoints and watchpoints enabled */

/* DBGBCR<n>_EL1 and DBGWCR<n>_EL1: enable, and the exception levels that count */
#define DBG_E (1ul << 0)
#define DBG_EL1 (1ul << 1)
#define DBG_EL0 (2ul << 1)
#define DBG_LBN(n) ((uint64_t)(n) << 16) /* linked breakpoint number */

/* DBGBCR<n>_EL1 */
#define DBGBCR_BAS (0xful << 5)                      /* a whole A64 instruction */
#define DBGBCR_BT(type) ((uint64_t)(type) << 20)     /* breakpoint type */
#define BT_LINKED_ADDRESS 1
#define BT_CONTEXT 2
#define BT_LINKED_CONTEXT 3

/* DBGWCR<n>_EL1 */
#define DBGWCR_LOAD (1ul << 3)
#define DBGWCR_STORE (2ul << 3)
#define DBGWCR_BAS(bytes) ((uint64_t)(bytes) << 5)   /* which bytes of the doubleword */
#define DBGWCR_WT (1ul << 20)                        /* linked */
#define DBGWCR_MASK(bits) ((uint64_t)(bits) << 24)   /* ignore that many address bits */

/* OSLSR_EL1 */
#define OSLSR_OSLK (1ul << 1)

/** Implemented breakpoints, context-aware ones among them, and watchpoints. */
struct debug_resources {
  unsigned breakpoints;
  unsigned context_aware;
  unsigned watchpoints;
};

static inline struct debug_resources debug_resources(void) {
  uint64_t dfr0 = READ_SYSREG(ID_AA64DFR0_EL1);
  return (struct debug_resources){
    .breakpoints = (unsigned)((dfr0 >> 12) & 0xf) + 1,
    .context_aware = (unsigned)((dfr0 >> 28) & 0xf) + 1,
    .watchpoints = (unsigned)((dfr0 >> 20) & 0xf) + 1,
  };
}

#define EACH_DEBUG_REGISTER(ACCESS) \
  ACCESS(0) ACCESS(1) ACCESS(2) ACCESS(3) ACCESS(4) ACCESS(5) ACCESS(6) ACCESS(7) \
  ACCESS(8) ACCESS(9) ACCESS(10) ACCESS(11) ACCESS(12) ACCESS(13) ACCESS(14) ACCESS(15)

/** Which of the four register files: operand 2 of their encodings. */
enum debug_register { DBGBVR, DBGBCR, DBGWVR, DBGWCR };

#define WRITE_CASE_(file, n) \
  case n:                    \
    WRITE_SYSREG(file##n##_EL1, value); \
    break;
#define WRITE_DBGBVR(n) WRITE_CASE_(DBGBVR, n)
#define WRITE_DBGBCR(n) WRITE_CASE_(DBGBCR, n)
#define WRITE_DBGWVR(n) WRITE_CASE_(DBGWVR, n)
#define WRITE_DBGWCR(n) WRITE_CASE_(DBGWCR, n)

#define READ_CASE_(file, n) \
  case n:                   \
    return READ_SYSREG(file##n##_EL1);
#define READ_DBGBVR(n) READ_CASE_(DBGBVR, n)
#define READ_DBGBCR(n) READ_CASE_(DBGBCR, n)
#define READ_DBGWVR(n) READ_CASE_(DBGWVR, n)
#define READ_DBGWCR(n) READ_CASE_(DBGWCR, n)

/** Writes for example DBGBVR<n>_EL1; UNDEFINED, as the MSR is, where that is not implemented. */
static inline void write_debug_register(enum debug_register file, unsigned n, uint64_t value) {
  switch (file) {
    case DBGBVR:
      switch (n) { EACH_DEBUG_REGISTER(WRITE_DBGBVR) }
      break;
    case DBGBCR:
      switch (n) { EACH_DEBUG_REGISTER(WRITE_DBGBCR) }
      break;
    case DBGWVR:
      switch (n) { EACH_DEBUG_REGISTER(WRITE_DBGWVR) }
      break;
    case DBGWCR:
      switch (n) { EACH_DEBUG_REGISTER(WRITE_DBGWCR) }
      break;
  }
}

/** Reads for example DBGBVR<n>_EL1. */
static inline uint64_t read_debug_register(enum debug_register file, unsigned n) {
  switch (file) {
    case DBGBVR:
      switch (n) { EACH_DEBUG_REGISTER(READ_DBGBVR) }
      break;
    case DBGBCR:
      switch (n) { EACH_DEBUG_REGISTER(READ_DBGBCR) }
      break;
    case DBGWVR:
      switch (n) { EACH_DEBUG_REGISTER(READ_DBGWVR) }
      break;
    case DBGWCR:
      switch (n) { EACH_DEBUG_REGISTER(READ_DBGWCR) }
      break;
  }
  return 0;
}

/** PSTATE.D: while set, EL1 takes no breakpoint, watchpoint or step exception from itself. */
#define MASK_DEBUG() __asm__ volatile("msr daifset, #8" : : : "memory")
#define UNMASK_DEBUG() __asm__ volatile("msr daifclr, #8\n\tisb" : : : "memory")

#endif
