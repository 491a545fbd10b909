/*
 * Assembly macro: an exception vector table for one exception level.
 *
 * The table has sixteen entries of 128 bytes: four origins (current EL with
 * SP_EL0, current EL with SP_ELx, lower EL in AArch64, lower EL in AArch32)
 * times four kinds (synchronous, IRQ, FIQ, SError). All entries do the same:
 * save the registers as a struct exception_frame (runtime.h), call the C
 * function `handler` with a pointer to it, restore, ERET.
 */
#define FRAME_SIZE 304
#define FRAME_ELR 248
#define FRAME_ESR 264
#define FRAME_VECTOR 280
#define FRAME_RECORD 288

        .macro  define_vectors table, el, handler
        .text
        .balign 2048
        .global \table
        .type   \table, %function
\table:
        .set    vector_index, 0
        .rept   16
        .balign 128
        sub     sp, sp, #FRAME_SIZE
        stp     x0, x1, [sp]
        mov     x0, #vector_index
        b       \table\()_save
        .set    vector_index, vector_index + 1
        .endr
        .size   \table, . - \table

        .type   \table\()_save, %function
\table\()_save:
        str     x0, [sp, #FRAME_VECTOR]
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x19, [sp, #144]
        stp     x20, x21, [sp, #160]
        stp     x22, x23, [sp, #176]
        stp     x24, x25, [sp, #192]
        stp     x26, x27, [sp, #208]
        stp     x28, x29, [sp, #224]
        str     x30, [sp, #240]
        mrs     x0, ELR_EL\el
        mrs     x1, SPSR_EL\el
        mrs     x2, ESR_EL\el
        mrs     x3, FAR_EL\el
        stp     x0, x1, [sp, #FRAME_ELR]
        stp     x2, x3, [sp, #FRAME_ESR]
        // A frame record {x29, ELR}: a debugger that follows frame pointers
        // walks from the handler back into the interrupted function.
        stp     x29, x0, [sp, #FRAME_RECORD]
        add     x29, sp, #FRAME_RECORD

        mov     x0, sp
        bl      \handler

        // The handler may have changed where and how to resume.
        ldp     x0, x1, [sp, #FRAME_ELR]
        msr     ELR_EL\el, x0
        msr     SPSR_EL\el, x1
        ldp     x2, x3, [sp, #16]
        ldp     x4, x5, [sp, #32]
        ldp     x6, x7, [sp, #48]
        ldp     x8, x9, [sp, #64]
        ldp     x10, x11, [sp, #80]
        ldp     x12, x13, [sp, #96]
        ldp     x14, x15, [sp, #112]
        ldp     x16, x17, [sp, #128]
        ldp     x18, x19, [sp, #144]
        ldp     x20, x21, [sp, #160]
        ldp     x22, x23, [sp, #176]
        ldp     x24, x25, [sp, #192]
        ldp     x26, x27, [sp, #208]
        ldp     x28, x29, [sp, #224]
        ldr     x30, [sp, #240]
        ldp     x0, x1, [sp]
        add     sp, sp, #FRAME_SIZE
        eret
        .size   \table\()_save, . - \table\()_save
        .endm
