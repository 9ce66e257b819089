import type { Clock, Timer } from "./clock.ts";
import type { Component } from "./component.ts";
import { Latch, abortable, childController, deferred } from "./deferred.ts";
import { CodedError, errorText } from "./errors.ts";
import type { Logger } from "./log.ts";
import { silent } from "./log.ts";

export interface GroupOptions {
  readonly clock: Clock;
  readonly name?: string;
  readonly log?: Logger;
  /** How long each component may take to become ready, ms; default 60 s. */
  readonly readyTimeout?: number;
  /** How long stopping may take altogether, ms; default 30 s. What has not stopped by then is given up and named. */
  readonly stopTimeout?: number;
}

/** What components still get to stop in, ms, when those stopped before them have used up the time. */
const LAST_GRACE = 1000;

interface Running {
  readonly component: Component;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
  stopped: boolean;
}

/**
 * Runs components as one. They start in declared order, each once the one before is ready, and stop in reverse order,
 * each once the one after has stopped. The first failure stops all, and `run` rejects with it (code `ComponentFailed`,
 * `details.component`). A component that returns without being asked counts as finished, not as failed.
 */
export class Group implements Component {
  readonly name: string;
  readonly #components: readonly Component[];
  readonly #options: GroupOptions;
  readonly #log: Logger;
  readonly #ready = new Latch();

  constructor(components: readonly Component[], options: GroupOptions) {
    this.name = options.name ?? "group";
    this.#components = components;
    this.#options = options;
    this.#log = options.log ?? silent;
  }

  ready(signal?: AbortSignal): Promise<void> {
    return this.#ready.wait(signal);
  }

  async run(signal: AbortSignal): Promise<void> {
    const halt = childController(signal);
    const running: Running[] = [];
    let failure: CodedError | undefined;
    const fail = (component: Component, cause: unknown): void => {
      failure ??= componentFailed(component, cause);
      halt.abort(failure);
    };
    try {
      for (const component of this.#components) {
        if (halt.signal.aborted) break;
        running.push(this.#start(component, fail));
        await this.#awaitReady(component, halt.signal).catch((cause: unknown) => {
          if (!halt.signal.aborted) fail(component, cause);
        });
      }
      if (!halt.signal.aborted) this.#ready.open();
      const allEnded = Promise.all(running.map((r) => r.ended));
      await abortable(allEnded, halt.signal).catch(() => undefined);
    } finally {
      halt.unlink();
      await this.#stop(running).catch((cause: unknown) => {
        failure ??= cause as CodedError;
      });
    }
    if (failure) throw failure;
  }

  #start(component: Component, fail: (component: Component, cause: unknown) => void): Running {
    const controller = new AbortController();
    this.#log.debug("Starting component", { component: component.name });
    const running: Running = {
      component,
      controller,
      stopped: false,
      ended: invoke(() => component.run(controller.signal)).then(
        () => void (running.stopped = true),
        (cause: unknown) => {
          running.stopped = true;
          if (!isStop(cause, controller.signal)) fail(component, cause);
        },
      ),
    };
    return running;
  }

  async #awaitReady(component: Component, signal: AbortSignal): Promise<void> {
    if (!component.ready) return;
    const limit = this.#options.readyTimeout ?? 60_000;
    const waiting = childController(signal);
    const timer = this.#options.clock.setTimer(limit, () =>
      waiting.abort(new CodedError("ReadyTimeout", `not ready within ${limit / 1000} s`)),
    );
    try {
      await abortable(component.ready(waiting.signal), waiting.signal);
    } finally {
      timer.cancel();
      waiting.unlink();
    }
  }

  async #stop(running: readonly Running[]): Promise<void> {
    const limit = this.#options.stopTimeout ?? 30_000;
    const deadline = this.#deadline(limit);
    for (const one of running.toReversed()) {
      this.#log.debug("Stopping component", { component: one.component.name });
      one.controller.abort();
      if (!one.stopped) await Promise.race([one.ended, deadline.passed]);
    }
    deadline.cancel();
    if (running.every((r) => r.stopped)) return;
    const last = this.#deadline(LAST_GRACE);
    await Promise.race([Promise.all(running.map((r) => r.ended)), last.passed]);
    last.cancel();
    const stuck = running.filter((r) => !r.stopped).map((r) => r.component.name);
    if (stuck.length === 0) return;
    throw new CodedError("StopTimeout", `not stopped within ${limit / 1000} s: ${stuck.join(", ")}`, {
      details: { components: stuck },
    });
  }

  #deadline(ms: number): { readonly passed: Promise<void> } & Timer {
    const { promise, resolve } = deferred();
    const timer = this.#options.clock.setTimer(ms, resolve);
    return { passed: promise, cancel: () => timer.cancel() };
  }
}

/** A synchronous throw of `run` becomes a rejection. */
async function invoke(run: () => Promise<void>): Promise<void> {
  await run();
}

/** Whether a rejection only says that the component was told to stop. */
function isStop(cause: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (cause === signal.reason || (cause instanceof Error && cause.name === "AbortError"));
}

function componentFailed(component: Component, cause: unknown): CodedError {
  return new CodedError("ComponentFailed", `component "${component.name}" failed: ${errorText(cause)}`, {
    cause,
    details: { component: component.name },
  });
}
