/**
 * Every offset of machine state in the WebAssembly memory. Addresses and sizes are in bytes.
 *
 * Each processor has a bank of BANK_BYTES, from address 0 up; offsets are in the bank unless they say
 * otherwise. Generated code adds them to STATE_BASE, which every instance of the interpreter has of
 * its own. Behind the banks, shared by all processors, are the predecoded code pages, a byte for each page
 * of RAM that says whether it holds code, and guest RAM.
 *
 *     0x0000  engine cells: PC, lazy flags, run bookkeeping
 *     0x0100  X0-X30, SP, a slot that reads as zero, a slot that swallows writes
 *     0x0400  V0-V31
 *     0x0700  bounce and store buffers, of the first bank only
 *     0x0800  PSTATE and the exclusive monitor
 *     0x1000  system-register file, 8 bytes a slot
 *     0x3000  trap bytes, 8 a slot: [EL0 read, EL0 write, EL1 read, EL1 write, EL2 read, EL2 write]
 *     0x6000  data TLBs
 *     0x10000 watched ranges of the data TLBs' entries
 *     0x11400 large mappings, table walks, the first region of RAM
 *     0x12000 fetch TLBs, one for each EL
 *
 * Everything below SAVED_END is architectural or derived state that a snapshot keeps.
 */

/** Distance of the processors' banks. */
export const BANK_BYTES = 0x20000;

// Engine cells
export const GUARDED_PAGE = 0x6c; // i32: non-zero when the current code page is guarded (FEAT_BTI)
export const POINTER_AUTHENTICATION = 0x70; // i32, see PAC_*
export const BTYPE = 0x74; // i32: PSTATE.BTYPE; while the engine runs, if BTYPE_RETIRED is the retired count
export const BTYPE_RETIRED = 0x78; // i64
export const PC = 0x80; // i64, valid whenever the engine is not running
export const FLAG_KIND = 0x88; // i32, see FLAGS_*
export const FLAG_A = 0x90; // i64
export const FLAG_B = 0x98; // i64
export const RETIRED_AT_END = 0xa0; // i64: retired count when this run's budget is used up
export const IP = 0xa8; // i32: predecoded record of the current instruction, on exit
export const PAGE = 0xac; // i32: first record of the current code page
export const PAGE_VA = 0xb0; // i64: virtual address of the current code page
export const BUDGET_LEFT = 0xb8; // i32, on exit
export const FP_TRAP = 0xbc; // i32: non-zero when FP/SIMD instructions leave for the processor layer
export const DATA_TLB = 0xc0; // i32: address of the TLB that ordinary accesses use
export const SP_ALIGNMENT_MASK = 0xc8; // i64: 15 while SP alignment is checked, else 0
export const TRAP_COLUMN = 0xd0; // i32: 2 * EL
export const EXCLUSIVE_ADDRESS = 0xd8; // i64
export const EXCLUSIVE_SIZE = 0xe0; // i32, in bytes; 0 while the monitor is open
export const UNPRIVILEGED_TLB = 0xe4; // i32: address of the TLB that LDTR and STTR use
export const ZERO_BLOCK_TRAP = 0xf0; // i32: non-zero when DC ZVA leaves for the processor layer
export const YIELDS_LEFT = 0xf4; // i32: YIELDs until one leaves for the processor layer; 0: none does
export const FETCH_TLB_BASE = 0xf8; // i32: address of the fetch TLB in use
export const COUNTER_SHIFT = 0x8c; // i32: instructions of the clock to the counter
export const COUNTER_OFFSET = 0xe8; // i64: subtracted from the counter by CNTVCT_EL0 reads

/** Fields of POINTER_AUTHENTICATION, at the current EL: SCTLR_ELx.{EnIA, EnIB, EnDA, EnDB} in bits 3:0. */
export const PAC_TRAPPED = 1 << 4; // HCR_EL2.API
/** Two bits, for instructions and data: bit 55 of a pointer and not bit 63 tells its half of the address space. */
export const PAC_SELECT_LSB = 5;
/** Four bits, by 2 * data + bit 55 of the pointer: its top byte is ignored. */
export const PAC_TBI_LSB = 8;
/** Two bytes, by the half of the address space: the bits that are address. */
export const PAC_BOTTOM_LSB = 16;

/** Kinds of lazy flags. 32-bit operands are kept sign-extended, so that both widths compare as i64. */
export const FLAGS_SUB64 = 0;
export const FLAGS_SUB32 = 1;
export const FLAGS_LOGICAL64 = 2;
export const FLAGS_LOGICAL32 = 3;
export const FLAGS_ADD64 = 4;
export const FLAGS_ADD32 = 5;
export const FLAGS_PACKED = 6; // FLAG_A holds NZCV in bits 3:0

// General-purpose registers
export const X = 0x100;
export const SP_SLOT = 31;
export const ZERO_SLOT = 32;
export const DISCARD_SLOT = 33;

// SIMD and floating-point registers: 512-byte aligned, so that V31 + 1 wraps with a mask
export const V = 0x400;
export const V_BYTES = 0x200;

/** Absolute: no two processors execute at once, and nothing stays in them from one access to the next. */
export const BOUNCE = 0x700;
export const STORE_BUFFER = 0x780;
export const BUFFER_BYTES = 64;

// PSTATE
export const PSTATE_EL = 0x800; // i32
export const PSTATE_SPSEL = 0x804; // i32
export const PSTATE_DAIF = 0x808; // i32, bits 3:0 = D A I F
export const DAIF_WATCHED = 0x820; // i32: bits of PSTATE.DAIF whose change leaves for the processor layer
export const PSTATE_IL = 0x80c; // i32
export const PSTATE_SS = 0x810; // i32
export const PSTATE_EXTENSIONS = 0x814; // i32: PAN, UAO, DIT and SSBS, where SPSR_ELx has them
export const RETIRED = 0x818; // i64, valid whenever the engine is not running

// System registers
export const SYSTEM_REGISTERS = 0x1000;
export const SYSTEM_REGISTER_SLOTS = 1024;
export const FPCR_SLOT = 0;
export const FPSR_SLOT = 1;
/** APIAKeyLo_EL1, APIAKeyHi_EL1, and likewise of APIB, APDA, APDB and APGA. */
export const POINTER_KEY_SLOT = 2;
export const FIRST_FREE_SLOT = POINTER_KEY_SLOT + 10;
/** Slot of every register that this processor does not have: always leaves for the processor layer. */
export const UNKNOWN_SLOT = SYSTEM_REGISTER_SLOTS - 1;
export const TRAP_BYTES = SYSTEM_REGISTERS + 8 * SYSTEM_REGISTER_SLOTS;
export const TRAP_BYTES_PER_SLOT = 8;
/** Trap byte values. */
export const ACCESS_DIRECT = 0;
export const ACCESS_LEAVES = 1;
export const ACCESS_COUNTER = 2; // a read of CNTVCT_EL0 or CNTPCT_EL0 that needs no permission check
export const ACCESS_DAIF = 3; // DAIF, where the access is allowed

export const SAVED_END = 0x6000;

// Data TLBs: direct mapped; of EL0, EL1 and EL2, and of EL1 and EL2 while PSTATE.PAN is set
export const TLB = 0x6000;
export const TLB_ENTRIES = 256;
export const TLB_ENTRY_BYTES = 32;
export const TLB_BYTES = TLB_ENTRIES * TLB_ENTRY_BYTES;
export const TLB_COUNT = 5;
export const TLB_READ_TAG = 0; // i64: page VA when loads may take the fast path
export const TLB_WRITE_TAG = 8; // i64: page VA when stores may take the fast path
export const TLB_ADDEND = 16; // i32: host address minus VA, modulo 2^32
export const TLB_CODE_PAGE = 20; // i32: predecoded page when the physical page holds code, else 0
export const TLB_SLOW_TAG = 24; // i64: page VA | SLOW_* permissions for the second-chance path
/** Low bits of TLB_SLOW_TAG. */
export const SLOW_READ = 1; // unaligned loads inside the page are allowed
export const SLOW_WRITE = 2; // unaligned stores, and stores beside code in the same page, are allowed
export const SLOW_UNALIGNED = 4;
export const SLOW_READ_BESIDE = 8; // aligned loads are allowed beside the entry's watched range
export const SLOW_WRITE_BESIDE = 16; // aligned stores likewise
export const SLOW_NOT_GLOBAL = 32; // for one ASID only
/** No page VA has low bits. */
export const NO_TAG = -1n;
/** Nothing is permitted, so no access matches it. */
export const NO_SLOW_TAG = 0n;

/** For each entry of the data TLBs the watched part of its page: u16 first offset, u16 end. */
export const TLB_WATCHED = 0x10000;
export const TLB_WATCHED_BYTES = 4;

/** A bit for each 2 MB, by its number modulo LARGE_UNITS: whether TLB entries were made from a larger mapping. */
export const LARGE_MAPPINGS = 0x11400;
export const LARGE_UNITS = 4096;
export const LARGE_UNIT_BITS = 21;
/** A table-walk.ts descriptor for each data TLB. */
export const WALKS = 0x11600;
export const WALK_BYTES = 64;
export const RAM_BASE = 0x11780; // i64: physical address of the first region of RAM
export const RAM_BYTES = 0x11788; // i64
export const RAM_HOST = 0x11790; // i32: absolute
export const CODE_MAP = 0x11794; // i32: the byte of a page of RAM in CODE_MAP is here plus host address / 4096
export const HUGE_MAPPING = 0x11798; // i32: non-zero when a mapping of more than 2 MB is in a TLB

// Fetch TLBs: direct mapped, one for each EL
export const FETCH_TLB = 0x12000;
export const FETCH_TLB_ENTRIES = 1024;
export const FETCH_TLB_ENTRY_BYTES = 16;
export const FETCH_TAG = 0; // i64: page VA
export const FETCH_PAGE = 8; // i32: first record
export const FETCH_GUARDED = 12; // i32: non-zero for a guarded page
export const FETCH_TLB_COUNT = 3;
export const FETCH_TLB_BYTES = FETCH_TLB_ENTRIES * FETCH_TLB_ENTRY_BYTES;

// Predecoded code pages
export const PAGE_BYTES = 4096;
export const INSTRUCTIONS_PER_PAGE = PAGE_BYTES / 4;
export const RECORD_BYTES = 32;
export const RECORD_HANDLER = 0; // u16: handler that the interpreter dispatches to
export const RECORD_ORIGINAL = 2; // u16: handler of the instruction itself, beneath a breakpoint
export const RECORD_BRANCH_TYPES = 4; // u8: `branchTypesAllowed` of the instruction
export const RECORD_OPERANDS = 8;
export const RECORD_OPERAND_BYTES = RECORD_BYTES - RECORD_OPERANDS;
/** After the records: the sentinel that continues on the next page. */
export const CODE_PAGE_GRANULES = RECORD_BYTES * (INSTRUCTIONS_PER_PAGE + 1); // i64 bitmap
/** One bit of the bitmap covers this many bytes of code. */
export const GRANULE_BYTES = PAGE_BYTES / 64;
export const CODE_PAGE_GENERATION = CODE_PAGE_GRANULES + 8; // i32
export const CODE_PAGE_BYTES = CODE_PAGE_GRANULES + 32;

// Fixed handler indices
export const HANDLER_DECODE = 0;
export const HANDLER_BREAKPOINT = 1;
export const HANDLER_UNDEFINED = 2;
export const HANDLER_NEXT_PAGE = 3;
export const FIRST_INSTRUCTION_HANDLER = 4;

/** Flags of the slow memory functions. */
export const ACCESS_UNPRIVILEGED = 1;
export const ACCESS_ALIGNED = 2;
export const ACCESS_ZERO_BLOCK = 4;
export const ACCESS_EXCLUSIVE = 8;
