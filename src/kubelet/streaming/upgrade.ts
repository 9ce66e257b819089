import { request as httpRequest } from "node:http";
import type { Duplex } from "node:stream";
import { CodedError } from "../../kit/index.ts";

/** A connection that the runtime's streaming server has upgraded. */
export interface Upgraded {
  readonly socket: Duplex;
  /** Bytes that came right behind the answer. */
  readonly head: Buffer;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

const TIMEOUT_MS = 30_000;

/**
 * Asks the runtime's streaming server to upgrade. The address comes from the runtime, which we trust; it is plain HTTP on
 * this machine. Rejects with `StreamRefused` and the server's own words when it answers anything but 101.
 */
export function upgrade(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      method: "POST",
      headers: { connection: "Upgrade", "content-length": "0", ...headers },
      timeout: TIMEOUT_MS,
      agent: false,
      ...(signal && { signal }),
    });
    request.on("upgrade", (response, socket, head) => {
      socket.setTimeout(0);
      socket.setNoDelay(true);
      resolve({ socket, head, headers: response.headers });
    });
    request.on("response", (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
      response.on("end", () =>
        reject(
          new CodedError("StreamRefused", `the runtime refused the stream: ${response.statusCode} ${text.trim()}`),
        ),
      );
    });
    request.on("timeout", () =>
      request.destroy(new CodedError("StreamRefused", "the runtime's streaming server did not answer")),
    );
    request.on("error", reject);
    request.end();
  });
}

/** Joins two connections until either ends; bytes that were read ahead come first. Resolves when both are closed. */
export function splice(a: Duplex, aHead: Buffer, b: Duplex, bHead: Buffer): Promise<void> {
  if (aHead.length > 0) b.write(aHead);
  if (bHead.length > 0) a.write(bHead);
  a.pipe(b);
  b.pipe(a);
  return new Promise((resolve) => {
    let open = 2;
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      one.on("error", () => one.destroy());
      one.once("close", () => {
        other.destroy();
        if (--open === 0) resolve();
      });
    }
  });
}
