import {
  BOOL,
  CelError,
  type CelMap,
  type CelType,
  type CelValue,
  method,
  Opaque,
  opaqueType,
  type Overload,
  STRING,
} from "../../../machinery/cel/index.ts";
import { nameIsDnsLabel, nameIsDnsSubdomain } from "../../../machinery/index.ts";
import type { Attributes, UserInfo, Verdict } from "../../seams/index.ts";

/** Answers what a user may do, or throws what must be waited for before asking again. */
export type Authorize = (attributes: Attributes) => Verdict;

const PACKAGE = "kubernetes.authorization";
const PATH = opaqueType(`${PACKAGE}.PathCheck`);
const GROUP = opaqueType(`${PACKAGE}.GroupCheck`);
const RESOURCE = opaqueType(`${PACKAGE}.ResourceCheck`);
const DECISION = opaqueType(`${PACKAGE}.Decision`);
/** The variable `authorizer`: a check of the request's own resource is one of its fields. */
export const AUTHORIZER: CelType = {
  kind: "object",
  name: `${PACKAGE}.Authorizer`,
  fields: new Map([["requestResource", RESOURCE]]),
};
/** Asking is far more work than anything else an expression does. */
const CHECK_COST = 350_000;

type Asked = Omit<Attributes, "verb">;

/** Something that a question is made of. */
class Check extends Opaque {
  readonly typeName: string;
  readonly asked: Asked;
  readonly authorize: Authorize;

  constructor(type: CelType, asked: Asked, authorize: Authorize) {
    super();
    this.typeName = type.kind === "opaque" ? type.name : "";
    this.asked = asked;
    this.authorize = authorize;
  }

  with(type: CelType, more: Partial<Asked>): Check {
    return new Check(type, { ...this.asked, ...more }, this.authorize);
  }

  equals(other: Check): boolean {
    return this.typeName === other.typeName && JSON.stringify(this.asked) === JSON.stringify(other.asked);
  }
}

class Decision extends Opaque {
  readonly typeName = `${PACKAGE}.Decision`;
  readonly verdict: Verdict;

  constructor(verdict: Verdict) {
    super();
    this.verdict = verdict;
  }

  equals(other: Decision): boolean {
    return this.verdict === other.verdict;
  }
}

/** The value of `authorizer`. */
export class AuthorizerValue implements CelMap {
  readonly isCelMap = true;
  readonly size = 1;
  readonly root: Check;
  readonly #own: Check;

  /** `own`: what the request is about. */
  constructor(user: UserInfo, own: Partial<Asked>, authorize: Authorize) {
    const nothing = {
      user,
      path: "",
      isResource: false,
      group: "",
      version: "",
      resource: "",
      subresource: "",
      namespace: "",
      name: "",
    };
    this.root = new Check(GROUP, nothing, authorize);
    this.#own = this.root.with(RESOURCE, { isResource: true, version: "*", ...own });
  }

  get(key: CelValue): CelValue | undefined {
    return key === "requestResource" ? this.#own : undefined;
  }

  has(key: CelValue): boolean {
    return key === "requestResource";
  }

  keys(): Iterable<CelValue> {
    return ["requestResource"];
  }
}

/** What expressions may ask of the authorizer. */
export const authorizerLibrary: readonly Overload[] = [
  method("path", [AUTHORIZER, STRING], PATH, (of, path) => {
    if ((path as string).trim() === "") throw new CelError("path must not be empty");
    return (of as AuthorizerValue).root.with(PATH, { path: path as string });
  }),
  method("group", [AUTHORIZER, STRING], GROUP, (of, group) => {
    return (of as AuthorizerValue).root.with(GROUP, { group: group as string });
  }),
  method("serviceAccount", [AUTHORIZER, STRING, STRING], AUTHORIZER, (of, namespace, name) => {
    if (nameIsDnsSubdomain(name as string, false).length > 0) throw new CelError("Invalid service account name");
    if (nameIsDnsLabel(namespace as string, false).length > 0) throw new CelError("Invalid service account namespace");
    const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace as string}`];
    const user = { name: `system:serviceaccount:${namespace as string}:${name as string}`, groups };
    return new AuthorizerValue(user, {}, (of as AuthorizerValue).root.authorize);
  }),
  method("resource", [GROUP, STRING], RESOURCE, (of, resource) => {
    if ((resource as string).trim() === "") throw new CelError("resource must not be empty");
    return (of as Check).with(RESOURCE, { isResource: true, version: "*", resource: resource as string });
  }),
  ...(["subresource", "namespace", "name", "fieldSelector", "labelSelector"] as const).map((field) =>
    method(field, [RESOURCE, STRING], RESOURCE, (of, value) =>
      (of as Check).with(RESOURCE, { [field]: value as string }),
    ),
  ),
  ...[PATH, RESOURCE].map((type) =>
    method("check", [type, STRING], DECISION, (of, verb) => decide(of as Check, verb as string), {
      work: () => CHECK_COST,
    }),
  ),
  method("allowed", [DECISION], BOOL, (of) => (of as Decision).verdict.decision === "allow"),
  method("reason", [DECISION], STRING, (of) => (of as Decision).verdict.reason ?? ""),
  method("errored", [DECISION], BOOL, (of) => (of as Decision).verdict.error !== undefined),
  method("error", [DECISION], STRING, (of) => (of as Decision).verdict.error ?? ""),
];

function decide({ asked, authorize }: Check, verb: string): Decision {
  return new Decision(authorize({ ...asked, verb }));
}
