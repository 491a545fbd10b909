/* Accesses whose faults are expected, and snippets that run at EL0. */
        .text

        .macro  function name
        .global \name
        .type   \name, %function
\name:
        .endm

        function load64
        ldr     x0, [x0]
        ret
        function load64_unprivileged
        ldtr    x0, [x0]
        ret
        function load8
        ldrb    w0, [x0]
        ret
        function store64
        str     x1, [x0]
        ret
        function store64_unprivileged
        sttr    x1, [x0]
        ret
        function store8
        strb    w1, [x0]
        ret
        function zero_block
        dc      zva, x0
        ret
        function clean
        dc      cvac, x0
        ret
        function call
        br      x0

/* The handler answers an SVC or an abort from EL0 by going on at call_el0_done at EL1. */
        function call_el0
        stp     x29, x30, [sp, #-96]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        msr     ELR_EL1, x0
        mov     x0, #0x3c0              // EL0t, DAIF set
        msr     SPSR_EL1, x0
        mov     x0, x1
        eret
        .global call_el0_done
call_el0_done:
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret

        .balign 8
        .global el0_load, el0_store, el0_branch, el1_return
el0_load:
        ldr     x0, [x0]
        svc     #0
el0_store:
        str     x0, [x0]
        svc     #0
el0_branch:
        br      x0
        svc     #0
el1_return:
        ret
