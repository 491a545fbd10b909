/** The launch attributes that say what is plugged into the board: disks, entropy, clock, console, semihosting. */
import { wrongLaunchArgument } from './errors.ts';

export interface DiskArgument {
  readonly path: string;
  /** `copyOnWrite`: what the guest writes is gone when it ends. `writeThrough`: it is written to the file. */
  readonly writes: 'copyOnWrite' | 'writeThrough' | 'refused';
  /** What the guest reads as the serial number; 20 characters of ASCII at most. */
  readonly id: string;
}

export interface SemihostingArgument {
  /** Folder whose files the guest may use; without it there is the console alone. */
  readonly root?: string;
}

/** Seconds since 1970, or the host's clock at the launch. */
export type RtcArgument = number | 'now';

export const VIRTIO_VERSIONS = ['legacy', 'modern'] as const;
export const CONSOLE_DEVICES = ['uart', 'virtio'] as const;
/** `virtio`: there is a virtio console beside the UART, and it takes what is typed once the guest has set it up. */
export type ConsoleDevice = (typeof CONSOLE_DEVICES)[number];
export const CONSOLE_PLACES = ['both', 'terminal', 'debugConsole'] as const;
/** Where the editor shows what the guest sends to its serial console. */
export type ConsolePlace = (typeof CONSOLE_PLACES)[number];

/** The console and the entropy device take the other two of the 32 transports. */
export const MOST_DISKS = 30;
const LONGEST_ID = 20;
const DISK_EXPECTED =
  'it has to be the path of a disk image, or an object such as { "path": "disk.img", "writable": true }';
const DISK_MEMBERS = new Set(['path', 'writable', 'readOnly', 'id']);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws UserError, as all of these */
export function diskArguments(value: unknown): readonly DiskArgument[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    throw wrongLaunchArgument('disks', value, 'it has to be a list such as ["disk.img"]');
  }
  if (value.length > MOST_DISKS) {
    throw wrongLaunchArgument(
      `disks[${MOST_DISKS}]`,
      value[MOST_DISKS],
      `the board has room for ${MOST_DISKS} disks`,
    );
  }
  return value.map((item: unknown, n) => diskArgument(`disks[${n}]`, item, `disk${n}`));
}

function diskArgument(name: string, item: unknown, otherwiseId: string): DiskArgument {
  const given = typeof item === 'string' ? { path: item } : item;
  if (!isObject(given)) throw wrongLaunchArgument(name, item, DISK_EXPECTED);
  const unknown = Object.keys(given).find((member) => !DISK_MEMBERS.has(member));
  if (unknown !== undefined) {
    throw wrongLaunchArgument(
      `${name}.${unknown}`,
      given[unknown],
      'a disk has "path", "writable", "readOnly" and "id"',
    );
  }
  const { path, id = otherwiseId } = given;
  if (typeof path !== 'string' || path === '') {
    throw wrongLaunchArgument(`${name}.path`, path, 'it has to be the path of a disk image');
  }
  const writable = flag(`${name}.writable`, given['writable']);
  const readOnly = flag(`${name}.readOnly`, given['readOnly']);
  if (writable && readOnly) {
    throw wrongLaunchArgument(`${name}.writable`, true, '"readOnly" is true as well; choose one');
  }
  if (typeof id !== 'string' || id.length > LONGEST_ID || !/^[\x20-\x7e]*$/.test(id)) {
    throw wrongLaunchArgument(
      `${name}.id`,
      id,
      `it has to be a serial number of at most ${LONGEST_ID} characters of ASCII`,
    );
  }
  return { path, writes: writable ? 'writeThrough' : readOnly ? 'refused' : 'copyOnWrite', id };
}

function flag(name: string, value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value === 'boolean') return value;
  throw wrongLaunchArgument(name, value, 'it has to be true or false, without quotes');
}

export function semihostingArgument(value: unknown): SemihostingArgument {
  if (value === undefined) return {};
  const expected = 'it has to be an object such as { "root": "${workspaceFolder}/files" }';
  if (!isObject(value)) throw wrongLaunchArgument('semihosting', value, expected);
  const unknown = Object.keys(value).find((member) => member !== 'root');
  if (unknown !== undefined) {
    throw wrongLaunchArgument(`semihosting.${unknown}`, value[unknown], 'there is "root" alone');
  }
  const { root } = value;
  if (root === undefined) return {};
  if (typeof root === 'string' && root !== '') return { root };
  throw wrongLaunchArgument('semihosting.root', root, 'it has to be the path of a folder');
}

/** The latest time of the board's clock, which has 32 bits. */
const LATEST = 2 ** 32 - 1;

export function rtcArgument(value: unknown): RtcArgument {
  if (value === undefined) return 0;
  if (value === 'now') return 'now';
  const seconds = typeof value === 'string' ? parseTime(value) : value;
  if (typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 0) {
    if (seconds <= LATEST) return seconds;
    throw wrongLaunchArgument('rtc', value, 'the clock has 32 bits, which end in 2106');
  }
  throw wrongLaunchArgument(
    'rtc',
    value,
    'it has to be seconds since 1970, a time such as "2026-01-31T12:00:00Z", or "now"',
  );
}

/** ISO 8601; UTC where it names no zone, so that a launch configuration means the same everywhere. */
function parseTime(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(Z|[+-]\d\d:\d\d)?)?$/.exec(text);
  if (match === null) return undefined;
  const [, date = '', minutes = '00:00', seconds = ':00', zone = 'Z'] = match;
  const milliseconds = Date.parse(`${date}T${minutes}${seconds}${zone}`);
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}

/** 64 bits; undefined: there is no entropy device. */
export function entropySeedArgument(value: unknown): bigint | undefined {
  if (value === undefined) return undefined;
  let seed: bigint | undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) seed = BigInt(value);
  else if (typeof value === 'string' && /^(0x[0-9a-f]+|\d+)$/i.test(value)) seed = BigInt(value);
  if (seed !== undefined && seed < 1n << 64n) return seed;
  throw wrongLaunchArgument(
    'entropySeed',
    value,
    'it has to be a number of up to 64 bits such as 1 or "0x123456789abcdef0"',
  );
}
