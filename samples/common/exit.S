/* The two ways out of a bare-metal program. */

        .cfi_sections .debug_frame
        .text

/*
 * void semihosting_exit(uint64_t status): Arm semihosting, SYS_EXIT.
 * HLT #0xf000 asks whoever runs this machine for a service; w0 names it and x1
 * points at its arguments. Where nobody answers, HLT is UNDEFINED;
 * exceptions.c knows the address of this one and steps over it.
 */
        .global semihosting_exit
        .global semihosting_hlt
        .type   semihosting_exit, %function
semihosting_exit:
        .cfi_startproc
        sub     sp, sp, #16
        .cfi_def_cfa_offset 16
        ldr     x1, =0x20026            // ADP_Stopped_ApplicationExit
        stp     x1, x0, [sp]
        mov     x1, sp
        mov     w0, #0x18               // SYS_EXIT
semihosting_hlt:
        hlt     #0xf000
        add     sp, sp, #16
        .cfi_def_cfa_offset 0
        ret
        .cfi_endproc
        .size   semihosting_exit, . - semihosting_exit

/*
 * void psci_system_off(void): PSCI (Arm DEN0022), SYSTEM_OFF.
 * An EL1 program calls the firmware through its hypervisor with HVC;
 * one that is the hypervisor calls it directly with SMC.
 */
        .global psci_system_off
        .type   psci_system_off, %function
psci_system_off:
        .cfi_startproc
        ldr     w0, =0x84000008         // SYSTEM_OFF
        mrs     x1, CurrentEL           // EL in bits 3:2
        tbnz    x1, #3, 1f
        hvc     #0
        b       2f
1:      smc     #0
2:      wfi
        b       2b
        .cfi_endproc
        .size   psci_system_off, . - psci_system_off
