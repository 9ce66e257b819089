import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { renameSync, statSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { CorruptStoreError, ForeignDirectoryError, NewerFormatError } from "../errors.ts";
import { openFault } from "./faults.ts";

/** The format that this code writes; it reads this and every earlier one. */
export const FORMAT = 1;

const MARKER = "k8ts-store.json";
/** What may lie in a directory that counts as empty. */
const IGNORED = new Set(["lost+found", `${MARKER}.new`]);

interface Marker {
  readonly store: "k8ts";
  readonly format: number;
  /** `creating` until the database holds its first durable record. */
  readonly state: "creating" | "ready";
}

/** A directory that holds, or is about to hold, a store. */
export interface StoreDirectory {
  readonly path: string;
  readonly dataFile: string;
}

/**
 * Makes sure that `path` is ours to use: makes it (mode 0700) when absent, takes it when empty, checks the marker and the
 * data file otherwise. Throws the catalogue's error for what is wrong with it.
 */
export function prepareDirectory(path: string): StoreDirectory {
  try {
    if (existsSync(path) && !statSync(path).isDirectory())
      throw new ForeignDirectoryError(path, "it is not a directory");
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const marker = readMarker(path);
    if (!marker) writeMarker(path, "creating");
    const dataFile = join(path, "data.mdb");
    if (marker?.state === "ready") checkDataFile(path, dataFile);
    return { path, dataFile };
  } catch (error) {
    throw openFault(path, error);
  }
}

/** Whether the directory has no data yet. */
export function isFresh(directory: StoreDirectory): boolean {
  return readMarker(directory.path)?.state !== "ready";
}

/** Notes that the directory's database is complete: from now on a missing one is a fault. */
export function markReady(directory: StoreDirectory): void {
  try {
    writeMarker(directory.path, "ready");
  } catch (error) {
    throw openFault(directory.path, error);
  }
}

function readMarker(path: string): Marker | undefined {
  const file = join(path, MARKER);
  if (!existsSync(file)) {
    const others = readdirSync(path).filter((name) => !IGNORED.has(name));
    if (others.length === 0) return undefined;
    const shown = others.slice(0, 3).map((name) => JSON.stringify(name));
    throw new ForeignDirectoryError(path, `it holds ${shown.join(", ")}${others.length > 3 ? ", ..." : ""}`);
  }
  let marker: Partial<Marker>;
  try {
    marker = JSON.parse(readFileSync(file, "utf8")) as Partial<Marker>;
  } catch (error) {
    throw new CorruptStoreError(path, `${MARKER} is not JSON`, error);
  }
  if (marker.store !== "k8ts" || typeof marker.format !== "number") {
    throw new ForeignDirectoryError(path, `its ${MARKER} was not written by k8ts`);
  }
  if (marker.format > FORMAT) throw new NewerFormatError(path, marker.format, FORMAT);
  return marker as Marker;
}

function writeMarker(path: string, state: Marker["state"]): void {
  const marker: Marker = { store: "k8ts", format: FORMAT, state };
  const file = join(path, MARKER);
  const fd = openSync(`${file}.new`, "w", 0o600);
  try {
    writeSync(fd, `${JSON.stringify(marker)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${file}.new`, file);
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

const META_PAGES = 2;
const MDB_MAGIC = 0xbeefc0de;
/** Where a meta page of lmdb keeps its magic number, the page size and the last page in use (64-bit layout). */
const AT = { magic: 24, pageSize: 48, lastPage: 144 };

/**
 * A database that lost its end would kill the process with SIGBUS when the missing part is read. Stretched with zeros,
 * the loss shows as broken checksums instead. An empty file would be taken for a new database.
 */
function checkDataFile(path: string, file: string): void {
  if (!existsSync(file)) throw new CorruptStoreError(path, "data.mdb is missing");
  const { size } = statSync(file);
  const head = readStart(file, 512);
  if (head.length < 512 || head.readUInt32LE(AT.magic) !== MDB_MAGIC) {
    throw new CorruptStoreError(path, "data.mdb does not begin like a database");
  }
  const pageSize = head.readUInt32LE(AT.pageSize);
  if (size < META_PAGES * pageSize) throw new CorruptStoreError(path, `data.mdb has only ${size} bytes`);
  const metas = readStart(file, META_PAGES * pageSize);
  const lastPage = Math.max(...[0, pageSize].map((at) => Number(metas.readBigUInt64LE(at + AT.lastPage))));
  const expected = (lastPage + 1) * pageSize;
  if (size < expected && expected < 2 ** 40) truncateSync(file, expected);
}

function readStart(file: string, length: number): Buffer {
  const fd = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}
