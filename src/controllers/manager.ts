import {
  type Client,
  createEventRecorder,
  createInformerFactory,
  type InformerFactory,
  metadataOnly,
} from "../client/index.ts";
import { type Component, type Env, type KeyPair, onceAborted } from "../kit/index.ts";
import type { ControllerContext, ControllerDefinition, TokenIssuer } from "./common/context.ts";
import { recordedEvents } from "./common/events.ts";
import { Caches } from "./common/indexes.ts";
import { type ControllersConfig, DEFAULT_CONFIG } from "./config.ts";
import { CONTROLLERS } from "./registry.ts";
import { selectControllers } from "./selection.ts";

/** The name under which {@link ControllersOptions.clientFor} is asked for the manager's own identity. */
export const MANAGER = "kube-controller-manager";

/** What {@link createControllers} is given. */
export interface ControllersOptions {
  /**
   * A client for each identity: that of `system:serviceaccount:kube-system:<name>` for the name of a controller's service
   * account, that of `system:kube-controller-manager` for {@link MANAGER}. Called once a name.
   */
  clientFor(name: string): Client;
  readonly env: Env;
  readonly config?: Partial<ControllersConfig>;
  /** PEM of the CA that pods should trust for the API server. Without it none is published. */
  readonly rootCa?: string;
  /** The CA that signs certificates on request, PEM. Without it none are signed. */
  readonly signer?: KeyPair;
  /** Signs the tokens of service accounts that are kept in secrets. Without it such secrets stay empty. */
  readonly issueToken?: TokenIssuer;
}

/**
 * The controllers of kube-controller-manager as one component. They share their informers, which read as
 * system:kube-controller-manager; each writes as its own service account. Ready once all caches are filled and all
 * workers run. Throws `ControllerUnknown` for a name that does not exist.
 */
export function createControllers(options: ControllersOptions): Component {
  return new ControllerManager(options);
}

class ControllerManager implements Component {
  readonly name = MANAGER;
  readonly #controllers: readonly Component[];
  readonly #informers: InformerFactory;
  readonly #extensions: InformerFactory;
  readonly #stops: (() => void)[] = [];

  constructor(options: ControllersOptions) {
    const config = { ...DEFAULT_CONFIG, ...options.config };
    const selected = selectControllers(config.controllers, config.featureGates);
    const reader = options.clientFor(MANAGER);
    this.#informers = createInformerFactory(reader, options.env);
    this.#extensions = createInformerFactory(metadataOnly(reader), options.env);
    const caches = new Caches(this.#informers, this.#extensions);
    this.#controllers = CONTROLLERS.filter(({ name }) => selected.has(name)).flatMap((definition) => {
      const controller = definition.create(this.#contextOf(definition, options, config, caches));
      return controller ?? [];
    });
  }

  #contextOf(
    definition: ControllerDefinition,
    options: ControllersOptions,
    config: ControllersConfig,
    caches: Caches,
  ): ControllerContext {
    const { name, account, eventSource } = definition;
    const env = { ...options.env, log: options.env.log.with({ controller: name }) };
    const client = options.clientFor(account);
    const recorder = createEventRecorder(client, env, eventSource ?? name);
    this.#stops.push(() => recorder.stop());
    return {
      name,
      env,
      client,
      caches,
      config,
      events: recordedEvents(recorder),
      ...(options.rootCa === undefined ? {} : { rootCa: options.rootCa }),
      ...(options.signer === undefined ? {} : { signer: options.signer }),
      ...(options.issueToken === undefined ? {} : { issueToken: options.issueToken }),
    };
  }

  async ready(signal?: AbortSignal): Promise<void> {
    await Promise.all(this.#controllers.map(async (controller) => controller.ready?.(signal)));
  }

  async run(signal: AbortSignal): Promise<void> {
    const halt = new AbortController();
    const stop = (): void => halt.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const all = [this.#informers, this.#extensions, ...this.#controllers].map((component) =>
      component.run(halt.signal),
    );
    try {
      // The first that gives up takes the others with it: a manager that is half alive helps nobody.
      await Promise.race([onceAborted(halt.signal), Promise.all(all)]);
    } finally {
      signal.removeEventListener("abort", stop);
      halt.abort();
      for (const end of this.#stops) end();
      await Promise.allSettled(all);
    }
  }
}
