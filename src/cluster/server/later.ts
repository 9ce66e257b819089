import type { Component } from "../../kit/index.ts";

/** A component that is loaded and made only when its turn comes, so that what starts before it does not wait for that. */
export function later(name: string, make: () => Promise<Component>): Component {
  const { promise, resolve, reject } = Promise.withResolvers<Component>();
  promise.catch(() => undefined);
  return {
    name,
    async ready(signal) {
      await (await promise).ready?.(signal);
    },
    async run(signal) {
      try {
        resolve(await make());
      } catch (error) {
        reject(error);
      }
      await (await promise).run(signal);
    },
  };
}
