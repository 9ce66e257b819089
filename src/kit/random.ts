import { randomBytes, randomUUID } from "node:crypto";

/** The only source of chance and identity outside `kit/`. */
export interface Random {
  /** A float in [0, 1). */
  float(): number;
  /** An integer in [0, bound). */
  int(bound: number): number;
  /** A version 4 UUID (RFC 9562). */
  uuid(): string;
  /** `length` bytes; cryptographically strong only from {@link SystemRandom}. */
  bytes(length: number): Uint8Array;
  /** `length` characters of the alphabet that Kubernetes uses for generated names (no vowels, no look-alikes). */
  suffix(length: number): string;
}

const SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

abstract class BaseRandom implements Random {
  abstract bytes(length: number): Uint8Array;
  abstract float(): number;

  int(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  uuid(): string {
    const b = this.bytes(16);
    b[6] = ((b[6] ?? 0) & 0x0f) | 0x40;
    b[8] = ((b[8] ?? 0) & 0x3f) | 0x80;
    const hex = Buffer.from(b.buffer, b.byteOffset, b.byteLength).toString("hex");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  suffix(length: number): string {
    let out = "";
    for (let i = 0; i < length; i++) out += SUFFIX_ALPHABET.charAt(this.int(SUFFIX_ALPHABET.length));
    return out;
  }
}

const POOL_SIZE = 4096;

/** Randomness of the operating system, drawn in blocks because a draw costs a system call. */
export class SystemRandom extends BaseRandom {
  #pool = new Uint8Array(0);
  #used = 0;

  /** Node draws these from a pool of its own, ten times as fast as from {@link bytes}. */
  override uuid(): string {
    return randomUUID();
  }

  bytes(length: number): Uint8Array {
    if (length > POOL_SIZE / 4) return randomBytes(length);
    if (this.#used + length > this.#pool.length) {
      // A copy, because slices of a Buffer share its memory, which is wiped below.
      this.#pool = new Uint8Array(randomBytes(POOL_SIZE));
      this.#used = 0;
    }
    const out = this.#pool.slice(this.#used, this.#used + length);
    this.#pool.fill(0, this.#used, this.#used + length);
    this.#used += length;
    return out;
  }

  float(): number {
    const b = this.bytes(6);
    let value = 0;
    for (const byte of b) value = value * 256 + byte;
    return value / 2 ** 48;
  }
}

/** A reproducible stream (mulberry32): the same seed gives the same run. Never for secrets. */
export class SeededRandom extends BaseRandom {
  #state: number;

  readonly seed: number;

  constructor(seed: number) {
    super();
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  float(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.int(256));
  }
}
