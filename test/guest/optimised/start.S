/* From reset to main() and from its return value to semihosting SYS_EXIT. */
        .cfi_sections .debug_frame
        .section .text.start, "ax"
        .global _start
        .type   _start, %function
_start:
        .cfi_startproc
        .cfi_undefined x30
        mov     x29, xzr
        mov     x30, xzr
        adrp    x0, stack_top
        add     x0, x0, :lo12:stack_top
        mov     sp, x0
        // CPACR_EL1.FPEN = 0b11: FP and SIMD instructions do not trap.
        mov     x0, #(3 << 20)
        msr     CPACR_EL1, x0
        isb
        bl      main
        bl      semihosting_exit
        .cfi_endproc
        .size   _start, . - _start
