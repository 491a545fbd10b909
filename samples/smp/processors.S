/* PSCI calls that turn processors on and off, the first instructions of a secondary one, and a spin lock. */

        .cfi_sections .debug_frame
        .text

/* int64_t psci_cpu_on(uint64_t mpidr, void *stack_top): the context ID is the stack. */
        .global psci_cpu_on
        .type   psci_cpu_on, %function
psci_cpu_on:
        .cfi_startproc
        mov     x3, x1                  // context ID: X0 of the other processor
        mov     x1, x0                  // target CPU
        ldr     x2, =secondary_start    // entry point
        ldr     x0, =0xc4000003         // CPU_ON, SMC64
        hvc     #0
        ret
        .cfi_endproc
        .size   psci_cpu_on, . - psci_cpu_on

        .global psci_cpu_off
        .type   psci_cpu_off, %function
psci_cpu_off:
        .cfi_startproc
        ldr     w0, =0x84000002         // CPU_OFF
        hvc     #0
1:      wfi                             // CPU_OFF was denied
        b       1b
        .cfi_endproc
        .size   psci_cpu_off, . - psci_cpu_off

/* A secondary processor starts as the first one does, with the MMU off; start.S has cleared .bss. */
        .type   secondary_start, %function
secondary_start:
        .cfi_startproc
        .cfi_undefined x30
        mov     x29, xzr
        mov     x30, xzr
        mov     sp, x0
        ldr     x0, =exception_vectors
        msr     VBAR_EL1, x0
        isb
        bl      secondary_main
        bl      psci_cpu_off
        .cfi_endproc
        .size   secondary_start, . - secondary_start

/*
 * void lock(uint32_t *spin_lock): load-acquire exclusive, store exclusive.
 * STXR fails when the other processor has been at the lock since LDAXR.
 */
        .global lock
        .type   lock, %function
lock:
        .cfi_startproc
        mov     w2, #1
1:      ldaxr   w1, [x0]
        cbnz    w1, 1b
        stxr    w1, w2, [x0]
        cbnz    w1, 1b
        ret
        .cfi_endproc
        .size   lock, . - lock

/* void unlock(uint32_t *spin_lock) */
        .global unlock
        .type   unlock, %function
unlock:
        .cfi_startproc
        stlr    wzr, [x0]
        ret
        .cfi_endproc
        .size   unlock, . - unlock
