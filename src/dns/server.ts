import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import type { Clock, Logger } from "../kit/index.ts";
import { frame } from "./forward.ts";
import type { Responder } from "./responder.ts";

const IDLE_MS = 10_000;
const MAX_CONNECTIONS = 1_000;
/** Queries waiting for upstream resolvers; more are dropped, as a full socket buffer would. */
const MAX_PENDING = 2_000;

/** Listens on one address over UDP and TCP. */
export class DnsServer {
  readonly #responder: Responder;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  #udp: UdpSocket | undefined;
  #tcp: Server | undefined;
  #pending = 0;

  constructor(responder: Responder, clock: Clock, log: Logger) {
    this.#responder = responder;
    this.#clock = clock;
    this.#log = log;
  }

  /** Resolves with the bound port (the same for both) once it answers. Rejects when the address cannot be bound. */
  async listen(address: string, port: number): Promise<number> {
    const tcp = createServer((socket) => this.#serve(socket));
    tcp.maxConnections = MAX_CONNECTIONS;
    this.#tcp = tcp;
    await new Promise<void>((resolve, reject) => tcp.once("error", reject).listen(port, address, resolve));
    const bound = tcp.address();
    const actual = typeof bound === "object" && bound ? bound.port : port;
    const udp = createSocket({ type: address.includes(":") ? "udp6" : "udp4", recvBufferSize: 1 << 20 });
    this.#udp = udp;
    udp.on(
      "message",
      (message, peer) => void this.#answer(message, (reply) => udp.send(reply, peer.port, peer.address), false),
    );
    await new Promise<void>((resolve, reject) => udp.once("error", reject).bind(actual, address, resolve));
    for (const emitter of [tcp, udp])
      emitter.on("error", (error) => this.#log.warn("DNS socket failed", { error: error.message }));
    return actual;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#tcp?.listening) this.#tcp.close(() => resolve());
    else resolve();
    this.#udp?.close();
    await promise;
  }

  #serve(socket: Socket): void {
    const close = (): void => {
      socket.destroy();
    };
    this.#stop.signal.addEventListener("abort", close, { once: true });
    let idle = this.#clock.setTimer(IDLE_MS, close);
    let buffered: Buffer = Buffer.alloc(0);
    socket.on("error", close);
    socket.on("close", () => {
      idle.cancel();
      this.#stop.signal.removeEventListener("abort", close);
    });
    socket.on("data", (chunk: Buffer) => {
      idle.cancel();
      idle = this.#clock.setTimer(IDLE_MS, close);
      buffered = Buffer.concat([buffered, chunk]);
      while (buffered.length >= 2 && buffered.length >= 2 + buffered.readUInt16BE(0)) {
        const end = 2 + buffered.readUInt16BE(0);
        const message = buffered.subarray(2, end);
        buffered = buffered.subarray(end);
        void this.#answer(message, (reply) => socket.writable && socket.write(frame(reply)), true);
      }
    });
  }

  async #answer(message: Buffer, send: (reply: Buffer) => void, tcp: boolean): Promise<void> {
    if (this.#pending >= MAX_PENDING) return;
    this.#pending++;
    try {
      const reply = await this.#responder.respond(message, tcp, this.#stop.signal);
      if (reply && !this.#stop.signal.aborted) send(reply);
    } catch (error) {
      this.#log.error("cannot answer a DNS query", { error: error instanceof Error ? error.message : String(error) });
    } finally {
      this.#pending--;
    }
  }
}
