/** Words and syndromes of data directives as text. */
import { disassemble } from '../emulator/isa/disassemble.ts';
import type { AssemblyContext } from '../emulator/isa/instruction.ts';
import { byEncoding, byName, faultStatusCodes } from '../emulator/sysregs/catalogue.ts';
import { extractField, fieldMeaning } from '../emulator/sysregs/sysreg.ts';
import type { Field } from '../emulator/sysregs/sysreg.ts';

const context: AssemblyContext = {
  pc: 0n,
  label: (address) => {
    const offset = BigInt.asIntN(64, address);
    return offset < 0n ? `.-0x${(-offset).toString(16)}` : `.+0x${offset.toString(16)}`;
  },
  systemRegisterName: (packed, direction) => byEncoding(packed, direction)?.name,
};

/** The instruction of a word, or undefined where it is none; targets are relative to it. */
export function instructionText(word: number): string | undefined {
  const text = disassemble(word, context);
  return text.startsWith('.inst') ? undefined : text;
}

/** Arm ARM, ESR_EL1: the class of an exception and what its syndrome says. */
export function syndromeText(value: bigint): string {
  const register = byName('ESR_EL1');
  const parts: string[] = [];
  const ec = (value >> 26n) & 0x3fn;
  const field = register?.fields.find(({ name }) => name === 'EC');
  const meaning = field && fieldMeaning(field, ec)?.meaning;
  parts.push(`EC=0x${ec.toString(16)}${meaning === undefined ? '' : ` ${meaning}`}`);
  parts.push(`IL=${(value >> 25n) & 1n}`);
  const view = register?.views?.find(
    ({ when }) => when.field === 'EC' && when.values.includes(Number(ec)),
  );
  const describe = (it: Field): string | undefined => {
    const bits = extractField(value, it);
    if (/^[DI]FSC$/.test(it.name)) {
      return `${it.name}=${bits} ${faultStatusCodes.get(Number(bits)) ?? 'reserved'}`;
    }
    if (bits === 0n) return undefined;
    const text = fieldMeaning(it, bits)?.meaning;
    return `${it.name}=${bits}${text === undefined ? '' : ` ${text}`}`;
  };
  for (const it of view?.fields ?? []) {
    const text = describe(it);
    if (text !== undefined) parts.push(text);
  }
  return parts.join(', ');
}
