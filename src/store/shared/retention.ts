import type { Clock } from "../../kit/index.ts";

/** How much history a store keeps by itself; whatever exceeds one of the bounds is compacted. */
export interface RetentionOptions {
  /** Milliseconds; default five minutes, as upstream. */
  readonly maxAge?: number;
  /** Default 50,000. */
  readonly maxCommits?: number;
  /** What the values written by the kept commits weigh; default 64 MiB. */
  readonly maxBytes?: number;
}

const DEFAULTS = { maxAge: 300_000, maxCommits: 50_000, maxBytes: 64 * 1024 * 1024 };

interface Span {
  /** The first revision committed after the span before. */
  readonly from: number;
  readonly at: number;
  bytes: number;
}

/** Tells up to which revision history may be forgotten. Time is noted once a second, so a commit costs next to nothing. */
export class Retention {
  readonly #clock: Clock;
  readonly #limits: Required<RetentionOptions>;
  readonly #spans: Span[] = [];
  #bytes = 0;

  constructor(clock: Clock, options: RetentionOptions | undefined) {
    this.#clock = clock;
    this.#limits = { ...DEFAULTS, ...options };
  }

  /** Notes a commit, and answers the revision that should be compacted to, or undefined when nothing exceeds the bounds. */
  note(revision: number, bytes: number): number | undefined {
    const now = this.#clock.monotonic();
    const { maxAge, maxCommits, maxBytes } = this.#limits;
    let last = this.#spans.at(-1);
    const full = last && (revision - last.from >= maxCommits / 64 || last.bytes >= maxBytes / 64);
    if (!last || full || now - last.at >= 1000) this.#spans.push((last = { from: revision, at: now, bytes: 0 }));
    last.bytes += bytes;
    this.#bytes += bytes;
    let forget: number | undefined;
    // A span goes when the next one is already too old, or the rest alone fills the bounds.
    for (let [first, second] = this.#spans; first && second; [first, second] = this.#spans) {
      const exceeds = now - second.at > maxAge || revision - first.from >= maxCommits || this.#bytes > maxBytes;
      if (!exceeds) break;
      this.#spans.shift();
      this.#bytes -= first.bytes;
      forget = second.from;
    }
    return forget;
  }
}
