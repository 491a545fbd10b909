/*
 * First instructions, at EL2. What start.S does for EL1 samples, plus: set up
 * what the guest at EL1 finds.
 */
        .cfi_sections .debug_frame
        .section .text.start, "ax"
        .global _start
        .type   _start, %function
_start:
        .cfi_startproc
        .cfi_undefined x30
        mov     x29, xzr
        mov     x30, xzr
        ldr     x0, =stack_top
        mov     sp, x0

        mrs     x0, CurrentEL
        cmp     x0, #(2 << 2)
        b.ne    not_el2

        ldr     x0, =exception_vectors
        msr     VBAR_EL2, x0

        // HCR_EL2.RW: EL1 is AArch64. Nothing else of the guest is virtualised:
        // no stage 2 translation, no routing of interrupts.
        mov     x0, #(1 << 31)
        msr     HCR_EL2, x0
        isb

        ldr     x0, =bss_start
        ldr     x1, =bss_end
1:      cmp     x0, x1
        b.hs    2f
        str     xzr, [x0], #8
        b       1b

2:      bl      main
        // Status 0 goes out as SYSTEM_OFF by SMC, anything else by semihosting.
        cbnz    w0, 3f
        bl      psci_system_off
3:      bl      system_exit

not_el2:
        ldr     x0, =not_el2_text
        bl      print
        mov     w0, #3
        bl      system_exit
        .cfi_endproc
        .size   _start, . - _start

        .section .rodata
not_el2_text:
        .asciz  "This program is a hypervisor: start it at EL2 (\"el\": 2).\n"
