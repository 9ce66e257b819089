import { RealClock } from "./clock.ts";
import type { Env } from "./env.ts";
import { silent } from "./log.ts";
import { createLogger } from "./logger.ts";
import { SeededRandom, SystemRandom } from "./random.ts";
import { createMetrics } from "./registry.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** The machine's clock and randomness, a logger to stderr and a fresh registry; what `parts` has takes their place. */
export function createEnv(parts: Partial<Env> = {}): Env {
  const clock = parts.clock ?? new RealClock();
  return {
    clock,
    random: parts.random ?? new SystemRandom(),
    log: parts.log ?? createLogger({ clock }),
    metrics: parts.metrics ?? createMetrics(),
  };
}

/** An {@link Env} whose time stands still until moved and whose chance follows from a seed. */
export interface TestEnv extends Env {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
}

/** An environment for tests: virtual time from `now` (ms since the epoch), chance from `seed` (default 1), a silent log. */
export function testEnv(options: { readonly seed?: number; readonly now?: number } = {}): TestEnv {
  return {
    clock: new VirtualClock(options.now),
    random: new SeededRandom(options.seed ?? 1),
    log: silent,
    metrics: createMetrics(),
  };
}
