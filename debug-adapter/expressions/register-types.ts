/** C types for registers: `$x0` is a long, `$v0` a union of vectors. */
import {
  arrayOf,
  pointerTo,
  VOID,
  type Member,
  type RecordType,
  type Type,
} from '../symbols/types.ts';
import {
  DOUBLE,
  FLOAT,
  HALF,
  INT,
  LONG,
  UNSIGNED_INT,
  UNSIGNED_INT128,
  UNSIGNED_LONG,
  builtinType,
} from './builtin-types.ts';
import type { RegisterHandle } from './context.ts';
import { ExpressionError } from './expression-error.ts';
import type { Value } from './value.ts';

const FUNCTION: Type = {
  kind: 'function',
  returnType: VOID,
  parameters: [],
  isVariadic: false,
  isPrototyped: false,
};

function vectorMember(name: string, element: Type, count: number): Member {
  return {
    name,
    type: { ...arrayOf(element, count), isVector: true },
    byteOffset: 0,
    bitOffset: undefined,
    bitSize: undefined,
    isBaseClass: false,
  };
}

const UNSIGNED_CHAR = builtinType('unsigned char') ?? INT;
const UNSIGNED_SHORT = builtinType('unsigned short') ?? INT;

/** The arrangements of a V register; d and s are floating point, the u forms their bits. */
export const VECTOR: RecordType = {
  kind: 'record',
  keyword: 'union',
  name: 'vector',
  byteSize: 16,
  isDeclaration: false,
  members: [
    vectorMember('d', DOUBLE, 2),
    vectorMember('s', FLOAT, 4),
    vectorMember('ud', UNSIGNED_LONG, 2),
    vectorMember('us', UNSIGNED_INT, 4),
    vectorMember('h', UNSIGNED_SHORT, 8),
    vectorMember('b', UNSIGNED_CHAR, 16),
    vectorMember('q', UNSIGNED_INT128, 1),
  ],
};

export function registerType({ kind, byteSize }: RegisterHandle): Type {
  switch (kind) {
    case 'vector':
      return VECTOR;
    case 'data':
      return pointerTo(VOID);
    case 'code':
      return pointerTo(FUNCTION);
    case 'float':
      return byteSize === 2 ? HALF : byteSize === 4 ? FLOAT : DOUBLE;
    case 'signed':
      return byteSize === 4 ? INT : LONG;
    case 'unsigned':
      return {
        1: UNSIGNED_CHAR,
        2: UNSIGNED_SHORT,
        4: UNSIGNED_INT,
        8: UNSIGNED_LONG,
        16: UNSIGNED_INT128,
      }[byteSize];
  }
}

export function registerValue(handle: RegisterHandle): Value {
  return {
    type: registerType(handle),
    storage: { kind: 'register', handle, bitOffset: 0 },
    bitField: undefined,
  };
}

/** `$MDSCR_EL1.MDE`. */
export function registerField(handle: RegisterHandle, name: string, position: number): Value {
  const wanted = name.toUpperCase();
  const field = handle.fields?.find((candidate) => candidate.name.toUpperCase() === wanted);
  if (field === undefined) {
    const known = handle.fields?.map((candidate) => candidate.name).join(', ');
    const hint = known === undefined ? 'it has no named fields' : `its fields are ${known}`;
    throw new ExpressionError(`${handle.name} has no field "${name}"; ${hint}.`, position);
  }
  return {
    type: field.width > 32 ? UNSIGNED_LONG : UNSIGNED_INT,
    storage: { kind: 'register', handle, bitOffset: 0 },
    bitField: { bitOffset: field.lsb, bitSize: field.width },
  };
}
