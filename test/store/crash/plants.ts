import type { Database, PutRecord, WriteBatch } from "../../../src/store/embedded/database.ts";
import { checksum } from "../../../src/store/embedded/record.ts";

type Write = (batch: WriteBatch) => Promise<void>;

/** Faults that the harness must notice, by what is wrong with the write to disk. */
export const plants: Readonly<Record<string, (write: Write) => Write>> = {
  "acknowledges before the write": (write) => {
    let last: Promise<void> = Promise.resolve();
    return async (batch) => {
      last = last.then(() => pause(20)).then(() => write(batch));
    };
  },
  "drops a record": (write) => (batch) => write({ ...batch, puts: batch.puts.filter((put) => !chosen(put, 97)) }),
  "drops a value": (write) => (batch) =>
    write({ ...batch, puts: batch.puts.map((put) => (chosen(put, 97) ? { ...put, value: undefined } : put)) }),
  "tears a value": (write) => (batch) =>
    write({ ...batch, puts: batch.puts.map((put) => (chosen(put, 97) ? tear(put) : put)) }),
  "tears a value, checksum and all": (write) => (batch) =>
    write({ ...batch, puts: batch.puts.map((put) => (chosen(put, 97) ? reseal(tear(put)) : put)) }),
  "splits a commit": (write) => async (batch) => {
    const half = batch.puts.length >> 1;
    await write({ puts: batch.puts.slice(0, half), removes: [] });
    await pause(10);
    await write({ ...batch, puts: batch.puts.slice(half) });
  },
  "forgets deletions": (write) => (batch) => {
    const puts = batch.puts.map((put) => (put.record.slot ? put : { ...put, record: { ...put.record, key: "/else" } }));
    return write({ ...batch, puts });
  },
  "gives a revision away twice": (write) => {
    let writes = 0;
    // A group's newest commit is told but not written, and then nothing is: after a restart its revision goes to another.
    return async (batch) => {
      if (++writes > 8) return new Promise(() => undefined);
      const last = writes === 8 ? batch.puts.at(-1)?.id.revision : undefined;
      return write({ ...batch, puts: batch.puts.filter((put) => put.id.revision !== last) });
    };
  },
};

/** The embedded store's seam for a fault by its name. */
export function planted(name: string | undefined): (database: Database) => Database {
  const plant = name === undefined ? undefined : plants[name];
  return (database) => {
    if (plant) database.write = plant(database.write.bind(database));
    return database;
  };
}

function chosen(put: PutRecord, every: number): boolean {
  return put.value !== undefined && put.id.revision % every === 0;
}

function tear(put: PutRecord): PutRecord {
  const value = Buffer.from(put.value ?? []);
  return { ...put, value: value.fill(0, value.length >> 1) };
}

function reseal(put: PutRecord): PutRecord {
  const { record, value } = put;
  if (!record.slot || !value) return put;
  return { ...put, record: { ...record, slot: { ...record.slot, crc: checksum(value) } } };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
