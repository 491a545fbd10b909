/** The instruction sets to choose from, by the processors that have them. */

/** Features of the Arm architecture that some model has and another one lacks. */
export type CpuFeature =
  | 'FEAT_CRC32'
  | 'FEAT_AES'
  | 'FEAT_PMULL'
  | 'FEAT_SHA1'
  | 'FEAT_SHA256'
  | 'FEAT_LSE'
  | 'FEAT_LOR'
  | 'FEAT_RDM'
  | 'FEAT_DotProd'
  | 'FEAT_FP16'
  | 'FEAT_JSCVT'
  | 'FEAT_FCMA'
  | 'FEAT_LRCPC'
  | 'FEAT_FlagM'
  | 'FEAT_SB'
  | 'FEAT_PMUv3'
  | 'FEAT_PMUv3p1'
  | 'FEAT_PAN'
  | 'FEAT_UAO'
  | 'FEAT_DIT'
  | 'FEAT_SSBS2'
  | 'FEAT_LRCPC2'
  | 'FEAT_VHE'
  | 'FEAT_PAuth'
  | 'FEAT_BTI'
  | 'FEAT_PAN2'
  | 'FEAT_HAFDBS'
  | 'FEAT_TLBIOS'
  | 'FEAT_TLBIRANGE';

export interface CpuModel {
  /** The name a launch configuration uses. */
  readonly name: string;
  readonly description: string;
  readonly MIDR_EL1: bigint;
  readonly features: ReadonlySet<CpuFeature>;
}

const cryptography = ['FEAT_AES', 'FEAT_PMULL', 'FEAT_SHA1', 'FEAT_SHA256'] as const;
const neoverseN1 = [
  ...(['FEAT_CRC32', ...cryptography] as const),
  ...(['FEAT_LSE', 'FEAT_LOR', 'FEAT_RDM', 'FEAT_DotProd', 'FEAT_FP16', 'FEAT_LRCPC'] as const),
  ...(['FEAT_PMUv3', 'FEAT_PMUv3p1', 'FEAT_PAN', 'FEAT_UAO', 'FEAT_SSBS2', 'FEAT_VHE'] as const),
  ...(['FEAT_PAN2', 'FEAT_HAFDBS'] as const),
] as const;
const all = [
  ...neoverseN1,
  ...(['FEAT_JSCVT', 'FEAT_FCMA', 'FEAT_FlagM', 'FEAT_SB', 'FEAT_DIT', 'FEAT_LRCPC2'] as const),
  ...(['FEAT_PAuth', 'FEAT_BTI', 'FEAT_TLBIOS', 'FEAT_TLBIRANGE'] as const),
] as const;

/** Implementer 0 is reserved for software use: no guest applies an erratum's workaround to it. */
const SOFTWARE_MIDR = 0x000f_0510n;

export const cpuModels = [
  {
    name: 'v8.0',
    description: 'Armv8.0-A with CRC32, and nothing that came later.',
    MIDR_EL1: SOFTWARE_MIDR,
    features: new Set(['FEAT_CRC32'] as const),
  },
  {
    name: 'cortex-a72',
    description: 'Armv8.0-A with CRC32 and the cryptographic extension, as Cortex-A72 has them.',
    MIDR_EL1: 0x410f_d083n, // r0p3
    features: new Set(['FEAT_CRC32', ...cryptography, 'FEAT_PMUv3'] as const),
  },
  {
    name: 'neoverse-n1',
    description:
      'Instructions of Armv8.2-A as Neoverse N1 has them: atomics, half precision, dot product.',
    MIDR_EL1: 0x414f_d0c1n, // r4p1
    features: new Set(neoverseN1),
  },
  {
    name: 'max-supported',
    description: 'Every instruction that this machine knows.',
    MIDR_EL1: SOFTWARE_MIDR,
    features: new Set(all),
  },
] as const satisfies readonly CpuModel[];

export const cpuModel_v8_0: CpuModel = cpuModels[0];
/** What a guest gets that does not ask. */
export const defaultCpuModel: CpuModel = cpuModels[3];

export function cpuModelByName(name: string): CpuModel | undefined {
  return cpuModels.find((model) => model.name === name);
}

/** @throws RangeError for a model that does not exist */
export function requireCpuModel(name: string): CpuModel {
  const model = cpuModelByName(name);
  if (model) return model;
  const known = cpuModels.map((candidate) => candidate.name).join(', ');
  throw new RangeError(`There is no CPU model '${name}'; there are ${known}.`);
}
