/* The way into the guest and back, and the guest's own way to EL0. */
        .cfi_sections .debug_frame
        .text

/*
 * void enter_guest(void (*entry)(void), uint64_t spsr)
 * Saves what C expects to survive a call, then ERET to EL1. leave_guest_for_good
 * is where the HVC_END handler sends the hypervisor back to; it returns from here.
 */
        .global enter_guest, leave_guest_for_good
        .type   enter_guest, %function
enter_guest:
        stp     x29, x30, [sp, #-96]!
        mov     x29, sp
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        ldr     x2, =guest_stack_top
        msr     SP_EL1, x2
        ldr     x2, =guest_vectors
        msr     VBAR_EL1, x2
        msr     ELR_EL2, x0
        msr     SPSR_EL2, x1
        mov     x29, xzr                // a guest's backtrace does not go on in the hypervisor
        mov     x30, xzr
        eret
leave_guest_for_good:
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret
        .size   enter_guest, . - enter_guest

/* uint64_t guest_run_el0(void): the guest runs el0_program, which ends with SVC #7. */
        .global guest_run_el0, guest_el0_finished
        .type   guest_run_el0, %function
guest_run_el0:
        stp     x29, x30, [sp, #-16]!
        mov     x29, sp
        ldr     x0, =el0_stack_top
        msr     SP_EL0, x0
        ldr     x0, =el0_program
        msr     ELR_EL1, x0
        msr     SPSR_EL1, xzr           // EL0 with SP_EL0, nothing masked
        eret
guest_el0_finished:
        ldp     x29, x30, [sp], #16
        ret
        .size   guest_run_el0, . - guest_run_el0

        .global el0_program
        .type   el0_program, %function
el0_program:
        .cfi_startproc
        .cfi_undefined x30
        mov     x0, #40
        add     x0, x0, #2
        svc     #7                      // #EL0
        b       el0_program
        .cfi_endproc
        .size   el0_program, . - el0_program

/* The second guest: four instructions for the hypervisor to step over, then BRK. */
        .global stepped_guest, stepped_guest_brk
        .type   stepped_guest, %function
stepped_guest:
        .cfi_startproc
        .cfi_undefined x30
        mov     x0, #1
        add     x0, x0, x0
        add     x0, x0, x0
        add     x0, x0, x0
stepped_guest_brk:
        brk     #0x99
        hvc     #3                      // HVC_END
        .cfi_endproc
        .size   stepped_guest, . - stepped_guest

        .bss
        .balign 16
        .space  4096
        .global guest_stack_top
guest_stack_top:
