import type { Resource } from "../../api/index.ts";
import type { Admission, AdmissionRequest, ApiObject, Operation } from "../seams/index.ts";
import type { RequestContext } from "../request/types.ts";
import type { Random } from "../../kit/index.ts";

/** What admission needs to know of a write beside the objects. */
export interface Subject {
  readonly context: RequestContext;
  readonly resource: Resource;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly dryRun: boolean;
}

/** The plugins in order: all that may change the object first, then all that may only refuse it. */
export class AdmissionChain {
  readonly #plugins: readonly Admission[];
  readonly #random: Random;

  constructor(plugins: readonly Admission[], random: Random) {
    this.#plugins = plugins;
    this.#random = random;
  }

  /** Lets the plugins change `object`. */
  async mutate(
    subject: Subject,
    operation: Operation,
    object: ApiObject | undefined,
    old: ApiObject | undefined,
  ): Promise<void> {
    let request: AdmissionRequest | undefined;
    for (const plugin of this.#plugins) {
      if (!plugin.admit || !plugin.handles(operation, subject.resource, subject.subresource)) continue;
      request ??= this.#request(subject, operation, object, old);
      const pending = plugin.admit.length > 1 ? plugin.admit(request, subject.context.signal) : plugin.admit(request);
      if (pending) await pending;
    }
  }

  /** Lets the plugins refuse. */
  async validate(
    subject: Subject,
    operation: Operation,
    object: ApiObject | undefined,
    old: ApiObject | undefined,
  ): Promise<void> {
    let request: AdmissionRequest | undefined;
    for (const plugin of this.#plugins) {
      if (!plugin.validate || !plugin.handles(operation, subject.resource, subject.subresource)) continue;
      request ??= this.#request(subject, operation, object, old);
      const pending =
        plugin.validate.length > 1 ? plugin.validate(request, subject.context.signal) : plugin.validate(request);
      if (pending) await pending;
    }
  }

  #request(
    subject: Subject,
    operation: Operation,
    object: ApiObject | undefined,
    old: ApiObject | undefined,
  ): AdmissionRequest {
    const { context } = subject;
    return {
      uid: this.#random.uuid(),
      resource: subject.resource,
      subresource: subject.subresource,
      name: subject.name !== "" ? subject.name : (object?.metadata.name ?? ""),
      namespace: subject.namespace,
      operation,
      user: context.user,
      ...(object && { object }),
      ...(old && { oldObject: old }),
      options: subject.options,
      dryRun: subject.dryRun,
      warn: (message) => context.warn(message),
      annotate: (key, value) => context.annotate(key, value),
    };
  }
}
