import type { Readable } from "node:stream";
import { nextTurn } from "../../kit/index.ts";

/**
 * The chunks of a stream, read only as they are asked for. Throws what the stream reports, or `undefined` when it closes before
 * its end. Node's own iterator takes an HTTP/2 stream that closed before it was read for broken, which this does not.
 */
export function chunksOf(stream: Readable): AsyncGenerator<Buffer, void, undefined> {
  const state = { ended: false, closed: stream.destroyed, error: undefined as unknown };
  let wake = (): void => undefined;
  stream.on("readable", () => wake());
  stream.once("end", () => {
    state.ended = true;
    wake();
  });
  stream.once("close", () => {
    state.closed = true;
    wake();
  });
  stream.on("error", (error: Error) => {
    state.error ??= error;
    wake();
  });
  return (async function* () {
    for (;;) {
      const changed = new Promise<void>((resolve) => (wake = resolve));
      const chunk = stream.read() as Buffer | null;
      if (chunk !== null) {
        yield chunk;
        continue;
      }
      if (state.ended) return;
      // What was read up ends in the next tick, even when the stream has closed already.
      if (state.closed && !stream.destroyed && state.error === undefined) await nextTurn();
      if (state.ended) return;
      if (state.closed || state.error !== undefined) throw state.error;
      await changed;
    }
  })();
}
