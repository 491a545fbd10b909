// The guest half of the oracle's translation mode: one access for each case, at EL0, EL1 or EL2, through
// translation tables that the host has put into RAM.
//
// It runs at EL2 with the MMU off and turns it on for a case at EL2 only. Whatever the tables of a case
// are, they map the 64 KiB of this image flat, read-only and executable: that is where the accesses stand,
// and the vectors that end a case. The host keeps the numbers in ../translation/layout.ts.

    .equ CONTROL,     0x42000000
    .equ INPUTS,      0x43000000
    .equ OUTPUTS,     0x44000000
    .equ DATA,        0x47000000
    .equ DATA_BYTES,  0x4000

    .equ CONTROL_COUNT, 8
    .equ CONTROL_DONE, 16
    .equ CONTROL_READY, 24
    .equ READY, 0x4f4b

    .equ RECORD_BYTES, 256
    .equ IN_X0, 0                 // X0, X1, X2
    .equ IN_PC, 24                // PC, SPSR
    .equ IN_SCTLR_EL1, 40         // SCTLR, TCR, TTBR0, TTBR1, MAIR, VBAR
    .equ IN_HCR_EL2, 88           // HCR, VTCR, VTTBR
    .equ IN_SCTLR_EL2, 112        // SCTLR, TCR, TTBR0, MAIR
    .equ IN_CHANGES_DATA, 144

    .equ OUT_X0, 0                // X0, X1, X2
    .equ OUT_VECTOR, 24
    .equ OUT_ESR_EL1, 32          // ESR, ELR, SPSR, FAR, PAR
    .equ OUT_ESR_EL2, 72          // ESR, ELR, SPSR, FAR, HPFAR
    .equ OUT_HASH, 112

    .equ EL2_VECTORS, 16          // vectors of EL1 are 0 to 15
    .equ EC_HVC, 0x16
    .equ SCTLR_EL2_OFF, 0x30c50830

    .global _start
    .section .text.start, "ax"
image:
_start:
    mrs x0, mpidr_el1
    tst x0, #0xff
    b.ne park
    ldr x0, =SCTLR_EL2_OFF
    msr sctlr_el2, x0
    adr x0, vectors
    msr vbar_el2, x0
    mov x0, #0x33ff               // CPTR_EL2: RES1, nothing traps
    msr cptr_el2, x0
    mov x0, #(3 << 20)
    msr cpacr_el1, x0
    msr mdscr_el1, xzr
    isb
    bl fill_data
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
    ldr x21, =INPUTS
    ldr x22, =OUTPUTS
    ldr x24, =SCTLR_EL2_OFF

next:
    cbz x20, finish
    .irp n, 0, 1, 2, 3, 4, 5
    ldr x\n, [x21, #(IN_SCTLR_EL1 + 8 * \n)]
    .endr
    msr sctlr_el1, x0
    msr tcr_el1, x1
    msr ttbr0_el1, x2
    msr ttbr1_el1, x3
    msr mair_el1, x4
    msr vbar_el1, x5
    .irp n, 0, 1, 2
    ldr x\n, [x21, #(IN_HCR_EL2 + 8 * \n)]
    .endr
    msr hcr_el2, x0
    msr vtcr_el2, x1
    msr vttbr_el2, x2
    .irp n, 0, 1, 2, 3
    ldr x\n, [x21, #(IN_SCTLR_EL2 + 8 * \n)]
    .endr
    msr tcr_el2, x1
    msr ttbr0_el2, x2
    msr mair_el2, x3
    mov x3, x0
    mov x0, #0x800                // RES1
    msr par_el1, x0
    .irp register, esr_el1, far_el1, elr_el1, spsr_el1, esr_el2, far_el2, hpfar_el2
    msr \register, xzr
    .endr
    tlbi alle1
    tlbi alle2
    dsb nsh
    isb
    ldp x0, x1, [x21, #IN_PC]
    msr elr_el2, x0
    msr spsr_el2, x1
    ldp x0, x1, [x21, #IN_X0]
    ldr x2, [x21, #(IN_X0 + 16)]
    clrex
    msr sctlr_el2, x3
    isb
    eret

record:                           // X0 is in TPIDR_EL2, the number of the vector in X0; nothing is mapped for data
    msr sctlr_el2, x24
    isb
    mov x3, x0
    mrs x0, tpidr_el2
    stp x0, x1, [x22, #OUT_X0]
    str x2, [x22, #(OUT_X0 + 16)]
    mrs x4, esr_el2
    mrs x5, elr_el2
    mrs x6, spsr_el2
    mrs x7, far_el2
    mrs x8, hpfar_el2
    lsr x9, x4, #26
    cmp x9, #EC_HVC
    b.ne 1f
    and x3, x4, #0xffff           // the exception was taken to EL1, whose vector is the HVC
    mov x4, xzr
    mov x5, xzr
    mov x6, xzr
1:  str x3, [x22, #OUT_VECTOR]
    stp x4, x5, [x22, #OUT_ESR_EL2]
    stp x6, x7, [x22, #(OUT_ESR_EL2 + 16)]
    str x8, [x22, #(OUT_ESR_EL2 + 32)]
    mrs x4, esr_el1
    mrs x5, elr_el1
    mrs x6, spsr_el1
    mrs x7, far_el1
    mrs x8, par_el1
    stp x4, x5, [x22, #OUT_ESR_EL1]
    stp x6, x7, [x22, #(OUT_ESR_EL1 + 16)]
    str x8, [x22, #(OUT_ESR_EL1 + 32)]

    movi v0.4s, #0
    ldr x0, [x21, #IN_CHANGES_DATA]
    cbz x0, 3f
    // Four 32-bit lanes: h = ror(h ^ word, 15) * K
    ldr x1, =DATA
    mov x2, #(DATA_BYTES / 16)
    ldr w3, =0x9e3779b1
    dup v3.4s, w3
2:  ldr q1, [x1], #16
    eor v0.16b, v0.16b, v1.16b
    ushr v2.4s, v0.4s, #15
    sli v2.4s, v0.4s, #17
    mul v0.4s, v2.4s, v3.4s
    subs x2, x2, #1
    b.ne 2b
    bl fill_data
3:  str q0, [x22, #OUT_HASH]
    add x21, x21, #RECORD_BYTES
    add x22, x22, #RECORD_BYTES
    sub x20, x20, #1
    b next

// Each word of the data is a BRK whose immediate tells which word it is.
fill_data:
    ldr x1, =DATA
    mov w2, #(DATA_BYTES / 4)
    ldr w3, =0xd4200000
4:  str w3, [x1], #4
    add w3, w3, #(1 << 5)
    subs w2, w2, #1
    b.ne 4b
    dsb ish
    ic ialluis
    dsb ish
    isb
    ret

finish:
    ldr x0, [x19, #CONTROL_DONE]
    add x0, x0, #1
    str xzr, [x19]
    dsb sy
    str x0, [x19, #CONTROL_DONE]
    b poll

park:
    wfi
    b park
    .ltorg

    .org 0x1000
vectors:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    .org 0x1000 + 0x80 * \n
    msr tpidr_el2, x0
    mov x0, #(EL2_VECTORS + \n)
    b record
    .endr

    .org 0x2000
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    .org 0x2000 + 0x80 * \n
    hvc #\n
    .endr

// The accesses, in the order of ../translation/accesses.ts, 16 bytes each.
    .macro access first, second=nop
    .balign 16
    \first
    \second
    brk #0
    .endm

    .org 0x3000
    access "ldr x0, [x1]"
    access "ldrb w0, [x1]"
    access "ldtr x0, [x1]"
    access "ldar w0, [x1]"
    access "ldxr x0, [x1]"
    access "ldp x0, x2, [x1]"
    access "str x0, [x1]"
    access "strb w0, [x1]"
    access "sttr w0, [x1]"
    access "stlr x0, [x1]"
    access "stp x0, x2, [x1]"
    access "ldxr w2, [x1]", "stxr w2, w0, [x1]"
    access "dc zva, x1"
    access "prfm pldl1keep, [x1]"
    access "at s1e1r, x1", "mrs x0, par_el1"
    access "at s1e1w, x1", "mrs x0, par_el1"
    access "at s1e0r, x1", "mrs x0, par_el1"
    access "at s1e0w, x1", "mrs x0, par_el1"
    access "at s12e1r, x1", "mrs x0, par_el1"
    access "at s12e1w, x1", "mrs x0, par_el1"
    access "at s12e0r, x1", "mrs x0, par_el1"
    access "at s12e0w, x1", "mrs x0, par_el1"
    access "at s1e2r, x1", "mrs x0, par_el1"
    access "at s1e2w, x1", "mrs x0, par_el1"
