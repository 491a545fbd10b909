/* The Statistical Profiling Extension (Arm ARM, FEAT_SPE). */
#include "spe.h"
#include "runtime.h"

/* By encoding: assemblers know the names only with an option. */
#define PMSCR_EL1 S3_0_C9_C9_0
#define PMSICR_EL1 S3_0_C9_C9_2
#define PMSIRR_EL1 S3_0_C9_C9_3
#define PMSFCR_EL1 S3_0_C9_C9_4
#define PMBLIMITR_EL1 S3_0_C9_C10_0
#define PMBPTR_EL1 S3_0_C9_C10_1
#define PMBSR_EL1 S3_0_C9_C10_3
/* READ_SYSREG and WRITE_SYSREG take names, which these expand to. */
#define READ(name) READ_SYSREG(name)
#define WRITE(name, value) WRITE_SYSREG(name, value)

#define PMSCR_E1SPE (1ul << 1)
#define PMSCR_TS (1ul << 5)
#define PMSIRR_RND 1ul
#define PMBLIMITR_E 1ul
#define PMBSR_S (1ul << 17)
#define INTERVAL 1024ul

uint8_t spe_buffer[SPE_BUFFER_BYTES] __attribute__((aligned(4096)));

bool spe_exists(void) {
  return ((READ_SYSREG(ID_AA64DFR0_EL1) >> 32) & 0xf) != 0;
}

void spe_start(void) {
  WRITE(PMBPTR_EL1, (uint64_t)spe_buffer);
  WRITE(PMBSR_EL1, 0);
  WRITE(PMSFCR_EL1, 0);
  WRITE(PMSICR_EL1, 0);
  /* The random part keeps the samples from following a loop. */
  WRITE(PMSIRR_EL1, INTERVAL | PMSIRR_RND);
  WRITE(PMBLIMITR_EL1, ((uint64_t)spe_buffer + SPE_BUFFER_BYTES) | PMBLIMITR_E);
  ISB();
  WRITE(PMSCR_EL1, PMSCR_E1SPE | PMSCR_TS);
  ISB();
}

bool spe_is_full(void) {
  return (READ(PMBSR_EL1) & PMBSR_S) != 0;
}

uint64_t spe_stop(void) {
  WRITE(PMSCR_EL1, 0);
  ISB();
  __asm__ volatile("hint #17" : : : "memory"); /* PSB CSYNC */
  __asm__ volatile("dsb nsh" : : : "memory");
  uint64_t end = READ(PMBPTR_EL1);
  WRITE(PMBLIMITR_EL1, 0);
  ISB();
  return end;
}
