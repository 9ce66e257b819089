import type { WebSocket } from "ws";
import type { SpdyClient, SpdyStream } from "./spdy-client.ts";

/** The sub-protocols of exec and attach over WebSocket, best first. */
export const COMMAND_PROTOCOLS = [
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "v3.channel.k8s.io",
  "v2.channel.k8s.io",
  "channel.k8s.io",
  "v4.base64.channel.k8s.io",
  "base64.channel.k8s.io",
] as const;

/** Which streams the caller asked for. */
export interface CommandStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
const NORMAL_CLOSURE = 1000;

/** Messages of one WebSocket, each a channel's number and its bytes; text protocols write both in characters. */
class Channels {
  readonly #socket: WebSocket;
  readonly #base64: boolean;

  constructor(socket: WebSocket, protocol: string) {
    this.#socket = socket;
    this.#base64 = protocol.includes("base64");
  }

  send(channel: number, bytes: Buffer, done?: () => void): void {
    const message = this.#base64
      ? `${channel}${bytes.toString("base64")}`
      : Buffer.concat([Buffer.from([channel]), bytes]);
    this.#socket.send(message, () => done?.());
  }

  parse(message: Buffer): [channel: number, bytes: Buffer] {
    if (!this.#base64) return [message[0] ?? -1, message.subarray(1)];
    return [Number(message.toString("latin1", 0, 1)), Buffer.from(message.toString("latin1", 1), "base64")];
  }
}

/**
 * Carries one exec or attach between a WebSocket client and the runtime's SPDY server (KEP-4006). Resolves when it is over.
 * The exit status travels in the error channel: a Status for v4 and later, plain text of a failure before.
 */
export async function bridgeCommand(
  socket: WebSocket,
  protocol: string,
  runtime: SpdyClient,
  streams: CommandStreams,
): Promise<void> {
  const channels = new Channels(socket, protocol);
  const open = (streamType: string): SpdyStream => runtime.open({ streamtype: streamType });
  // The runtime waits for all of them, the error stream first.
  const error = open("error");
  const stdin = streams.stdin ? open("stdin") : undefined;
  const stdout = streams.stdout ? open("stdout") : undefined;
  const stderr = streams.stderr && !streams.tty ? open("stderr") : undefined;
  const resize = streams.tty ? open("resize") : undefined;
  error.end();
  for (const stream of [stdout, stderr]) stream?.end();
  receive(socket, channels, { stdin, resize });
  const closed = new Promise<void>((resolve) => socket.once("close", resolve));
  void closed.then(() => runtime.close());
  const outputs = [forward(stdout, CHANNEL.stdout, channels), forward(stderr, CHANNEL.stderr, channels)];
  const status = await collect(error);
  await Promise.all(outputs);
  const failed = status.length > 0;
  if (protocol.startsWith("v4.") || protocol.startsWith("v5.")) {
    channels.send(CHANNEL.error, failed ? status : Buffer.from(JSON.stringify(SUCCESS)));
  } else if (failed) channels.send(CHANNEL.error, plainText(status));
  socket.close(NORMAL_CLOSURE);
  await closed;
}

const SUCCESS = { metadata: {}, status: "Success" };

/** Early protocols knew no Status: success is silence, failure a sentence. */
function plainText(status: Buffer): Buffer {
  try {
    const parsed = JSON.parse(status.toString("utf8")) as { status?: string; message?: string };
    return Buffer.from(parsed.status === "Success" ? "" : (parsed.message ?? ""));
  } catch {
    return status;
  }
}

function receive(
  socket: WebSocket,
  channels: Channels,
  to: { readonly stdin: SpdyStream | undefined; readonly resize: SpdyStream | undefined },
): void {
  socket.on("message", (message: Buffer) => {
    const [channel, bytes] = channels.parse(message);
    if (channel === CHANNEL.stdin && to.stdin?.writable) {
      if (!to.stdin.write(bytes)) {
        socket.pause();
        to.stdin.once("drain", () => socket.resume());
      }
    } else if (channel === CHANNEL.resize && to.resize?.writable) to.resize.write(bytes);
    // v5: one direction of one channel is over, which stdin needs to tell `cat` that nothing more comes.
    else if (channel === CHANNEL.close && bytes[0] === CHANNEL.stdin) to.stdin?.end();
  });
  socket.once("close", () => to.stdin?.end());
}

/** Sends all of a stream, never faster than the client takes it. */
async function forward(stream: SpdyStream | undefined, channel: number, channels: Channels): Promise<void> {
  if (!stream) return;
  try {
    for await (const chunk of stream) await new Promise<void>((sent) => channels.send(channel, chunk as Buffer, sent));
  } catch {
    // The stream was reset: what the error stream says is what counts.
  }
}

async function collect(stream: SpdyStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk as Buffer);
  } catch {
    // As above.
  }
  return Buffer.concat(chunks);
}
