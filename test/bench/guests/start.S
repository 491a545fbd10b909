// Entry of every benchmark guest: a stack, FP enabled, the MMU when it is asked for, then work(iterations);
// the result goes to the UART in hexadecimal and the guest ends through semihosting.

    .equ DEVICE_BLOCK, 0x0060000000000405   // AF, AttrIndx 1, UXN, PXN
    .equ NORMAL_PAGE,  0x0000000000000703   // AF, Inner Shareable, AttrIndx 0
    .equ TABLE, 3
    .equ MAIR, 0x00ff                       // 0: Normal Write-Back, 1: Device-nGnRnE
    // T0SZ 25, cacheable and shareable tables, 4 KB granules, no TTBR1; IPS is added below
    .equ TCR, 25 | (1 << 8) | (1 << 10) | (3 << 12) | (1 << 23)
    .equ PAGES, 512

    .section .text.start, "ax"
    .global _start
_start:
    ldr     x0, =stack_top
    mov     sp, x0
    mov     x0, #(3 << 20)
    msr     cpacr_el1, x0
    isb
    ldr     x0, =mmu
    ldr     w0, [x0]
    cbz     w0, 1f
    bl      mmu_on
1:  ldr     x1, =iterations
    ldr     w0, [x1]
    bl      work
    bl      put_hex
    ldr     x1, =exit_block
    mov     w0, #0x18               // SYS_EXIT
    hlt     #0xf000
    b       .

// The first GiB is devices; the 2 MiB of the guest are mapped flat with pages of 4 KB.
mmu_on:
    ldr     x0, =level1
    ldr     x1, =DEVICE_BLOCK
    str     x1, [x0]
    ldr     x1, =(level2 + TABLE)
    str     x1, [x0, #8]
    ldr     x1, =level2
    ldr     x2, =(level3 + TABLE)
    str     x2, [x1]
    ldr     x1, =level3
    ldr     x2, =(0x40000000 + NORMAL_PAGE)
    mov     x3, #PAGES
2:  str     x2, [x1], #8
    add     x2, x2, #4096
    subs    x3, x3, #1
    b.ne    2b
    msr     ttbr0_el1, x0
    mov     x0, #MAIR
    msr     mair_el1, x0
    ldr     x0, =TCR
    mov     x1, #2
    bfi     x0, x1, #32, #3
    msr     tcr_el1, x0
    dsb     sy
    tlbi    vmalle1
    dsb     sy
    isb
    mrs     x0, sctlr_el1
    mov     x1, #((1 << 12) | (1 << 2) | 1)  // I, C, M
    orr     x0, x0, x1
    msr     sctlr_el1, x0
    isb
    ret
    .ltorg

    .section .rodata
    .balign 8
exit_block:
    .quad   0x20026, 0              // ADP_Stopped_ApplicationExit, status 0

    .data
    .balign 4
    .global iterations, mmu
iterations:
    .word   1
mmu:                                // 1: the guest runs with translation
    .word   0

    .bss
    .balign 4096
level1: .skip 4096
level2: .skip 4096
    .global level3
level3: .skip 4096
    .balign 16
    .skip   0x10000
stack_top:
