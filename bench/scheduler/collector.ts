/** Upstream's figures of one measured stretch. */
export interface Throughput {
  readonly pods: number;
  /** From the first pod that got a node to the last, s. */
  readonly seconds: number;
  /** Pods a second, one a sample, sorted. */
  readonly samples: readonly number[];
}

const INTERVAL = 1000;

/**
 * Samples once a second how many pods got a node, as upstream's throughputCollector does: the first sample with any is dropped, and intervals
 * without any are carried into the next.
 */
export class Collector {
  readonly #samples: number[] = [];
  #scheduled = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastCount = 0;
  #lastTime = 0;
  #started = false;
  #skipped = 0;
  #first = 0;
  #last = 0;

  start(): void {
    this.#timer = setInterval(() => this.#sample(), INTERVAL);
  }

  /** A pod of the measured kind got a node. */
  scheduled(): void {
    this.#last = performance.now();
    if (this.#scheduled++ === 0) this.#first = this.#last;
  }

  stop(): Throughput {
    clearInterval(this.#timer);
    return {
      pods: this.#scheduled,
      seconds: (this.#last - this.#first) / 1000,
      samples: this.#samples.toSorted((a, b) => a - b),
    };
  }

  #sample(): void {
    const now = performance.now();
    if (this.#scheduled === 0) return;
    if (!this.#started) {
      this.#started = true;
      this.#lastCount = this.#scheduled;
      this.#lastTime = now;
      return;
    }
    const fresh = this.#scheduled - this.#lastCount;
    if (fresh === 0) {
      this.#skipped++;
      return;
    }
    const rate = fresh / ((now - this.#lastTime) / 1000);
    for (let i = 0; i <= this.#skipped; i++) this.#samples.push(rate);
    this.#lastCount = this.#scheduled;
    this.#lastTime = now;
    this.#skipped = 0;
  }
}

/** The value below which `percent` of the samples are. */
export function percentile(sorted: readonly number[], percent: number): number | undefined {
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1];
}

/** The mean of the samples. */
export function mean(samples: readonly number[]): number | undefined {
  return samples.length === 0 ? undefined : samples.reduce((sum, x) => sum + x, 0) / samples.length;
}
