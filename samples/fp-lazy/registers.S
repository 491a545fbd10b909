/* V0 to V31 as a whole: filling and checking. */
        .cfi_sections .debug_frame
        .text

        // x0: pattern. V<n> = pattern + n in both halves.
        .global fill_vectors
        .type fill_vectors, %function
fill_vectors:
        .cfi_startproc
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        add     x1, x0, #\n
        dup     v\n\().2d, x1
        .endr
        ret
        .cfi_endproc
        .size   fill_vectors, . - fill_vectors

        // x0: pattern. Returns in w0 a bit for each register that differs.
        .global changed_vectors
        .type changed_vectors, %function
changed_vectors:
        .cfi_startproc
        mov     w2, wzr
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        add     x1, x0, #\n
        mov     x3, v\n\().d[0]
        mov     x4, v\n\().d[1]
        cmp     x3, x1
        ccmp    x4, x1, #0, eq
        cset    w5, ne
        orr     w2, w2, w5, lsl #\n
        .endr
        mov     w0, w2
        ret
        .cfi_endproc
        .size   changed_vectors, . - changed_vectors
