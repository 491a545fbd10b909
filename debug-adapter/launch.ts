/** From a launch configuration to a machine with its image loaded, or to the sentence that says why not. */
import { Debuggee, type ConsoleOutput } from './debuggee.ts';
import { isLinuxImage, linuxImage, rawImage } from '../emulator/board/boot.ts';
import type { BootImage } from '../emulator/board/boot.ts';
import {
  compressedProgram,
  machineRefused,
  nothingToLoad,
  programEmpty,
  programNotFound,
  programUnreadable,
  unusableProgram,
} from './errors.ts';
import { HostFileError, type Host } from './host.ts';
import type { LaunchArguments } from './launch-arguments.ts';
import type { DebuggedMachine, ImageSegment, MachineFactory, MachineOptions } from './machine.ts';
import { plugIn, readOther } from './peripherals.ts';
import { layOutRam } from './ram-layout.ts';
import { baseName } from './source-paths.ts';
import { Sources } from './sources.ts';
import { DebugInfo } from './symbols/debug-info.ts';
import { ElfImage, parseElf } from './symbols/elf.ts';
import { readKallsyms } from './symbols/kallsyms.ts';
import { SymbolError } from './symbols/symbol-error.ts';

/** Problems in the debug information that are told one by one; more are counted. */
const TOLD_PROBLEMS = 5;

/** @throws UserError */
export async function launch(
  arguments_: LaunchArguments,
  host: Host,
  factory: MachineFactory,
  write: (output: ConsoleOutput) => void,
): Promise<Debuggee> {
  const { program } = arguments_;
  const bytes = await decompressed(program, await readProgram(program, host), host);
  const isLinux = isLinuxImage(bytes);
  const boot = isLinux ? bootableImage(bytes) : imageWithoutHeader(arguments_, bytes);
  const image =
    boot === undefined
      ? parseImage(program, bytes, host)
      : withoutSections(program, bytes, boot, isLinux && arguments_.symbols === undefined);
  const segments = boot?.segments ?? segmentsOf(image);
  if (segments.every(({ memSize }) => memSize === 0)) throw nothingToLoad(program);
  const memory = arguments_.memory ?? (isLinux ? LINUX_MEMORY : undefined);
  const ram = layOutRam(program, segments, factory, memory);
  const initrd =
    arguments_.initrd === undefined
      ? undefined
      : await readOther('initrd', arguments_.initrd, host);
  const plugged = await plugIn(arguments_, host);
  try {
    const machine = createMachine(arguments_, factory, {
      image: boot ?? { segments, entry: physicalEntry(image) },
      ...(initrd !== undefined && { initrd }),
      ram,
      ...plugged.options,
    });
    const debugInfo = new DebugInfo(
      arguments_.symbols === undefined
        ? image
        : parseImage(
            arguments_.symbols,
            await readOther('symbols', arguments_.symbols, host),
            host,
          ),
    );
    const sources = await Sources.load(debugInfo, {
      host,
      sourceMap: arguments_.sourceMap,
      program,
    });
    const debuggee = new Debuggee({
      launch: arguments_,
      factory,
      machine,
      debugInfo,
      sources,
      write,
      release: plugged.release,
    });
    for (const note of describeImage(program, debugInfo, boot !== undefined)) {
      write({ category: 'console', text: `${note}\n` });
    }
    return debuggee;
  } catch (error) {
    plugged.release();
    throw error;
  }
}

function createMachine(
  arguments_: LaunchArguments,
  factory: MachineFactory,
  built: Pick<MachineOptions, 'image' | 'initrd' | 'ram' | 'virtio' | 'startTime' | 'folder'>,
): DebuggedMachine {
  try {
    return factory.create({
      ...built,
      el: arguments_.el,
      gic: arguments_.gic,
      cpu: arguments_.cpu,
      cpus: arguments_.cpus,
      ...(arguments_.append !== undefined && { bootargs: arguments_.append }),
      hostProfile: arguments_.hostProfile,
      policy: arguments_.policy,
      idRegisters: arguments_.idRegisters,
      fpPolicy: arguments_.fpPolicy,
      traceScheme: arguments_.traceScheme,
      hostActivity: arguments_.hostActivity,
      spe: arguments_.spe === false ? undefined : arguments_.spe,
      stage2: arguments_.stage2,
      commandLine: [baseName(arguments_.program), ...arguments_.args].join(' '),
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw machineRefused(error.message, error);
  }
}

/** RAM of a Linux guest for which nothing else was asked, in bytes. */
const LINUX_MEMORY = 512 * 1024 ** 2;
const MOST_DECOMPRESSED = 1024 ** 3;

/** What gzip has compressed, as it was; anything else as it is. */
async function decompressed(program: string, bytes: Uint8Array, host: Host): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await host.gunzip(bytes, MOST_DECOMPRESSED);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw compressedProgram(program, 'does not decompress');
  }
}

function bootableImage(bytes: Uint8Array): BootImage {
  try {
    return linuxImage(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw machineRefused(error.message, error);
  }
}

/** An image that is no ELF file, as far as the debugger is concerned. */
function withoutSections(
  program: string,
  bytes: Uint8Array,
  { segments, entry }: BootImage,
  isKernel: boolean,
): ElfImage {
  const placed = segments.map(({ paddr, memSize }) => ({
    paddr,
    vaddr: paddr,
    offset: 0,
    fileSize: bytes.length,
    memSize,
    flags: 7,
  }));
  const symbols = (isKernel ? readKallsyms(bytes) : undefined) ?? [];
  return new ElfImage(program, bytes, { entry, type: 'ET_EXEC' }, placed, [], symbols, undefined);
}

async function readProgram(program: string, host: Host): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await host.readFile(program);
  } catch (error) {
    if (!(error instanceof HostFileError)) throw error;
    if (error.kind === 'missing') throw programNotFound(program);
    throw programUnreadable(program, error.message);
  }
  if (bytes.length === 0) throw programEmpty(program);
  return bytes;
}

/** What `loadAddress` places and is no ELF file. */
function imageWithoutHeader(
  { loadAddress }: LaunchArguments,
  bytes: Uint8Array,
): BootImage | undefined {
  if (loadAddress === undefined || startsAsElf(bytes)) return undefined;
  return rawImage(bytes, loadAddress);
}

function parseImage(program: string, bytes: Uint8Array, host: Host): ElfImage {
  try {
    return parseElf(bytes, program, host.inflate === undefined ? {} : { inflate: host.inflate });
  } catch (error) {
    if (error instanceof SymbolError) throw unusableProgram(error);
    throw error;
  }
}

function startsAsElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

function segmentsOf(image: ElfImage): ImageSegment[] {
  return image.segments.map(({ paddr, offset, fileSize, memSize }) => ({
    paddr,
    bytes: image.bytes.subarray(offset, offset + fileSize),
    memSize,
  }));
}

/** The MMU is off at entry, so a virtual entry is reached at the physical address of its segment. */
function physicalEntry({ entry, segments }: ElfImage): bigint {
  const segment = segments.find(
    ({ vaddr, memSize }) => entry >= vaddr && entry < vaddr + BigInt(memSize),
  );
  return segment === undefined ? entry : entry - segment.vaddr + segment.paddr;
}

function describeImage(program: string, debugInfo: DebugInfo, isRaw: boolean): string[] {
  const notes: string[] = [];
  if (!debugInfo.hasDebugInfo && !isRaw) {
    const symbols = debugInfo.image.symbols.length > 0 ? 'its symbols and ' : '';
    notes.push(
      `"${program}" has no debug information: ${symbols}its disassembly can be debugged, but no source lines and variables. Build it with -g to have them.`,
    );
  }
  const problems = [...debugInfo.problems, ...debugInfo.frames.problems];
  for (const problem of problems.slice(0, TOLD_PROBLEMS)) {
    notes.push(`Debug information left out: ${problem.message}`);
  }
  if (problems.length > TOLD_PROBLEMS) {
    notes.push(`... and ${problems.length - TOLD_PROBLEMS} more problems of that kind.`);
  }
  return notes;
}
