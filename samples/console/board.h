/* The devices that a prompt needs: what is typed, the time, and sleep. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/** Lets the UART and the virtual timer end a WFI. No interrupt is taken: PSTATE.I stays set. */
void board_initialise(void);

/** The next character that is typed. Waits with WFI, which costs the host nothing. */
char uart_getc(void);

/** Seconds since 1970, from the PL031. */
uint32_t rtc_seconds(void);

/** Waits by the virtual timer. */
void sleep_seconds(unsigned seconds);

#endif
