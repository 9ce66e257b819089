import type { corev1, GroupVersionKind, Resource } from "../../../api/index.ts";
import { type CelValue, fromJson } from "../../../machinery/cel/index.ts";
import type { AdmissionRequest, ApiObject, Attributes, Authorizer, Verdict } from "../../seams/index.ts";
import { kindOf } from "../webhooks/match.ts";
import { AuthorizerValue, type Authorize } from "./authorizer-library.ts";
import { NAMESPACE, REQUEST } from "./environment.ts";

/** What expressions look at: the write, in the version that was asked for. */
export interface Input {
  readonly request: AdmissionRequest;
  readonly resource: Resource;
  readonly kind: GroupVersionKind;
  readonly object: ApiObject | undefined;
  readonly oldObject: ApiObject | undefined;
  readonly params?: object | undefined;
  readonly namespace?: corev1.Namespace | undefined;
}

/** The values of the variables that a write has. */
export function valuesOf(input: Input, authorize: Authorize | undefined): Readonly<Record<string, CelValue>> {
  const { request, object, oldObject, params, namespace } = input;
  const { group, resource } = request.resource;
  const { subresource, namespace: place, name } = request;
  return {
    object: fromJson(object ?? null),
    oldObject: fromJson(oldObject ?? null),
    request: fromJson(requestValue(input), REQUEST),
    namespaceObject: namespace ? fromJson(namespaceValue(namespace), NAMESPACE) : null,
    params: fromJson(params ?? null),
    ...(authorize && {
      authorizer: new AuthorizerValue(
        request.user,
        { group, resource, subresource, namespace: place, name },
        authorize,
      ),
    }),
  };
}

function requestValue({ request, resource, kind: [group, version, kind] }: Input): object {
  const { subresource, name, namespace, operation, user, dryRun, options } = request;
  const own = kindOf(request.resource, subresource);
  const gvr = (of: Resource): object => ({ group: of.group, version: of.version, resource: of.resource });
  const { uid, groups, extra = {} } = user;
  return {
    kind: { group, version, kind },
    resource: gvr(resource),
    ...(subresource !== "" && { subResource: subresource }),
    requestKind: { group: own[0], version: own[1], kind: own[2] },
    requestResource: gvr(request.resource),
    ...(subresource !== "" && { requestSubResource: subresource }),
    name,
    ...(namespace !== "" && { namespace }),
    operation,
    userInfo: {
      ...(user.name !== "" && { username: user.name }),
      ...(uid && { uid }),
      ...(groups.length > 0 && { groups }),
      ...(Object.keys(extra).length > 0 && { extra }),
    },
    dryRun,
    options: Object.keys(options).length > 0 ? options : null,
  };
}

/** What of a namespace expressions may see: not who else manages it. */
function namespaceValue({ metadata, spec, status }: corev1.Namespace): object {
  const { managedFields: _1, ownerReferences: _2, ...rest } = metadata;
  return { metadata: rest, spec, status };
}

/** Thrown where an expression asks what takes time to answer: wait for it, and evaluate anew. */
class Pending {
  readonly answer: Promise<unknown>;

  constructor(answer: Promise<unknown>) {
    this.answer = answer;
  }
}

/** Asks the authorizers for expressions, and remembers what they said for as long as one write lasts. */
export class RememberingAuthorizer {
  readonly #authorizers: readonly Authorizer[];
  readonly #known = new Map<string, Verdict>();
  readonly #signal: AbortSignal | undefined;

  constructor(authorizers: readonly Authorizer[], signal: AbortSignal | undefined) {
    this.#authorizers = authorizers;
    this.#signal = signal;
  }

  readonly authorize: Authorize = (attributes) => {
    const key = JSON.stringify(attributes);
    const known = this.#known.get(key);
    if (known) return known;
    const asked = this.#ask(attributes);
    if (asked instanceof Promise) {
      // oxlint-disable-next-line typescript/only-throw-error -- not an error: see `Pending`
      throw new Pending(asked.then((verdict) => this.#known.set(key, verdict)));
    }
    this.#known.set(key, asked);
    return asked;
  };

  #ask(attributes: Attributes, from = 0): Verdict | Promise<Verdict> {
    for (let i = from; i < this.#authorizers.length; i++) {
      const verdict = this.#authorizers[i]?.authorize(attributes, this.#signal);
      if (verdict instanceof Promise) {
        return verdict.then((late) => (late.decision === "no opinion" ? this.#ask(attributes, i + 1) : late));
      }
      if (verdict && verdict.decision !== "no opinion") return verdict;
    }
    return { decision: "no opinion" };
  }

  /** Evaluates, as often as answers must be waited for. `evaluate` must do nothing else. */
  async settle<T>(evaluate: () => T): Promise<T> {
    for (;;) {
      try {
        return evaluate();
      } catch (error) {
        if (!(error instanceof Pending)) throw error;
        await error.answer;
      }
    }
  }
}
