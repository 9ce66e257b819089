import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { lstat, mkdir, readdir, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Transform } from "node:stream";
import { type Header, pack } from "tar-stream";
import { CodedError } from "../../kit/index.ts";
import { type Blob, type Digest, MEDIA, memoryBlob } from "./oci.ts";

/** A file, directory or symbolic link of a layer, at `path` (without a leading slash). */
export interface LayerEntry {
  readonly path: string;
  /** Permission bits; default 0755 for directories and 0644 for files. */
  readonly mode?: number;
  /** Exactly one of these, or none for a directory. */
  readonly content?: Uint8Array | string;
  readonly file?: string;
  readonly link?: string;
}

export interface Layer {
  readonly blob: Blob;
  readonly diffId: Digest;
}

/** A small layer, kept in memory. Entries are written in the given order, all owned by root, dated `created`. */
export async function memoryLayer(entries: readonly LayerEntry[], created: number): Promise<Layer> {
  const chunks: Buffer[] = [];
  const tar = pack();
  const filling = fill(tar, entries, created);
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  await filling;
  const blob = memoryBlob(MEDIA.layer, Buffer.concat(chunks));
  return { blob, diffId: blob.descriptor.digest };
}

/** A layer written to `path` as an uncompressed tar; the file must stay as long as the layer is used. */
export async function fileLayer(entries: readonly LayerEntry[], created: number, path: string): Promise<Layer> {
  await mkdir(join(path, ".."), { recursive: true });
  const hash = createHash("sha256");
  let size = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      size += chunk.length;
      done(null, chunk);
    },
  });
  const tar = pack();
  try {
    await Promise.all([fill(tar, entries, created), pipeline(tar, meter, createWriteStream(path))]);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  const digest = `sha256:${hash.digest("hex")}`;
  const blob: Blob = { descriptor: { mediaType: MEDIA.layer, digest, size }, open: () => createReadStream(path) };
  return { blob, diffId: digest };
}

async function fill(tar: ReturnType<typeof pack>, entries: readonly LayerEntry[], created: number): Promise<void> {
  try {
    for (const entry of entries) await add(tar, entry, created);
    tar.finalize();
  } catch (error) {
    tar.destroy(error as Error);
    throw error;
  }
}

async function add(tar: ReturnType<typeof pack>, entry: LayerEntry, created: number): Promise<void> {
  const head: Partial<Header> & { name: string } = {
    name: entry.path,
    mtime: new Date(created),
    uid: 0,
    gid: 0,
    uname: "",
    gname: "",
  };
  if (entry.link !== undefined) return addOne(tar, { ...head, type: "symlink", linkname: entry.link, mode: 0o777 });
  if (entry.content !== undefined) {
    const content = Buffer.from(entry.content);
    return addOne(tar, { ...head, type: "file", mode: entry.mode ?? 0o644, size: content.length }, content);
  }
  if (entry.file === undefined) return addOne(tar, { ...head, type: "directory", mode: entry.mode ?? 0o755 });
  const { size, mode } = await lstat(entry.file);
  const sink = tar.entry({ ...head, type: "file", mode: entry.mode ?? mode & 0o7777, size });
  await pipeline(createReadStream(entry.file), sink);
}

function addOne(
  tar: ReturnType<typeof pack>,
  head: Partial<Header> & { name: string },
  content?: Buffer,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => (error ? reject(error) : resolve());
    if (content) tar.entry(head, content, done);
    else tar.entry(head, done);
  });
}

/**
 * Everything below `directory`, in name order, as entries of a layer. Links are kept as links and never followed; devices,
 * sockets and pipes are refused (`LayerSource`).
 */
export async function entriesOfDirectory(directory: string, prefix = ""): Promise<LayerEntry[]> {
  const entries: LayerEntry[] = [];
  for (const item of (await readdir(directory, { withFileTypes: true })).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const file = join(directory, item.name);
    const path = prefix === "" ? item.name : `${prefix}/${item.name}`;
    if (item.isSymbolicLink()) entries.push({ path, link: await readlink(file) });
    else if (item.isDirectory()) {
      entries.push({ path, mode: (await lstat(file)).mode & 0o7777 }, ...(await entriesOfDirectory(file, path)));
    } else if (item.isFile()) entries.push({ path, file });
    else throw new CodedError("LayerSource", `"${file}" is neither a file, a directory nor a link`);
  }
  return entries;
}
