import type { Methods } from "./schema.ts";

/** What may be sent: every field may be left out, at every depth. */
export type Sent<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer E)[]
    ? readonly Sent<E>[]
    : T extends object
      ? { readonly [K in keyof T]?: Sent<T[K]> | undefined }
      : T;

export interface CallOptions {
  /** Gives up with `DeadlineExceeded`. Absent: waits for ever. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** One function for each unary method of CRI's RuntimeService and ImageService. */
export type RuntimeMethods = {
  readonly [M in keyof Methods]: (request: Sent<Methods[M][0]>, options?: CallOptions) => Promise<Methods[M][1]>;
};

/**
 * Something happened to a container or sandbox (`id` is either's). `resync`: events may have been missed; look at
 * everything again.
 */
export type RuntimeEvent =
  | { readonly type: "created" | "started" | "stopped" | "deleted"; readonly id: string; readonly sandboxId?: string }
  | { readonly type: "resync" };

/**
 * A container runtime, as CRI v1 has it. Calls reject with `CodedError` whose code is gRPC's (`NotFound`,
 * `Unavailable`, `DeadlineExceeded`, ...) and whose message is the runtime's own. Answers always carry every scalar and
 * list field; timestamps are nanoseconds, rounded to 256 ns.
 */
export interface Runtime extends RuntimeMethods {
  /**
   * What happens, as soon as it is visible to the other calls. Starts with `resync`; never ends before `signal`
   * aborts: after a broken connection it goes on with another `resync`.
   */
  events(signal: AbortSignal): AsyncIterable<RuntimeEvent>;
  /** Closes the connection. Containers go on. */
  close(): void;
}
