import type { Env } from "../../kit/index.ts";
import type { Connection } from "./connection.ts";

interface Lease {
  readonly id: number;
  /** By the monotonic clock, in milliseconds. */
  readonly expires: number;
  uses: number;
}

const MAX_USES = 1000;
/** A key may live longer than asked by this share of its time, and at most so long, in seconds; as upstream. */
const SLACK = { share: 0.05, most: 60 };

/** Leases for keys that vanish. Keys whose time ends at about the same moment share one. */
export class Leases {
  readonly #env: Pick<Env, "clock" | "random">;
  readonly #connection: Connection;
  #last: Promise<Lease> | undefined;

  constructor(env: Pick<Env, "clock" | "random">, connection: Connection) {
    this.#env = env;
    this.#connection = connection;
  }

  /** The id of a lease that ends in `ttlSeconds`, or a little later. */
  async take(ttlSeconds: number): Promise<number> {
    const now = this.#env.clock.monotonic();
    const slack = Math.min(ttlSeconds * SLACK.share, SLACK.most);
    const last = await this.#last?.catch(() => undefined);
    const left = last ? (last.expires - now) / 1000 : 0;
    if (last && last.uses < MAX_USES && left >= ttlSeconds && left <= ttlSeconds + slack) {
      last.uses++;
      return last.id;
    }
    this.#last = this.#grant(Math.ceil(ttlSeconds + slack));
    return (await this.#last).id;
  }

  /** Forgets the lease at hand: it turned out to be gone. */
  reset(): void {
    this.#last = undefined;
  }

  async #grant(ttl: number): Promise<Lease> {
    const began = this.#env.clock.monotonic();
    // Our own ids are exact as numbers; etcd's would not be.
    const id = 1 + this.#env.random.int(2 ** 48) * 16 + this.#env.random.int(16);
    const granted = await this.#connection.call(
      "leaseGrant",
      { ttl, id },
      { action: "grant a lease", repeatable: false },
    );
    return { id: granted.id, expires: began + granted.ttl * 1000, uses: 1 };
  }
}
