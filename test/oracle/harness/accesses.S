// The guest half of the oracle's access mode: one instruction for each case, at EL0, EL1 or EL2, under the
// controls of traps that the host has chosen, with the MMU off.
//
// It runs at EL2. A case uses X0 alone; what it may leave in a register that is compared starts from zero.
// The host keeps the numbers in ../accesses/layout.ts.

    .arch armv8.1-a
    .equ CONTROL,     0x42000000
    .equ INPUTS,      0x43000000
    .equ OUTPUTS,     0x44000000
    .equ CODE,        0x46000000  // 8 bytes a case: its word, and a BRK

    .equ CONTROL_COUNT, 8
    .equ CONTROL_DONE, 16
    .equ CONTROL_READY, 24
    .equ READY, 0x4f4b

    .equ INPUT_BYTES, 256
    .equ OUTPUT_BYTES, 512
    .equ IN_WORD, 0
    .equ IN_X0, 8
    .equ IN_PC, 16                // PC, SPSR
    .equ IN_CONTROLS, 32
    .equ OUT_X0, 0                // X0, vector
    .equ OUT_REGISTERS, 16

    .equ EL2_VECTORS, 16          // vectors of EL1 are 0 to 15
    .equ EC_HVC, 0x16
    .equ SCTLR_EL2_OFF, 0x30c50830
    .equ HCR_RW, 0x80000000
    .equ BRK_0, 0xd4200000
    .equ MMFR1_VH, 8

    .global _start
    .section .text.start, "ax"
_start:
    mrs x0, mpidr_el1
    tst x0, #0xff
    b.ne park
    ldr x25, =SCTLR_EL2_OFF
    msr sctlr_el2, x25
    ldr x24, =HCR_RW
    msr hcr_el2, x24
    adr x23, vectors
    msr vbar_el2, x23
    adr x26, el1_vectors
    isb
    adrp x0, stack_top
    add x0, x0, :lo12:stack_top
    mov sp, x0
    mrs x27, id_aa64mmfr1_el1
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
    mov x0, x20
    mov x1, x21
    ldr x2, =CODE
    ldr w4, =BRK_0
1:  cbz x0, 2f
    ldr w3, [x1, #IN_WORD]
    stp w3, w4, [x2], #8
    add x1, x1, #INPUT_BYTES
    sub x0, x0, #1
    b 1b
2:  dsb ish
    ic ialluis
    dsb ish
    isb

    .macro zero names:vararg
    .irp name, \names
    msr \name, xzr
    .endr
    .endm

next:
    cbz x20, finish
    zero tpidr_el0, tpidrro_el0, tpidr_el1, tpidr_el2, par_el1, csselr_el1
    zero cntv_ctl_el0, cntv_cval_el0, cntp_ctl_el0, cntp_cval_el0, cnthp_ctl_el2, cnthp_cval_el2, cntvoff_el2
    zero dbgbvr0_el1, dbgbcr0_el1, dbgwvr0_el1, dbgwcr0_el1, oslar_el1, osdlr_el1, mdccint_el1
    zero esr_el1, far_el1, elr_el1, spsr_el1, esr_el2, far_el2, hpfar_el2, afsr0_el1, afsr1_el1
    zero ttbr0_el1, ttbr1_el1, tcr_el1, mair_el1, amair_el1, contextidr_el1
    zero ttbr0_el2, tcr_el2, mair_el2, vttbr_el2, vtcr_el2, sp_el0, sp_el1
    zero pmcr_el0, pmselr_el0, pmccfiltr_el0
    mov x0, #-1
    msr pmcntenclr_el0, x0
    msr pmintenclr_el1, x0
    msr pmovsclr_el0, x0
    msr vbar_el1, x26
    tbz x27, #MMFR1_VH, 3f
    zero ttbr1_el2, contextidr_el2, cnthv_ctl_el2, cnthv_cval_el2
3:
    .macro control name, n
    ldr x0, [x21, #(IN_CONTROLS + 8 * \n)]
    msr \name, x0
    .endm
    control sctlr_el1, 0
    control cpacr_el1, 1
    control cntkctl_el1, 2
    control pmuserenr_el0, 3
    control mdscr_el1, 4
    control sctlr_el2, 5
    control cptr_el2, 6
    control cnthctl_el2, 7
    control mdcr_el2, 8
    control hstr_el2, 9
    ldp x0, x1, [x21, #IN_PC]
    msr elr_el2, x0
    msr spsr_el2, x1
    control hcr_el2, 10
    isb
    ldr x0, [x21, #IN_X0]
    eret

record:                           // the number of the vector is in X1
    mrs x2, hcr_el2
    msr hcr_el2, x24
    isb
    mrs x4, esr_el2
    mrs x5, elr_el2
    mrs x6, spsr_el2
    lsr x3, x4, #26
    cmp x3, #EC_HVC
    b.ne 4f
    and x3, x4, #0xffff
    cmp x3, #16
    b.hs 4f
    mov x1, x3                    // the exception was taken to EL1, whose vector is the HVC
    mov x4, xzr
    mov x5, xzr
    mov x6, xzr
4:  stp x0, x1, [x22, #OUT_X0]
    .set offset, OUT_REGISTERS
    .irp n, 2, 4, 5, 6
    str x\n, [x22, #offset]
    .set offset, offset + 8
    .endr
    .macro keep names:vararg
    .irp name, \names
    mrs x0, \name
    str x0, [x22, #offset]
    .set offset, offset + 8
    .endr
    .endm
    keep esr_el1, elr_el1, spsr_el1, far_el1, far_el2
    keep sctlr_el1, cpacr_el1, cntkctl_el1, sctlr_el2, cptr_el2, cnthctl_el2, mdcr_el2, vbar_el1
    keep ttbr0_el1, ttbr1_el1, tcr_el1, mair_el1, contextidr_el1, ttbr0_el2, tcr_el2, mair_el2
    keep cntv_ctl_el0, cntv_cval_el0, cntp_ctl_el0, cntp_cval_el0, cnthp_ctl_el2, cnthp_cval_el2
    keep tpidr_el0, tpidrro_el0, tpidr_el1, tpidr_el2, sp_el0, sp_el1, cntvoff_el2
    tbz x27, #MMFR1_VH, 5f
    keep ttbr1_el2, contextidr_el2, cnthv_ctl_el2, cnthv_cval_el2
5:  msr sctlr_el2, x25
    msr vbar_el2, x23
    isb
    add x21, x21, #INPUT_BYTES
    add x22, x22, #OUTPUT_BYTES
    sub x20, x20, #1
    b next

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

    .balign 2048
vectors:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    .balign 128
    mov x1, #(EL2_VECTORS + \n)
    b record
    .endr

    .balign 2048
el1_vectors:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    .balign 128
    hvc #\n
    .endr

    .bss
    .balign 4096
    .skip 4096
stack_top:
