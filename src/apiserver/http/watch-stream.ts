import { StatusError } from "../../machinery/index.ts";
import type { Bookmark, CacheWatcher, Emission } from "../cache/index.ts";
import type { Sink } from "./exchange.ts";

/** Turns events into frames: bytes that a client can take for one event each. */
export interface Framer {
  event(event: Emission): Uint8Array | Promise<Uint8Array>;
  bookmark(bookmark: Bookmark): Uint8Array | Promise<Uint8Array>;
  error(error: StatusError): Uint8Array;
}

/** Frames are handed over in about this size: few writes, whole TLS records. */
const CHUNK = 64 * 1024;

/**
 * Copies a watch to a client until either ends. What piles up while the client is slow goes out in few large writes. A
 * fault ends the stream with an ERROR event, as the client expects.
 */
export async function streamWatch(watcher: CacheWatcher, framer: Framer, sink: Sink): Promise<void> {
  try {
    for (let batch = await watcher.next(); batch; batch = await watcher.next()) {
      await writeBatch(batch, framer, sink);
    }
  } catch (error) {
    if (error instanceof StatusError) sink.write(framer.error(error));
    else throw error;
  } finally {
    watcher.end();
    sink.end();
  }
}

async function writeBatch(batch: readonly (Emission | Bookmark)[], framer: Framer, sink: Sink): Promise<void> {
  if (batch.length === 1 && batch[0]) {
    if (!sink.write(await frame(framer, batch[0]))) await sink.drained();
    return;
  }
  let parts: Uint8Array[] = [];
  let size = 0;
  for (const [index, event] of batch.entries()) {
    const made = frame(framer, event);
    const bytes = made instanceof Uint8Array ? made : await made;
    parts.push(bytes);
    size += bytes.length;
    if (size < CHUNK && index < batch.length - 1) continue;
    if (!sink.write(Buffer.concat(parts, size))) await sink.drained();
    [parts, size] = [[], 0];
  }
}

function frame(framer: Framer, event: Emission | Bookmark): Uint8Array | Promise<Uint8Array> {
  return event.type === "BOOKMARK" ? framer.bookmark(event) : framer.event(event);
}
