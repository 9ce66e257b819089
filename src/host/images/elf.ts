/** Instruction sets that images are made for, by OCI's (Go's) names. */
export type Architecture = "amd64" | "arm64";

/** This machine's, as OCI names it; undefined for others than amd64 and arm64. */
export function hostArchitecture(arch: string = process.arch): Architecture | undefined {
  return arch === "x64" ? "amd64" : arch === "arm64" ? "arm64" : undefined;
}

const MACHINE: Readonly<Record<Architecture, number>> = { amd64: 62, arm64: 183 };
const BASE = 0x400000;
const HEADERS = 64 + 56;

/** Where the code of {@link staticElf} will stand in memory. */
export const CODE_ADDRESS = BASE + HEADERS;

/** A static ELF64 executable of one segment (read, execute) whose first instruction is the first byte of `code`. */
export function staticElf(architecture: Architecture, code: Uint8Array): Buffer {
  const out = Buffer.alloc(HEADERS + code.length);
  const size = BigInt(out.length);
  Buffer.from("\x7fELF\x02\x01\x01", "latin1").copy(out, 0); // 64-bit, little-endian, version 1
  out.writeUInt16LE(2, 16); // e_type: ET_EXEC
  out.writeUInt16LE(MACHINE[architecture], 18);
  out.writeUInt32LE(1, 20); // e_version
  out.writeBigUInt64LE(BigInt(CODE_ADDRESS), 24); // e_entry
  out.writeBigUInt64LE(64n, 32); // e_phoff
  out.writeUInt16LE(64, 52); // e_ehsize
  out.writeUInt16LE(56, 54); // e_phentsize
  out.writeUInt16LE(1, 56); // e_phnum
  out.writeUInt16LE(64, 58); // e_shentsize
  out.writeUInt32LE(1, 64); // p_type: PT_LOAD
  out.writeUInt32LE(5, 68); // p_flags: R + X
  out.writeBigUInt64LE(0n, 72); // p_offset
  out.writeBigUInt64LE(BigInt(BASE), 80); // p_vaddr
  out.writeBigUInt64LE(BigInt(BASE), 88); // p_paddr
  out.writeBigUInt64LE(size, 96); // p_filesz
  out.writeBigUInt64LE(size, 104); // p_memsz
  out.writeBigUInt64LE(0x10000n, 112); // p_align
  out.set(code, HEADERS);
  return out;
}
