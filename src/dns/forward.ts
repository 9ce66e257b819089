import { createSocket, type Socket } from "node:dgram";
import { connect } from "node:net";
import type { Clock, Random } from "../kit/index.ts";

/** A resolver that others' names are handed to. */
export interface Upstream {
  readonly host: string;
  readonly port: number;
}

const TIMEOUT_MS = 2_000;
const ATTEMPTS = 2;

/**
 * Hands queries to upstream resolvers as they are and gives back their answers as they are, under an id of our own
 * that cannot be guessed. Resolvers are asked in order; the next one when one is silent.
 */
export class Forwarder {
  readonly #upstreams: readonly Upstream[];
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(upstreams: readonly Upstream[], clock: Clock, random: Random) {
    this.#upstreams = upstreams;
    this.#clock = clock;
    this.#random = random;
  }

  /** Resolves with the answer (carrying `query`'s id), or undefined when no resolver answered. */
  async ask(query: Buffer, tcp: boolean, signal: AbortSignal): Promise<Buffer | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      for (const upstream of this.#upstreams) {
        if (signal.aborted) return undefined;
        const answer = await (tcp ? this.#overTcp(upstream, query) : this.#overUdp(upstream, query));
        if (answer) return answer;
      }
    }
    return undefined;
  }

  #overUdp(upstream: Upstream, query: Buffer): Promise<Buffer | undefined> {
    const request = Buffer.from(query);
    request.set(this.#random.bytes(2), 0);
    const socket: Socket = createSocket(upstream.host.includes(":") ? "udp6" : "udp4");
    return new Promise((resolve) => {
      const finish = (answer?: Buffer): void => {
        timer.cancel();
        socket.removeAllListeners();
        socket.on("error", () => undefined);
        socket.close();
        resolve(answer);
      };
      const timer = this.#clock.setTimer(TIMEOUT_MS, () => finish());
      socket.on("error", () => finish());
      socket.on("message", (message) => {
        if (message.length < 12 || message.readUInt16BE(0) !== request.readUInt16BE(0)) return;
        message.writeUInt16BE(query.readUInt16BE(0), 0);
        finish(message);
      });
      socket.connect(upstream.port, upstream.host, () => socket.send(request));
    });
  }

  #overTcp(upstream: Upstream, query: Buffer): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      const socket = connect({ host: upstream.host, port: upstream.port });
      const finish = (answer?: Buffer): void => {
        timer.cancel();
        socket.destroy();
        resolve(answer);
      };
      const timer = this.#clock.setTimer(TIMEOUT_MS, () => finish());
      socket.on("error", () => finish());
      socket.on("close", () => finish());
      socket.on("connect", () => socket.write(frame(query)));
      socket.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        const all = Buffer.concat(chunks);
        if (all.length >= 2 && all.length >= 2 + all.readUInt16BE(0)) finish(all.subarray(2, 2 + all.readUInt16BE(0)));
      });
    });
  }
}

/** A message as TCP carries it: its length first (RFC 1035, 4.2.2). */
export function frame(message: Buffer): Buffer {
  const size = Buffer.alloc(2);
  size.writeUInt16BE(message.length);
  return Buffer.concat([size, message]);
}

/** The resolvers named in a resolv.conf(5), without those in `exclude` (ourselves). */
export function upstreamsFrom(resolvConf: string, exclude: readonly string[]): Upstream[] {
  return resolvConf
    .split("\n")
    .map((line) => /^\s*nameserver\s+([^\s%#;]+)/.exec(line)?.[1])
    .filter((host): host is string => host !== undefined && !exclude.includes(host))
    .map((host) => ({ host, port: 53 }));
}
