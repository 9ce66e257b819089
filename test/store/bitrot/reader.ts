/** Reads stores whose directories come on standard input, one a line, and prints what it found of each. */
import { createInterface } from "node:readline";
import { createMetrics, RealClock, silent } from "../../../src/kit/index.ts";
import { openEmbeddedStore } from "../../../src/store/embedded/index.ts";
import { StoreError } from "../../../src/store/index.ts";
import { contentOf } from "./content.ts";

const env = { clock: new RealClock(), log: silent, metrics: createMetrics() };

for await (const path of createInterface({ input: process.stdin })) {
  const found = await read(path).catch((error: unknown) => {
    if (!(error instanceof StoreError)) throw error;
    return error.code;
  });
  process.stdout.write(`${found}\n`);
}

async function read(path: string): Promise<string> {
  const store = await openEmbeddedStore({ path, env });
  try {
    return await contentOf(store);
  } finally {
    await store.close();
  }
}
