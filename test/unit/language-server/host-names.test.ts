/** Symbols of assembly that C, C++ and Rust use. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Location, TextDocumentEdit } from 'vscode-languageserver';
import { HostNames, placesOfName } from '../../../language-server/host-names.ts';
import { LanguageService } from '../../../language-server/service.ts';
import { hoverText } from './cases.ts';

const ASSEMBLY = `        .global count, total
count:  ret
        .type   count, %function
local:  ret
        .data
total:  .quad   0
`;
const C = `extern unsigned long total; /* count is in assembly */
void count(void);
int main(void) { count(); self->count = 1; return it.count; } // count
const char *text = "count it's";
`;
const RUST = `unsafe extern "C" { fn count(); }
fn f<'a>(it: &'a u8) { unsafe { count() } let local = 1; }
`;

function serviceWith(files: Readonly<Record<string, string>>): LanguageService {
  const all = new Map(Object.entries(files).map(([name, text]) => [`file:///w/${name}`, text]));
  const service = new LanguageService({ read: (uri) => all.get(uri) });
  for (const [uri, text] of all) service.index(uri, text);
  return service;
}

const uri = 'file:///w/lib.S';
const places = (found: readonly Location[]): string[] =>
  found.map(({ uri: at, range: { start } }) => `${at.slice(10)}:${start.line}:${start.character}`);

describe('symbols of assembly in C and Rust', () => {
  it('are references of the label, without members, comments and strings', () => {
    const service = serviceWith({ 'lib.S': ASSEMBLY, 'main.c': C, 'lib.rs': RUST });
    assert.deepEqual(places(service.references(uri, { line: 1, character: 2 }, false)), [
      'lib.S:0:16',
      'lib.S:2:16',
      'main.c:1:5',
      'main.c:2:17',
      'lib.rs:0:23',
      'lib.rs:1:32',
    ]);
  });

  it('are counted by the lens and by the hover', () => {
    const service = serviceWith({ 'lib.S': ASSEMBLY, 'main.c': C });
    const titles = service
      .codeLenses(uri)
      .filter(({ command }) => command === undefined)
      .map((lens) => service.resolveLens(lens).command?.title);
    assert.deepEqual(titles, ['2 references', '1 reference']);
    assert.match(hoverText('.global co|unt\ncount: ret', { 'main.c': C }), /3 references/);
  });

  it('are none of a label that is not global', () => {
    const service = serviceWith({ 'lib.S': ASSEMBLY, 'lib.rs': RUST });
    assert.deepEqual(places(service.references(uri, { line: 3, character: 2 }, false)), []);
  });

  it('are none in a file that has a function of that name itself', () => {
    assert.deepEqual(placesOfName('static int f(int a)\n{ return f(a - 1); }\n', 'f'), []);
    assert.equal(
      placesOfName('int f(int);\nint g(void) { if (f(1)) { return 2; } }', 'f').length,
      2,
    );
    assert.equal(placesOfName('fn f() -> u8 { 1 }', 'f').length, 0);
    assert.equal(placesOfName('extern "C" { fn f() -> u8; }', 'f').length, 1);
  });

  it('are taken from the editor while it has the file open, and from the file again later', () => {
    const service = serviceWith({ 'lib.S': ASSEMBLY, 'main.c': C });
    const inC = (): string[] =>
      places(service.references(uri, { line: 5, character: 2 }, false)).filter((it) =>
        it.startsWith('main.c'),
      );
    assert.deepEqual(inC(), ['main.c:0:21']);
    service.open('file:///w/main.c', 'c', '\n\nint a = total + total;\n');
    assert.deepEqual(inC(), ['main.c:2:8', 'main.c:2:16']);
    service.remove('file:///w/main.c');
    service.close('file:///w/main.c');
    assert.deepEqual(inC(), ['main.c:0:21']);
  });

  it('are renamed with the label, after a look by the user where the client can ask', () => {
    const service = serviceWith({ 'lib.S': ASSEMBLY, 'main.c': C });
    const position = { line: 5, character: 2 };
    const plain = service.rename(uri, position, 'sum');
    assert.deepEqual(Object.keys(plain?.changes ?? {}), [uri, 'file:///w/main.c']);
    const asked = service.rename(uri, position, 'sum', { annotates: true });
    const inC = (asked?.documentChanges as TextDocumentEdit[]).find(({ textDocument }) =>
      textDocument.uri.endsWith('.c'),
    );
    const [edit] = inC?.edits ?? [];
    assert.ok(edit && 'annotationId' in edit);
    assert.equal(asked?.changeAnnotations?.[edit.annotationId]?.needsConfirmation, true);
    assert.throws(() => service.rename(uri, position, 'sum.total'), /main\.c.*no identifier/);
  });

  it('are found in every file that has the name, whatever else it has', () => {
    const names = ['count', 'total', 'x', 'main', 'mov_0'];
    const piece = fc.constantFrom(
      ...names,
      ' ',
      '\n',
      '.',
      '->',
      '"',
      "'",
      '//',
      '/*',
      '*/',
      '\\',
      '0x1',
      '(',
    );
    fc.assert(
      fc.property(fc.array(piece), fc.constantFrom(...names), (pieces, name) => {
        const text = pieces.join('');
        const found = placesOfName(text, name);
        const lines = text.split('\n');
        for (const { line, start, end } of found)
          assert.equal(lines[line]?.slice(start, end), name);
        const index = new HostNames();
        index.index('a', text);
        assert.ok(found.length === 0 || index.candidates(name).includes('a'));
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
