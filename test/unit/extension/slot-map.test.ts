import assert from 'node:assert/strict';
import type { DebugResourcesResponse } from '../../../debug-adapter/custom-requests.ts';
import { slotDrawing, slotMapPage } from '../../../extension/webviews/slot-map.ts';

type Slot = DebugResourcesResponse['slots'][number];

const slot = (number: number, owner: Slot['owner'], more: Partial<Slot> = {}): Slot => ({
  kind: 'breakpoint',
  slot: number,
  owner,
  value: '0x40080000',
  control: '0x1e7',
  contextAware: number >= 2,
  verdict: `Verdict ${number}.`,
  ...more,
});

/** The guest's 0 is linked to its 1, which is on slot 3; its 2 has no slot. */
const resources: DebugResourcesResponse = {
  slots: [
    slot(0, 'guest', { guestIndex: 0, symbol: 'landmark' }),
    slot(1, 'debugger', { symbol: 'main<1>' }),
    slot(2, 'free'),
    slot(3, 'guest', { guestIndex: 1 }),
  ],
  guest: [0, 1, 2].map((index) => ({
    kind: 'breakpoint',
    index,
    value: '0x40080000',
    control: '0x1e7',
    verdict: 'compared in software',
    ...(index === 0 && { linkedTo: 1, slot: 0 }),
    ...(index === 1 && { slot: 3 }),
  })),
  watchpoints: [],
};

describe('the slot map', () => {
  it('draws an arrow for each entry that has a slot, and a link between the guest’s own', () => {
    const drawing = slotDrawing('breakpoint', resources);
    const arrows = drawing.match(/marker-end/g)?.length;
    assert.equal(arrows, 2 + 1 + 1, 'two of the guest, one of the debugger, one link');
    assert.equal(drawing.match(/stroke-dasharray/g)?.length, 1);
    assert.match(drawing, /no slot/);
  });

  it('has a box for each slot and each entry', () => {
    // Four slots of the processor, three of the guest, and the debugger's.
    assert.equal(slotDrawing('breakpoint', resources).match(/<rect/g)?.length, 4 + 3 + 1);
    assert.equal(slotDrawing('watchpoint', resources).match(/<rect/g), null);
  });

  it('lists a verdict for each slot, and what becomes of an entry without one', () => {
    const page = slotMapPage(resources, {
      program: 'guest.elf',
      policy: 'REMAP_SHARED',
      cspSource: 'https://host',
      nonce: 'abc',
    });
    for (const n of [0, 1, 2, 3]) assert.match(page, new RegExp(`Verdict ${n}\\.`));
    assert.match(page, /guest's breakpoint 2.*compared in software/);
    assert.match(page, /main&lt;1&gt;/);
    assert.ok(!page.includes('<script'), 'a drawing needs no script');
  });
});
