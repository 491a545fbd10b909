/*
 * Interrupts of the board, taken at EL1: generic timers, software-generated and
 * shared peripheral interrupts of a GICv2, its priorities and states, WFI.
 * Expected values are those of the GIC architecture specification 2.0 and of
 * the TRMs of the devices.
 */
#include "gic.h"

#define UART_BASE 0x09000000ul
#define UARTDR REGISTER32(UART_BASE + 0x000)
#define UARTFR REGISTER32(UART_BASE + 0x018)
#define UARTLCR_H REGISTER32(UART_BASE + 0x02c)
#define UARTCR REGISTER32(UART_BASE + 0x030)
#define UARTIMSC REGISTER32(UART_BASE + 0x038)
#define UARTRIS REGISTER32(UART_BASE + 0x03c)
#define UARTMIS REGISTER32(UART_BASE + 0x040)
#define UARTICR REGISTER32(UART_BASE + 0x044)
#define UART_RX (1u << 4)
#define UART_TX (1u << 5)
#define UARTCR_LBE (1u << 7)
#define UARTCR_NORMAL 0x301u /* UARTEN, TXE, RXE */

#define RTC_BASE 0x09010000ul
#define RTCDR REGISTER32(RTC_BASE + 0x00)
#define RTCMR REGISTER32(RTC_BASE + 0x04)
#define RTCIMSC REGISTER32(RTC_BASE + 0x10)
#define RTCICR REGISTER32(RTC_BASE + 0x1c)

#define CTL_ENABLE 1
#define CTL_IMASK 2
#define DAIF_I 2
#define DAIF_F 1
#define VECTOR_IRQ_SAME_EL 5
#define VECTOR_FIQ_SAME_EL 6
#define MOST_RECORDS 16

struct record {
  uint32_t iar;
  uint32_t running_priority;
  uint64_t vector;
};

static struct record records[MOST_RECORDS];
static volatile unsigned record_count;
static bool all_passed = true;

/** What the handler does beside acknowledging, telling the device and ending the interrupt. */
static void (*volatile while_active)(unsigned intid);
static volatile bool end_by_itself = true;
static volatile uint32_t received;

#define UNMASK(bits) __asm__ volatile("msr DAIFClr, %0" : : "i"(bits) : "memory")
#define MASK(bits) __asm__ volatile("msr DAIFSet, %0" : : "i"(bits) : "memory")
#define WFI() __asm__ volatile("wfi" : : : "memory")

static void check(bool condition, const char *name) {
  print("%s %s\n", condition ? "PASS" : "FAIL", name);
  if (!condition) all_passed = false;
}

static void begin(void) {
  record_count = 0;
  while_active = 0;
  end_by_itself = true;
}

static bool taken(unsigned index, uint32_t iar, uint64_t vector) {
  return record_count > index && records[index].iar == iar && records[index].vector == vector;
}

/** Level-sensitive inputs go low before the interrupt ends. */
static void quiet_device(unsigned intid) {
  switch (intid) {
    case INTID_CNTV:
      WRITE_SYSREG(CNTV_CTL_EL0, 0);
      ISB();
      break;
    case INTID_CNTP:
      WRITE_SYSREG(CNTP_CTL_EL0, 0);
      ISB();
      break;
    case INTID_UART:
      if (UARTMIS & UART_RX) received = UARTDR;
      UARTICR = UART_RX | UART_TX;
      break;
    case INTID_RTC:
      RTCICR = 1;
      break;
  }
}

void handle_exception(struct exception_frame *frame) {
  if (frame->vector != VECTOR_IRQ_SAME_EL && frame->vector != VECTOR_FIQ_SAME_EL) {
    unexpected_exception(frame);
  }
  uint32_t iar = GICC_IAR;
  unsigned index = record_count++;
  if (index >= MOST_RECORDS) {
    print("FAIL interrupts without end, IAR 0x%x\n", iar);
    system_exit(1);
  }
  records[index] = (struct record){iar, GICC_RPR, frame->vector};
  unsigned intid = iar & 0x3ff;
  if (intid == SPURIOUS) return;
  quiet_device(intid);
  if (while_active) while_active(intid);
  if (end_by_itself) GICC_EOIR = iar;
}

static void set_virtual_timer(uint32_t ticks) {
  WRITE_SYSREG(CNTV_TVAL_EL0, ticks);
  WRITE_SYSREG(CNTV_CTL_EL0, CTL_ENABLE);
  ISB();
}

static void identification(void) {
  check((GICD_PIDR2 >> 4 & 0xf) == 2, "GICD_PIDR2 says GICv2");
  check((GICD_TYPER & 0x1f) >= 3 && (GICD_TYPER >> 5 & 7) == 0, "GICD_TYPER: at least 128 INTIDs, one CPU");
  check(GICC_IAR == SPURIOUS, "GICC_IAR reads 1023 while nothing is pending");
  check(GICC_RPR == 0xff, "GICC_RPR reads 0xff while nothing is active");
  GICD_IPRIORITYR_WORD(25) = 0x40302010;
  GICD_IPRIORITYR(101) = 0x80;
  check(GICD_IPRIORITYR_WORD(25) == 0x40308010 && GICD_IPRIORITYR(103) == 0x40,
        "a byte of GICD_IPRIORITYR can be accessed alone");
}

static void virtual_timer(void) {
  begin();
  gic_enable(INTID_CNTV, 0x80);
  UNMASK(DAIF_I);
  bool each = true;
  for (unsigned n = 0; n < 5; n++) {
    uint64_t start = READ_SYSREG(CNTVCT_EL0);
    set_virtual_timer(10000);
    while (record_count <= n) WFI();
    each &= READ_SYSREG(CNTVCT_EL0) - start >= 10000;
    each &= taken(n, INTID_CNTV, VECTOR_IRQ_SAME_EL);
  }
  MASK(DAIF_I);
  check(each && record_count == 5, "five interrupts of the virtual timer, each after WFI and in time");

  begin();
  set_virtual_timer(100);
  while (!gic_is_pending(INTID_CNTV)) {
  }
  bool seen = GICC_HPPIR == INTID_CNTV && (READ_SYSREG(ISR_EL1) & 1 << 7);
  WFI(); // a pending interrupt ends the wait although PSTATE.I masks it
  check(seen && record_count == 0, "PSTATE.I masks a pending interrupt, which ISR_EL1 shows and WFI sees");
  WRITE_SYSREG(CNTV_CTL_EL0, CTL_ENABLE | CTL_IMASK);
  ISB();
  check(!gic_is_pending(INTID_CNTV) && !(READ_SYSREG(ISR_EL1) & 1 << 7),
        "CNTV_CTL_EL0.IMASK takes a level-sensitive interrupt back");
  WRITE_SYSREG(CNTV_CTL_EL0, 0);

  // A running program is interrupted, without WFI.
  begin();
  UNMASK(DAIF_I);
  set_virtual_timer(1000);
  while (record_count == 0) {
  }
  MASK(DAIF_I);
  check(taken(0, INTID_CNTV, VECTOR_IRQ_SAME_EL), "the timer interrupts a loop");
}

static void physical_timer(void) {
  begin();
  gic_enable(INTID_CNTP, 0x80);
  UNMASK(DAIF_I);
  WRITE_SYSREG(CNTP_TVAL_EL0, 5000);
  WRITE_SYSREG(CNTP_CTL_EL0, CTL_ENABLE);
  ISB();
  while (record_count == 0) WFI();
  MASK(DAIF_I);
  check(taken(0, INTID_CNTP, VECTOR_IRQ_SAME_EL), "interrupt of the physical timer");
}

static void software_generated(void) {
  begin();
  gic_enable(3, 0x60);
  UNMASK(DAIF_I);
  GICD_SGIR = 0x02000003; // to this processor
  while (record_count < 1) {
  }
  GICD_SGIR = 0x00010003; // to CPU 0 by the target list
  while (record_count < 2) {
  }
  MASK(DAIF_I);
  check(taken(0, 3, VECTOR_IRQ_SAME_EL) && taken(1, 3, VECTOR_IRQ_SAME_EL), "SGI 3 to itself");
  check(records[0].running_priority == 0x60 && GICC_RPR == 0xff,
        "GICC_RPR is the priority of the active interrupt");
}

static void raise_higher_and_lower(unsigned intid) {
  if (intid != 4) return;
  GICD_SGIR = 0x02000005; // higher: at once, after unmasking
  GICD_SGIR = 0x02000006; // lower: after SGI 4 has ended
  uint64_t ELR = READ_SYSREG(ELR_EL1);
  uint64_t SPSR = READ_SYSREG(SPSR_EL1);
  UNMASK(DAIF_I);
  ISB();
  MASK(DAIF_I);
  WRITE_SYSREG(ELR_EL1, ELR);
  WRITE_SYSREG(SPSR_EL1, SPSR);
  check(record_count == 2, "while SGI 4 is active, SGI 5 preempts and SGI 6 waits");
}

static void priorities(void) {
  begin();
  gic_enable(4, 0x80);
  gic_enable(5, 0x40);
  gic_enable(6, 0xc0);
  GICD_SGIR = 0x02000006;
  GICD_SGIR = 0x02000004;
  GICD_SGIR = 0x02000005;
  UNMASK(DAIF_I);
  while (record_count < 3) {
  }
  MASK(DAIF_I);
  check(taken(0, 5, 5) && taken(1, 4, 5) && taken(2, 6, 5), "the highest priority comes first");

  begin();
  while_active = raise_higher_and_lower;
  UNMASK(DAIF_I);
  GICD_SGIR = 0x02000004;
  while (record_count < 3) {
  }
  MASK(DAIF_I);
  check(taken(0, 4, 5) && taken(1, 5, 5) && taken(2, 6, 5), "they end in order");

  // GICC_BPR 7: no group priority, no preemption.
  begin();
  GICC_BPR = 7;
  GICD_SGIR = 0x02000004;
  uint32_t iar = GICC_IAR;
  GICD_SGIR = 0x02000005;
  bool waits = iar == 4 && GICC_IAR == SPURIOUS && GICC_HPPIR == 5;
  GICC_EOIR = iar;
  iar = GICC_IAR;
  GICC_EOIR = iar;
  check(waits && iar == 5, "GICC_BPR 7 takes preemption away");
  GICC_BPR = 0;

  GICC_PMR = 0x40;
  GICD_SGIR = 0x02000005;
  bool masked = GICC_IAR == SPURIOUS && !(READ_SYSREG(ISR_EL1) & 1 << 7);
  GICC_PMR = 0x41;
  bool signalled = READ_SYSREG(ISR_EL1) & 1 << 7;
  iar = GICC_IAR;
  GICC_EOIR = iar;
  GICC_PMR = 0xff;
  check(masked && signalled && iar == 5, "GICC_PMR lets only higher priorities pass");
}

static void shared_peripheral(void) {
  begin();
  GICD_ICFGR(INTID_FREE / 16) |= 2u << 2 * (INTID_FREE % 16); // edge-triggered
  gic_enable(INTID_FREE, 0x80);
  UNMASK(DAIF_I);
  GICD_ISPENDR(INTID_FREE / 32) = 1u << INTID_FREE % 32;
  while (record_count == 0) {
  }
  MASK(DAIF_I);
  check(taken(0, INTID_FREE, VECTOR_IRQ_SAME_EL), "GICD_ISPENDR makes an SPI pending");

  GICD_ISPENDR(INTID_FREE / 32) = 1u << INTID_FREE % 32;
  GICD_ICPENDR(INTID_FREE / 32) = 1u << INTID_FREE % 32;
  check(GICC_IAR == SPURIOUS && !gic_is_pending(INTID_FREE), "GICD_ICPENDR takes it back");

  // EOImode 1: GICC_EOIR drops the priority, GICC_DIR deactivates.
  GICC_CTLR |= GICC_CTLR_EOImode;
  GICD_ISPENDR(INTID_FREE / 32) = 1u << INTID_FREE % 32;
  uint32_t iar = GICC_IAR;
  bool acknowledged = iar == INTID_FREE && gic_is_active(INTID_FREE) && GICC_RPR == 0x80;
  GICC_EOIR = iar;
  bool dropped = gic_is_active(INTID_FREE) && GICC_RPR == 0xff;
  GICC_DIR = iar;
  bool deactivated = !gic_is_active(INTID_FREE);
  GICC_CTLR &= ~GICC_CTLR_EOImode;
  check(acknowledged && dropped && deactivated, "EOImode 1 drops and deactivates apart");
  gic_disable(INTID_FREE);
}

static void fast_interrupt(void) {
  begin();
  GICC_CTLR |= GICC_CTLR_FIQEn;
  GICD_IGROUPR(0) |= 1u << 4; // SGI 4 in group 1, SGI 5 stays in group 0
  GICD_SGIR = 0x02000004;
  GICD_SGIR = 0x02000005;
  UNMASK(DAIF_I | DAIF_F);
  while (record_count < 2) {
  }
  MASK(DAIF_I | DAIF_F);
  check(taken(0, 5, VECTOR_FIQ_SAME_EL) && taken(1, 4, VECTOR_IRQ_SAME_EL),
        "FIQEn: group 0 comes as FIQ, group 1 as IRQ");
  GICD_IGROUPR(0) = 0;
  GICC_CTLR &= ~GICC_CTLR_FIQEn;
}

static void serial_port(void) {
  begin();
  gic_enable(INTID_UART, 0x80);
  UARTCR = UARTCR_NORMAL | UARTCR_LBE; // what is sent is received
  UARTLCR_H = 3 << 5;                  // 8 bits, no FIFO
  UARTICR = 0x7ff;
  received = 0;
  UARTIMSC = UART_RX;
  UNMASK(DAIF_I);
  UARTDR = 'x';
  // With loopback not implemented (QEMU before 8), the character goes out and nothing comes back.
  for (unsigned n = 0; n < 1000 && record_count == 0; n++) {
  }
  MASK(DAIF_I);
  UARTIMSC = 0;
  UARTCR = UARTCR_NORMAL;
  bool loopback = record_count > 0;
  if (!loopback) print("\nSKIP");
  else print(taken(0, INTID_UART, VECTOR_IRQ_SAME_EL) && received == 'x' ? "PASS" : "FAIL");
  print(" receive interrupt of the UART\n");
  if (loopback && received != 'x') all_passed = false;

  begin();
  UARTICR = 0x7ff;
  UARTIMSC = UART_TX;
  UNMASK(DAIF_I);
  UARTDR = '\n';
  while (record_count == 0) {
  }
  MASK(DAIF_I);
  UARTIMSC = 0;
  check(taken(0, INTID_UART, VECTOR_IRQ_SAME_EL), "transmit interrupt of the UART");
  gic_disable(INTID_UART);
}

static void clock_alarm(void) {
  begin();
  gic_enable(INTID_RTC, 0x80);
  uint32_t now = RTCDR;
  RTCIMSC = 1;
  RTCMR = now + 1;
  UNMASK(DAIF_I);
  while (record_count == 0) WFI();
  MASK(DAIF_I);
  RTCIMSC = 0;
  check(taken(0, INTID_RTC, VECTOR_IRQ_SAME_EL) && RTCDR == now + 1, "alarm of the real time clock");
  gic_disable(INTID_RTC);
}

int main(void) {
  gic_init();
  identification();
  virtual_timer();
  physical_timer();
  software_generated();
  priorities();
  shared_peripheral();
  fast_interrupt();
  serial_port();
  clock_alarm();
  print("DONE\n");
  return all_passed ? 0 : 1;
}
