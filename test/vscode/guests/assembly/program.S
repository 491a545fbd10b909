/*
 * A guest in assembly alone, for the tests in a real VS Code: registers that it may not write, data that the
 * debugger watches, and calls. It switches itself off at its end.
 */
#define MDSCR_MDE       (1 << 15)

        .cfi_sections .debug_frame
        .text
        .global _start
        .type   _start, %function
_start:
        .cfi_startproc
        .cfi_undefined x30
        adrp    x0, stack_top
        add     sp, x0, :lo12:stack_top
        mov     x19, #3
1:      mov     x0, x19
        bl      enable_debug
        bl      count
        sub     x19, x19, #1
        cbnz    x19, 1b
        ldr     w0, =0x84000008         // PSCI SYSTEM_OFF
        hvc     #0
        b       .
        .cfi_endproc
        .size   _start, . - _start

/* Monitor debug events on. MDSCR_EL1.MDE is what the kernel sets. */
        .global enable_debug
        .type   enable_debug, %function
enable_debug:
        .cfi_startproc
        mov     x1, #MDSCR_MDE
        mrs     x2, midr_el1
        msr     mdscr_el1, x1
        isb                     // before MDE is relied on
        cbnz    x0, 1f
        msr     hcr_el2, x1
        isb
1:      ret
        .cfi_endproc
        .size   enable_debug, . - enable_debug

/* Adds x0 to the counter; returns it. */
        .global count
        .type   count, %function
count:
        .cfi_startproc
        adrp    x9, counter
        add     x9, x9, :lo12:counter
        ldr     x10, [x9, #0]
        add     x10, x10, x0
        str     x10, [x9]
        mov     x0, x10
        ret
        .cfi_endproc
        .size   count, . - count

        .data
        .balign 8
        .global counter, total
counter:
        .quad   0x1000
total:  .quad   0

        .bss
        .balign 16
        .skip   4096
stack_top:
