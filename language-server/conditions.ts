/** Arm ARM, "Condition codes": names, flags tested, and what they say after a comparison. */

export interface Condition {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly encoding: number;
  readonly meaning: string;
  /** Over PSTATE.NZCV. */
  readonly flags: string;
}

const row = (encoding: number, names: string, meaning: string, flags: string): Condition => {
  const [name = '', ...aliases] = names.split(' ');
  return { name, aliases, encoding, meaning, flags };
};

export const conditions: readonly Condition[] = [
  row(0, 'eq', 'equal', 'Z==1'),
  row(1, 'ne', 'not equal', 'Z==0'),
  row(2, 'cs hs', 'unsigned higher or same, carry set', 'C==1'),
  row(3, 'cc lo', 'unsigned lower, carry clear', 'C==0'),
  row(4, 'mi', 'negative', 'N==1'),
  row(5, 'pl', 'positive or zero', 'N==0'),
  row(6, 'vs', 'overflow, or unordered after a floating-point comparison', 'V==1'),
  row(7, 'vc', 'no overflow', 'V==0'),
  row(8, 'hi', 'unsigned higher', 'C==1 && Z==0'),
  row(9, 'ls', 'unsigned lower or same', '!(C==1 && Z==0)'),
  row(10, 'ge', 'signed greater than or equal', 'N==V'),
  row(11, 'lt', 'signed less than', 'N!=V'),
  row(12, 'gt', 'signed greater than', 'Z==0 && N==V'),
  row(13, 'le', 'signed less than or equal', '!(Z==0 && N==V)'),
  row(14, 'al', 'always', 'true'),
  row(15, 'nv', 'always (the encoding has no other meaning in A64)', 'true'),
];

const byName = new Map(
  conditions.flatMap((it) => [it.name, ...it.aliases].map((name) => [name, it] as const)),
);
// Arm ARM, SVE condition names: the same encodings after an instruction that sets NZCV from a predicate.
for (const [name, encoding] of [
  ['none', 0],
  ['any', 1],
  ['nlast', 2],
  ['last', 3],
  ['first', 4],
  ['nfrst', 5],
  ['pmore', 8],
  ['plast', 9],
  ['tcont', 10],
  ['tstop', 11],
] as const) {
  const condition = conditions[encoding];
  if (condition) byName.set(name, condition);
}

export const conditionNames: readonly string[] = [...byName.keys()];

export function conditionByName(name: string): Condition | undefined {
  return byName.get(name.toLowerCase());
}
