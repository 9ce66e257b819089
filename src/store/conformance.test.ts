import { describe, expect, it } from "vitest";
import { VirtualClock } from "../kit/index.ts";
import { storeConformance, type ConformanceRunner } from "./conformance.ts";
import type { CommitResult, Entry, GetResult, Op, RangeQuery, RangeResult, ReadOptions, Store } from "./contract.ts";
import type { WatchBatch, WatchQuery } from "./contract.ts";
import { createMemoryStore } from "./memory/index.ts";

/** A store that does what another does; faults are planted into it. */
class Delegate implements Store {
  readonly inner: Store;

  constructor(inner: Store) {
    this.inner = inner;
  }

  get(key: string, options?: ReadOptions): Promise<GetResult> {
    return this.inner.get(key, options);
  }
  range(query: RangeQuery): Promise<RangeResult> {
    return this.inner.range(query);
  }
  commit(ops: readonly Op[]): Promise<CommitResult> {
    return this.inner.commit(ops);
  }
  watch(query: WatchQuery): AsyncIterable<WatchBatch> {
    return this.inner.watch(query);
  }
  revision(): Promise<number> {
    return this.inner.revision();
  }
  compactedRevision(): Promise<number> {
    return this.inner.compactedRevision();
  }
  compact(revision: number): Promise<void> {
    return this.inner.compact(revision);
  }
  size(): Promise<number> {
    return this.inner.size();
  }
  close(): Promise<void> {
    return this.inner.close();
  }
}

type Plant = (store: Delegate) => void;

/** Changes the batches of a watch; `undefined` leaves one out, an array puts several in its place. */
function batches(change: (batch: WatchBatch, index: number) => readonly WatchBatch[]): Plant {
  return (store) => {
    store.watch = (query) => {
      const source = store.inner.watch(query)[Symbol.asyncIterator]();
      const ready: WatchBatch[] = [];
      let index = 0;
      const next = async (): Promise<IteratorResult<WatchBatch, unknown>> => {
        for (;;) {
          const value = ready.shift();
          if (value) return { done: false, value };
          const result = await source.next();
          if (result.done) return result;
          ready.push(...change(result.value, index++));
        }
      };
      return {
        [Symbol.asyncIterator]: () => ({
          next,
          return: async () => (await source.return?.()) ?? { done: true, value: undefined },
        }),
      };
    };
  };
}

function ranges(change: (result: RangeResult, query: RangeQuery) => RangeResult): Plant {
  return (store) => {
    store.range = async (query) => change(await store.inner.range(query), query);
  };
}

function commits(change: (ops: readonly Op[]) => readonly Op[]): Plant {
  return (store) => {
    store.commit = (ops) => store.inner.commit(change(ops));
  };
}

const withoutExpect = (op: Op): Op => {
  const { expect: _, ...rest } = op;
  return rest;
};

const plants: Record<string, Plant> = {
  "ignores expectations": commits((ops) => ops.map(withoutExpect)),
  "checks only the first expectation": commits((ops) => ops.map((op, i) => (i === 0 ? op : withoutExpect(op)))),
  "forgets deadlines": commits((ops) =>
    ops.map((op) => (op.kind === "put" ? { kind: "put", key: op.key, value: op.value } : op)),
  ),
  "commits ops one by one": (store) => {
    store.commit = async (ops) => {
      let result: CommitResult = { ok: true, revision: await store.inner.revision() };
      for (const op of ops) if (result.ok) result = await store.inner.commit([op]);
      return result;
    };
  },
  "does not say what stood there": (store) => {
    store.commit = async (ops) => {
      const { ok, revision } = await store.inner.commit(ops);
      return ok ? { ok, revision } : { ok, revision, failed: 0 };
    };
  },
  "spends a revision on nothing": (store) => {
    store.commit = async (ops) => {
      const result = await store.inner.commit(ops);
      if (result.ok && ops.length === 0)
        await store.inner.commit([{ kind: "put", key: "/nothing", value: Buffer.from("x") }]);
      return ops.length === 0 ? { ok: true, revision: await store.inner.revision() } : result;
    };
  },
  "reads the present instead of the past": (store) => {
    store.get = (key) => store.inner.get(key);
  },
  "lists the present instead of the past": (store) => {
    store.range = (query) => store.inner.range({ ...query, revision: undefined } as unknown as RangeQuery);
  },
  "lists one too many": (store) => {
    store.range = (query) => store.inner.range(query.limit ? { ...query, limit: query.limit + 1 } : query);
  },
  "counts what it gives": ranges((result) => ({ ...result, count: result.entries.length })),
  "never says that there is more": ranges((result) => ({ ...result, more: false })),
  "always says that there is more": ranges((result) => ({ ...result, more: result.entries.length > 0 })),
  "lists backwards": ranges((result) => ({ ...result, entries: result.entries.toReversed() })),
  "loses create revisions": ranges((result) => ({
    ...result,
    entries: result.entries.map((entry): Entry => ({ ...entry, createRevision: entry.modRevision })),
  })),
  "loses an event": batches((batch, i) => (i === 7 ? [] : [batch])),
  "tells an event twice": batches((batch, i) => (i === 7 ? [batch, batch] : [batch])),
  "tears a commit apart": batches((batch) =>
    batch.events.length < 2 ? [batch] : batch.events.map((event) => ({ revision: batch.revision, events: [event] })),
  ),
  "tells only the last event of a commit": batches((batch) => [{ ...batch, events: batch.events.slice(-1) }]),
  "forgets what was before": batches((batch) => [
    {
      ...batch,
      events: batch.events.map((event) => {
        const { previous: _, ...rest } = event;
        return rest;
      }),
    },
  ]),
  "marks progress too far": batches((batch) => [
    batch.events.length === 0 ? { ...batch, revision: batch.revision + 5 } : batch,
  ]),
  "never marks progress": batches((batch) => (batch.events.length === 0 ? [] : [batch])),
  "follows from now only": (store) => {
    store.watch = (query) => store.inner.watch({ ...query, fromRevision: undefined } as unknown as WatchQuery);
  },
  "follows everything": (store) => {
    store.watch = (query) => store.inner.watch({ ...query, start: "", end: "" });
  },
  "does not end with the signal": (store) => {
    store.watch = (query) => store.inner.watch({ ...query, signal: new AbortController().signal });
  },
  "does not compact": (store) => {
    store.compact = async () => undefined;
  },
  "compacts one too far": (store) => {
    store.compact = async (revision) => store.inner.compact(Math.min(revision + 1, await store.inner.revision()));
  },
  "goes on after it was closed": (store) => {
    store.close = async () => undefined;
  },
};
/** How long a case may take before it counts as failed: a store at fault may let it wait for ever. */
const PATIENCE = 400;

/** The cases that fail for `plant`. */
async function failures(plant: Plant): Promise<string[]> {
  const cases: [string, () => Promise<void>][] = [];
  const collect: ConformanceRunner = { describe: (_, define) => define(), it: (name, run) => cases.push([name, run]) };
  const factory = (): { open(): Promise<Store>; advance(ms: number): Promise<void> } => {
    const clock = new VirtualClock();
    const open = async (): Promise<Store> => {
      const store = new Delegate(createMemoryStore({ clock }));
      plant(store);
      return store;
    };
    return { open, advance: (ms) => clock.advance(ms) };
  };
  storeConformance("a planted store", factory, collect);
  const failed: string[] = [];
  const clock = new VirtualClock();
  for (const [name, run] of cases) {
    // Stores in memory settle at once: a case that has not ended after so many turns of the loop waits for ever.
    const patience = (async () => {
      for (let i = 0; i < PATIENCE; i++) await clock.settle();
      throw new Error("waits for ever");
    })();
    const ended = await Promise.race([run(), patience]).then(
      () => true,
      () => false,
    );
    patience.catch(() => undefined);
    if (!ended) failed.push(name);
    if (failed.length > 0) break;
  }
  return failed;
}

describe("the conformance suite", () => {
  it("passes a store without fault", async () => {
    expect(await failures(() => undefined)).toEqual([]);
  });

  it.for(Object.entries(plants))("notices a store that %s", async ([, plant]) => {
    expect(await failures(plant)).not.toEqual([]);
  });
});
