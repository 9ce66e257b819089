import { createHash } from "node:crypto";
import type { Store } from "../../../src/store/index.ts";

/** A digest of all that can be read of a store: its keys, values and revisions, and its history. */
export async function contentOf(store: Store): Promise<string> {
  const hash = createHash("sha256");
  const { entries, revision } = await store.range({ start: "", end: "" });
  for (const { key, value, createRevision, modRevision } of entries) {
    hash.update(`${key} ${createRevision} ${modRevision} ${value.length} `).update(value);
  }
  const fromRevision = await store.compactedRevision();
  const { signal } = new AbortController();
  for await (const batch of store.watch({ start: "", end: "", fromRevision, signal, progress: true })) {
    hash.update(JSON.stringify(batch));
    if (batch.revision >= revision) break;
  }
  return hash.digest("hex");
}
