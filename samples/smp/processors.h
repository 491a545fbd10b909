/* A second processor, and a lock between two. */
#ifndef PROCESSORS_H
#define PROCESSORS_H

#include "runtime.h"

/**
 * PSCI CPU_ON (Arm DEN0022): the processor with that MPIDR starts at secondary_start, on the stack
 * that ends at stack_top. Gives 0, or a negative PSCI error code.
 */
int64_t psci_cpu_on(uint64_t mpidr, void *stack_top);

/** PSCI CPU_OFF: the processor that calls it stops. */
__attribute__((noreturn)) void psci_cpu_off(void);

/** What a secondary processor does; when it returns, the processor turns itself off. */
void secondary_main(void);

/** A spin lock: 0 is free, 1 is taken. */
void lock(uint32_t *spin_lock);
void unlock(uint32_t *spin_lock);

#endif
