import { type FileHandle, open } from "node:fs/promises";
import { CodedError } from "../../kit/index.ts";

export interface TarFile {
  readonly size: number;
  /** Where its bytes begin in the archive. */
  readonly offset: number;
  /** For links: the name of what it stands for. */
  readonly link?: string;
}

const BLOCK = 512;

/** Regular files and links of an uncompressed tar by name (no leading `./`), found by reading the headers only. */
export async function indexTar(path: string): Promise<Map<string, TarFile>> {
  const handle = await open(path, "r");
  try {
    return await readIndex(handle, path);
  } finally {
    await handle.close();
  }
}

async function readIndex(handle: FileHandle, path: string): Promise<Map<string, TarFile>> {
  const files = new Map<string, TarFile>();
  const head = Buffer.alloc(BLOCK);
  let longName: string | undefined;
  let longLink: string | undefined;
  let longSize: number | undefined;
  for (let at = 0; ;) {
    const { bytesRead } = await handle.read(head, 0, BLOCK, at);
    if (bytesRead < BLOCK || head[0] === 0) return files;
    if (!checksumHolds(head)) throw new CodedError("NotATar", `"${path}" is not an uncompressed tar archive`);
    const size = longSize ?? number(head, 124, 12);
    const offset = at + BLOCK;
    const type = String.fromCharCode(head[156] ?? 0);
    at = offset + Math.ceil(size / BLOCK) * BLOCK;
    if (type === "L" || type === "K" || type === "x") {
      const data = Buffer.alloc(Math.min(size, 1 << 20));
      await handle.read(data, 0, data.length, offset);
      if (type === "L") longName = text(data, 0, data.length);
      else if (type === "K") longLink = text(data, 0, data.length);
      else {
        const pax = paxRecords(data);
        longName = pax.get("path") ?? longName;
        longLink = pax.get("linkpath") ?? longLink;
        longSize = pax.has("size") ? Number(pax.get("size")) : undefined;
      }
      continue;
    }
    const prefix = head.toString("latin1", 257, 262) === "ustar" ? text(head, 345, 155) : "";
    const short = text(head, 0, 100);
    const name = clean(longName ?? (prefix === "" ? short : `${prefix}/${short}`));
    if (type === "0" || type === "\0" || type === "7") files.set(name, { size, offset });
    else if (type === "1" || type === "2") {
      files.set(name, { size: 0, offset, link: clean(longLink ?? text(head, 157, 100)) });
    }
    longName = longLink = longSize = undefined;
  }
}

function checksumHolds(head: Buffer): boolean {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : (head[i] ?? 0);
  return sum === number(head, 148, 8);
}

/** Octal, or base 256 when the first bit is set. */
function number(head: Buffer, at: number, length: number): number {
  if (((head[at] ?? 0) & 0x80) === 0) return Number.parseInt(text(head, at, length).trim() || "0", 8);
  let value = 0;
  for (let i = at + 1; i < at + length; i++) value = value * 256 + (head[i] ?? 0);
  return value;
}

function text(bytes: Buffer, at: number, length: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString("utf8", at, end < 0 || end > at + length ? at + length : end);
}

function clean(name: string): string {
  return name.replace(/^(?:\.?\/)+/, "").replace(/\/$/, "");
}

/** `LENGTH KEY=VALUE\n`, again and again. */
function paxRecords(data: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(32, at);
    const length = Number(data.toString("latin1", at, space));
    if (space < 0 || !(length > 0)) break;
    const record = data.toString("utf8", space + 1, at + length - 1);
    const eq = record.indexOf("=");
    records.set(record.slice(0, eq), record.slice(eq + 1));
    at += length;
  }
  return records;
}
