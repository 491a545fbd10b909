/** What a launch configuration may contain, and the check of what one does contain. */
import {
  CONSOLE_DEVICES,
  CONSOLE_PLACES,
  diskArguments,
  entropySeedArgument,
  rtcArgument,
  semihostingArgument,
  VIRTIO_VERSIONS,
  type ConsoleDevice,
  type ConsolePlace,
  type DiskArgument,
  type RtcArgument,
  type SemihostingArgument,
} from './board-arguments.ts';
import type { HostActivityName } from './machine.ts';
import { missingProgram, unknownChoice, wrongLaunchArgument } from './errors.ts';

/** Every attribute of a launch configuration that is ours. The launch schema in package.json lists the same. */
export const LAUNCH_ARGUMENT_NAMES = [
  'program',
  'args',
  'el',
  'gic',
  'cpu',
  'cpus',
  'initrd',
  'append',
  'symbols',
  'disks',
  'virtio',
  'entropySeed',
  'rtc',
  'semihosting',
  'consoleDevice',
  'console',
  'hostProfile',
  'policy',
  'idRegisters',
  'fpPolicy',
  'traceScheme',
  'hostActivity',
  'spe',
  'stage2',
  'memory',
  'loadAddress',
  'stopOnEntry',
  'sourceMap',
  'pace',
  'breakpointMode',
] as const;

export type LaunchArgumentName = (typeof LAUNCH_ARGUMENT_NAMES)[number];

export const BREAKPOINT_MODES = ['auto', 'hw', 'vm', 'sw'] as const;
export type BreakpointMode = (typeof BREAKPOINT_MODES)[number];

export const GIC_VERSIONS = [2, 3] as const;
/** Version of the board's interrupt controller. */
export type GicVersion = (typeof GIC_VERSIONS)[number];

export const PACES = ['realtime', 'none'] as const;
/** `realtime`: an idle guest waits for the wall clock. `none`: idle time is skipped. */
export type Pace = (typeof PACES)[number];

/** By register, then by field. */
export type IdRegisterFields = Readonly<Record<string, Readonly<Record<string, bigint>>>>;

export interface LaunchArguments {
  /** Path of an ELF file, a Linux `Image` or a raw image, or of one of them compressed by gzip. */
  readonly program: string;
  /** The guest's command line, as semihosting SYS_GET_CMDLINE hands it out; the program's name is not part of it. */
  readonly args: readonly string[];
  /** Exception level at which the guest starts. */
  readonly el: 1 | 2;
  readonly gic: GicVersion;
  /** The CPU model: which instructions the guest's processor has. */
  readonly cpu: string;
  /** Number of processors, 1 to 8. */
  readonly cpus: number;
  /** Path of the initial RAM disk of a Linux kernel. */
  readonly initrd: string | undefined;
  /** The kernel's command line, as /chosen/bootargs of the device tree; undefined: that of semihosting. */
  readonly append: string | undefined;
  /** Path of the ELF file with the symbols of `program`, such as `vmlinux`; undefined: `program` has them. */
  readonly symbols: string | undefined;
  /** Of virtio, the first one at the last transport. */
  readonly disks: readonly DiskArgument[];
  /** Interface of the virtio transports. */
  readonly virtio: (typeof VIRTIO_VERSIONS)[number];
  /** Seed of the virtio entropy device; undefined: there is none. */
  readonly entropySeed: bigint | undefined;
  /** What the real time clock says at reset. */
  readonly rtc: RtcArgument;
  readonly semihosting: SemihostingArgument;
  readonly consoleDevice: ConsoleDevice;
  readonly console: ConsolePlace;
  readonly hostProfile: string;
  readonly policy: string;
  /** Fields of ID_AA64DFR0_EL1 as the guest is to see them, by name; without them those of the processor. */
  readonly idRegisters: IdRegisterFields;
  /** How the FP registers are switched. */
  readonly fpPolicy: string;
  /** How the host's profiling and tracing is kept out of the guest. */
  readonly traceScheme: string;
  /** The hypervisor turns stage 2 on, and each access to a device but the interrupt controller is an exit. */
  readonly stage2: boolean;
  /** What the host does at its timer interrupts. */
  readonly hostActivity: readonly ScheduledActivity[];
  /** KVM_ARM_VCPU_SPE and the INTID of its interrupt, or false. */
  readonly spe: false | { readonly irq: number };
  /** RAM in bytes; undefined: the machine's default, more where the image needs it. */
  readonly memory: number | undefined;
  /** Physical address of a raw image, which is entered at its first byte; undefined for ELF. */
  readonly loadAddress: bigint | undefined;
  /** Stop at `main` where that exists, else at the entry. */
  readonly stopOnEntry: boolean;
  /** Prefixes of paths in the debug information, and what stands for them on this computer. */
  readonly sourceMap: ReadonlyMap<string, string>;
  readonly pace: Pace;
  /** Of breakpoints for which the editor does not ask for a mode. */
  readonly breakpointMode: BreakpointMode;
}

export interface ScheduledActivity {
  readonly do: HostActivityName;
  /** Which interrupt of the host, from 1. */
  readonly tick: number;
  /** Again after so many. */
  readonly every?: number;
}

export interface LaunchChoices {
  readonly cpuModels: readonly string[];
  readonly defaultCpuModel: string;
  readonly hostProfiles: readonly string[];
  readonly defaultHostProfile: string;
  readonly policies: readonly string[];
  readonly defaultPolicy: string;
  readonly fpPolicies: readonly string[];
  readonly defaultFpPolicy: string;
  readonly traceSchemes: readonly string[];
  readonly defaultTraceScheme: string;
  readonly hostActivities: readonly HostActivityName[];
}

/** Attributes that clients add to every configuration, so they are nobody's spelling mistake. */
const CLIENT_ATTRIBUTES = new Set([
  ...[
    'type',
    'request',
    'name',
    'noDebug',
    'presentation',
    'internalConsoleOptions',
    'debugServer',
  ],
  ...['preLaunchTask', 'postDebugTask', 'serverReadyAction', 'suppressMultipleSessionWarning'],
  ...['windows', 'linux', 'osx', 'cwd', 'host', 'preRestartTask', 'env'],
]);

const KIB = 1024;
const MEMORY_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  K: KIB,
  M: KIB ** 2,
  G: KIB ** 3,
};
const SMALLEST_MEMORY = KIB ** 2;
const LARGEST_MEMORY = 3 * KIB ** 3;

/**
 * Checks a launch configuration.
 * @throws UserError that names the first attribute that is wrong
 */
export function validateLaunchArguments(given: unknown, choices: LaunchChoices): LaunchArguments {
  const configuration = isObject(given) ? given : {};
  const program = configuration['program'];
  if (program === undefined || program === '') throw missingProgram();
  if (typeof program !== 'string') {
    throw wrongLaunchArgument(
      'program',
      program,
      'it has to be the path of an ELF file or raw image',
    );
  }
  return {
    program,
    args: stringList('args', configuration['args']),
    el: exceptionLevel(configuration['el']),
    gic: gicVersion(configuration['gic']),
    cpu: choice('cpu', configuration['cpu'], choices.cpuModels, choices.defaultCpuModel),
    cpus: processorCount(configuration['cpus']),
    initrd: optionalString('initrd', configuration['initrd'], 'it has to be the path of a file'),
    append: optionalString('append', configuration['append'], 'it has to be a string'),
    symbols: optionalString(
      'symbols',
      configuration['symbols'],
      'it has to be the path of an ELF file',
    ),
    disks: diskArguments(configuration['disks']),
    virtio: choice('virtio', configuration['virtio'], VIRTIO_VERSIONS, 'legacy'),
    entropySeed: entropySeedArgument(configuration['entropySeed']),
    rtc: rtcArgument(configuration['rtc']),
    semihosting: semihostingArgument(configuration['semihosting']),
    consoleDevice: choice('consoleDevice', configuration['consoleDevice'], CONSOLE_DEVICES, 'uart'),
    console: choice('console', configuration['console'], CONSOLE_PLACES, 'both'),
    hostProfile: choice(
      'hostProfile',
      configuration['hostProfile'],
      choices.hostProfiles,
      choices.defaultHostProfile,
    ),
    policy: choice('policy', configuration['policy'], choices.policies, choices.defaultPolicy),
    idRegisters: idRegisterFields(configuration['idRegisters']),
    fpPolicy: choice(
      'fpPolicy',
      configuration['fpPolicy'],
      choices.fpPolicies,
      choices.defaultFpPolicy,
    ),
    traceScheme: choice(
      'traceScheme',
      configuration['traceScheme'],
      choices.traceSchemes,
      choices.defaultTraceScheme,
    ),
    hostActivity: schedule(configuration['hostActivity'], choices.hostActivities),
    spe: profiling(configuration['spe']),
    stage2: boolean('stage2', configuration['stage2'], false),
    memory: memorySize(configuration['memory']),
    loadAddress: address('loadAddress', configuration['loadAddress']),
    stopOnEntry: boolean('stopOnEntry', configuration['stopOnEntry'], true),
    sourceMap: sourceMap(configuration['sourceMap']),
    pace: choice('pace', configuration['pace'], PACES, 'realtime'),
    breakpointMode: choice(
      'breakpointMode',
      configuration['breakpointMode'],
      BREAKPOINT_MODES,
      'auto',
    ),
  };
}

/** A sentence for each attribute that nobody knows, with the one that was probably meant. */
export function describeUnknownLaunchArguments(given: unknown): string[] {
  if (!isObject(given)) return [];
  return Object.keys(given)
    .filter(
      (name) =>
        !(LAUNCH_ARGUMENT_NAMES as readonly string[]).includes(name) &&
        !CLIENT_ATTRIBUTES.has(name) &&
        !name.startsWith('_'),
    )
    .map((name) => {
      const meant = nearest(name, LAUNCH_ARGUMENT_NAMES);
      const advice = meant === undefined ? 'It has no effect.' : `Did you mean "${meant}"?`;
      return `"${name}" in the launch configuration is not known. ${advice}`;
    });
}

/** A size such as 128M in bytes. */
export function formatMemorySize(bytes: number): string {
  for (const unit of ['G', 'M', 'K']) {
    const scale = MEMORY_UNITS[unit] ?? 1;
    if (bytes >= scale && bytes % scale === 0) return `${bytes / scale}${unit}`;
  }
  return `${bytes}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function exceptionLevel(value: unknown): 1 | 2 {
  if (value === undefined) return 1;
  if (value === 1 || value === 2) return value;
  throw wrongLaunchArgument(
    'el',
    value,
    'it has to be 1, for a guest under the hypervisor, or 2, for a guest that is one itself',
  );
}

function gicVersion(value: unknown): GicVersion {
  if (value === undefined) return 2;
  const found = GIC_VERSIONS.find((version) => version === value);
  if (found !== undefined) return found;
  throw wrongLaunchArgument(
    'gic',
    value,
    'it has to be 2 or 3, the version of the interrupt controller',
  );
}

const MOST_CPUS = 8;

function processorCount(value: unknown): number {
  if (value === undefined) return 1;
  const isCount = typeof value === 'number' && Number.isInteger(value);
  if (isCount && value >= 1 && value <= MOST_CPUS) return value;
  throw wrongLaunchArgument('cpus', value, `it has to be a number from 1 to ${MOST_CPUS}`);
}

function optionalString(
  name: LaunchArgumentName,
  value: unknown,
  expected: string,
): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw wrongLaunchArgument(name, value, expected);
}

function boolean(name: LaunchArgumentName, value: unknown, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value === 'boolean') return value;
  throw wrongLaunchArgument(name, value, 'it has to be true or false, without quotes');
}

function choice<T extends string>(
  name: LaunchArgumentName,
  value: unknown,
  choices: readonly T[],
  otherwise: T,
): T {
  if (value === undefined) return otherwise;
  const found = choices.find((it) => it === value);
  if (found === undefined) throw unknownChoice(name, value, choices);
  return found;
}

function stringList(name: LaunchArgumentName, value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    throw wrongLaunchArgument(name, value, 'it has to be a list of strings, such as ["-v"]');
  }
  return value.map((item: unknown, i) => {
    if (typeof item === 'string') return item;
    throw wrongLaunchArgument(`${name}[${i}]`, item, 'it has to be a string');
  });
}

/** Ticks are 4 ms of virtual time. */
function schedule(
  value: unknown,
  known: readonly HostActivityName[],
): readonly ScheduledActivity[] {
  if (value === undefined) return [];
  const expected = `it has to be a list such as [{ "do": "${known[0] ?? ''}", "tick": 1, "every": 1 }]`;
  if (!Array.isArray(value)) throw wrongLaunchArgument('hostActivity', value, expected);
  return value.map((item: unknown, n) => {
    const name = `hostActivity[${n}]`;
    if (!isObject(item)) throw wrongLaunchArgument(name, item, expected);
    const { do: activity, tick, every } = item;
    const found = known.find((it) => it === activity);
    if (found === undefined) throw unknownChoice(`${name}.do`, activity, known);
    const count = (member: string, given: unknown): number => {
      if (typeof given === 'number' && Number.isSafeInteger(given) && given >= 1) return given;
      throw wrongLaunchArgument(`${name}.${member}`, given, 'it has to be a number from 1 up');
    };
    return {
      do: found,
      tick: count('tick', tick),
      ...(every !== undefined && { every: count('every', every) }),
    };
  });
}

function profiling(value: unknown): false | { readonly irq: number } {
  if (value === undefined || value === false) return false;
  const expected = 'it has to be false, or { "irq": 21 } with the INTID of a PPI, 16 to 31';
  const irq = isObject(value) ? value['irq'] : undefined;
  if (typeof irq !== 'number' || !Number.isInteger(irq) || irq < 16 || irq > 31) {
    throw wrongLaunchArgument('spe', value, expected);
  }
  return { irq };
}

function memorySize(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const expected = 'it has to be a size such as "128M" or "1G", or a number of bytes';
  let bytes: number;
  if (typeof value === 'number') {
    bytes = value;
  } else if (typeof value === 'string') {
    const match = /^\s*(\d+)\s*([KMG]?)(?:i?B)?\s*$/i.exec(value);
    if (match === null) throw wrongLaunchArgument('memory', value, expected);
    bytes = Number(match[1]) * (MEMORY_UNITS[(match[2] ?? '').toUpperCase()] ?? 1);
  } else {
    throw wrongLaunchArgument('memory', value, expected);
  }
  if (!Number.isInteger(bytes) || bytes % 4096 !== 0) {
    throw wrongLaunchArgument('memory', value, 'it has to be a multiple of 4096 bytes');
  }
  if (bytes < SMALLEST_MEMORY || bytes > LARGEST_MEMORY) {
    throw wrongLaunchArgument('memory', value, 'it has to lie between "1M" and "3G"');
  }
  return bytes;
}

function address(name: LaunchArgumentName, value: unknown): bigint | undefined {
  if (value === undefined) return undefined;
  const expected = 'it has to be a physical address such as "0x40080000", aligned to 4 bytes';
  let result: bigint;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0)
    result = BigInt(value);
  else if (typeof value === 'string' && /^(0x[0-9a-f]+|\d+)$/i.test(value)) result = BigInt(value);
  else throw wrongLaunchArgument(name, value, expected);
  if (result % 4n !== 0n || result >= 1n << 48n) throw wrongLaunchArgument(name, value, expected);
  return result;
}

const ID_REGISTER = 'ID_AA64DFR0_EL1';

/** Whether the host has the fields and can keep them is for the hypervisor to say. */
function idRegisterFields(value: unknown): IdRegisterFields {
  if (value === undefined) return {};
  const expected = `it has to be an object such as { "${ID_REGISTER}": { "BRPs": 3 } }`;
  if (!isObject(value)) throw wrongLaunchArgument('idRegisters', value, expected);
  return Object.fromEntries(
    Object.entries(value).map(([register, fields]) => {
      if (register !== ID_REGISTER) {
        throw wrongLaunchArgument(
          'idRegisters',
          register,
          `${ID_REGISTER} is the register whose fields can be set`,
        );
      }
      if (!isObject(fields)) throw wrongLaunchArgument(`idRegisters.${register}`, fields, expected);
      const bits = Object.entries(fields).map(([field, given]) => {
        if (typeof given !== 'number' || !Number.isInteger(given) || given < 0 || given > 15) {
          throw wrongLaunchArgument(
            `idRegisters.${register}.${field}`,
            given,
            'it has to be the value of the field, 0 to 15, such as 3 for four breakpoints in BRPs',
          );
        }
        return [field, BigInt(given)] as const;
      });
      return [register, Object.fromEntries(bits)];
    }),
  );
}

function sourceMap(value: unknown): ReadonlyMap<string, string> {
  if (value === undefined) return new Map();
  if (!isObject(value)) {
    throw wrongLaunchArgument(
      'sourceMap',
      value,
      'it has to be an object such as { "/build/project": "${workspaceFolder}" }',
    );
  }
  return new Map(
    Object.entries(value).map(([from, to]) => {
      if (typeof to !== 'string') {
        throw wrongLaunchArgument(`sourceMap["${from}"]`, to, 'it has to be the path of a folder');
      }
      if (from === '') {
        throw wrongLaunchArgument(
          'sourceMap',
          '',
          'each key has to be a path from the debug information',
        );
      }
      return [from, to];
    }),
  );
}

/** The candidate with the smallest edit distance, when that is small enough to be a slip. */
function nearest(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substituted));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
