import type { DebugProtocol } from '@vscode/debugprotocol';
import { fromBase64 } from '../base64.ts';
import type { Debuggee } from '../debuggee.ts';
import { memoryNotWritable, wrongRequestArgument } from '../errors.ts';
import { addressOfReference } from './memory-reference.ts';

/** DAP writeMemory: all bytes, or with allowPartial as many as are mapped from the start. */
export function writeMemory(
  debuggee: Debuggee,
  { memoryReference, offset = 0, data, allowPartial = false }: DebugProtocol.WriteMemoryArguments,
): NonNullable<DebugProtocol.WriteMemoryResponse['body']> {
  const bytes = fromBase64(data);
  if (bytes === undefined) throw wrongRequestArgument('writeMemory', '"data"', 'base 64');
  const start = addressOfReference(memoryReference, offset);
  const mapped = debuggee.memory.read(start, bytes.length).bytes.length;
  if (mapped < bytes.length && (!allowPartial || mapped === 0)) {
    throw memoryNotWritable(start + BigInt(mapped));
  }
  const written = debuggee.memory.write(start, bytes.subarray(0, mapped));
  debuggee.changed();
  return { bytesWritten: written };
}
