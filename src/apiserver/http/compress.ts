import { promisify } from "node:util";
import { constants, createGzip, gzip } from "node:zlib";
import type { Sink } from "./exchange.ts";

/** Smaller bodies go out as they are (upstream's threshold). */
export const GZIP_THRESHOLD = 128 * 1024;
const OPTIONS = { level: constants.Z_BEST_SPEED };
const gzipAsync = promisify(gzip);

/**
 * Whether an answer should be compressed: the client can read it, and is not on this machine, where it would only
 * cost time.
 */
export function wantsGzip(acceptEncoding: string | undefined, remoteAddress: string | undefined): boolean {
  if (acceptEncoding === undefined || !/(^|,)\s*gzip\s*(;|,|$)/.test(acceptEncoding)) return false;
  return remoteAddress === undefined || !/^(127\.|::1$|::ffff:127\.)/.test(remoteAddress);
}

/** A whole body, compressed off the main thread. */
export function gzipBytes(bytes: Uint8Array): Promise<Uint8Array> {
  return gzipAsync(bytes, OPTIONS);
}

/** A sink that compresses into `sink`. */
export function gzipSink(sink: Sink): Sink {
  const stream = createGzip(OPTIONS);
  stream.on("data", (chunk: Buffer) => {
    if (sink.write(chunk)) return;
    stream.pause();
    void sink.drained().then(() => stream.resume());
  });
  stream.on("end", () => sink.end());
  stream.on("error", () => sink.destroy());
  return {
    write: (chunk) => stream.write(chunk),
    drained: () =>
      stream.writableNeedDrain
        ? new Promise((resolve) => stream.once("drain", resolve).once("close", resolve))
        : Promise.resolve(),
    end: () => void stream.end(),
    destroy: () => {
      stream.destroy();
      sink.destroy();
    },
  };
}
