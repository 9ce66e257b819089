import type { Env } from "../../kit/index.ts";
import { isDns1123Subdomain } from "../../machinery/index.ts";

/**
 * Gives out names of events: `NAME.` and the time in nanoseconds, hexadecimal, of which the part below the clock's resolution
 * keeps names apart; a UUID for an object whose name does not make a valid one.
 */
export function eventNames(env: Pick<Env, "clock" | "random">): (objectName: string) => string {
  let order = 0;
  return (objectName) => {
    order = (order + 1) % 1_000_000;
    const nanos = BigInt(Math.trunc(env.clock.now())) * 1_000_000n + BigInt(order);
    const name = `${objectName}.${nanos.toString(16)}`;
    return isDns1123Subdomain(name).length === 0 ? name : env.random.uuid();
  };
}
