/* GICv2 of a board of the QEMU "virt" family: Arm GIC architecture specification 2.0 (IHI 0048). */
#ifndef GIC_H
#define GIC_H

#include "runtime.h"

#define REGISTER32(address) (*(volatile uint32_t *)(address))
#define REGISTER8(address) (*(volatile uint8_t *)(address))

#define GICD_BASE 0x08000000ul
#define GICD_CTLR REGISTER32(GICD_BASE + 0x000)
#define GICD_TYPER REGISTER32(GICD_BASE + 0x004)
#define GICD_IGROUPR(n) REGISTER32(GICD_BASE + 0x080 + 4 * (n))
#define GICD_ISENABLER(n) REGISTER32(GICD_BASE + 0x100 + 4 * (n))
#define GICD_ICENABLER(n) REGISTER32(GICD_BASE + 0x180 + 4 * (n))
#define GICD_ISPENDR(n) REGISTER32(GICD_BASE + 0x200 + 4 * (n))
#define GICD_ICPENDR(n) REGISTER32(GICD_BASE + 0x280 + 4 * (n))
#define GICD_ISACTIVER(n) REGISTER32(GICD_BASE + 0x300 + 4 * (n))
#define GICD_IPRIORITYR_WORD(n) REGISTER32(GICD_BASE + 0x400 + 4 * (n))
#define GICD_IPRIORITYR(intid) REGISTER8(GICD_BASE + 0x400 + (intid))
#define GICD_ITARGETSR(intid) REGISTER8(GICD_BASE + 0x800 + (intid))
#define GICD_ICFGR(n) REGISTER32(GICD_BASE + 0xc00 + 4 * (n))
#define GICD_SGIR REGISTER32(GICD_BASE + 0xf00)
#define GICD_PIDR2 REGISTER32(GICD_BASE + 0xfe8)

#define GICC_BASE 0x08010000ul
#define GICC_CTLR REGISTER32(GICC_BASE + 0x0000)
#define GICC_PMR REGISTER32(GICC_BASE + 0x0004)
#define GICC_BPR REGISTER32(GICC_BASE + 0x0008)
#define GICC_IAR REGISTER32(GICC_BASE + 0x000c)
#define GICC_EOIR REGISTER32(GICC_BASE + 0x0010)
#define GICC_RPR REGISTER32(GICC_BASE + 0x0014)
#define GICC_HPPIR REGISTER32(GICC_BASE + 0x0018)
#define GICC_DIR REGISTER32(GICC_BASE + 0x1000)

#define GICC_CTLR_EnableGrp0 (1u << 0)
#define GICC_CTLR_EnableGrp1 (1u << 1)
#define GICC_CTLR_AckCtl (1u << 2)
#define GICC_CTLR_FIQEn (1u << 3)
#define GICC_CTLR_EOImode (1u << 9)

#define SPURIOUS 1023u
#define INTID_CNTV 27u
#define INTID_CNTP 30u
#define INTID_UART 33u
#define INTID_RTC 34u
/** No device of the board is connected to it. */
#define INTID_FREE 100u

void gic_init(void);
void gic_enable(unsigned intid, uint8_t priority);
void gic_disable(unsigned intid);
bool gic_is_pending(unsigned intid);
bool gic_is_active(unsigned intid);

#endif
