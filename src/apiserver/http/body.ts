import type { Readable } from "node:stream";
import { badRequest, requestTooLarge } from "../../machinery/index.ts";

/** Reads a request's body whole. Rejects with 413 as soon as it proves larger than `limit` bytes. */
export function readBody(source: Readable, declared: string | undefined, limit: number): Promise<Uint8Array> {
  const tooLarge = (): Error => requestTooLarge(`limit is ${limit}`);
  if (declared !== undefined && Number(declared) > limit) {
    source.resume();
    return Promise.reject(tooLarge());
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (finish: () => void): void => {
      source.off("data", onData).off("end", onEnd).off("close", onClose);
      finish();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else {
        settle(() => reject(tooLarge()));
        source.resume();
      }
    };
    const onEnd = (): void =>
      settle(() => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)));
    const onClose = (): void => settle(() => reject(badRequest("unexpected EOF: the body of the request broke off")));
    source.on("data", onData).on("end", onEnd).on("close", onClose);
    source.on("error", () => undefined);
  });
}
