/** Directives of GNU as and LLVM for AArch64, with one line about those that completion explains. */

const documented: Readonly<Record<string, string>> = {
  '.align': 'Aligns to a power of two (the exponent, on AArch64).',
  '.balign': 'Aligns to a number of bytes.',
  '.p2align': 'Aligns to a power of two.',
  '.arch': 'Chooses the architecture, such as armv8.2-a+sve.',
  '.arch_extension': 'Turns an extension on or off.',
  '.cpu': 'Chooses the processor.',
  '.ascii': 'Text without terminator.',
  '.asciz': 'Text with a terminating zero.',
  '.string': 'Text with a terminating zero.',
  '.byte': 'Bytes.',
  '.hword': '16-bit values.',
  '.short': '16-bit values.',
  '.2byte': '16-bit values, not aligned.',
  '.word': '32-bit values.',
  '.long': '32-bit values.',
  '.int': '32-bit values.',
  '.4byte': '32-bit values, not aligned.',
  '.quad': '64-bit values.',
  '.xword': '64-bit values.',
  '.dword': '64-bit values.',
  '.8byte': '64-bit values, not aligned.',
  '.octa': '128-bit values.',
  '.float': 'Single-precision values.',
  '.single': 'Single-precision values.',
  '.double': 'Double-precision values.',
  '.inst': 'Instruction words.',
  '.space': 'Bytes of one value.',
  '.skip': 'Bytes of one value.',
  '.zero': 'Zero bytes.',
  '.fill': 'Repeated values: count, size, value.',
  '.org': 'Moves the location counter forward.',
  '.text': 'The section of code.',
  '.data': 'The section of initialised data.',
  '.bss': 'The section of zero-initialised data.',
  '.section': 'Chooses a section: name, flags, type.',
  '.pushsection': 'Chooses a section and remembers the one before.',
  '.popsection': 'Back to the remembered section.',
  '.previous': 'Back to the section before.',
  '.subsection': 'Chooses a subsection.',
  '.global': 'Makes a symbol visible to the linker.',
  '.globl': 'Makes a symbol visible to the linker.',
  '.local': 'Keeps a symbol inside the file.',
  '.weak': 'Makes a symbol weak.',
  '.hidden': 'Hides a symbol outside the linked module.',
  '.protected': 'Protects a symbol from interposition.',
  '.extern': 'Names a symbol of another file.',
  '.type': 'Type of a symbol: %function or %object.',
  '.size': 'Size of a symbol.',
  '.set': 'Gives a symbol a value.',
  '.equ': 'Gives a symbol a value.',
  '.equiv': 'Gives a symbol a value; an error when it has one.',
  '.req': 'name .req register: gives a register a name.',
  '.unreq': 'Takes the name of a register back.',
  '.macro': 'Starts a macro: name and parameters.',
  '.endm': 'Ends a macro.',
  '.exitm': 'Leaves a macro.',
  '.purgem': 'Forgets a macro.',
  '.rept': 'Repeats up to .endr.',
  '.irp': 'Repeats for each value.',
  '.irpc': 'Repeats for each character.',
  '.endr': 'Ends .rept, .irp or .irpc.',
  '.if': 'Assembles if the expression is not zero.',
  '.ifdef': 'Assembles if the symbol is defined.',
  '.ifndef': 'Assembles if the symbol is not defined.',
  '.ifb': 'Assembles if the text is blank.',
  '.ifnb': 'Assembles if the text is not blank.',
  '.ifc': 'Assembles if two texts are equal.',
  '.ifnc': 'Assembles if two texts differ.',
  '.ifeq': 'Assembles if the expression is zero.',
  '.ifne': 'Assembles if the expression is not zero.',
  '.else': 'The other branch of .if.',
  '.elseif': 'Another branch of .if.',
  '.endif': 'Ends .if.',
  '.include': 'Includes a file.',
  '.incbin': 'Includes the bytes of a file.',
  '.ltorg': 'Places the literal pool here.',
  '.pool': 'Places the literal pool here.',
  '.error': 'Stops with a message.',
  '.warning': 'Warns with a message.',
  '.altmacro': 'Alternate macro syntax.',
  '.noaltmacro': 'Usual macro syntax.',
  '.cfi_startproc': 'Starts unwind information of a function.',
  '.cfi_endproc': 'Ends unwind information of a function.',
  '.cfi_def_cfa': 'Unwind rule: the frame address is register plus offset.',
  '.cfi_def_cfa_offset': 'Unwind rule: changes the offset of the frame address.',
  '.cfi_offset': 'Unwind rule: a register is saved at an offset.',
  '.cfi_restore': 'Unwind rule: a register has its value of the caller.',
  '.comm': 'A common symbol: name, size, alignment.',
  '.lcomm': 'A local common symbol.',
  '.file': 'Name of a source file.',
  '.loc': 'Source line of the next instruction.',
  '.variant_pcs': 'The function does not follow the usual procedure call standard.',
  '.tlsdesccall': 'Marks a call of a TLS descriptor.',
};

const others =
  '.2byte .abort .addrsig .addrsig_sym .arm64ec .balignl .balignw .bundle_align_mode .bundle_lock .bundle_unlock ' +
  '.cfi_adjust_cfa_offset .cfi_b_key_frame .cfi_def_cfa_register .cfi_escape .cfi_label .cfi_lsda .cfi_mte_tagged_frame ' +
  '.cfi_negate_ra_state .cfi_negate_ra_state_with_pc .cfi_personality .cfi_register .cfi_rel_offset .cfi_remember_state .cfi_restore_state ' +
  '.cfi_return_column .cfi_same_value .cfi_sections .cfi_signal_frame .cfi_undefined .cfi_val_offset .cfi_window_save ' +
  '.base64 .bfloat16 .bss .cg_profile .code .dc .dc.a .dc.b .dc.d .dc.l .dc.s .dc.w .dc.x .dcb .dcb.b .dcb.d .dcb.l ' +
  '.dcb.s .dcb.w .dcb.x .debug .def .desc .dim .ds .ds.b .ds.d .ds.l .ds.p .ds.s .ds.w .ds.x .eject .elseif .end ' +
  '.endef .endfunc .endmacro .endrept .eqv .err .even .fail .float16 .func .gnu_attribute .gdb_index .half .hidden .ident ' +
  '.ifeqs .ifge .ifgt .ifle .iflt .ifnes .ifnotdef .indirect_symbol .inst .internal .lflags .line .linkonce .list ' +
  '.ln .loc_mark_labels .lsym .mri .nolist .nop .nops .offset .p2alignl .p2alignw .print .private_extern .profiler ' +
  '.psize .quad .reloc .rodata .rva .sbttl .scl .seh_endproc .seh_proc .single .sleb128 .stabd .stabn .stabs .stabx ' +
  '.string16 .string32 .string64 .string8 .struct .subsections_via_symbols .symver .tag .tbss .tdata .title .tlsdescadd ' +
  '.tlsdescldr .uleb128 .val .value .version .vtable_entry .vtable_inherit .weakref .xdef .xref .xstabs .zerofill ' +
  '.const .cstring .literal4 .literal8 .literal16 .build_version .ios_version_min .macosx_version_min .weak_definition ' +
  '.weak_reference .no_dead_strip .thumb .arm .aeabi_subsection .aeabi_attribute .pseudo_probe .secrel32 .safeseh ' +
  '.noaltmacro .rep .endr .appfile .appline .bundle_align .d .lto_discard .lto_set_conditional .dtprelword .dtpreldword .tprelword';

const names = new Set([...Object.keys(documented), ...others.split(' ')]);

export const allDirectives: readonly string[] = Object.keys(documented);

export const isDirective = (name: string): boolean => names.has(name.toLowerCase());

export const directiveSummary = (name: string): string => documented[name.toLowerCase()] ?? '';

/** Bytes per value of a data directive. */
export function dataSize(directive: string): number | undefined {
  switch (directive.toLowerCase()) {
    case '.byte':
      return 1;
    case '.hword':
    case '.short':
    case '.half':
    case '.2byte':
      return 2;
    case '.word':
    case '.long':
    case '.int':
    case '.4byte':
    case '.float':
    case '.single':
    case '.inst':
      return 4;
    case '.quad':
    case '.xword':
    case '.dword':
    case '.8byte':
    case '.double':
      return 8;
    case '.octa':
      return 16;
    default:
      return undefined;
  }
}

export const isData = (directive: string): boolean =>
  dataSize(directive) !== undefined ||
  /^\.(?:ascii|asciz|string|space|skip|zero|fill|incbin|uleb128|sleb128)$/i.test(directive);
