// The guest half of the oracle: runs random cases, one after the other, at EL0 or EL1 with SP_EL0.
//
// It lives in the upper half of the address space (TTBR1_EL1). The lower half holds nothing but what a
// case may touch: read-only code and a two-page sandbox. So whatever address a case makes up, it can
// neither read nor damage the harness, and every other address has a fault that is known beforehand.
//
// The host writes control block, inputs and code to the machine's RAM and reads the outputs there; the
// addresses and offsets are those of ../layout.ts. Code is copied by the guest, because a machine that
// caches translated code has to see the stores.

    .equ HIGH,        0xffffff8000000000   // lowest address of TTBR1_EL1 for T1SZ = 25
    .equ CONTROL,     HIGH + 0x42000000
    .equ INPUTS,      HIGH + 0x43000000
    .equ OUTPUTS,     HIGH + 0x44000000
    .equ STAGED_CODE, HIGH + 0x45000000
    .equ CODE,        HIGH + 0x46000000    // writable alias; cases see it at 0x46000000, read-only
    .equ CODE_BYTES,  0x100000
    .equ SANDBOX,     HIGH + 0x47001000    // likewise at 0x47001000
    .equ SANDBOX_BYTES, 0x2000
    .equ WINDOW,      SANDBOX + 0xf00      // 512 bytes across the page boundary are seeded
    .equ WINDOW_WORDS, 128

    .equ CONTROL_COMMAND, 0
    .equ CONTROL_COUNT, 8
    .equ CONTROL_DONE, 16
    .equ CONTROL_READY, 24
    .equ READY, 0x4f4b

    .equ RECORD_BYTES, 1024
    .equ IN_SP, 248
    .equ IN_NZCV, 256
    .equ IN_FPCR, 264
    .equ IN_FPSR, 272
    .equ IN_PC, 280
    .equ IN_EL, 288
    .equ IN_SEED, 296
    .equ IN_KEYS, 304
    .equ IN_SCTLR, 384
    .equ IN_TCR, 392
    .equ OUT_SP, 248
    .equ OUT_SPSR, 256
    .equ OUT_FPCR, 264
    .equ OUT_FPSR, 272
    .equ OUT_ELR, 280
    .equ OUT_ESR, 288
    .equ OUT_FAR, 296
    .equ OUT_VECTOR, 304
    .equ OUT_HASH, 320
    .equ RECORD_V, 512

    .equ FRAME_OUTPUT, 24

    // Attributes: AF, inner shareable, AttrIndx 0
    .equ BLOCK_EL1,   0x0040000000000701   // UXN, EL1 read/write
    .equ PAGE_CODE,   0x00000000000007c3   // read-only at EL0 and EL1, executable
    .equ PAGE_DATA,   0x0060000000000743   // read/write at EL0 and EL1, UXN, PXN

    // M, C, SA, SA0, CP15BEN, I, DZE, nTWE, UCI; UCT, UMA and nTWI clear
    .equ SCTLR, 0x30d00800 | 0x1 | 0x4 | 0x8 | 0x10 | 0x20 | 0x1000 | 0x4000 | 0x40000 | 0x4000000

    // T0SZ = T1SZ = 25, 4 KiB granules, inner shareable write-back tables, 36-bit IPS
    .equ TCR, (25) | (1 << 8) | (1 << 10) | (3 << 12) | (25 << 16) | (1 << 24) | (1 << 26) | (3 << 28) | (2 << 30) | (1 << 32)

    .global _start
    .section .text.start, "ax"
_start:
    mrs x0, mpidr_el1
    tst x0, #0xff
    b.ne park
    msr spsel, #1

    // One table serves as the harness's map and, until the jump, as the identity map.
    adrp x0, harness_l1
    add x0, x0, :lo12:harness_l1
    ldr x1, =(0x40000000 + BLOCK_EL1)
    str x1, [x0, #8]

    adrp x1, case_l1
    add x1, x1, :lo12:case_l1
    adrp x2, case_l2
    add x2, x2, :lo12:case_l2
    orr x3, x2, #3
    str x3, [x1, #8]
    adrp x3, code_l3
    add x3, x3, :lo12:code_l3
    orr x4, x3, #3
    str x4, [x2, #(8 * ((0x46000000 - 0x40000000) >> 21))]
    ldr x4, =(0x46000000 + PAGE_CODE)
    mov x5, #(CODE_BYTES / 4096)
    mov x6, #(1 << 50)            // GP of every other page
1:  str x4, [x3], #8
    add x4, x4, #4096
    eor x4, x4, x6
    subs x5, x5, #1
    b.ne 1b
    adrp x3, sandbox_l3
    add x3, x3, :lo12:sandbox_l3
    orr x4, x3, #3
    str x4, [x2, #(8 * ((0x47000000 - 0x40000000) >> 21))]
    ldr x4, =(0x47001000 + PAGE_DATA)
    str x4, [x3, #8]
    add x4, x4, #4096
    str x4, [x3, #16]

    msr ttbr0_el1, x0
    msr ttbr1_el1, x0
    mov x2, #0xff
    msr mair_el1, x2
    ldr x2, =TCR
    msr tcr_el1, x2
    dsb sy
    isb
    tlbi vmalle1
    dsb sy
    isb
    ldr x2, =SCTLR
    msr sctlr_el1, x2
    isb
    ldr x3, =HIGH
    adr x2, in_the_upper_half
    orr x2, x2, x3
    br x2
in_the_upper_half:
    msr ttbr0_el1, x1
    isb
    tlbi vmalle1
    dsb sy
    isb
    adrp x0, stack_top
    add x0, x0, :lo12:stack_top
    mov sp, x0
    adr x0, vectors
    msr vbar_el1, x0
    mov x0, #(3 << 20)
    msr cpacr_el1, x0
    msr mdscr_el1, xzr
    isb
    ldr x19, =CONTROL
    mov x0, #READY
    str x0, [x19, #CONTROL_READY]
    dsb sy

poll:
    ldar x0, [x19]
    cbnz x0, batch
    yield
    b poll

batch:
    ldr x20, [x19, #CONTROL_COUNT]
    ldr x0, =STAGED_CODE
    ldr x1, =CODE
    mov x2, #CODE_BYTES
2:  ldp x3, x4, [x0], #16
    ldp x5, x6, [x1]
    cmp x3, x5
    ccmp x4, x6, #0, eq
    b.eq 3f
    stp x3, x4, [x1]
    dc cvau, x1
3:  add x1, x1, #16
    subs x2, x2, #16
    b.ne 2b
    dsb ish
    ic ialluis
    dsb ish
    isb
    ldr x21, =INPUTS
    ldr x22, =OUTPUTS

next:
    cbz x20, finish
    ldr x1, =SANDBOX
    mov x2, #(SANDBOX_BYTES / 64)
4:  dc zva, x1
    add x1, x1, #64
    subs x2, x2, #1
    b.ne 4b
    // Marsaglia's xorshift32
    ldr w0, [x21, #IN_SEED]
    ldr x1, =WINDOW
    mov w2, #WINDOW_WORDS
5:  eor w0, w0, w0, lsl #13
    eor w0, w0, w0, lsr #17
    eor w0, w0, w0, lsl #5
    str w0, [x1], #4
    subs w2, w2, #1
    b.ne 5b

    stp x19, x20, [sp, #-32]!
    stp x21, x22, [sp, #16]

    // What a case at EL1 may write starts from zero
    msr tpidr_el0, xzr
    msr tpidrro_el0, xzr
    msr tpidr_el1, xzr
    msr par_el1, xzr
    msr csselr_el1, xzr
    msr cntkctl_el1, xzr
    msr cntv_cval_el0, xzr
    msr cntp_cval_el0, xzr
    msr dbgbvr0_el1, xzr
    msr dbgwvr0_el1, xzr
    msr esr_el1, xzr
    msr far_el1, xzr

    // What the processor is like for this case; unchanged for most of them
    ldr x0, =TCR
    ldr x1, [x21, #IN_TCR]
    orr x0, x0, x1
    mrs x1, tcr_el1
    cmp x0, x1
    b.eq 6f
    msr tcr_el1, x0
    isb
    tlbi vmalle1
    dsb sy
    isb
6:  ldr x0, =SCTLR
    ldr x1, [x21, #IN_SCTLR]
    orr x0, x0, x1
    mrs x1, sctlr_el1
    cmp x0, x1
    b.eq 7f
    msr sctlr_el1, x0
    isb
7:  mrs x0, id_aa64isar1_el1
    tst x0, #0xf0                 // APA
    b.eq 8f
    .macro key number, low, high
    ldp x0, x1, [x21, #(IN_KEYS + 16 * \number)]
    msr \low, x0
    msr \high, x1
    .endm
    key 0, s3_0_c2_c1_0, s3_0_c2_c1_1
    key 1, s3_0_c2_c1_2, s3_0_c2_c1_3
    key 2, s3_0_c2_c2_0, s3_0_c2_c2_1
    key 3, s3_0_c2_c2_2, s3_0_c2_c2_3
    key 4, s3_0_c2_c3_0, s3_0_c2_c3_1
8:
    ldr x0, [x21, #IN_SP]
    msr sp_el0, x0
    ldr x0, [x21, #IN_PC]
    msr elr_el1, x0
    ldr x0, [x21, #IN_EL]
    lsl x0, x0, #2                // EL0t or EL1t
    ldr x1, [x21, #IN_NZCV]
    orr x0, x0, x1
    orr x0, x0, #0x3c0            // DAIF masked
    msr spsr_el1, x0
    ldr x0, [x21, #IN_FPCR]
    msr fpcr, x0
    ldr x0, [x21, #IN_FPSR]
    msr fpsr, x0
    add x0, x21, #RECORD_V
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    ldr q\i, [x0, #(16 * \i)]
    .endr
    mov x0, x21
    .irp i, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    ldr x\i, [x0, #(8 * \i)]
    .endr
    ldr x0, [x0]
    clrex
    eret

    .macro entry n
    .balign 128
    stp x0, x1, [sp, #-16]!
    mov x1, #\n
    b record
    .endm

    .balign 2048
vectors:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    entry \n
    .endr

record:
    ldr x0, [sp, #(16 + FRAME_OUTPUT)]
    str x1, [x0, #OUT_VECTOR]
    .irp i, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    str x\i, [x0, #(8 * \i)]
    .endr
    ldp x2, x3, [sp], #16
    stp x2, x3, [x0]
    mrs x2, sp_el0
    str x2, [x0, #OUT_SP]
    mrs x2, spsr_el1
    str x2, [x0, #OUT_SPSR]
    mrs x2, fpcr
    str x2, [x0, #OUT_FPCR]
    mrs x2, fpsr
    str x2, [x0, #OUT_FPSR]
    mrs x2, elr_el1
    str x2, [x0, #OUT_ELR]
    mrs x2, esr_el1
    str x2, [x0, #OUT_ESR]
    mrs x2, far_el1
    str x2, [x0, #OUT_FAR]
    add x2, x0, #RECORD_V
    .irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    str q\i, [x2, #(16 * \i)]
    .endr

    // Four 32-bit lanes: h = ror(h ^ word, 15) * K
    ldr x1, =SANDBOX
    mov x2, #(SANDBOX_BYTES / 16)
    ldr w3, =0x9e3779b1
    dup v3.4s, w3
    movi v0.4s, #0
6:  ldr q1, [x1], #16
    eor v0.16b, v0.16b, v1.16b
    ushr v2.4s, v0.4s, #15
    sli v2.4s, v0.4s, #17
    mul v0.4s, v2.4s, v3.4s
    subs x2, x2, #1
    b.ne 6b
    str q0, [x0, #OUT_HASH]

    ldp x21, x22, [sp, #16]
    ldp x19, x20, [sp], #32
    add x21, x21, #RECORD_BYTES
    add x22, x22, #RECORD_BYTES
    sub x20, x20, #1
    b next

finish:
    ldr x0, [x19, #CONTROL_DONE]
    add x0, x0, #1
    str xzr, [x19, #CONTROL_COMMAND]
    dsb sy
    str x0, [x19, #CONTROL_DONE]
    b poll

park:
    wfi
    b park
    .ltorg

    .bss
    .balign 4096
harness_l1: .skip 4096
case_l1:    .skip 4096
case_l2:    .skip 4096
code_l3:    .skip 4096
sandbox_l3: .skip 4096
    .skip 4096
stack_top:
