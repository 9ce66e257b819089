import type { Random } from "../kit/index.ts";
import type { Forwarder } from "./forward.ts";
import {
  type Answer,
  encodeAnswer,
  encodeError,
  MalformedQuery,
  parseQuery,
  type Query,
  RCODE,
  TYPE,
} from "./message.ts";
import { resolve } from "./resolve.ts";
import type { LiveView } from "./view.ts";

const TCP_LIMIT = 65_535;
const CACHE_SIZE = 10_000;
/** A client inside a pod may claim any size; larger answers would be fragmented. */
const UDP_LIMIT = 1232;

/** Turns one query into one answer, whatever it came over. Answers about the cluster are kept in wire form until it changes. */
export class Responder {
  readonly #view: LiveView;
  readonly #zone: string;
  readonly #forwarder: Forwarder;
  readonly #random: Random;
  #cache = new Map<string, Answer>();
  #generation = -1;

  constructor(options: { view: LiveView; zone: string; forwarder: Forwarder; random: Random }) {
    this.#view = options.view;
    this.#zone = options.zone;
    this.#forwarder = options.forwarder;
    this.#random = options.random;
  }

  /** Resolves with the bytes to send back, or undefined when nothing should be sent. Never rejects. */
  async respond(message: Buffer, tcp: boolean, signal: AbortSignal): Promise<Buffer | undefined> {
    let query: Query;
    try {
      query = parseQuery(message);
    } catch (error) {
      if (error instanceof MalformedQuery && error.id !== undefined) return encodeError(error.id, error.rcode);
      return undefined;
    }
    const limit = tcp ? TCP_LIMIT : Math.min(query.maxSize, UDP_LIMIT);
    const local = this.#local(query);
    if (local.kind === "answer" && local.follow === undefined)
      return encodeAnswer(query, this.#shuffled(local.answer), limit);
    if (local.kind === "answer") return this.#chase(query, local.answer, local.follow ?? "", limit, signal);
    const answer = await this.#forwarder.ask(message, tcp, signal);
    return answer ?? encodeAnswer(query, failure(), limit);
  }

  #local(query: Query): { kind: "forward" } | { kind: "answer"; answer: Answer; follow?: string } {
    if (this.#generation !== this.#view.generation || this.#cache.size > CACHE_SIZE) {
      this.#cache = new Map();
      this.#generation = this.#view.generation;
    }
    const key = `${query.question.type} ${query.question.name}`;
    const cached = this.#cache.get(key);
    if (cached) return { kind: "answer", answer: cached };
    const resolution = resolve(this.#view, this.#zone, query.question);
    if (resolution.kind === "answer" && resolution.follow === undefined) this.#cache.set(key, resolution.answer);
    return resolution;
  }

  /** An ExternalName: its CNAME, with the addresses of the target when somebody knows them. */
  async #chase(query: Query, cname: Answer, target: string, limit: number, signal: AbortSignal): Promise<Buffer> {
    const inside = resolve(this.#view, this.#zone, { name: target, type: query.question.type });
    if (inside.kind === "answer" && inside.follow === undefined) {
      return encodeAnswer(
        query,
        { ...cname, answers: [...cname.answers, ...inside.answer.answers], authority: [] },
        limit,
      );
    }
    const reply =
      inside.kind === "forward" ? await this.#forwarder.ask(questionFor(target, query), false, signal) : undefined;
    const addresses = reply ? addressesIn(reply, query.question.type) : [];
    const answers = addresses.map((address) => ({
      name: target,
      ttl: 30,
      data: { type: query.question.type as 1 | 28, address },
    }));
    return encodeAnswer(query, { ...cname, answers: [...cname.answers, ...answers], authority: [] }, limit);
  }

  /** Clients take the first address: each answer begins at another one. */
  #shuffled(answer: Answer): Answer {
    const { answers } = answer;
    if (answers.length < 2) return answer;
    const start = this.#random.int(answers.length);
    return { ...answer, answers: [...answers.slice(start), ...answers.slice(0, start)] };
  }
}

function failure(): Answer {
  return { rcode: RCODE.serverFailure, authoritative: false, answers: [], authority: [], additional: [] };
}

function questionFor(name: string, query: Query): Buffer {
  const labels = name
    .split(".")
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")]));
  const head = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(query.id, 0);
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, query.question.type, 0, 1])]);
}

/** The addresses in a foreign answer. Malformed answers give none. */
function addressesIn(message: Buffer, type: number): string[] {
  const found: string[] = [];
  try {
    let at = skipName(message, 12) + 4;
    for (let i = message.readUInt16BE(6); i > 0; i--) {
      at = skipName(message, at);
      const [kind, size] = [message.readUInt16BE(at), message.readUInt16BE(at + 8)];
      at += 10;
      if (kind === type && kind === TYPE.A && size === 4) found.push(message.subarray(at, at + 4).join("."));
      if (kind === type && kind === TYPE.AAAA && size === 16) {
        found.push(Array.from({ length: 8 }, (_, word) => message.readUInt16BE(at + word * 2).toString(16)).join(":"));
      }
      at += size;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return found;
}

function skipName(message: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const size = message.readUInt8(at);
    if (size >= 0xc0) return at + 2;
    at += 1 + size;
    if (size === 0) return at;
  }
}
