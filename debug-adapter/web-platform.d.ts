/**
 * What every host of the debug adapter has, Node and browser alike, and what the ECMAScript library does not declare.
 * Anything else of a host comes in through the interfaces of `hosts/`. Source: WHATWG, "Encoding".
 */
declare class TextDecoder {
  constructor(label?: string, options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean });
  readonly encoding: string;
  decode(bytes?: Uint8Array | ArrayBuffer, options?: { readonly stream?: boolean }): string;
}

declare class TextEncoder {
  readonly encoding: string;
  /** UTF-8. */
  encode(text?: string): Uint8Array;
}
