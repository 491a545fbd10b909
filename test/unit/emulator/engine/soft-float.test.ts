/** The generated software floating point against the Arm ARM's pseudocode on unbounded integers. */
import assert from 'node:assert/strict';
import * as L from '../../../../emulator/engine/layout.ts';
import { runtimeFunctions } from '../../../../emulator/engine/runtime-functions.ts';
import { softFloatFunctions } from '../../../../emulator/engine/soft-float.ts';
import { ModuleBuilder } from '../../../../emulator/engine/wasm.ts';
import { RUNTIME_FUNCTIONS } from '../../../../emulator/isa/runtime-functions.ts';
import { seededRandom } from '../../../support/random.ts';
import { FORMATS, FPCR_MODES, IXC, ReferenceFloat } from '../../../support/reference-float.ts';
import type { ReferenceRounding } from '../../../support/reference-float.ts';

type Raw = (...args: (number | bigint)[]) => number | bigint;

const functions = instantiate();
const FPCR = L.SYSTEM_REGISTERS + 8 * L.FPCR_SLOT;
const FPSR = L.SYSTEM_REGISTERS + 8 * L.FPSR_SLOT;

function instantiate(): { cells: DataView; call: (name: string, ...args: bigint[]) => bigint } {
  const module = new ModuleBuilder();
  for (const { name, parameters, result } of softFloatFunctions) {
    module.declareFunction(name, { parameters, results: [result] });
  }
  for (const each of softFloatFunctions) each.build(module.defineFunction(each.name));
  const bytes = module.build(softFloatFunctions.map(({ name }) => name));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const stateBase = new WebAssembly.Global({ value: 'i32' }, 0);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    env: { memory, stateBase },
  });
  const signatures = new Map(softFloatFunctions.map((entry) => [entry.name, entry]));
  return {
    cells: new DataView(memory.buffer),
    call(name, ...args) {
      const signature = signatures.get(name);
      assert.ok(signature, name);
      const raw = exports[name] as Raw;
      const result = raw(
        ...args.map((arg, index) =>
          signature.parameters[index] === 'i64' ? arg : Number(BigInt.asIntN(32, arg)),
        ),
      );
      return BigInt.asUintN(signature.result === 'i64' ? 64 : 32, BigInt(result));
    },
  };
}

/** Operands where formats, roundings and exceptions change, and their neighbours. */
function interesting(N: 16 | 32 | 64): bigint[] {
  const { E, F } = FORMATS[N];
  const at = (exponent: number, fraction: bigint): bigint =>
    (BigInt(exponent) << BigInt(F)) | fraction;
  const ones = (1n << BigInt(F)) - 1n;
  const quiet = 1n << BigInt(F - 1);
  const top = 2 ** E - 1;
  const bias = 2 ** (E - 1) - 1;
  const magnitudes = [
    0n,
    1n,
    2n,
    quiet,
    quiet >> 1n,
    ones,
    at(1, 0n),
    at(1, 1n),
    at(2, 0n),
    at(F - 1, ones),
    at(bias - 2, 0n),
    at(bias - 1, 0n),
    at(bias - 1, ones),
    at(bias, 0n),
    at(bias, 1n),
    at(bias, quiet),
    at(bias + 1, 0n),
    at(bias + 1, quiet),
    at(bias + F - 1, 1n),
    at(bias + F, 1n),
    at(Math.min(bias + 31, top - 1), 0n),
    at(Math.min(bias + 31, top - 1), ones),
    at(Math.min(bias + 63, top - 1), 0n),
    at(Math.min(bias + 62, top - 1), ones),
    at(top - 2, 0n),
    at(top - 1, ones),
    at(top, 0n),
    at(top, quiet),
    at(top, quiet | 0x15n),
    at(top, 1n),
    at(top, quiet - 1n),
  ];
  return magnitudes.flatMap((magnitude) => [magnitude, magnitude | (1n << BigInt(N - 1))]);
}

const CASES = 2000;

/** Draws operands: specials, their neighbours, plain numbers of like size, any bits. */
function operandSource(N: 16 | 32 | 64, random: () => number): () => bigint {
  const specials = interesting(N);
  const { E, F } = FORMATS[N];
  const bits = (): bigint =>
    BigInt.asUintN(
      N,
      (BigInt(Math.floor(random() * 2 ** 32)) << 32n) | BigInt(Math.floor(random() * 2 ** 32)),
    );
  return () => {
    const kind = random();
    if (kind < 0.4) return specials[Math.floor(random() * specials.length)] ?? 0n;
    if (kind < 0.5) {
      const special = specials[Math.floor(random() * specials.length)] ?? 0n;
      return BigInt.asUintN(N, special + BigInt(Math.floor(random() * 5) - 2));
    }
    if (kind < 0.6) return bits();
    const bias = 2 ** (E - 1) - 1;
    const exponent = bias + Math.floor((random() - 0.5) * Math.min(80, bias));
    const sparse = random() < 0.5 ? bits() & (bits() << BigInt(F >> 1)) : bits();
    const fraction = sparse & ((1n << BigInt(F)) - 1n);
    return (bits() & (1n << BigInt(N - 1))) | (BigInt(exponent) << BigInt(F)) | fraction;
  };
}

function hex(value: bigint): string {
  return value.toString(16);
}

/** Runs both over every rounding mode, with and without FZ, DN and AHP, IXC set or clear before. */
function compare(
  name: string,
  seed: number,
  widths: readonly (16 | 32 | 64)[],
  extra: (random: () => number) => readonly bigint[],
  expected: (
    reference: ReferenceFloat,
    operands: readonly bigint[],
    extra: readonly bigint[],
  ) => bigint,
): void {
  const random = seededRandom(seed);
  const sources = widths.map((N) => operandSource(N, random));
  for (let index = 0; index < CASES; index += 1) {
    const control = (index & 31) << 22;
    const before = index & 32 ? IXC : 0;
    const operands = sources.map((draw) => draw());
    const more = extra(random);
    const reference = new ReferenceFloat(control);
    reference.FPSR = before;
    const wanted = expected(reference, operands, more);
    functions.cells.setUint32(FPCR, control, true);
    functions.cells.setUint32(FPSR, before, true);
    const got = functions.call(name, ...operands, ...more);
    const flags = functions.cells.getUint32(FPSR, true);
    assert.equal(
      `${hex(got)} FPSR ${flags.toString(16)}`,
      `${hex(wanted)} FPSR ${reference.FPSR.toString(16)}`,
      `${name}(${[...operands, ...more].map(hex).join(', ')}) with FPCR ${control.toString(16)}`,
    );
  }
}

const none = (): bigint[] => [];
const ROUNDINGS: readonly ReferenceRounding[] = [...FPCR_MODES, 'TIEAWAY', 'ODD'];

describe('Software floating point', () => {
  it('implements every declared runtime function', () => {
    const built = new Map(runtimeFunctions.map((entry) => [entry.name, entry]));
    for (const declaration of RUNTIME_FUNCTIONS) {
      const { parameters, result } = built.get(declaration.name) ?? {};
      assert.deepEqual(
        { parameters, result },
        {
          parameters: declaration.parameters,
          result: declaration.result,
        },
      );
    }
  });

  for (const N of [32, 64] as const) {
    const two = [N, N] as const;
    it(`adds, subtracts, multiplies and divides ${N}-bit values`, () => {
      compare(`FPAdd${N}`, 1, two, none, (r, [a = 0n, b = 0n]) => r.FPAdd(N, a, b));
      compare(`FPSub${N}`, 2, two, none, (r, [a = 0n, b = 0n]) => r.FPAdd(N, a, b, true));
      compare(`FPMul${N}`, 3, two, none, (r, [a = 0n, b = 0n]) => r.FPMul(N, a, b));
      compare(`FPMulX${N}`, 4, two, none, (r, [a = 0n, b = 0n]) => r.FPMul(N, a, b, true));
      compare(`FPDiv${N}`, 5, two, none, (r, [a = 0n, b = 0n]) => r.FPDiv(N, a, b));
    });

    it(`takes the square root of ${N}-bit values`, () => {
      compare(`FPSqrt${N}`, 6, [N], none, (r, [a = 0n]) => r.FPSqrt(N, a));
    });

    it(`multiplies and adds ${N}-bit values with one rounding, the addend's NaN first`, () => {
      compare(`FPMulAdd${N}`, 7, [N, N, N], none, (r, [z = 0n, a = 0n, b = 0n]) =>
        r.FPMulAdd(N, z, a, b),
      );
    });

    it(`rounds once when ${N}-bit products and addends cancel`, () => {
      // op1 * op2 against an addend near the negated product: what is left are the low bits.
      const random = seededRandom(8);
      const draw = operandSource(N, random);
      for (let index = 0; index < CASES; index += 1) {
        const [a, b] = [draw(), draw()];
        const product = new ReferenceFloat(0).FPMul(N, a, b);
        const nudge = BigInt(Math.floor(random() * 3) - 1);
        const addend = BigInt.asUintN(N, (product ^ (1n << BigInt(N - 1))) + nudge);
        const control = (index & 31) << 22;
        const reference = new ReferenceFloat(control);
        const wanted = reference.FPMulAdd(N, addend, a, b);
        functions.cells.setUint32(FPCR, control, true);
        functions.cells.setUint32(FPSR, 0, true);
        const got = functions.call(`FPMulAdd${N}`, addend, a, b);
        const flags = functions.cells.getUint32(FPSR, true);
        assert.deepEqual([got, flags], [wanted, reference.FPSR], [addend, a, b].map(hex).join());
      }
    });

    it(`multiplies and adds ${N}-bit values exactly in the default mode after an inexact result`, () => {
      const random = seededRandom(21);
      const draw = operandSource(N, random);
      const { F } = FORMATS[N];
      const sign = 1n << BigInt(N - 1);
      for (let index = 0; index < 4 * CASES; index += 1) {
        const [a, b] = [draw(), draw()];
        const product = new ReferenceFloat(0).FPMul(N, a, b);
        // Against the product: any value, a neighbour of its negation, or one whose last bit or half
        // of it lies near the product's last bit, so that ties and sticky bits decide.
        const distance = BigInt(Math.floor(random() * 2.2 * F)) << BigInt(F);
        const nudged = product + BigInt(Math.floor(random() * 5) - 2);
        const addend = [draw(), nudged ^ sign, nudged + distance, (nudged - distance) ^ sign][
          index & 3
        ];
        const operands = [BigInt.asUintN(N, addend ?? 0n), a, b];
        const reference = new ReferenceFloat(0);
        reference.FPSR = IXC;
        const wanted = reference.FPMulAdd(N, operands[0] ?? 0n, a, b);
        functions.cells.setUint32(FPCR, 0, true);
        functions.cells.setUint32(FPSR, IXC, true);
        const got = functions.call(`FPMulAdd${N}`, ...operands);
        const flags = functions.cells.getUint32(FPSR, true);
        assert.deepEqual([got, flags], [wanted, reference.FPSR], operands.map(hex).join());
      }
    });

    it(`chooses the larger and the smaller of ${N}-bit values`, () => {
      compare(`FPMax${N}`, 9, two, none, (r, [a = 0n, b = 0n]) => r.FPMax(N, a, b));
      compare(`FPMin${N}`, 10, two, none, (r, [a = 0n, b = 0n]) => r.FPMax(N, a, b, true));
      compare(`FPMaxNum${N}`, 11, two, none, (r, [a = 0n, b = 0n]) => r.FPMaxNum(N, a, b));
      compare(`FPMinNum${N}`, 12, two, none, (r, [a = 0n, b = 0n]) => r.FPMaxNum(N, a, b, true));
    });

    it(`compares ${N}-bit values`, () => {
      const signal = (random: () => number): bigint[] => [random() < 0.5 ? 1n : 0n];
      compare(`FPCompare${N}`, 13, two, signal, (r, [a = 0n, b = 0n], [signals]) =>
        BigInt(r.FPCompare(N, a, b, signals === 1n)),
      );
      const holds = (nzcv: number, mask: number): bigint => (nzcv & mask ? 1n : 0n);
      compare(`FPCompareEQ${N}`, 14, two, none, (r, [a = 0n, b = 0n]) =>
        holds(r.FPCompare(N, a, b, false), 0b0100),
      );
      // C without V is "greater or equal"; C without Z and V is "greater".
      compare(`FPCompareGE${N}`, 15, two, none, (r, [a = 0n, b = 0n]) => {
        const nzcv = r.FPCompare(N, a, b, true);
        return nzcv === 0b0110 || nzcv === 0b0010 ? 1n : 0n;
      });
      compare(`FPCompareGT${N}`, 16, two, none, (r, [a = 0n, b = 0n]) =>
        r.FPCompare(N, a, b, true) === 0b0010 ? 1n : 0n,
      );
    });

    it(`rounds ${N}-bit values to integral ones in five modes`, () => {
      const extra = (random: () => number): bigint[] => [
        BigInt(Math.floor(random() * 5)),
        random() < 0.5 ? 1n : 0n,
      ];
      compare(`FPRoundInt${N}`, 17, [N], extra, (r, [a = 0n], [mode = 0n, exact]) =>
        r.FPRoundInt(N, a, ROUNDINGS[Number(mode)] ?? 'ZERO', exact === 1n),
      );
    });

    it(`converts ${N}-bit values to integers and fixed point`, () => {
      const extra = (random: () => number): bigint[] => [
        random() < 0.5 ? 0n : BigInt(Math.floor(random() * 65)),
        random() < 0.5 ? 1n : 0n,
        BigInt(Math.floor(random() * 5)),
        random() < 0.5 ? 32n : 64n,
      ];
      compare(
        `FPToFixed${N}`,
        18,
        [N],
        extra,
        (r, [a = 0n], [fbits = 0n, unsigned, mode = 0n, width]) =>
          r.FPToFixed(
            N,
            a,
            Number(fbits),
            unsigned === 1n,
            ROUNDINGS[Number(mode)] ?? 'ZERO',
            width === 32n ? 32 : 64,
          ),
      );
    });

    it(`converts integers and fixed point to ${N}-bit values`, () => {
      const random = seededRandom(19);
      for (let index = 0; index < CASES; index += 1) {
        const control = (index & 3) << 22;
        const shift = BigInt(Math.floor(random() * 64));
        const integer = BigInt.asIntN(
          64,
          ((BigInt(Math.floor(random() * 2 ** 32)) << 32n) |
            BigInt(Math.floor(random() * 2 ** 32))) >>
            shift,
        );
        const fbits = BigInt(Math.floor(random() * 65));
        const unsigned = random() < 0.5;
        const reference = new ReferenceFloat(control);
        const wanted = reference.FixedToFP(N, integer, Number(fbits), unsigned);
        functions.cells.setUint32(FPCR, control, true);
        functions.cells.setUint32(FPSR, 0, true);
        const rounding = BigInt(index & 3);
        const args = [integer, fbits, unsigned ? 1n : 0n, rounding];
        const got = functions.call(`FixedToFP${N}`, ...args);
        const flags = functions.cells.getUint32(FPSR, true);
        assert.deepEqual([got, flags], [wanted, reference.FPSR], args.join());
      }
    });
  }

  for (const [from, to] of [
    [16, 32],
    [16, 64],
    [32, 16],
    [32, 64],
    [64, 16],
    [64, 32],
  ] as const) {
    it(`converts ${from}-bit values to ${to} bits, alternative half precision included`, () => {
      const mode = (random: () => number): bigint[] => {
        const choice = Math.floor(random() * 5);
        return [BigInt(choice === 4 ? 5 : choice)];
      };
      compare(`FPConvert${from}To${to}`, 20, [from], mode, (r, [a = 0n], [rounding = 0n]) =>
        r.FPConvert(from, to, a, ROUNDINGS[Number(rounding)] ?? 'ZERO'),
      );
    });
  }
});
