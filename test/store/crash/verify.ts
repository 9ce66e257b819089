import { readFileSync } from "node:fs";
import { createMetrics, RealClock, silent, SystemRandom } from "../../../src/kit/index.ts";
import { openEmbeddedStore } from "../../../src/store/embedded/index.ts";
import { prefixEnd, type Store, type WatchBatch } from "../../../src/store/index.ts";
import { prefixOf, sequenceOf, WRITERS, type Cell, type LogLine } from "./workload.ts";

/** What is known to be in the store after a cycle that was found in order. */
export interface Known {
  readonly revision: number;
  /** By writer, key → number of its value. */
  readonly cells: readonly ReadonlyMap<string, number>[];
}

/** What a cycle showed. */
export interface Verdict {
  readonly known: Known;
  readonly acks: number;
  /** How long the store took to open after the crash, in milliseconds. */
  readonly openMs: number;
}

interface WriterLog {
  readonly acked: { readonly revision: number; readonly cells: readonly Cell[] }[];
  unacked: readonly Cell[] | undefined;
}

export const NOTHING: Known = { revision: 1, cells: Array.from({ length: WRITERS }, () => new Map()) };

/** Opens what the killed process left and holds it against the log. Throws an error that says what is wrong. */
export async function verify(path: string, logPath: string, before: Known): Promise<Verdict> {
  const logs = readLog(logPath);
  const env = { clock: new RealClock(), random: new SystemRandom(), log: silent, metrics: createMetrics() };
  const began = performance.now();
  const store = await openEmbeddedStore({ path, env });
  const openMs = performance.now() - began;
  try {
    const revision = checkRevisions(logs, before, await store.revision());
    const cells: Map<string, number>[] = [];
    for (const [writer, log] of logs.entries()) {
      cells.push(await checkWriter(store, writer, log, before.cells[writer] ?? new Map()));
    }
    await checkHistory(store, logs, before);
    return { known: { revision, cells }, acks: logs.reduce((sum, log) => sum + log.acked.length, 0), openMs };
  } finally {
    await store.close();
  }
}

function readLog(path: string): WriterLog[] {
  const logs: WriterLog[] = Array.from({ length: WRITERS }, () => ({ acked: [], unacked: undefined }));
  // The last line may be cut off: it was being written when the process died.
  for (const text of readFileSync(path, "utf8").split("\n").slice(0, -1)) {
    const line = JSON.parse(text) as LogLine;
    const log = logs[line.writer] as WriterLog;
    if (line.kind === "intent") log.unacked = line.cells;
    else {
      log.acked.push({ revision: line.revision, cells: log.unacked ?? [] });
      log.unacked = undefined;
    }
  }
  return logs;
}

function checkRevisions(logs: readonly WriterLog[], before: Known, revision: number): number {
  const acked = logs.flatMap((log) => log.acked.map((ack) => ack.revision)).toSorted((a, b) => a - b);
  for (const [i, ack] of acked.entries()) {
    if (ack === acked[i + 1]) throw new Error(`revision ${ack} was acknowledged twice`);
  }
  const [oldest = Infinity, newest = before.revision] = [acked[0], acked.at(-1)];
  if (oldest <= before.revision) throw new Error(`revision ${oldest} was given away again after ${before.revision}`);
  if (revision < newest) throw new Error(`the store stands at ${revision}, ${newest} was acknowledged`);
  if (revision > newest + WRITERS)
    throw new Error(`the store stands at ${revision}, at most ${newest + WRITERS} was asked for`);
  return revision;
}

/** The writer's keys must hold what was acknowledged, with or without all of the one commit that was under way. */
async function checkWriter(
  store: Store,
  writer: number,
  log: WriterLog,
  before: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const start = prefixOf(writer);
  const { entries } = await store.range({ start, end: prefixEnd(start) });
  const found = new Map(entries.map((entry) => [entry.key, sequenceOf(entry.key, entry.value)]));
  const acked = new Map(before);
  for (const ack of log.acked) apply(acked, ack.cells);
  const whole = apply(new Map(acked), log.unacked ?? []);
  if (!same(found, acked) && !same(found, whole)) {
    throw new Error(`writer ${writer}: found ${show(found)}, acknowledged ${show(acked)}, under way ${show(whole)}`);
  }
  return found;
}

function apply(state: Map<string, number>, cells: readonly Cell[]): Map<string, number> {
  for (const { key, sequence } of cells) {
    if (sequence === undefined) state.delete(key);
    else state.set(key, sequence);
  }
  return state;
}

function same(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([key, sequence]) => b.get(key) === sequence);
}

function show(state: ReadonlyMap<string, number>): string {
  return Array.from(state, ([key, sequence]) => `${key}=${sequence}`)
    .toSorted()
    .join(" ");
}

/** What is kept of history must hold every acknowledged commit whole, at its revision, without gaps. */
async function checkHistory(store: Store, logs: readonly WriterLog[], before: Known): Promise<void> {
  const from = Math.max(await store.compactedRevision(), before.revision + 1);
  const to = await store.revision();
  if (from > to) return;
  const history = new Map<number, WatchBatch>();
  for await (const batch of store.watch({
    start: "",
    end: "",
    fromRevision: from,
    signal: new AbortController().signal,
  })) {
    if (batch.revision !== from + history.size) throw new Error(`history jumps to ${batch.revision}`);
    history.set(batch.revision, batch);
    if (batch.revision >= to) break;
  }
  for (const { revision, cells } of logs.flatMap((log) => log.acked)) {
    if (revision < from) continue;
    const events = history.get(revision)?.events ?? [];
    const told = events.map((event): Cell => {
      if (event.type === "delete") return { key: event.key, sequence: undefined };
      return { key: event.entry.key, sequence: sequenceOf(event.entry.key, event.entry.value) };
    });
    if (JSON.stringify(told) !== JSON.stringify(cells)) {
      throw new Error(`revision ${revision} holds ${JSON.stringify(told)}, acknowledged was ${JSON.stringify(cells)}`);
    }
  }
}
