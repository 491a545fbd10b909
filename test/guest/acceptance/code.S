/* The instructions under test. Their labels are what the cases compare with. */
        .text

        .macro  function name
        .global \name
        .type   \name, %function
\name:
        .endm

/* E1: sixteen instructions, each of which unmasks debug exceptions for the next. */
        function code_unmask16
        .global hw_bp0
        msr     daifclr, #8
hw_bp0:
        .rept   16
        msr     daifclr, #8
        .endr
        msr     daifset, #8
        ret

/* E5, E12, E16, E29: the step that is due at ss_start, then two more. */
        function code_steps
        .global ss_start
        msr     daifclr, #8
ss_start:
        mrs     x0, ESR_EL1
        add     x0, x0, #1
        msr     daifset, #8
        ret

        function code_nop
        .global nop_at
nop_at: nop
        ret

        function code_svc
        .global svc_at
svc_at: svc     #0
        ret

        function code_brk
        .global brk_at
brk_at: brk     #0
        ret

/* E22: x0 is the context from the ISB on; exceptions can be taken from e22_first on. */
        function code_context
        .global e22_first
        msr     CONTEXTIDR_EL1, x0
        isb
        msr     daifclr, #8
e22_first:
        nop
        nop
        msr     daifset, #8
        msr     CONTEXTIDR_EL1, xzr
        isb
        ret

/*
 * E45: x0 is an SPSR with SS = 1 and D = 0. The first ERET, with exceptions
 * masked, makes the step active; the second one is the instruction stepped. It
 * goes to itself with SPSR.SS = 1, and since its own EL is being stepped
 * PSTATE.SS must become 0 all the same.
 */
        function code_e45
        .global e45_eret, e45_done
        adr     x1, e45_eret
        msr     ELR_EL1, x1
        msr     SPSR_EL1, x0
        eret
e45_eret:
        eret
e45_done:
        ret

/* E46: x0 goes to MDSCR_EL1; a breakpoint address on each side of the ISB. */
        function code_e46
        .global e46_before_isb, e46_after_isb
        msr     daifclr, #8
        msr     MDSCR_EL1, x0
e46_before_isb:
        nop
        isb
e46_after_isb:
        nop
        msr     daifset, #8
        ret

        function migrate_point
        nop
        ret

/* Programs for EL0. SVC #7 ends them. */
        .global el0_nop, el0_store, el0_svc, el0_udf, el0_ldxr, el0_read_dbgbvr, el0_read_mdccsr
el0_nop:
        nop
        svc     #7

el0_store:
        adrp    x0, el0_data
        add     x0, x0, :lo12:el0_data
        str     xzr, [x0]
        svc     #7

el0_svc:
        svc     #1
        nop
        svc     #7

el0_udf:
        .inst   0                       // UDF #0
        nop
        svc     #7

el0_ldxr:
        ldxr    x1, [x0]                // x0 is set by the caller
        nop
        svc     #7

el0_read_dbgbvr:
        .inst   0xd5300080              // MRS X0, DBGBVR0_EL1
        svc     #7

el0_read_mdccsr:
        .inst   0xd5330100              // MRS X0, MDCCSR_EL0
        svc     #7

/* void run_at_el0(const char *program, uint64_t spsr); x0 at EL0 is &el0_data. */
        function run_at_el0
        .global el0_finished
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
        ldr     x0, =el0_data
        eret
el0_finished:
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret

        .bss
        .balign 4096
        .global memory
memory: .space  3 * 4096
        .global el0_data
el0_data:
        .space  8
