/* PL011 (TRM DDI 0183), PL031 (TRM DDI 0224), GICv2 (IHI 0048) and the virtual timer. */
#include "board.h"

#include "runtime.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define UARTDR REGISTER(0x09000000)
#define UARTFR REGISTER(0x09000018)
#define UARTIMSC REGISTER(0x09000038)
#define UARTFR_RXFE (1u << 4)   /* receive FIFO empty */
#define UARTIMSC_RXIM (1u << 4) /* receive interrupt */
#define RTCDR REGISTER(0x09010000)

#define GICD_CTLR REGISTER(0x08000000)
#define GICD_ISENABLER(n) REGISTER(0x08000100 + 4 * (n))
#define GICD_ITARGETSR(INTID) (*(volatile uint8_t *)(0x08000800ul + (INTID)))
#define GICC_CTLR REGISTER(0x08010000)
#define GICC_PMR REGISTER(0x08010004)

#define INTID_VIRTUAL_TIMER 27
#define INTID_UART 33

#define CNTV_CTL_ENABLE 1

static void enable_interrupt(unsigned INTID) { GICD_ISENABLER(INTID / 32) = 1u << (INTID % 32); }

void board_initialise(void) {
  GICD_CTLR = 1;
  GICC_PMR = 0xff;
  GICC_CTLR = 1;
  GICD_ITARGETSR(INTID_UART) = 1;
  enable_interrupt(INTID_UART);
  enable_interrupt(INTID_VIRTUAL_TIMER);
  UARTIMSC = UARTIMSC_RXIM;
}

char uart_getc(void) {
  while (UARTFR & UARTFR_RXFE) __asm__ volatile("wfi");
  return (char)UARTDR;
}

uint32_t rtc_seconds(void) { return RTCDR; }

void sleep_seconds(unsigned seconds) {
  uint64_t end = READ_SYSREG(cntvct_el0) + seconds * READ_SYSREG(cntfrq_el0);
  UARTIMSC = 0; /* what is typed meanwhile waits */
  WRITE_SYSREG(cntv_cval_el0, end);
  WRITE_SYSREG(cntv_ctl_el0, CNTV_CTL_ENABLE);
  while (READ_SYSREG(cntvct_el0) < end) __asm__ volatile("wfi");
  WRITE_SYSREG(cntv_ctl_el0, 0);
  UARTIMSC = UARTIMSC_RXIM;
}
