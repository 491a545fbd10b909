import assert from 'node:assert/strict';
import fc from 'fast-check';
import { breakpointVerdict, debugResources } from '../../../../emulator/cpu/debug/breakpoint.ts';
import type { DebugContext } from '../../../../emulator/cpu/debug/breakpoint.ts';
import { watchpointVerdict } from '../../../../emulator/cpu/debug/watchpoint.ts';
import { emptyDebugState } from '../../../../emulator/kvm/debug-state.ts';
import type { DebugState } from '../../../../emulator/kvm/debug-state.ts';
import { registersOf } from '../../../../emulator/kvm/debugger-match.ts';
import { hostProfile } from '../../../../emulator/kvm/host-profile.ts';
import { compile, infeasibleReason, remapOf } from '../../../../emulator/kvm/remap.ts';
import type { DebugCounts, RemapAlignment } from '../../../../emulator/kvm/remap.ts';
import { contextAwareRange } from '../../../../emulator/sysregs/processor-model.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

const counts = (breakpoints: number, contextAware: number, watchpoints = 4): DebugCounts => ({
  breakpoints,
  contextAware,
  watchpoints,
});

describe('Remap', () => {
  it('M11: a guest of 6/2 on 8/2 keeps 0 to 3 and has its context-aware ones at 6 and 7', () => {
    const remap = remapOf(counts(6, 2), counts(8, 2), 'top');
    assert.equal(remap.identity, false);
    assert.deepEqual([0, 1, 2, 3, 4, 5].map(remap.toPhysical), [0, 1, 2, 3, 6, 7]);
    assert.deepEqual([0, 3, 4, 5, 6, 7].map(remap.toVirtual), [0, 3, undefined, undefined, 4, 5]);
  });

  for (const host of [counts(6, 4), counts(8, 4)]) {
    it(`M12: a guest of 6/2 on ${host.breakpoints}/${host.contextAware} keeps all its numbers`, () => {
      assert.equal(remapOf(counts(6, 2), host, 'top').identity, true);
    });
  }

  it('M15: a guest of 4/2 on 5/2 has 2 and 3 at 3 and 4', () => {
    for (const alignment of ['top', 'bottom'] as const) {
      const remap = remapOf(counts(4, 2), counts(5, 2), alignment);
      assert.deepEqual([0, 1, 2, 3].map(remap.toPhysical), [0, 1, 3, 4]);
    }
  });

  it('M14: counts above those of the processor are refused, with the first of them', () => {
    assert.match(infeasibleReason(counts(8, 2), counts(6, 2)) ?? '', /8 breakpoints .* only 6/);
    assert.match(infeasibleReason(counts(6, 3), counts(6, 2)) ?? '', /3 context-aware .* only 2/);
    assert.match(infeasibleReason(counts(6, 2, 5), counts(6, 2)) ?? '', /5 watchpoints .* only 4/);
    assert.equal(infeasibleReason(counts(6, 2), counts(6, 2)), undefined);
  });

  it('gives every feasible pair of up to 16 breakpoints an injective map onto the right kind', () => {
    let pairs = 0;
    let identities = 0;
    for (let Bp = 2; Bp <= 16; Bp += 1) {
      for (let Cp = 1; Cp <= Bp; Cp += 1) {
        for (let Bv = 2; Bv <= Bp; Bv += 1) {
          for (let Cv = 1; Cv <= Math.min(Bv, Cp); Cv += 1) {
            pairs += 1;
            for (const alignment of ['top', 'bottom'] as const) {
              const remap = remapOf(counts(Bv, Cv), counts(Bp, Cp), alignment);
              if (alignment === 'top' && remap.identity) identities += 1;
              const seen = new Set<number>();
              for (let v = 0; v < Bv; v += 1) {
                const p = remap.toPhysical(v);
                assert.ok(p < Bp && (v < Bv - Cv || p >= Bp - Cp));
                assert.equal(remap.toVirtual(p), v);
                seen.add(p);
              }
              assert.equal(seen.size, Bv);
            }
          }
        }
      }
    }
    assert.ok(pairs > 0 && identities > 0);
  });

  it('gives every feasible pair of up to 64 breakpoints an injective map onto the right kind', () => {
    const sizes = [2, 3, 8, 15, 16, 17, 20, 32, 48, 64];
    const isContextAware = (n: number, [first, last]: readonly [number, number]): boolean =>
      n >= first && n <= last;
    const window = (breakpoints: number, contextAwareBreakpoints: number) =>
      contextAwareRange({ breakpoints, contextAwareBreakpoints });
    for (const Bp of sizes) {
      for (const Cp of sizes.map((C) => Math.min(C - 1, Bp))) {
        for (const Bv of sizes.filter((B) => B <= Bp)) {
          for (const Cv of [1, 2, 7, 16, 17, 30].filter((C) => C <= Math.min(Bv, Cp))) {
            for (const alignment of ['top', 'bottom'] as const) {
              const remap = remapOf(counts(Bv, Cv), counts(Bp, Cp), alignment);
              const where = `${Bv}/${Cv} on ${Bp}/${Cp}, ${alignment}`;
              assert.equal(new Set(range(Bv).map(remap.toPhysical)).size, Bv, where);
              for (const v of range(Bv)) {
                const p = remap.toPhysical(v);
                assert.ok(p < Bp, where);
                assert.equal(remap.toVirtual(p), v, where);
                if (isContextAware(v, window(Bv, Cv))) {
                  assert.ok(isContextAware(p, window(Bp, Cp)), `${where}, ${v}`);
                }
              }
            }
          }
        }
      }
    }
  });
});

// -- the same events, native and remapped

const ADDRESSES = [0x1000n, 0x1004n, 0x1008n];
const CONTEXTS = [1n, 2n];
const VMIDS = [1n, 2n];

const breakpointControl = fc
  .record({
    E: fc.constantFrom(0n, 1n, 1n, 1n),
    PMC: fc.bigInt(0n, 3n),
    HMC_SSC: fc.constantFrom(0n, 0n, 0n, 1n, 2n, 7n),
    LBN: fc.bigInt(0n, 15n),
    BT: fc.constantFrom(0n, 1n, 1n, 2n, 3n, 3n, 4n, 8n, 9n, 10n, 11n, 13n),
  })
  .map(
    ({ E, PMC, HMC_SSC, LBN, BT }) =>
      E | (PMC << 1n) | (0xfn << 5n) | (HMC_SSC << 13n) | (LBN << 16n) | (BT << 20n),
  );

const breakpointValue = fc.oneof(
  fc.constantFrom(...ADDRESSES),
  fc
    .record({ id: fc.constantFrom(...CONTEXTS), vmid: fc.constantFrom(...VMIDS) })
    .map(({ id, vmid }) => id | (vmid << 32n)),
);

const watchpointControl = fc
  .record({
    E: fc.constantFrom(0n, 1n, 1n),
    PAC: fc.bigInt(0n, 3n),
    LSC: fc.bigInt(0n, 3n),
    BAS: fc.constantFrom(0xffn, 0x0fn, 0xf0n, 1n),
    WT: fc.bigInt(0n, 1n),
    LBN: fc.bigInt(0n, 15n),
  })
  .map(
    ({ E, PAC, LSC, BAS, WT, LBN }) =>
      E | (PAC << 1n) | (LSC << 3n) | (BAS << 5n) | (LBN << 16n) | (WT << 20n),
  );

const processors = fc
  .record({ Bp: fc.integer({ min: 2, max: 16 }), Wp: fc.integer({ min: 2, max: 6 }) })
  .chain(({ Bp, Wp }) =>
    fc.record({
      Bp: fc.constant(Bp),
      Wp: fc.constant(Wp),
      Cp: fc.integer({ min: 1, max: Bp }),
      Bv: fc.integer({ min: 2, max: Bp }),
      Wv: fc.integer({ min: 2, max: Wp }),
    }),
  )
  .chain((it) => fc.integer({ min: 1, max: Math.min(it.Bv, it.Cp) }).map((Cv) => ({ ...it, Cv })));

const files = fc.record({
  processor: processors,
  bcr: fc.array(breakpointControl, { minLength: 16, maxLength: 16 }),
  bvr: fc.array(breakpointValue, { minLength: 16, maxLength: 16 }),
  wcr: fc.array(watchpointControl, { minLength: 6, maxLength: 6 }),
  wvr: fc.array(fc.constantFrom(0x2000n, 0x2008n), { minLength: 6, maxLength: 6 }),
  pc: fc.constantFrom(...ADDRESSES),
  EL: fc.constantFrom(0 as const, 1 as const),
  CONTEXTIDR_EL1: fc.constantFrom(...CONTEXTS),
  VMID: fc.constantFrom(...VMIDS),
  address: fc.constantFrom(0x2000n, 0x2004n, 0x2008n),
  isWrite: fc.boolean(),
});

/** The breakpoints and watchpoints that fire, by index. */
function fired(
  state: DebugState,
  { breakpoints, contextAware, watchpoints }: DebugCounts,
  pc: bigint,
  access: { address: bigint; size: number; isWrite: boolean; EL: 0 | 1 },
  context: DebugContext,
): { readonly breakpoints: number[]; readonly watchpoints: number[] } {
  const { processor } = hostProfile({ breakpoints, contextAware, watchpoints });
  const resources = debugResources(processor, true);
  const registers = registersOf(state);
  const indices = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
  return {
    breakpoints: indices(breakpoints).filter(
      (n) => breakpointVerdict(n, pc, registers, context, resources).fires,
    ),
    watchpoints: indices(watchpoints).filter(
      (n) => watchpointVerdict(n, access, registers, context, resources, false).fires,
    ),
  };
}

describe('Remap / the guest’s events', () => {
  for (const alignment of ['top', 'bottom'] satisfies RemapAlignment[]) {
    it(`M23: 10,000 register files fire the same, native and with context-aware breakpoints at the ${alignment}`, () => {
      fc.assert(
        fc.property(
          files,
          ({ processor, pc, EL, CONTEXTIDR_EL1, VMID, address, isWrite, ...it }) => {
            const { Bp, Cp, Wp, Bv, Cv, Wv } = processor;
            const guest = counts(Bv, Cv, Wv);
            const host = counts(Bp, Cp, Wp);
            const G = emptyDebugState();
            for (let n = 0; n < Bv; n += 1) {
              G.dbg_bcr[n] = it.bcr[n] ?? 0n;
              G.dbg_bvr[n] = it.bvr[n] ?? 0n;
            }
            for (let n = 0; n < Wv; n += 1) {
              G.dbg_wcr[n] = it.wcr[n] ?? 0n;
              G.dbg_wvr[n] = it.wvr[n] ?? 0n;
            }
            const context: DebugContext = {
              EL,
              secure: false,
              CONTEXTIDR_EL1,
              CONTEXTIDR_EL2: 0n,
              VMID,
              inHost: false,
            };
            const access = { address, size: 4, isWrite, EL };
            const remap = remapOf(guest, host, alignment);
            const image = compile(remap, G);
            const native = fired(G, guest, pc, access, context);
            const remapped = fired(image, host, pc, access, context);
            assert.deepEqual(remapped.breakpoints, native.breakpoints.map(remap.toPhysical));
            assert.deepEqual(remapped.watchpoints, native.watchpoints);
          },
        ),
        { numRuns: 10_000 },
      );
    });
  }
});
