/* Arm PrimeCell UART (PL011), TRM DDI 0183. */
#include "runtime.h"

#define UART_BASE 0x09000000ul

static volatile uint32_t *const UARTDR = (volatile uint32_t *)(UART_BASE + 0x000);
static volatile uint32_t *const UARTFR = (volatile uint32_t *)(UART_BASE + 0x018);

#define UARTFR_TXFF (1u << 5) /* transmit FIFO full */

void uart_putc(char character) {
  while (*UARTFR & UARTFR_TXFF) {
  }
  *UARTDR = (uint8_t)character;
}
