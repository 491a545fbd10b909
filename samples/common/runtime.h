/*
 * What the samples have instead of a C library and an operating system:
 * a serial port, formatted output, exception frames and a way to end.
 */
#ifndef RUNTIME_H
#define RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Reads a system register by its Arm ARM name. */
#define READ_SYSREG(name)                                  \
  ({                                                       \
    uint64_t value_;                                       \
    __asm__ volatile("mrs %0, " #name : "=r"(value_));     \
    value_;                                                \
  })

/** Writes a system register by its Arm ARM name. */
#define WRITE_SYSREG(name, value)                                              \
  __asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

/** Context synchronisation: system-register writes before it are in force after it. */
#define ISB() __asm__ volatile("isb" : : : "memory")

/** One character to the PL011 UART, which is the debug console. */
void uart_putc(char character);

/**
 * Formatted output. Knows %s, %c, %d (int), %u (unsigned), %x (unsigned),
 * %ld, %lu, %lx (64 bits) and a width with leading zeros, as in %08x.
 */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Ends the run with an exit status: semihosting SYS_EXIT, or PSCI SYSTEM_OFF where nobody answers. */
__attribute__((noreturn)) void system_exit(int status);

/** PSCI SYSTEM_OFF, by HVC at EL1 and by SMC at EL2. It carries no status. */
__attribute__((noreturn)) void psci_system_off(void);

/** ESR_ELx.EC, the reason of an exception (Arm ARM, "ESR_EL1"). */
enum exception_class {
  EC_UNKNOWN = 0x00,
  EC_SVC64 = 0x15,
  EC_HVC64 = 0x16,
  EC_SYSREG = 0x18,
  EC_DATA_ABORT_SAME_EL = 0x25,
  EC_BREAKPOINT_LOWER_EL = 0x30,
  EC_BREAKPOINT_SAME_EL = 0x31,
  EC_SOFTWARE_STEP_LOWER_EL = 0x32,
  EC_SOFTWARE_STEP_SAME_EL = 0x33,
  EC_WATCHPOINT_LOWER_EL = 0x34,
  EC_WATCHPOINT_SAME_EL = 0x35,
  EC_BRK64 = 0x3c,
};

/** Origin and kind of an exception: index of its entry in the vector table. */
enum exception_vector {
  VECTOR_SYNC_SAME_EL = 4,
  VECTOR_SYNC_LOWER_EL = 8,
};

/** SPSR_ELx bits that the samples change. */
#define SPSR_SS (1ul << 21) /* step one instruction after ERET */
#define SPSR_D (1ul << 9)   /* debug exceptions masked */

/** The interrupted program, as vector-table.h saves it; a handler may change it. */
struct exception_frame {
  uint64_t x[31];
  uint64_t elr;
  uint64_t spsr;
  uint64_t esr;
  uint64_t far;
  uint64_t vector;
  uint64_t frame_record[2];
};

static inline enum exception_class exception_class(const struct exception_frame *frame) {
  return (enum exception_class)((frame->esr >> 26) & 0x3f);
}

/**
 * Called for every exception. A sample that expects exceptions defines its own;
 * the default prints the exception and ends the run with status 2.
 */
void handle_exception(struct exception_frame *frame);

/** Prints an exception nobody expected and ends the run with status 2. */
__attribute__((noreturn)) void unexpected_exception(const struct exception_frame *frame);

#endif
