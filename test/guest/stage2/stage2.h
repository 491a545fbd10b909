/* Stage 2 translation and the EL2 regime, seen from EL2. */
#ifndef STAGE2_H
#define STAGE2_H

#include "runtime.h"

/** log2 of the granule's bytes: 12, 14 or 16. */
extern unsigned granule_bits;

static inline uint64_t granule(void) {
  return 1ul << granule_bits;
}

/* -- code.S */

uint64_t call_el1(const void *pc, uint64_t x0);
extern const char call_el1_done[];
void el1_ldr(void), el1_str(void), el1_ldr_w5(void), el1_ldrsb_w(void), el1_ldrsh_x(void);
void el1_ldrsw(void), el1_strb_zero(void), el1_strh_offset(void), el1_ldur(void), el1_ldtr(void);
void el1_ldar(void), el1_stlrb(void), el1_ldr_post(void), el1_str_pre(void), el1_ldp(void);
void el1_stp(void), el1_ldxr(void), el1_zva(void), el1_at(void), el1_br(void), el1_hvc(void);
uint64_t load64(uint64_t va);
void store64(uint64_t va, uint64_t value);
void call(uint64_t va);

/* -- main.c */

/** The first abort since the last check. */
struct event {
  uint64_t esr, far, hpfar;
  unsigned count;
};
extern struct event event;

void begin(const char *name);
void check(const char *what, uint64_t got, uint64_t want);
/** One abort with this ESR_EL2 and FAR_EL2. */
void check_fault(uint64_t esr, uint64_t far);
/** And with this IPA in HPFAR_EL2. */
void check_stage2_fault(uint64_t esr, uint64_t far, uint64_t ipa);
void check_no_fault(void);
void end(void);

/* -- cases.c */

void run_cases(void);

#endif
