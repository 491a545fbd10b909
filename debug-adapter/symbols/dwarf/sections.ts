import { ByteReader, type ByteSource } from '../byte-reader.ts';
import type { ElfImage } from '../elf.ts';

const NO_BYTES = new Uint8Array(0);

/** The DWARF sections of one ELF file, read on first use. A missing section reads as empty. */
export class DwarfSections {
  readonly image: ElfImage;
  readonly #sources = new Map<string, ByteSource>();

  constructor(image: ElfImage) {
    this.image = image;
  }

  source(section: string): ByteSource {
    let source = this.#sources.get(section);
    if (source === undefined) {
      source = {
        fileName: this.image.fileName,
        section,
        bytes: this.image.sectionData(section) ?? NO_BYTES,
        code: 'malformed-dwarf',
      };
      this.#sources.set(section, source);
    }
    return source;
  }

  reader(section: string, offset = 0): ByteReader {
    return new ByteReader(this.source(section), offset);
  }
}
