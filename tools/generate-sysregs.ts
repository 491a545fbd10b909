/**
 * Writes emulator/sysregs/catalogue.generated.ts from a table of system register facts.
 *
 *   node --import tsx tools/generate-sysregs.ts [sysregs.jsonl]
 *
 * The table, by default tools/data/sysregs.jsonl, has one JSON object on each line (`Fact` below).
 * tools/data/README.md and NOTICE name its sources.
 *
 * The result is one JSON text in a string literal, which engines parse much faster than a literal of
 * the same size, with equal strings, value lists and layouts stored once. catalogue.ts reads it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type {
  CatalogueData,
  FieldRow,
  RegisterRow,
  ValueRow,
  ViewRow,
} from '../emulator/sysregs/catalogue-data.ts';

interface FactField {
  readonly name: string;
  readonly msb: number;
  readonly lsb: number;
  readonly text?: string;
  readonly values?: readonly {
    readonly value: number;
    readonly meaning: string;
    readonly name?: string;
    readonly match?: 'exact' | 'at least';
  }[];
}

interface FactRegister {
  readonly name: string;
  readonly op0: number;
  readonly op1: number;
  readonly CRn: number;
  readonly CRm: number;
  readonly op2: number;
  readonly access: 'RW' | 'RO' | 'WO';
  readonly minEL: number;
  readonly group: string;
  readonly feature: string;
  readonly summary: string;
  readonly isbAfterWrite?: boolean;
  readonly aliasOf?: string;
  readonly array?: { readonly template: string; readonly index: number };
  readonly fields?: readonly FactField[];
  readonly views?: readonly {
    readonly when: string;
    readonly name: string;
    readonly fields: readonly FactField[];
    readonly notes?: Readonly<Record<string, string>>;
  }[];
}

interface FactInstruction {
  readonly kind: string;
  readonly name: string;
  readonly op1: number;
  readonly CRn: number;
  readonly CRm: number;
  readonly op2: number;
  readonly register: boolean;
}

/** One line of the table. */
type Fact =
  | { readonly register: FactRegister }
  | { readonly systemInstruction: FactInstruction }
  | {
      readonly operandClass: string;
      readonly operands: readonly { readonly name: string; readonly encoding: number }[];
    }
  | { readonly faultStatusCode: { readonly value: number; readonly meaning: string } };

/** Numbers distinct items in order of first use. */
class Pool<Item> {
  readonly items: Item[] = [];
  readonly #positions = new Map<string, number>();

  position(item: Item): number {
    const key = JSON.stringify(item);
    let position = this.#positions.get(key);
    if (position === undefined) {
      position = this.items.push(item) - 1;
      this.#positions.set(key, position);
    }
    return position;
  }
}

const encodingOf = (op0: number, r: { op1: number; CRn: number; CRm: number; op2: number }) =>
  (op0 << 14) | (r.op1 << 11) | (r.CRn << 7) | (r.CRm << 3) | r.op2;

/**
 * The table takes the lowest EL from the name's suffix. SP_EL<n> is used at EL<n> and accessed by name
 * from the EL above (Arm ARM, SP_EL0, SP_EL1, SP_EL2), which is also what op1 says.
 */
function lowestEL({ name, minEL }: { readonly name: string; readonly minEL: number }): number {
  return /^SP_EL[0-2]$/.test(name) ? minEL + 1 : minEL;
}

/** `EC in [36,37]`, `F == 1` and `HCR_EL2.E2H == 0` are the conditions the table uses. */
function parseCondition(when: string): ViewRow[1] {
  const match = /^(?:(\w+)\.)?(\w+) (?:== (\d+)|in \[([\d,]+)\])$/.exec(when);
  if (match === null) throw new Error(`The condition "${when}" of a view is not understood`);
  const [, register = '', field = '', single, list] = match;
  return [register, field, (single ?? list ?? '').split(',').map(Number)];
}

function generate(facts: readonly Fact[]): CatalogueData {
  const strings = new Pool<string>();
  const valueLists = new Pool<readonly ValueRow[]>();
  const layouts = new Pool<readonly FieldRow[]>();
  const viewLists = new Pool<readonly ViewRow[]>();

  const fieldRow = (field: FactField): FieldRow => {
    const text = field.text === undefined ? -1 : strings.position(field.text);
    const values =
      field.values === undefined
        ? -1
        : valueLists.position(
            field.values.map(({ value, meaning, name, match }): ValueRow => {
              const m = strings.position(meaning);
              const atLeast = match === 'at least' ? 1 : 0;
              if (name !== undefined) return [value, m, atLeast, strings.position(name)];
              return atLeast === 1 ? [value, m, atLeast] : [value, m];
            }),
          );
    const head = [strings.position(field.name), (field.msb << 6) | field.lsb] as const;
    if (values >= 0) return [...head, text, values];
    return text >= 0 ? [...head, text] : [...head];
  };

  const registerRow = (register: FactRegister): RegisterRow => {
    const access = ['RW', 'RO', 'WO'].indexOf(register.access);
    const flags = access | (lowestEL(register) << 2) | (register.isbAfterWrite === true ? 16 : 0);
    const views = register.views?.map(({ name, when, fields, notes }): ViewRow => [
      name,
      parseCondition(when),
      layouts.position(
        fields.map((field) => {
          const note = notes?.[field.name];
          return fieldRow(note === undefined ? field : { ...field, text: field.text ?? note });
        }),
      ),
    ]);
    const row = [
      register.name,
      encodingOf(register.op0, register),
      flags,
      strings.position(register.group),
      strings.position(register.feature),
      strings.position(register.summary),
      register.fields === undefined ? -1 : layouts.position(register.fields.map(fieldRow)),
      register.array === undefined ? -1 : strings.position(register.array.template),
      register.array === undefined ? -1 : register.array.index,
      register.aliasOf === undefined ? -1 : strings.position(register.aliasOf),
      views === undefined ? -1 : viewLists.position(views),
    ] as const;
    let length: number = row.length;
    while (row[length - 1] === -1) length -= 1;
    return row.slice(0, length) as unknown as RegisterRow;
  };

  const registers: RegisterRow[] = [];
  const systemInstructions: Record<string, [string, number, 0 | 1][]> = {};
  const namedOperands: Record<string, [string, number][]> = {};
  const faultStatusCodes: [number, string][] = [];
  for (const fact of facts) {
    if ('register' in fact) {
      registers.push(registerRow(fact.register));
    } else if ('systemInstruction' in fact) {
      const { systemInstruction } = fact;
      const { kind, name, register } = systemInstruction;
      const row: [string, number, 0 | 1] = [
        name,
        encodingOf(1, systemInstruction),
        register ? 1 : 0,
      ];
      (systemInstructions[kind] ??= []).push(row);
    } else if ('operandClass' in fact) {
      namedOperands[fact.operandClass] = fact.operands.map(({ name, encoding }) => [
        name,
        encoding,
      ]);
    } else {
      faultStatusCodes.push([fact.faultStatusCode.value, fact.faultStatusCode.meaning]);
    }
  }

  return {
    strings: strings.items,
    valueLists: valueLists.items,
    layouts: layouts.items,
    viewLists: viewLists.items,
    registers,
    systemInstructions,
    namedOperands,
    faultStatusCodes,
  };
}

/** The text of catalogue.generated.ts for a table of facts, one JSON object on each line. */
export function catalogueSource(table: string): string {
  const facts = table
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Fact);
  const literal = JSON.stringify(generate(facts)).replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  return (
    `// Generated by tools/generate-sysregs.ts; do not edit.\n` +
    `export const catalogueJson: string =\n  '${literal}';\n`
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const input = process.argv[2] ?? new URL('data/sysregs.jsonl', import.meta.url);
  writeFileSync(
    new URL('../emulator/sysregs/catalogue.generated.ts', import.meta.url),
    catalogueSource(readFileSync(input, 'utf8')),
  );
}
