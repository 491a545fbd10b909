/*
 * First instructions of a sample that runs at EL1.
 *
 * The board enters here with the MMU off, all interrupts and debug exceptions
 * masked (PSTATE.DAIF = 0b1111) and registers that mean nothing to us.
 * What C needs is a stack, zeroed .bss and, where it computes with double,
 * access to the floating-point registers.
 */
        .cfi_sections .debug_frame
        .section .text.start, "ax"
        .global _start
        .type _start, %function
_start:
        .cfi_startproc
        .cfi_undefined x30
        // Nobody called us, and a frame record of zeros says so: backtraces end here.
        mov     x29, xzr
        mov     x30, xzr

        ldr     x0, =stack_top
        mov     sp, x0

        // From here on an exception lands in vectors.S and not at address 0.
        ldr     x0, =exception_vectors
        msr     VBAR_EL1, x0

        // CPACR_EL1.FPEN = 0b11: FP and SIMD instructions do not trap.
        mov     x0, #(3 << 20)
        msr     CPACR_EL1, x0
        isb

        ldr     x0, =bss_start
        ldr     x1, =bss_end
1:      cmp     x0, x1
        b.hs    2f
        str     xzr, [x0], #8
        b       1b

2:      bl      main
        // The value main() returned, in w0, is the exit status.
        bl      system_exit
        .cfi_endproc
        .size   _start, . - _start
