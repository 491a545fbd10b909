#include "gic.h"

#define BIT(intid) (1u << ((intid) % 32))

/** All interrupts in group 0, disabled; those of group 0 are signalled as IRQ. */
void gic_init(void) {
  GICD_CTLR = 0;
  unsigned words = (GICD_TYPER & 0x1f) + 1;
  for (unsigned n = 0; n < words; n++) {
    GICD_ICENABLER(n) = ~0u;
    GICD_ICPENDR(n) = ~0u;
    GICD_IGROUPR(n) = 0;
  }
  for (unsigned n = 0; n < 8 * words; n++) GICD_IPRIORITYR_WORD(n) = 0xa0a0a0a0;
  GICD_CTLR = 3;
  GICC_PMR = 0xff;
  GICC_BPR = 0;
  GICC_CTLR = GICC_CTLR_EnableGrp0 | GICC_CTLR_EnableGrp1 | GICC_CTLR_AckCtl;
}

void gic_enable(unsigned intid, uint8_t priority) {
  GICD_IPRIORITYR(intid) = priority;
  if (intid >= 32) GICD_ITARGETSR(intid) = 1;
  GICD_ISENABLER(intid / 32) = BIT(intid);
}

void gic_disable(unsigned intid) { GICD_ICENABLER(intid / 32) = BIT(intid); }

bool gic_is_pending(unsigned intid) { return GICD_ISPENDR(intid / 32) & BIT(intid); }

bool gic_is_active(unsigned intid) { return GICD_ISACTIVER(intid / 32) & BIT(intid); }
