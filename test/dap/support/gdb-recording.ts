/** What gdb showed of the programs in test/guest/optimised; test/toolchain/gdb records it. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export const OPTIMISED_PROGRAMS = ['inventory', 'orbit', 'calculator'] as const;
export type OptimisedProgram = (typeof OPTIMISED_PROGRAMS)[number];

export interface GdbVariable {
  readonly name: string;
  readonly argument: boolean;
  readonly value: string;
}

export interface GdbFrame {
  readonly function: string;
  readonly line: number;
  readonly inlined: boolean;
  /** Innermost block first, so that a shadowed variable comes after the one that shadows it. */
  readonly variables: readonly GdbVariable[];
}

export interface GdbStop {
  readonly address: string;
  /** 1 for the first time that the address was reached. */
  readonly hit: number;
  readonly frames: readonly GdbFrame[];
}

export interface GdbRecording {
  readonly gdb: string;
  /** How many times each address was recorded. */
  readonly hits: number;
  /** Line to the addresses at which gdb breaks for it. */
  readonly locations: Readonly<Record<string, readonly string[]>>;
  readonly stops: readonly GdbStop[];
}

const root = path.resolve(import.meta.dirname, '../../..');
export const optimisedFolder = path.join(root, 'test/guest/optimised');

export function optimisedElf(program: OptimisedProgram): string {
  return path.join(optimisedFolder, `${program}.elf`);
}

export function optimisedSource(program: OptimisedProgram): string {
  return path.join(optimisedFolder, `${program}.c`);
}

function recordingPath(program: OptimisedProgram): string {
  return path.join(root, 'test/fixtures/gdb', `${program}.json`);
}

export function readRecording(program: OptimisedProgram): GdbRecording {
  return JSON.parse(readFileSync(recordingPath(program), 'utf8')) as GdbRecording;
}

/** A stop per line, so that a change can be read. */
export function writeRecording(program: OptimisedProgram, recording: GdbRecording): void {
  const { gdb, hits, locations, stops } = recording;
  const lines = stops.map((stop) => JSON.stringify(stop)).join(',\n');
  writeFileSync(
    recordingPath(program),
    `{"gdb":${JSON.stringify(gdb)},"hits":${hits},\n"locations":${JSON.stringify(locations)},\n"stops":[\n${lines}\n]}\n`,
  );
}
