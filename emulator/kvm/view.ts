/** The hypervisor for people: state, counters and registers from three sides. */
import { describeESR } from '../cpu/syndrome.ts';
import { debugRegistersOf, readDebugState, isBundleRegister } from './debug-state.ts';
import { describeControl } from './guest-debug-control.ts';
import type { Kvm } from './kvm.ts';
import type { FlagWord } from './policies/policy.ts';
import type { Vcpu } from './vcpu.ts';

export interface NamedText {
  readonly name: string;
  readonly value: string;
  /** The bits of a word that have a name, from the lowest up. */
  readonly bits?: readonly NamedBit[];
}

export interface NamedBit {
  readonly name: string;
  readonly bit: number;
  readonly set: boolean;
}

export interface NamedCount {
  readonly name: string;
  readonly value: number;
}

export interface NamedValue {
  readonly name: string;
  readonly value: bigint;
}

export interface DebugRegisterViews {
  readonly guest: readonly NamedValue[];
  readonly physical: readonly NamedValue[];
  readonly debugger: readonly NamedValue[];
}

export interface RegisterTotals {
  readonly register: string;
  /** Guest accesses that trapped. */
  readonly traps: number;
  /** Physical accesses that the hypervisor made. */
  readonly reads: number;
  readonly writes: number;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

const MDCR_BITS = [
  ['TDE', 8n],
  ['TDA', 9n],
  ['TDOSA', 10n],
  ['TDRA', 11n],
] as const;

/** Arm ARM, MDCR_EL2: what the hypervisor decides with. */
const MDCR_FIELDS: readonly (readonly [string, number])[] = [
  ['TPMCR', 5],
  ['TPM', 6],
  ['TDE', 8],
  ['TDA', 9],
  ['TDOSA', 10],
  ['TDRA', 11],
  ['E2PB[0]', 12],
  ['E2PB[1]', 13],
  ['TPMS', 14],
  ['TTRF', 19],
  ['E2TB[0]', 24],
  ['E2TB[1]', 25],
  ['EBWE', 43],
];

/** HDFGRTR_EL2 and HDFGWTR_EL2: those that this hypervisor uses. */
const FINE_GRAINED_FIELDS: readonly (readonly [string, number])[] = [
  ['DBGBCRn_EL1', 0],
  ['DBGBVRn_EL1', 1],
  ['DBGWCRn_EL1', 2],
  ['DBGWVRn_EL1', 3],
  ['TRBIDR_EL1', 51],
  ['PMBIDR_EL1', 63],
];

function bitsOf(
  value: bigint,
  fields: readonly (readonly [string, number])[],
): readonly NamedBit[] {
  return fields.map(([name, bit]) => ({ name, bit, set: ((value >> BigInt(bit)) & 1n) === 1n }));
}

/** Policy, owner, trap bits, flags: in display order. */
export function hypervisorState(kvm: Kvm): readonly NamedText[] {
  const { vcpu, profile } = kvm;
  const { cpu } = kvm.ws.cpu;
  const MDCR = cpu.peekRegister('MDCR_EL2');
  const traps = MDCR_BITS.filter(([, bit]) => ((MDCR >> bit) & 1n) === 1n).map(([name]) => name);
  const flag = (name: string, value: boolean): NamedText => ({ name, value: value ? '1' : '0' });
  return [
    { name: 'policy', value: kvm.policy },
    { name: 'trap handlers', value: `${kvm.generation}, ${kvm.registerEmulation}` },
    { name: 'owner', value: kvm.owner },
    { name: 'vCPU', value: `${vcpu.id}, ${kvm.running ? 'running' : 'put'}` },
    {
      name: 'host profile',
      value: `${profile.name}: ${profile.breakpoints} breakpoints (${profile.contextAware} context-aware), ${profile.watchpoints} watchpoints, ${profile.VHE ? 'VHE' : 'nVHE'}`,
    },
    {
      name: 'MDCR_EL2',
      value: `${hex(MDCR)}${traps.length > 0 ? ` (${traps.join(', ')})` : ''}`,
      bits: bitsOf(MDCR, MDCR_FIELDS),
    },
    ...(profile.FGT
      ? (['HDFGRTR_EL2', 'HDFGWTR_EL2'] as const).map((name) => {
          const value = cpu.peekRegister(name);
          return { name, value: hex(value), bits: bitsOf(value, FINE_GRAINED_FIELDS) };
        })
      : []),
    { name: 'HCR_EL2', value: hex(cpu.peekRegister('HCR_EL2')) },
    { name: 'CPTR_EL2', value: hex(cpu.peekRegister('CPTR_EL2')) },
    { name: 'CNTHCTL_EL2', value: hex(cpu.peekRegister('CNTHCTL_EL2')) },
    { name: 'guest_debug', value: describeControl(vcpu.guest_debug) },
    { name: 'external_mdscr_el1', value: hex(vcpu.external_mdscr_el1) },
    flag('DEBUG_DIRTY', vcpu.debug_dirty),
    flag('HOST_SS_ACTIVE_PENDING', vcpu.HOST_SS_ACTIVE_PENDING),
    flag('GUEST_SS_ACTIVE_PENDING', vcpu.GUEST_SS_ACTIVE_PENDING),
    { name: 'OSLSR_EL1', value: hex(vcpu.sys_regs.OSLSR_EL1) },
    ...flagWords(kvm).map(flagWordText),
    { name: 'FP policy', value: kvm.fpPolicy },
    { name: 'FP/SIMD', value: fpText(kvm) },
    { name: 'TIF_FOREIGN_FPSTATE', value: kvm.fp.TIF_FOREIGN_FPSTATE ? '1' : '0' },
    ...profilingState(kvm),
  ];
}

/** SPE, TRBE and TRF of the host and of the guest; nothing where the processor has none of them. */
function profilingState({ trace, vcpu, ws }: Kvm): readonly NamedText[] {
  if (!trace.exists) return [];
  const { cpu } = ws.cpu;
  const { FEAT_SPE, FEAT_TRF, FEAT_TRBE } = ws.profile.processor;
  const register = (name: string): string => `${name} ${hex(cpu.peekRegister(name))}`;
  const registers = (...names: readonly string[]): string => names.map(register).join(', ');
  const control = trace.VHE ? 'EL2' : 'EL1';
  return [
    { name: 'trace scheme', value: trace.scheme.name },
    ...(FEAT_SPE
      ? [
          { name: 'SPE', value: registers('PMBLIMITR_EL1', `PMSCR_${control}`, 'PMBSR_EL1') },
          { name: 'SPE of the guest', value: guestSpeText(vcpu.spe) },
        ]
      : []),
    ...(FEAT_TRF ? [{ name: 'TRF', value: registers(`TRFCR_${control}`) }] : []),
    ...(FEAT_TRBE ? [{ name: 'TRBE', value: registers('TRBLIMITR_EL1', 'TRBSR_EL1') }] : []),
    { name: 'trfcr_while_in_guest', value: hex(trace.trfcr_while_in_guest) },
  ];
}

function guestSpeText({ feature, irq_num, initialized, stop }: Vcpu['spe']): string {
  if (!feature) return 'no KVM_ARM_VCPU_SPE: hidden, accesses are UNDEFINED';
  const irq = irq_num === undefined ? 'no interrupt' : `interrupt ${irq_num}`;
  const state = initialized ? 'initialised' : 'not initialised';
  return `${irq}, ${state}${stop === undefined ? '' : `, stopped (${stop})`}`;
}

/** Whose the FP registers are, and what is in them. */
function fpText({ fp }: Kvm): string {
  return fp.exists ? `${fp.owner} ${fp.description}` : 'the processor has none';
}

/** All words of flags; the policy, the FP policy and the trace scheme each know their bits of them. */
function flagWords({ policyObject, ws, fp, trace }: Kvm): readonly FlagWord[] {
  const words = new Map<string, FlagWord>();
  for (const word of [
    ...(policyObject.flagWords?.(ws) ?? []),
    ...fp.policy.flagWords(fp),
    ...(trace.exists ? trace.scheme.flagWords(trace) : []),
  ]) {
    const known = words.get(word.name);
    words.set(word.name, known === undefined ? word : mergeWords(known, word));
  }
  return [...words.values()];
}

function mergeWords(one: FlagWord, other: FlagWord): FlagWord {
  const width = Math.max(one.width, other.width);
  const bits = Array.from({ length: Math.max(one.bits.length, other.bits.length) }, (_, bit) => {
    const [name = '', isSet = false] = one.bits[bit] ?? [];
    const [otherName = '', isOtherSet = false] = other.bits[bit] ?? [];
    // Bit 7 of iflags changed its meaning: the later word names it.
    return [otherName === '' ? name : otherName, isSet || isOtherSet] as const;
  });
  return { name: one.name, width, bits };
}

function flagWordText({ name, width, bits }: FlagWord): NamedText {
  const word = bits.reduce((sum, [, set], bit) => (set ? sum | (1n << BigInt(bit)) : sum), 0n);
  const set = bits.filter(([, isSet]) => isSet).map(([bit]) => bit);
  const digits = word.toString(16).padStart(Math.ceil(width / 4), '0');
  return {
    name,
    value: `0x${digits}${set.length > 0 ? ` (${set.join(', ')})` : ''}`,
    bits: bits.flatMap(([bitName, isSet], bit) =>
      bitName === '' ? [] : [{ name: bitName, bit, set: isSet }],
    ),
  };
}

export function hypervisorCounters(kvm: Kvm): readonly NamedCount[] {
  const { log, ws, fp, trace } = kvm;
  const { counters } = log;
  const bundle = ws.cpu.total(isBundleRegister);
  const one = (name: string): { readonly reads: number; readonly writes: number } =>
    ws.cpu.counts.get(name) ?? { reads: 0, writes: 0 };
  const saves = counters.bundleSaves;
  const loads = counters.bundleLoads;
  return [
    { name: 'entries', value: counters.entries },
    { name: 'exits', value: counters.exits },
    { name: 'trapped register accesses', value: log.totalTraps },
    { name: 'interrupts of the host', value: counters.hostTicks },
    { name: 'vcpu_load', value: counters.loads },
    { name: 'vcpu_put', value: counters.puts },
    { name: 'vCPU switches', value: counters.contextSwitches },
    { name: "saves of the guest's debug registers", value: saves.G },
    { name: "loads of the guest's debug registers", value: loads.G },
    { name: "saves of the debugger's debug registers", value: saves.X },
    { name: "loads of the debugger's debug registers", value: loads.X },
    { name: "loads of the guest's and the debugger's together", value: loads.S },
    { name: "saves of the host's debug registers", value: saves.H },
    { name: "loads of the host's debug registers", value: loads.H },
    { name: 'FP traps', value: fp.counters.traps },
    { name: "saves of the guest's FP registers", value: fp.counters.saves.guest },
    { name: "loads of the guest's FP registers", value: fp.counters.loads.guest },
    { name: "saves of the host's FP registers", value: fp.counters.saves.host },
    { name: "loads of the host's FP registers", value: fp.counters.loads.host },
    { name: 'writes of flag words (trace)', value: trace.flagWrites },
    { name: 'drains of the SPE buffer', value: trace.drains.SPE },
    { name: 'drains of the trace buffer', value: trace.drains.TRBE },
    { name: 'softirqs with kernel-mode NEON', value: fp.counters.softirqs },
    { name: 'switches of host threads', value: fp.counters.taskSwitches },
    { name: 'debug register reads', value: bundle.reads },
    { name: 'debug register writes', value: bundle.writes },
    { name: 'ID_AA64DFR0_EL1 reads', value: one('ID_AA64DFR0_EL1').reads },
    { name: 'MDSCR_EL1 reads', value: one('MDSCR_EL1').reads },
    { name: 'MDSCR_EL1 writes', value: one('MDSCR_EL1').writes },
    { name: 'MDCR_EL2 reads', value: one('MDCR_EL2').reads },
    { name: 'MDCR_EL2 writes', value: one('MDCR_EL2').writes },
    { name: 'register reads', value: ws.cpu.reads },
    { name: 'register writes', value: ws.cpu.writes },
    { name: 'exceptions given to the guest', value: counters.injections },
    { name: 'KVM_EXIT_DEBUG', value: counters.debugExits },
    { name: 'warnings', value: counters.warnings },
    ...[...log.exitsByClass]
      .sort(([a], [b]) => a - b)
      .map(([EC, value]) => ({
        name: `exits with EC 0x${EC.toString(16).padStart(2, '0')} (${describeESR(BigInt(EC) << 26n).title})`,
        value,
      })),
  ];
}

export function registerTotals({ log, ws }: Kvm): readonly RegisterTotals[] {
  const names = [...new Set([...log.traps.keys(), ...ws.cpu.counts.keys()])].sort();
  return names.map((register) => ({
    register,
    traps: log.traps.get(register) ?? 0,
    reads: ws.cpu.counts.get(register)?.reads ?? 0,
    writes: ws.cpu.counts.get(register)?.writes ?? 0,
  }));
}

export function registerViews(kvm: Kvm): DebugRegisterViews {
  const { ws, vcpu } = kvm;
  const { cpu } = ws.cpu;
  const names = debugRegistersOf(ws.profile.breakpoints, ws.profile.watchpoints).map(
    ({ name }) => name,
  );
  const guestNames = [...names, 'MDSCR_EL1', 'MDCCINT_EL1', 'OSLSR_EL1', 'OSDLR_EL1'];
  const physicalNames = [...guestNames, 'MDCR_EL2'];
  const debuggerOwns = vcpu.guest_debug !== 0;
  return {
    guest: guestNames.map((name) => ({ name, value: kvm.guestDebugRegister(name) ?? 0n })),
    physical: physicalNames.map((name) => ({ name, value: cpu.peekRegister(name) })),
    debugger: [
      ...ws.registers.map((register) => ({
        name: register.name,
        value: debuggerOwns ? readDebugState(vcpu.external_debug_state, register) : 0n,
      })),
      { name: 'MDSCR_EL1', value: debuggerOwns ? vcpu.external_mdscr_el1 : 0n },
    ],
  };
}
