/*
 * The programs that the guest's own debugger debugs. They are in assembly
 * because the checks name single instructions in them.
 */
        .cfi_sections .debug_frame
        .text

/* void stepped(void): EL1 code that is stepped from stepped_start to stepped_end. */
        .global stepped, stepped_start, stepped_end
        .type   stepped, %function
stepped:
        .cfi_startproc
        mov     x0, #1
        msr     daifclr, #8             // Debug exceptions on: the step is due at once, ...
stepped_start:
        add     x0, x0, #1              // ... before this has run.
        add     x0, x0, #1
stepped_end:
        msr     daifset, #8
        ret
        .cfi_endproc
        .size   stepped, . - stepped

/* EL0 code: multiplies, stores, and asks EL1 to end it. */
        .global el0_program, el0_multiply, el0_store, el0_end
        .type   el0_program, %function
el0_program:
        .cfi_startproc
        .cfi_undefined x30              // EL0 code has no caller
        mov     x0, #6
        mov     x1, #7
el0_multiply:
        mul     x0, x0, x1
        adrp    x2, el0_result
        add     x2, x2, :lo12:el0_result
el0_store:
        str     x0, [x2]
        svc     #0
el0_end:
        b       el0_end
        .cfi_endproc
        .size   el0_program, . - el0_program

/*
 * void run_at_el0(const char *program, uint64_t spsr)
 * Drops to EL0 with ERET. The exception handler comes back to el0_finished
 * when the program executes SVC, and this function returns.
 */
        .global run_at_el0, el0_finished
        .type   run_at_el0, %function
run_at_el0:
        stp     x29, x30, [sp, #-96]!
        mov     x29, sp
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        ldr     x2, =el0_stack_top
        msr     SP_EL0, x2
        msr     ELR_EL1, x0
        msr     SPSR_EL1, x1
        eret
el0_finished:
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret
        .size   run_at_el0, . - run_at_el0
