/** What a memory-mapped device is: a block of registers that knows offsets and bytes, nothing else. */

/** Access sizes that reach a device, in bytes. The bus splits doublewords into words. */
export type DeviceAccessSize = 1 | 2 | 4;

export interface Device {
  readonly name: string;
  /** The zero-extended value at `offset`. */
  read(offset: number, size: DeviceAccessSize): number;
  /** `value` holds `size` bytes, zero-extended. */
  write(offset: number, size: DeviceAccessSize, value: number): void;
  /** As `read`, without side effects: for the debugger. */
  peek(offset: number, size: DeviceAccessSize): number;
  reset(): void;
  /** The device's own state as plain data; `restoreState` accepts what `saveState` gave. */
  saveState(): unknown;
  restoreState(state: unknown): void;
}

/** An interrupt output. The device sets a level; who receives it is the board's business. */
export interface IrqLine {
  set(asserted: boolean): void;
}

/** Where a device tells that the guest did something odd; the run continues. */
export interface DeviceEvents {
  guestError(device: string, message: string): void;
}

/** Tells of an access that makes no sense: `read`, `write`, or what is wrong with it, at an offset. */
export function tellOffset(
  events: DeviceEvents,
  device: string,
  what: string,
  offset: number,
): void {
  const unimplemented = what === 'read' || what === 'write' ? ' of unimplemented' : ' at';
  events.guestError(device, `${what}${unimplemented} offset 0x${offset.toString(16)}`);
}
