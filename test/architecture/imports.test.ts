/** The layers of docs/architecture.md: who may import whom, and what of a host may be named where. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import ts from 'typescript';

const root = path.resolve(import.meta.dirname, '../..');

const cpuLayers = ['isa', 'sysregs', 'engine', 'mmu', 'cpu'];
const belowMachine = [...cpuLayers, 'kvm', 'devices', 'board'];

/** A layer may import itself and what is listed here. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  isa: [],
  sysregs: ['isa'],
  engine: ['isa', 'sysregs'],
  mmu: ['isa', 'sysregs', 'engine'],
  cpu: ['isa', 'sysregs', 'engine', 'mmu'],
  kvm: cpuLayers,
  devices: ['isa', 'sysregs', 'engine'],
  board: [...cpuLayers, 'devices'],
  machine: belowMachine,
  'debug-adapter': [...belowMachine, 'machine'],
  hosts: [...belowMachine, 'machine', 'debug-adapter'],
  'language-server': ['isa', 'sysregs'],
  extension: [],
};

/** Single files of another layer that may be imported, for their types only. */
const mayImportTypesOf: Readonly<Record<string, readonly string[]>> = {
  extension: ['debug-adapter/launch-arguments.ts', 'debug-adapter/custom-requests.ts'],
};

/** Packages that a layer may import. */
const mayUsePackage: Readonly<Record<string, readonly string[]>> = {
  'debug-adapter': ['@vscode/debugadapter', '@vscode/debugprotocol'],
  hosts: ['@vscode/debugadapter', '@vscode/debugprotocol'],
  'language-server': ['vscode-languageserver', 'vscode-languageserver-textdocument'],
  extension: ['vscode', 'vscode-languageclient', '@vscode/debugprotocol'],
};

const mayUseNode = ['hosts', 'language-server', 'extension'];

/** Names of Node and browsers that have no place in the emulator and in the adapter's core. */
const hostNames = new Set([
  ...['Buffer', 'process', 'require', 'setTimeout', 'setInterval', 'setImmediate'],
  ...['queueMicrotask', 'performance', 'crypto', 'fetch', 'window', 'document'],
]);

function layerOf(file: string): string {
  const [top = '', second = '', ...rest] = file.split('/');
  if (top === 'emulator') return rest.length > 0 && second !== 'machine' ? second : 'machine';
  if (file.startsWith('debug-adapter/hosts/')) return 'hosts';
  return top;
}

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

function parse(file: string): ts.SourceFile {
  const text = readFileSync(path.join(root, file), 'utf8');
  return ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
}

function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
      found.push({ specifier: node.moduleSpecifier.text, typeOnly });
    } else if (
      ts.isExportDeclaration(node) &&
      node.moduleSpecifier &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      found.push({ specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [specifier] = node.arguments;
      if (specifier && ts.isStringLiteralLike(specifier)) {
        found.push({ specifier: specifier.text, typeOnly: false });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}

/** What is wrong with one import, in a few words; undefined when nothing is. */
function objection(file: string, { specifier, typeOnly }: Import): string | undefined {
  const layer = layerOf(file);
  if (isBuiltin(specifier)) {
    return mayUseNode.includes(layer) ? undefined : `${layer} may not use Node's "${specifier}"`;
  }
  if (!specifier.startsWith('.')) {
    const name = packageOf(specifier);
    const allowed = mayUsePackage[layer] ?? [];
    return allowed.includes(name) ? undefined : `${layer} may not use the package "${name}"`;
  }
  const target = path.posix.join(path.posix.dirname(file), specifier);
  const targetLayer = layerOf(target);
  if (targetLayer === layer || mayImport[layer]?.includes(targetLayer)) return undefined;
  if (typeOnly && mayImportTypesOf[layer]?.includes(target)) return undefined;
  return `${layer} may not import ${targetLayer} ("${target}")`;
}

function hostNamesUsedBy(source: ts.SourceFile): string[] {
  const found: string[] = [];
  const declared = namesDeclaredIn(source);
  const visit = (node: ts.Node): void => {
    if (
      ts.isIdentifier(node) &&
      hostNames.has(node.text) &&
      !declared.has(node.text) &&
      ts.isExpression(node) &&
      !isNameOfMember(node)
    ) {
      found.push(node.text);
    }
    if (ts.isPropertyAccessExpression(node)) {
      const text = node.getText();
      if (text === 'Date.now' || text === 'Math.random') found.push(text);
    }
    if (
      ts.isNewExpression(node) &&
      node.expression.getText() === 'Date' &&
      !node.arguments?.length
    ) {
      found.push('new Date()');
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The file's own variables, parameters, functions and imports: a window of addresses may be called `window`. */
function namesDeclaredIn(source: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const declares =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isImportSpecifier(node);
    if (declares && node.name && ts.isIdentifier(node.name)) names.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

/** True for `x` in `a.x`, in declarations, in object and import lists: nothing of a host is read there. */
function isNameOfMember(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  return 'name' in parent && parent.name === node;
}

function typescriptFilesIn(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .sort();
}

const files = ['emulator', 'debug-adapter', 'language-server', 'extension'].flatMap(
  typescriptFilesIn,
);

describe('layers', () => {
  it('every folder with sources is a layer of the table', () => {
    const unknown = files.filter((file) => !Object.hasOwn(mayImport, layerOf(file)));
    assert.deepEqual(unknown, []);
  });

  it('import only what is below them', () => {
    const edges = files.flatMap((file) =>
      importsOf(parse(file)).flatMap((it) => {
        const reason = objection(file, it);
        return reason === undefined ? [] : [`${file}: ${reason}`];
      }),
    );
    assert.deepEqual(edges, []);
  });

  it('refuse an upward import, a Node module and a stray package', () => {
    const refused = (file: string, specifier: string): boolean =>
      objection(file, { specifier, typeOnly: false }) !== undefined;
    assert.ok(refused('emulator/isa/decode.ts', '../engine/layout.ts'));
    assert.ok(refused('emulator/devices/pl011.ts', '../kvm/vcpu.ts'));
    assert.ok(refused('emulator/cpu/pe.ts', '../machine.ts'));
    assert.ok(refused('debug-adapter/session.ts', 'node:fs'));
    assert.ok(refused('debug-adapter/session.ts', 'vscode'));
    assert.ok(refused('emulator/cpu/pe.ts', 'fast-check'));
    assert.ok(refused('extension/debug.ts', '../debug-adapter/launch-arguments.ts'));
    assert.ok(!refused('emulator/machine.ts', './kvm/vcpu.ts'));
    assert.ok(!refused('debug-adapter/hosts/program.ts', 'node:fs'));
  });
});

describe('emulator and debug-adapter', () => {
  it('name nothing of a host, no clock and no random source', () => {
    const uses = files
      .filter((file) => !mayUseNode.includes(layerOf(file)))
      .flatMap((file) => hostNamesUsedBy(parse(file)).map((name) => `${file}: ${name}`));
    assert.deepEqual(uses, []);
  });
});
