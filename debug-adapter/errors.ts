/** Every message for users that an error response carries. Numbers are stable: 20xx launch, 21xx requests, 22xx values. */
import type { SymbolError } from './symbols/symbol-error.ts';

/** Something that the user can put right: what was wrong, then what to do. */
export class UserError extends Error {
  readonly id: number;
  /** Whether the client pops the message up; false where it is shown in place, as in a hover. */
  readonly showUser: boolean;

  constructor(id: number, message: string, options: { showUser?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UserError';
    this.id = id;
    this.showUser = options.showUser ?? true;
  }
}

const quiet = { showUser: false } as const;

function show(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

// -- launch

export const wrongLaunchArgument = (name: string, value: unknown, expected: string): UserError =>
  new UserError(2001, `"${name}" in the launch configuration is ${show(value)}; ${expected}.`);

export const missingProgram = (): UserError =>
  new UserError(
    2002,
    'The launch configuration has no "program". Give it the path of an AArch64 ELF file or raw image.',
  );

export const unknownChoice = (
  name: string,
  value: unknown,
  choices: readonly string[],
): UserError =>
  new UserError(
    2003,
    `"${name}" in the launch configuration is ${show(value)}, which does not exist. Choose one of ${choices.join(', ')}.`,
  );

export const programNotFound = (path: string): UserError =>
  new UserError(
    2004,
    `The program "${path}" does not exist. Build it, or correct "program" in the launch configuration.`,
  );

export const programUnreadable = (path: string, reason: string): UserError =>
  new UserError(
    2005,
    `The program "${path}" cannot be read: ${reason}. Correct "program" or its permissions.`,
  );

export const fileNotFound = (attribute: string, path: string): UserError =>
  new UserError(
    2014,
    `The file "${path}" does not exist. Correct "${attribute}" in the launch configuration.`,
  );

export const fileUnreadable = (attribute: string, path: string, reason: string): UserError =>
  new UserError(
    2015,
    `The file "${path}" cannot be read: ${reason}. Correct "${attribute}" or its permissions.`,
  );

export const compressedProgram = (path: string, reason: string): UserError =>
  new UserError(
    2016,
    `The program "${path}" is compressed and ${reason}. Decompress it with gunzip and name the result.`,
  );

export const programEmpty = (path: string): UserError =>
  new UserError(2006, `The program "${path}" is empty. Build it again.`);

/** The ELF reader's findings, each with what to do about it. */
export function unusableProgram(error: SymbolError): UserError {
  const advice: Record<SymbolError['code'], string> = {
    'not-elf': 'Give an AArch64 ELF file, or set "loadAddress" to load it as a raw image.',
    truncated: 'Build or copy the file again.',
    elf32: 'Build it for 64 bits, for instance with aarch64-none-elf-gcc.',
    'big-endian': 'Build it little-endian: this machine starts guests with SCTLR_ELx.EE = 0.',
    'wrong-machine': 'Build it with an AArch64 compiler.',
    relocatable: 'Link it, with the addresses at which it is to run.',
    'core-file': 'Give the program itself.',
    'user-program':
      'It needs a Linux kernel under it; build a bare-metal program, or give the kernel that is to run it.',
    'malformed-elf': 'Build or copy the file again.',
    compressed: 'Link it with --compress-debug-sections=none or zlib.',
    'malformed-dwarf': 'Build it again with -g.',
    'unsupported-dwarf': 'Build it with -gdwarf-5 or -gdwarf-4.',
  };
  return new UserError(2007, `${sentence(error.message)} ${advice[error.code]}`, { cause: error });
}

export const nothingToLoad = (path: string): UserError =>
  new UserError(
    2008,
    `The program "${path}" has no PT_LOAD segment, so there is nothing to run. Link it with a linker script that places its sections.`,
  );

export const segmentOnDevice = (path: string, segment: string, device: string): UserError =>
  new UserError(
    2009,
    `The program "${path}" wants to be loaded at ${segment}, where the machine has its ${device}. Link it to an address in RAM, from 0x40000000 up.`,
  );

export const memoryTooSmall = (memory: string, segment: string): UserError =>
  new UserError(
    2010,
    `"memory" in the launch configuration is ${memory}, which ends before the program's segment at ${segment}. Make it larger or leave it out.`,
  );

export const machineRefused = (reason: string, cause: unknown): UserError =>
  new UserError(
    2011,
    `The machine cannot be built: ${sentence(reason)} Check "memory", "hostProfile" and "idRegisters".`,
    {
      cause,
    },
  );

export const attachNotSupported = (): UserError =>
  new UserError(
    2012,
    'Trapline carries its own machine, so there is nothing to attach to. Use "request": "launch" with a "program".',
  );

export const segmentsTooFarApart = (path: string, segment: string, limit: string): UserError =>
  new UserError(
    2013,
    `The program "${path}" needs RAM for its segment at ${segment}, which is more than the ${limit} this machine can have. Link it to lower addresses.`,
  );

export const notOnThisHost = (attribute: string, value: string, reason: string): UserError =>
  new UserError(
    2017,
    `"${attribute}" in the launch configuration is ${show(value)}, and ${reason}. Leave it out, or debug this guest in VS Code on a computer.`,
  );

// -- requests

export const notLaunched = (command: string): UserError =>
  new UserError(
    2101,
    `"${command}" came before the guest was launched. Send "launch" first.`,
    quiet,
  );

export const guestIsRunning = (command: string): UserError =>
  new UserError(
    2102,
    `"${command}" needs a stopped guest, and it is running. Pause it first.`,
    quiet,
  );

export const guestIsStopped = (command: string): UserError =>
  new UserError(2103, `"${command}" needs a running guest, and it is stopped already.`, quiet);

export const guestHasEnded = (command: string): UserError =>
  new UserError(2104, `"${command}" came after the guest had ended. Restart it first.`, quiet);

export const unknownRequest = (command: string): UserError =>
  new UserError(2105, `The request "${command}" is not known to this adapter.`, quiet);

export const wrongRequestArgument = (command: string, path: string, expected: string): UserError =>
  new UserError(
    2106,
    `The request "${command}" has a wrong argument: ${path} must be ${expected}.`,
    quiet,
  );

export const alreadyInitialized = (command: string): UserError =>
  new UserError(2107, `"${command}" came a second time; it is only allowed once.`, quiet);

export const requestCancelled = (): UserError => new UserError(2108, 'cancelled', quiet);

export const staleReference = (name: string, value: number): UserError =>
  new UserError(
    2109,
    `${name} ${value} is not valid any more: the guest has run since. Ask for it again.`,
    quiet,
  );

export const unknownThread = (threadId: number): UserError =>
  new UserError(2110, `There is no thread ${threadId}. Ask for "threads" again.`, quiet);

export const noCaller = (): UserError =>
  new UserError(
    2111,
    'This function has no caller to return to: it is the outermost frame. Use Continue, or a breakpoint further on.',
  );

/** Number of the errors that are nobody's but ours. */
export const INTERNAL_ERROR = 2199;

export const internalError = (error: unknown): UserError =>
  new UserError(
    INTERNAL_ERROR,
    `Trapline itself failed (${error instanceof Error ? error.message : String(error)}). This is a bug in Trapline, not in your guest; the log has the details.`,
    { cause: error },
  );

// -- values and places

export const invalidMemoryReference = (reference: string): UserError =>
  new UserError(
    2201,
    `"${reference}" is not a memory reference. Give an address such as 0x40080000.`,
    quiet,
  );

export const invalidExpression = (expression: string, reason: string): UserError =>
  new UserError(
    2202,
    sentence(reason === '' ? `"${expression}" cannot be evaluated` : reason),
    quiet,
  );

export const notWritable = (name: string, reason: string): UserError =>
  new UserError(2203, `"${name}" cannot be changed: ${sentence(reason)}`);

export const invalidValue = (name: string, value: string, expected: string): UserError =>
  new UserError(2204, `"${value}" is no value for ${name}; give ${expected}.`);

export const unknownVariable = (name: string): UserError =>
  new UserError(2205, `There is no "${name}" here. Refresh the Variables pane.`, quiet);

export const memoryNotWritable = (address: bigint): UserError =>
  new UserError(
    2206,
    `Memory at 0x${address.toString(16)} cannot be written: nothing is mapped there, or it is a device. Choose an address in RAM.`,
  );

export const noSuchSource = (reference: number): UserError =>
  new UserError(
    2207,
    `The source ${reference} is not known. Close the editor and open it from the call stack again.`,
  );

export const sourceNotFound = (path: string): UserError =>
  new UserError(
    2208,
    `The source file "${path}" is not on this computer. Map its folder with "sourceMap" in the launch configuration.`,
  );

export const noCodeAt = (place: string): UserError =>
  new UserError(2209, `No code was generated for ${place}. Choose a line with a statement.`);

export const unknownPolicy = (policy: string, choices: readonly string[]): UserError =>
  new UserError(2210, `There is no debug policy "${policy}". Choose one of ${choices.join(', ')}.`);

export const policyRefused = (policy: string, reason: string): UserError =>
  new UserError(2211, `The debug policy ${policy} cannot be used now: ${sentence(reason)}`);

export const unknownHostProfile = (profile: string, choices: readonly string[]): UserError =>
  new UserError(
    2213,
    `There is no host profile "${profile}". Choose one of ${choices.join(', ')}.`,
  );

export const migrationRefused = (profile: string, reason: string): UserError =>
  new UserError(
    2214,
    `The guest cannot go to ${profile}: ${sentence(reason)} It stays where it is; choose a host with at least what it has, or set "idRegisters" in the launch configuration so that it has less from the start.`,
  );

export const noHypervisor = (): UserError =>
  new UserError(
    2212,
    'This guest runs at EL2 and is its own hypervisor, so there is no debug policy. Launch with "el": 1 to have one.',
  );

export const invalidWatchpoint = (reason: string): UserError =>
  new UserError(2213, sentence(reason));

export const unknownFpPolicy = (policy: string, choices: readonly string[]): UserError =>
  new UserError(2214, `There is no FP policy "${policy}". Choose one of ${choices.join(', ')}.`);

export const unknownTraceScheme = (scheme: string, choices: readonly string[]): UserError =>
  new UserError(2218, `There is no trace scheme "${scheme}". Choose one of ${choices.join(', ')}.`);

export const unknownHostActivity = (activity: string, choices: readonly string[]): UserError =>
  new UserError(
    2215,
    `The host does not know the activity "${activity}". Choose one of ${choices.join(', ')}.`,
  );

export const unknownVcpu = (vcpu: number, current: number, count: number): UserError =>
  new UserError(
    2216,
    vcpu < count
      ? `The attributes of vCPU ${vcpu} can be accessed while it is the current one, which is ${current}. Select its thread first.`
      : `There is no vCPU ${vcpu}. Give a number below ${count}.`,
  );

export const runCannotRepeat = (attribute: string): UserError =>
  new UserError(
    2217,
    `The policies cannot be compared: each run of this guest would write to your files again. Launch it without "${attribute}" to compare them.`,
  );

/** With a full stop, and a capital letter unless a name or path begins it. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
