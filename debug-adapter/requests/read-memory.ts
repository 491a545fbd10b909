import type { DebugProtocol } from '@vscode/debugprotocol';
import { toBase64 } from '../base64.ts';
import type { Debuggee } from '../debuggee.ts';
import { reference } from '../registers.ts';
import { addressOfReference } from './memory-reference.ts';

/** Most bytes that one answer carries. */
const MOST = 16 * 1024 * 1024;

/** DAP readMemory. Bytes past the first one that is not mapped come back as unreadableBytes. */
export function readMemory(
  debuggee: Debuggee,
  { memoryReference, offset = 0, count }: DebugProtocol.ReadMemoryArguments,
): NonNullable<DebugProtocol.ReadMemoryResponse['body']> {
  const start = addressOfReference(memoryReference, offset);
  const { bytes } = debuggee.memory.read(start, Math.min(count, MOST));
  return {
    address: reference(start),
    data: toBase64(bytes),
    ...(bytes.length < count && { unreadableBytes: count - bytes.length }),
  };
}
