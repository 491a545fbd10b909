/** The scopes Registers, FP/SIMD and System registers: groups, registers, fields. Reading has no side effects. */
import { invalidValue, notWritable, unknownVariable } from '../errors.ts';
import { writeRegister } from '../expression-context.ts';
import type { DebuggedMachine, NamedValue } from '../machine.ts';
import {
  describeRegister,
  extractField,
  fieldsOf,
  findField,
  formatFieldValue,
  formatRegisterValue,
  hex,
  parseRegisterValue,
  reference,
  withField,
  type RegisterInfo,
} from '../registers.ts';
import {
  page,
  READ_ONLY,
  type ChildRange,
  type VariableContainer,
  type VariableItem,
} from './container.ts';

/** Where a register's value comes from and goes to: the guest's register, or one of the views of a debug register. */
export interface RegisterAccess {
  read(name: string): bigint | undefined;
  /** Missing where nothing can be written. @throws UserError */
  readonly write?: (name: string, value: bigint) => void;
  /** Whether `$name` means the same register. */
  readonly hasEvaluateName: boolean;
  /** The value at the last stop, where changes since then are to be marked. */
  readonly before?: (name: string) => bigint | undefined;
}

/** The registers of the processor as the guest sees them. */
export function guestRegisters(machine: DebuggedMachine): RegisterAccess {
  return {
    read: (name) => machine.readRegister(machine.currentVcpu, name),
    write: (name, value) => {
      writeRegister(machine, name, value);
    },
    hasEvaluateName: true,
  };
}

/** The registers of a frame that called others: what could be recovered, and no writing. */
export function frameRegisters(
  machine: DebuggedMachine,
  recovered: (name: string) => bigint | undefined,
): RegisterAccess {
  return {
    read: (name) =>
      /^([XV]\d+|SP|PC)$/.test(name)
        ? recovered(name)
        : machine.readRegister(machine.currentVcpu, name),
    hasEvaluateName: true,
  };
}

/** A view that the hypervisor lists. */
export function listedRegisters(values: readonly NamedValue[]): RegisterAccess {
  const byName = new Map(values.map(({ name, value }) => [name, value]));
  return { read: (name) => byName.get(name), hasEvaluateName: false };
}

/** Some registers. */
export class RegisterList implements VariableContainer {
  readonly #names: readonly string[];
  readonly #access: RegisterAccess;
  readonly #describe: (address: bigint) => string | undefined;

  constructor(
    names: readonly string[],
    access: RegisterAccess,
    describe: (address: bigint) => string | undefined,
  ) {
    this.#names = names;
    this.#access = access;
    this.#describe = describe;
  }

  get namedCount(): number {
    return this.#names.length;
  }

  children(range: ChildRange): readonly VariableItem[] {
    return page(
      this.#names.map((name) => this.#item(name)),
      range,
    );
  }

  set(name: string, text: string): VariableItem {
    if (!this.#names.includes(name)) throw unknownVariable(name);
    const info = describeRegister(name);
    const { write } = this.#access;
    if (write === undefined) throw notWritable(name, NOT_HERE);
    if (!info.writable) throw notWritable(name, 'it is read-only in the architecture');
    const value = parseRegisterValue(text, info.width);
    if (value === undefined) {
      throw invalidValue(
        name,
        text,
        `a number of ${info.width} bits, such as 42, 0x2a or 0b101010`,
      );
    }
    write(name, value);
    return this.#item(name);
  }

  watchable(name: string): string {
    return `${name} is a register; watchpoints are for memory. Stop on its accesses with a breakpoint on the instruction.`;
  }

  #item(name: string): VariableItem {
    const info = describeRegister(name);
    const value = this.#access.read(name);
    if (value === undefined) {
      return { name, value: 'not preserved by the frames above', presentationHint: READ_ONLY };
    }
    const fields = fieldsOf(info, value, (other) => this.#access.read(other));
    const writable = info.writable && this.#access.write !== undefined;
    return {
      name,
      value: this.#format(info, value, fields.length > 0),
      ...(info.title !== '' && { type: info.title }),
      ...(this.#access.hasEvaluateName && { evaluateName: `$${name}` }),
      ...(fields.length > 0 && { container: new FieldList(info, this.#access) }),
      ...(info.width === 128 && { container: new VectorParts(value) }),
      ...(isAddressRegister(name) && { memoryReference: reference(value) }),
      ...(!writable && { presentationHint: READ_ONLY }),
    };
  }

  #format(info: RegisterInfo, value: bigint, hasFields: boolean): string {
    if (hasFields) {
      return formatRegisterValue(
        info,
        value,
        fieldsOf(info, value, (name) => this.#access.read(name)),
      );
    }
    const text = formatRegisterValue(info, value, []);
    const place = info.width === 64 ? this.#describe(value) : undefined;
    return place === undefined ? text : `${text} <${place}>`;
  }
}

const NOT_HERE = 'this view only shows it; change it under Registers or System registers';

function isAddressRegister(name: string): boolean {
  return /^(X\d+|SP|PC|SP_EL\d|ELR_EL\d|FAR_EL\d|VBAR_EL\d|DBG[BW]VR\d+_EL1)$/.test(name);
}

/** The fields of one register, from the most significant down. */
class FieldList implements VariableContainer {
  readonly #info: RegisterInfo;
  readonly #access: RegisterAccess;

  constructor(info: RegisterInfo, access: RegisterAccess) {
    this.#info = info;
    this.#access = access;
  }

  children(range: ChildRange): readonly VariableItem[] {
    const value = this.#value();
    return page(
      this.#fields(value).map((of) => this.#item(of.name, value)),
      range,
    );
  }

  set(name: string, text: string): VariableItem {
    const register = this.#info.name;
    const value = this.#value();
    const of = findField(this.#fields(value), name);
    if (of === undefined) throw unknownVariable(`${register}.${name}`);
    const { write } = this.#access;
    if (write === undefined) throw notWritable(`${register}.${name}`, NOT_HERE);
    if (!this.#info.writable) {
      throw notWritable(`${register}.${name}`, `${register} is read-only in the architecture`);
    }
    const width = of.msb - of.lsb + 1;
    const content = parseRegisterValue(text, width, of);
    if (content === undefined) {
      const largest = hex((1n << BigInt(width)) - 1n);
      throw invalidValue(`${register}.${name}`, text, `a number from 0 to ${largest}`);
    }
    write(register, withField(value, of, content));
    const now = this.#value();
    if (extractField(now, of) !== content) {
      throw notWritable(
        `${register}.${name}`,
        'the bits keep their value: they are read-only in this state',
      );
    }
    return this.#item(of.name, now);
  }

  watchable(name: string): string {
    return `${this.#info.name}.${name} is part of a register; watchpoints are for memory.`;
  }

  #value(): bigint {
    return this.#access.read(this.#info.name) ?? 0n;
  }

  #fields(value: bigint): ReturnType<typeof fieldsOf> {
    return fieldsOf(this.#info, value, (name) => this.#access.read(name));
  }

  /** ` (was 0)` where the field had another value at the last stop. */
  #change(of: Parameters<typeof formatFieldValue>[0], value: bigint): string {
    const before = this.#access.before?.(this.#info.name);
    if (before === undefined) return '';
    const old = extractField(before, of);
    return old === extractField(value, of) ? '' : ` (was ${formatFieldValue(of, old)})`;
  }

  #item(name: string, value: bigint): VariableItem {
    const of = findField(this.#fields(value), name);
    if (of === undefined) throw unknownVariable(name);
    const writable = this.#info.writable && this.#access.write !== undefined;
    const bits = of.msb === of.lsb ? `bit ${of.msb}` : `bits ${of.msb}:${of.lsb}`;
    return {
      name: of.name,
      value: `${formatFieldValue(of, extractField(value, of))}${this.#change(of, value)}`,
      type: of.text === undefined ? bits : `${bits}: ${of.text}`,
      ...(this.#access.hasEvaluateName && { evaluateName: `$${this.#info.name}.${of.name}` }),
      ...(!writable && { presentationHint: READ_ONLY }),
    };
  }
}

/** A vector register, read as each of its element types. */
class VectorParts implements VariableContainer {
  readonly #value: bigint;

  constructor(value: bigint) {
    this.#value = value;
  }

  children(range: ChildRange): readonly VariableItem[] {
    return page(
      [
        this.#lanes('d (double)', 64, asDouble),
        this.#lanes('s (float)', 32, asFloat),
        this.#lanes('b', 8, hex),
        this.#lanes('h', 16, hex),
        this.#lanes('s', 32, hex),
        this.#lanes('d', 64, hex),
      ],
      range,
    );
  }

  #lanes(name: string, width: number, format: (lane: bigint) => string): VariableItem {
    const lanes: string[] = [];
    for (let bit = 0; bit < 128; bit += width) {
      lanes.push(format(BigInt.asUintN(width, this.#value >> BigInt(bit))));
    }
    return { name, value: `{${lanes.join(', ')}}`, presentationHint: READ_ONLY };
  }
}

function asDouble(bits: bigint): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return `${view.getFloat64(0)}`;
}

function asFloat(bits: bigint): string {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, Number(bits));
  return `${view.getFloat32(0)}`;
}

/** Named lists below each other: the groups of system registers, the three views of debug registers. */
export class NamedContainers implements VariableContainer {
  readonly #entries: readonly {
    readonly name: string;
    readonly value: string;
    readonly container: VariableContainer;
  }[];

  constructor(
    entries: readonly {
      readonly name: string;
      readonly value: string;
      readonly container: VariableContainer;
    }[],
  ) {
    this.#entries = entries;
  }

  children(range: ChildRange): readonly VariableItem[] {
    return page(
      this.#entries.map((entry) => ({ ...entry, presentationHint: READ_ONLY })),
      range,
    );
  }

  watchable(name: string): string {
    return `"${name}" is a heading. Open it and choose a variable.`;
  }
}
