/** The launch schema in package.json and the adapter's own check of a launch configuration say the same. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  CONSOLE_DEVICES,
  CONSOLE_PLACES,
  VIRTIO_VERSIONS,
} from '../../debug-adapter/board-arguments.ts';
import {
  BREAKPOINT_MODES,
  GIC_VERSIONS,
  LAUNCH_ARGUMENT_NAMES,
  PACES,
  validateLaunchArguments,
} from '../../debug-adapter/launch-arguments.ts';
import { cpuModels, defaultCpuModel } from '../../emulator/sysregs/cpu-model.ts';
import { defaultFpPolicy, fpPolicies } from '../../emulator/kvm/fpsimd/index.ts';
import { hostActivities } from '../../emulator/kvm/host-activity.ts';
import { defaultTraceScheme, traceSchemes } from '../../emulator/kvm/trace/index.ts';
import { defaultHostProfile, hostProfiles } from '../../emulator/kvm/host-profile.ts';

interface Attribute {
  readonly markdownDescription?: string;
  readonly enum?: readonly unknown[];
  readonly enumDescriptions?: readonly string[];
  readonly default?: unknown;
}

interface Manifest {
  readonly contributes: {
    readonly debuggers: readonly {
      readonly type: string;
      readonly configurationAttributes: {
        readonly launch: {
          readonly required: readonly string[];
          readonly properties: Readonly<Record<string, Attribute>>;
        };
      };
      readonly initialConfigurations: readonly Readonly<Record<string, unknown>>[];
      readonly configurationSnippets: readonly {
        readonly body: Readonly<Record<string, unknown>>;
      }[];
    }[];
  };
}

const manifestFile = path.resolve(import.meta.dirname, '../../package.json');
const manifest = JSON.parse(readFileSync(manifestFile, 'utf8')) as Manifest;

describe('launch schema', () => {
  const debugType = manifest.contributes.debuggers.find((it) => it.type === 'trapline');
  assert.ok(debugType, 'package.json contributes the debug type "trapline"');
  const { required, properties } = debugType.configurationAttributes.launch;

  it('lists the attributes that the adapter knows', () => {
    assert.deepEqual(Object.keys(properties).sort(), [...LAUNCH_ARGUMENT_NAMES].sort());
  });

  it('offers the same choices', () => {
    assert.deepEqual(properties['pace']?.enum, PACES);
    assert.deepEqual(properties['breakpointMode']?.enum, BREAKPOINT_MODES);
    assert.deepEqual(properties['el']?.enum, [1, 2]);
    assert.deepEqual(properties['gic']?.enum, GIC_VERSIONS);
    assert.deepEqual(properties['virtio']?.enum, VIRTIO_VERSIONS);
    assert.deepEqual(properties['consoleDevice']?.enum, CONSOLE_DEVICES);
    assert.deepEqual(properties['console']?.enum, CONSOLE_PLACES);
    assert.deepEqual(
      properties['hostProfile']?.enum,
      hostProfiles.map((it) => it.name),
    );
    assert.deepEqual(
      properties['cpu']?.enum,
      cpuModels.map((it) => it.name),
    );
    assert.deepEqual(
      properties['cpu'].enumDescriptions,
      cpuModels.map((it) => it.description),
    );
  });

  it('offers the FP policies, trace schemes and host activities with their descriptions', () => {
    for (const [name, choices] of [
      ['fpPolicy', fpPolicies],
      ['traceScheme', traceSchemes],
    ] as const) {
      const names = choices.map((it) => it.name);
      assert.deepEqual(properties[name]?.enum, names);
      const descriptions = choices.map((it) => it.description);
      assert.deepEqual(properties[name].enumDescriptions, descriptions);
    }
    const { items } = properties['hostActivity'] as {
      items: { properties: { do: { enum: string[]; enumDescriptions: string[] } } };
    };
    const { enum: names, enumDescriptions } = items.properties.do;
    assert.deepEqual(
      names,
      hostActivities.map((it) => it.name),
    );
    assert.deepEqual(
      enumDescriptions,
      hostActivities.map((it) => it.description),
    );
  });

  it('names the values that the adapter takes for what is left out', () => {
    const { sourceMap, ...defaults } = validateLaunchArguments(
      { program: '${workspaceFolder}/guest.elf' },
      {
        cpuModels: cpuModels.map((it) => it.name),
        defaultCpuModel: defaultCpuModel.name,
        hostProfiles: hostProfiles.map((it) => it.name),
        defaultHostProfile,
        policies: (properties['policy']?.enum ?? []) as string[],
        defaultPolicy: properties['policy']?.default as string,
        fpPolicies: fpPolicies.map((it) => it.name),
        defaultFpPolicy: defaultFpPolicy.name,
        traceSchemes: traceSchemes.map((it) => it.name),
        defaultTraceScheme: defaultTraceScheme.name,
        hostActivities: hostActivities.map((it) => it.name),
      },
    );
    assert.equal(sourceMap.size, 0);
    for (const [name, value] of Object.entries(defaults)) {
      assert.deepEqual(properties[name]?.default, value, name);
    }
  });

  it('describes every attribute and every choice', () => {
    for (const [name, attribute] of Object.entries(properties)) {
      assert.ok(attribute.markdownDescription, `${name} has a description`);
      const descriptions = attribute.enumDescriptions ?? [];
      assert.equal(descriptions.length, attribute.enum?.length ?? 0, `choices of ${name}`);
    }
  });

  it('requires only the program', () => {
    assert.deepEqual(required, ['program']);
  });

  it('proposes configurations with known attributes', () => {
    const bodies = [
      ...debugType.initialConfigurations,
      ...debugType.configurationSnippets.map((it) => it.body),
    ];
    const known: readonly string[] = [...LAUNCH_ARGUMENT_NAMES, 'type', 'request', 'name'];
    for (const body of bodies) {
      const unknown = Object.keys(body).filter((name) => !known.includes(name));
      assert.deepEqual(unknown, []);
      assert.ok(required.every((name) => Object.hasOwn(body, name)));
    }
  });
});
