import { type admissionregistrationv1 as v1, resources } from "../../../api/index.ts";
import type { Informer, InformerFactory } from "../../../client/index.ts";
import { type Selector, selectorFrom } from "../../../machinery/index.ts";

export type Webhook = v1.MutatingWebhook | v1.ValidatingWebhook;

/** One registered webhook, ready to be matched. */
export interface Hook<W extends Webhook = Webhook> {
  readonly webhook: W;
  /** The registration's name. */
  readonly configuration: string;
  /** Tells it from all others, also from one of the same name in its registration. */
  readonly uid: string;
  readonly namespaces: Selector;
  readonly objects: Selector;
}

/** Who is to be asked, in order. */
export interface HookSource<W extends Webhook> {
  /** Whether there may be anybody to ask at all: cheap, and right also before all registrations are known. */
  readonly any: boolean;
  /** Resolves once all registrations are known. */
  all(signal?: AbortSignal): Promise<readonly Hook<W>[]>;
}

/** Mutating webhooks as they are registered. Call before the factory runs. */
export function liveMutatingHooks(informers: InformerFactory): HookSource<v1.MutatingWebhook> {
  return new LiveHooks(informers.informer(resources.mutatingwebhookconfigurations));
}

/** Validating webhooks as they are registered. Call before the factory runs. */
export function liveValidatingHooks(informers: InformerFactory): HookSource<v1.ValidatingWebhook> {
  return new LiveHooks(informers.informer(resources.validatingwebhookconfigurations));
}

interface Configuration<W extends Webhook> {
  readonly metadata: { readonly name: string };
  readonly webhooks?: readonly W[];
}

class LiveHooks<W extends Webhook> implements HookSource<W> {
  readonly #informer: Informer<Configuration<W>>;
  /** Compiled when first asked for after a change. */
  #hooks: readonly Hook<W>[] | undefined;

  constructor(informer: Informer<Configuration<W>>) {
    this.#informer = informer;
    const forget = (): void => {
      this.#hooks = undefined;
    };
    informer.handle({ added: forget, updated: forget, deleted: forget });
  }

  get any(): boolean {
    return !this.#informer.synced || this.#informer.lister.size > 0;
  }

  async all(signal?: AbortSignal): Promise<readonly Hook<W>[]> {
    if (!this.#informer.synced) await this.#informer.whenSynced(signal);
    return (this.#hooks ??= compileHooks([...this.#informer.lister.list()]));
  }
}

/** The webhooks of all registrations, in the order of the registrations' names. */
export function compileHooks<W extends Webhook>(configurations: readonly Configuration<W>[]): Hook<W>[] {
  const sorted = configurations.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return sorted.flatMap(({ metadata, webhooks = [] }) =>
    webhooks.map((webhook, i) => {
      const earlier = webhooks.slice(0, i).filter((other) => other.name === webhook.name).length;
      return {
        webhook,
        configuration: metadata.name,
        uid: `${metadata.name}/${webhook.name}/${earlier}`,
        namespaces: selectorFrom(webhook.namespaceSelector ?? {}),
        objects: selectorFrom(webhook.objectSelector ?? {}),
      };
    }),
  );
}
