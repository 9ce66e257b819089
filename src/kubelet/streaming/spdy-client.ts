import { Duplex } from "node:stream";

/**
 * The client's half of SPDY/3.1, as far as a container runtime's streaming server needs it: we open streams and send; what
 * the server says in header blocks is of no use to us and is skipped unread. Flow-control windows are not enforced, because
 * Go's peer never opens them again.
 */

const FRAME = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7 } as const;
const FIN = 0x01;
const VERSION = 3;
const MAX_DATA = 16 * 1024;
const DICTIONARY_ADLER = 0xe3c6a7c2;
const SYNC_FLUSH = Buffer.from([0x00, 0x00, 0x00, 0xff, 0xff]);

/** One stream: what is written goes to the server, `end` says that nothing more comes; what it sends can be read. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly #connection: SpdyClient;
  #finished = false;

  constructor(connection: SpdyClient, id: number) {
    super({ allowHalfOpen: true });
    this.#connection = connection;
    this.id = id;
  }

  /**
   * Part of {@link SpdyClient}: nothing more comes. A reset says the same: Go's server resets every stream when it is done,
   * and what it sent before is still to be read.
   */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.push(null);
  }

  override _read(): void {
    this.#connection.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#connection.sendData(this.id, chunk, false, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#connection.sendData(this.id, Buffer.alloc(0), true, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#connection.forget(this.id);
    done(error);
  }
}

/** A connection that speaks SPDY from now on: the socket of an answered upgrade. */
export class SpdyClient {
  readonly #socket: Duplex;
  readonly #streams = new Map<number, SpdyStream>();
  #nextId = 1;
  #compressorStarted = false;
  #pending: Buffer = Buffer.alloc(0);

  /** `head` are bytes that came with the answer to the upgrade. */
  constructor(socket: Duplex, head: Buffer) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("close", () => this.#end());
    socket.on("error", () => this.#end());
    if (head.length > 0) this.#receive(head);
  }

  /** Opens a stream with the given headers. */
  open(headers: Readonly<Record<string, string>>): SpdyStream {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = new SpdyStream(this, id);
    this.#streams.set(id, stream);
    const fixed = Buffer.alloc(10);
    fixed.writeUInt32BE(id, 0);
    this.#control(FRAME.synStream, 0, Buffer.concat([fixed, this.#compress(headerBlock(headers))]));
    return stream;
  }

  /** Closes the connection with all its streams. */
  close(): void {
    this.#socket.destroy();
  }

  /** Part of {@link SpdyStream}. */
  sendData(id: number, chunk: Buffer, last: boolean, done: (error?: Error | null) => void): void {
    let flowing = true;
    for (let at = 0; at < chunk.length || (last && at === 0); at += MAX_DATA) {
      const part = chunk.subarray(at, at + MAX_DATA);
      const header = Buffer.alloc(8);
      header.writeUInt32BE(id, 0);
      header.writeUInt32BE(((last && at + MAX_DATA >= chunk.length ? FIN : 0) << 24) | part.length, 4);
      flowing = this.#socket.write(Buffer.concat([header, part]));
    }
    if (flowing || this.#socket.destroyed) done();
    else this.#socket.once("drain", () => done());
  }

  /** Part of {@link SpdyStream}: its reader wants more. */
  resume(): void {
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Part of {@link SpdyStream}. */
  forget(id: number): void {
    this.#streams.delete(id);
  }

  #receive(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 8) {
      const size = this.#pending.readUIntBE(5, 3);
      if (this.#pending.length < 8 + size) return;
      const frame = this.#pending.subarray(0, 8 + size);
      this.#pending = this.#pending.subarray(8 + size);
      this.#frame(frame);
    }
  }

  #frame(frame: Buffer): void {
    const control = (frame[0] ?? 0) & 0x80;
    const flags = frame[4] ?? 0;
    const body = frame.subarray(8);
    if (!control) return this.#data(frame.readUInt32BE(0), body, (flags & FIN) !== 0);
    const type = frame.readUInt16BE(2);
    if (type === FRAME.ping) this.#control(FRAME.ping, 0, body);
    else if (type === FRAME.synReply && (flags & FIN) !== 0) this.#data(body.readUInt32BE(0), Buffer.alloc(0), true);
    else if (type === FRAME.rstStream) this.#streams.get(body.readUInt32BE(0))?.finish();
    else if (type === FRAME.goAway) this.#end();
  }

  #data(id: number, body: Buffer, last: boolean): void {
    const stream = this.#streams.get(id);
    if (!stream) return;
    // A reader that lags holds up the whole connection, as it does with Go's peer.
    if (body.length > 0 && !stream.push(Buffer.from(body))) this.#socket.pause();
    if (last) stream.finish();
  }

  #end(): void {
    for (const stream of this.#streams.values()) stream.finish();
    this.#streams.clear();
  }

  #control(type: number, flags: number, body: Buffer): void {
    const header = Buffer.alloc(8);
    header.writeUInt16BE(0x8000 | VERSION, 0);
    header.writeUInt16BE(type, 2);
    header.writeUInt32BE((flags << 24) | body.length, 4);
    this.#socket.write(Buffer.concat([header, body]));
  }

  /**
   * Header blocks travel in one zlib stream a connection, primed with SPDY's dictionary. Stored blocks need neither: only
   * the dictionary's checksum is named, and nothing ever refers to it. Each ends with an empty block, which tells Go's reader
   * that it may hand out what it has before it looks for more.
   */
  #compress(block: Buffer): Buffer {
    const start = Buffer.alloc(this.#compressorStarted ? 0 : 6);
    if (!this.#compressorStarted) {
      start.writeUInt16BE(0x78bb, 0);
      start.writeUInt32BE(DICTIONARY_ADLER, 2);
      this.#compressorStarted = true;
    }
    const stored = Buffer.alloc(5);
    stored.writeUInt16LE(block.length, 1);
    stored.writeUInt16LE(~block.length & 0xffff, 3);
    return Buffer.concat([start, stored, block, SYNC_FLUSH]);
  }
}

function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(Object.keys(headers).length);
  const text = (value: string): Buffer => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(Buffer.byteLength(value));
    return Buffer.concat([size, Buffer.from(value)]);
  };
  return Buffer.concat([
    count,
    ...Object.entries(headers).flatMap(([name, value]) => [text(name.toLowerCase()), text(value)]),
  ]);
}
