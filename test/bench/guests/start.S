// Entry of every benchmark guest: a stack, FP enabled, then work(iterations); the result goes to the
// UART in hexadecimal and the guest ends through semihosting.
    .section .text.start, "ax"
    .global _start
_start:
    ldr     x0, =stack_top
    mov     sp, x0
    mov     x0, #(3 << 20)
    msr     cpacr_el1, x0
    isb
    ldr     x1, =iterations
    ldr     w0, [x1]
    bl      work
    bl      put_hex
    ldr     x1, =exit_block
    mov     w0, #0x18               // SYS_EXIT
    hlt     #0xf000
    b       .

    .section .rodata
    .balign 8
exit_block:
    .quad   0x20026, 0              // ADP_Stopped_ApplicationExit, status 0

    .data
    .balign 4
    .global iterations
iterations:
    .word   1

    .bss
    .balign 16
    .skip   0x10000
stack_top:
