/** The process that is killed: `writer.ts DIRECTORY LOG SEED [PLANT]`. Starts on a line from standard input. */
import { fdatasync, openSync, writeSync } from "node:fs";
import { once } from "node:events";
import { createMetrics, RealClock, SeededRandom, silent } from "../../../src/kit/index.ts";
import { openEmbeddedStore } from "../../../src/store/embedded/index.ts";
import { prefixEnd, type Store } from "../../../src/store/index.ts";
import { planted } from "./plants.ts";
import { keyOf, opsOf, prefixOf, sequenceOf, WRITERS, type Cell, type LogLine } from "./workload.ts";

const [path = "", logPath = "", seed = "0", plant] = process.argv.slice(2);
let next: Promise<void> | undefined;
let running: Promise<void> = Promise.resolve();
const random = new SeededRandom(Number(seed));
const env = { clock: new RealClock(), random, log: silent, metrics: createMetrics() };

process.stdout.write("ready\n");
await once(process.stdin, "data");
const store = await openEmbeddedStore({ path, env, wrap: planted(plant) });
const log = openSync(logPath, "a", 0o600);
await Promise.all([...Array.from({ length: WRITERS }, (_, writer) => write(store, writer)), compact()]);

/** Commits one after the other for ever, each with up to four of its own keys. */
async function write(into: Store, writer: number): Promise<void> {
  const start = prefixOf(writer);
  const known = new Map<string, number>();
  let sequence = 0;
  for (const entry of (await into.range({ start, end: prefixEnd(start) })).entries) {
    known.set(entry.key, entry.modRevision);
    sequence = Math.max(sequence, sequenceOf(entry.key, entry.value));
  }
  for (;;) {
    const cells: Cell[] = [];
    const first = random.int(1000);
    for (let i = 0; i <= random.int(4); i++) {
      const key = keyOf(writer, first + i);
      cells.push({ key, sequence: known.has(key) && random.int(5) === 0 ? undefined : ++sequence });
    }
    note({ kind: "intent", writer, cells });
    const result = await into.commit(opsOf(cells, known));
    if (!result.ok) throw new Error(`commit of ${JSON.stringify(cells)} was refused: ${JSON.stringify(result)}`);
    note({ kind: "ack", writer, revision: result.revision });
    await flushed();
    for (const cell of cells) {
      if (cell.sequence === undefined) known.delete(cell.key);
      else known.set(cell.key, result.revision);
    }
  }
}

async function compact(): Promise<void> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 5 + random.int(40)));
    const [revision, compacted] = [await store.revision(), await store.compactedRevision()];
    await store.compact(Math.max(compacted, revision - random.int(400)));
  }
}

function note(line: LogLine): void {
  writeSync(log, `${JSON.stringify(line)}\n`);
}

/** Resolves once the log is on the disk; those who ask meanwhile share the next flush. */
function flushed(): Promise<void> {
  return (next ??= running.then(() => {
    next = undefined;
    return (running = new Promise((resolve, reject) => fdatasync(log, (error) => (error ? reject(error) : resolve()))));
  }));
}
