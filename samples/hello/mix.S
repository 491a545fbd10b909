/*
 * uint32_t mix(uint32_t hash, uint8_t byte)
 *
 * One step of a little hash, in assembly so that there is something to step
 * through one instruction at a time. Arguments come in w0 and w1, the result
 * leaves in w0 (AAPCS64); the return address is in x30.
 */
        .cfi_sections .debug_frame      // how to unwind, for debuggers only
        .text
        .global mix
        .type   mix, %function
mix:
        .cfi_startproc
        ror     w0, w0, #27             // rotate left by 5 = right by 27
        and     w1, w1, #0xff
        eor     w0, w0, w1              // #BP4
        ret
        .cfi_endproc
        .size   mix, . - mix
