/* First instructions, at EL2, and the snippets that run at EL1. */
        .section .text.start, "ax"
        .global _start
        .type   _start, %function
_start:
        mov     x29, xzr
        mov     x30, xzr
        ldr     x0, =stack_top
        mov     sp, x0
        ldr     x0, =exception_vectors
        msr     VBAR_EL2, x0
        mov     x0, #(1 << 31)          // HCR_EL2.RW
        msr     HCR_EL2, x0
        isb
        ldr     x0, =bss_start
        ldr     x1, =bss_end
1:      cmp     x0, x1
        b.hs    2f
        str     xzr, [x0], #8
        b       1b
2:      bl      main
        bl      system_exit
        .size   _start, . - _start

        .text
        .macro  function name
        .global \name
        .type   \name, %function
\name:
        .endm

/* uint64_t call_el1(uint64_t pc, uint64_t x0): X0 at the HVC or abort that ends it. */
        function call_el1
        stp     x29, x30, [sp, #-96]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        msr     ELR_EL2, x0
        mov     x0, #0x3c5              // EL1h, DAIF set
        msr     SPSR_EL2, x0
        mov     x0, x1
        mov     x1, #0x40
        eret
        .global call_el1_done
call_el1_done:
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret

/* What EL1 runs: one instruction with X0 as its address and X1 = 0x40, then HVC. */
        .macro  snippet name, instruction:vararg
        function \name
        \instruction
        hvc     #0
        .endm

        snippet el1_ldr, ldr x0, [x0]
        snippet el1_str, str x1, [x0]
        snippet el1_ldr_w5, ldr w5, [x0, #8]
        snippet el1_ldrsb_w, ldrsb w7, [x0]
        snippet el1_ldrsh_x, ldrsh x9, [x0]
        snippet el1_ldrsw, ldrsw x3, [x0, #4]
        snippet el1_strb_zero, strb wzr, [x0]
        snippet el1_strh_offset, strh w1, [x0, x1]
        snippet el1_ldur, ldur x30, [x0, #-8]
        snippet el1_ldtr, ldtr w2, [x0]
        snippet el1_ldar, ldar x4, [x0]
        snippet el1_stlrb, stlrb w1, [x0]
        snippet el1_ldr_post, ldr x5, [x0], #8
        snippet el1_str_pre, str x5, [x0, #8]!
        snippet el1_ldp, ldp x5, x6, [x0]
        snippet el1_stp, stp x5, x6, [x0]
        snippet el1_ldxr, ldxr x5, [x0]
        snippet el1_zva, dc zva, x0
        snippet el1_at, at s1e1r, x0
        snippet el1_br, br x0
        snippet el1_hvc, nop

/* Accesses at EL2 itself; the handler goes on after one that faults. */
        function load64
        ldr     x0, [x0]
        ret
        function store64
        str     x1, [x0]
        ret
        function call
        br      x0
