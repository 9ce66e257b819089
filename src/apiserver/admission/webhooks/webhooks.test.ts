import { describe, expect, it } from "vitest";
import { type admissionregistrationv1 as v1, type admissionv1, resources } from "../../../api/index.ts";
import { testEnv } from "../../../kit/index.ts";
import { decodeJson, encodeJson } from "../../../machinery/index.ts";
import type { AdmissionRequest } from "../../seams/index.ts";
import { admitWrite, lookupOf, requestOf, type Write } from "../testing.ts";
import type { HookAddress, HookCaller } from "./caller.ts";
import { compileHooks, type HookSource, type Webhook } from "./hooks.ts";
import { ruleMatches } from "./match.ts";
import { mutatingWebhooks } from "./mutating.ts";
import { validatingWebhooks, type WebhookParts } from "./validating.ts";
import { ownVersions } from "./versions.ts";

type Response = Partial<admissionv1.AdmissionResponse>;
type Answer = (request: admissionv1.AdmissionRequest, address: HookAddress) => Response | number | Error | object;

/** Webhooks that answer in process, and what they were asked. */
class Hooks implements HookCaller {
  readonly asked: admissionv1.AdmissionRequest[] = [];
  readonly urls: string[] = [];
  readonly env = testEnv();
  readonly #answers: Readonly<Record<string, Answer>>;

  /** By the first label of the host. */
  constructor(answers: Readonly<Record<string, Answer>>) {
    this.#answers = answers;
  }

  post(address: HookAddress, body: Uint8Array, signal: AbortSignal) {
    const { request, apiVersion } = decodeJson(body) as admissionv1.AdmissionReview;
    if (!request) throw new Error("no request");
    this.asked.push(request);
    this.urls.push(String(address.url));
    const answer = this.#answers[address.url.hostname.split(".")[0] ?? ""]?.(request, address) ?? { allowed: true };
    if (answer instanceof Error) return Promise.reject(answer);
    if (answer === HANG) {
      return new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error('Post "https://x/": context deadline exceeded')));
      });
    }
    if (typeof answer === "number") return Promise.resolve({ status: answer, body: Buffer.from("oops\n") });
    const whole =
      "kind" in answer ? answer : { kind: "AdmissionReview", apiVersion, response: { uid: request.uid, ...answer } };
    return Promise.resolve({ status: 200, body: encodeJson(whole) });
  }

  parts(more: Partial<WebhookParts> = {}): WebhookParts {
    const { env } = this;
    return { env, lookup, caller: this, versions: ownVersions(env.clock), ...more };
  }
}

const HANG = -1;
const lookup = lookupOf(
  [resources.namespaces, { metadata: { name: "ns", labels: { team: "a" } } }],
  [
    resources.services,
    { metadata: { name: "hook", namespace: "sys" }, spec: { clusterIP: "10.96.0.9", ports: [{ port: 443 }] } },
  ],
);
const RULE = { operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"] } as v1.RuleWithOperations;
const hook = (name: string, more: Partial<Webhook> = {}): v1.MutatingWebhook =>
  ({
    name: `${name}.acme.com`,
    clientConfig: { url: `https://${name}/x` },
    rules: [RULE],
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    ...more,
  }) as v1.MutatingWebhook;
const registered = <W extends Webhook>(...webhooks: W[]): HookSource<W> => {
  const hooks = compileHooks([{ metadata: { name: "config" }, webhooks }]);
  return { any: hooks.length > 0, all: () => Promise.resolve(hooks) };
};
const validating = (hooks: Hooks, ...webhooks: v1.ValidatingWebhook[]) =>
  validatingWebhooks(registered(...webhooks), hooks.parts());
const mutating = (hooks: Hooks, ...webhooks: v1.MutatingWebhook[]) =>
  mutatingWebhooks(registered(...webhooks), hooks.parts(), () => Promise.resolve());
const patch = (...operations: object[]): Response => ({
  allowed: true,
  patchType: "JSONPatch",
  patch: Buffer.from(JSON.stringify(operations)).toString("base64"),
});
const add = (path: string, value: unknown): object => ({ op: "add", path, value });
const CM = { kind: "ConfigMap", apiVersion: "v1", metadata: { name: "c", namespace: "ns" }, data: { a: "b" } };
const write: Write = { resource: resources.configmaps, object: CM };

describe("rules", () => {
  it.each<[Partial<v1.RuleWithOperations>, Partial<Write>, boolean]>([
    [{}, {}, true],
    [{ operations: ["UPDATE"] }, {}, false],
    [{ apiGroups: ["apps"] }, {}, false],
    [{ apiVersions: ["v2"] }, {}, false],
    [{ resources: ["configmaps"] }, {}, true],
    [{ resources: ["configmaps"] }, { subresource: "status" }, false],
    [{ resources: ["configmaps/*"] }, {}, true],
    [{ resources: ["*/scale"] }, { subresource: "scale" }, true],
    [{ resources: ["*"] }, { subresource: "scale" }, false],
    [{ scope: "Namespaced" }, {}, true],
    [{ scope: "Cluster" }, {}, false],
    [{ scope: "Cluster" }, { resource: resources.nodes }, true],
    [{ scope: "Cluster" }, { resource: resources.namespaces, namespace: "x" }, true],
    [{ scope: "Namespaced" }, { resource: resources.namespaces, namespace: "x" }, false],
  ])("%j on %j: %s", (rule, more, expected) => {
    const request = requestOf({ ...write, ...more });
    expect(ruleMatches({ ...RULE, ...rule }, request, request.resource)).toBe(expected);
  });
});

describe("validating webhooks", () => {
  it("are asked as upstream asks", async () => {
    const hooks = new Hooks({});
    const user = { name: "ann", uid: "1", groups: ["dev"], extra: { k: ["v"] } };
    const { refusal } = await admitWrite(validating(hooks, hook("a")), { ...write, user });
    expect(refusal).toBeUndefined();
    expect(hooks.asked).toEqual([
      {
        uid: expect.any(String) as string,
        kind: { group: "", version: "v1", kind: "ConfigMap" },
        resource: { group: "", version: "v1", resource: "configmaps" },
        requestKind: { group: "", version: "v1", kind: "ConfigMap" },
        requestResource: { group: "", version: "v1", resource: "configmaps" },
        name: "c",
        namespace: "ns",
        operation: "CREATE",
        userInfo: { username: "ann", uid: "1", groups: ["dev"], extra: { k: ["v"] } },
        object: CM,
        oldObject: null,
        dryRun: false,
        options: null,
      },
    ]);
    expect(hooks.urls).toEqual(["https://a/x?timeout=10s"]);
  });

  it("name the kind of a subresource", async () => {
    const hooks = new Hooks({});
    await admitWrite(validating(hooks, hook("a")), {
      resource: resources.deployments,
      subresource: "scale",
      object: CM,
    });
    expect(hooks.asked[0]).toMatchObject({
      kind: { group: "autoscaling", version: "v1", kind: "Scale" },
      subResource: "scale",
      requestSubResource: "scale",
    });
  });

  const failed = 'Internal error occurred: failed calling webhook "a.acme.com": ';
  it.each<[string, Answer, Partial<v1.ValidatingWebhook>, string | undefined]>([
    ["yes", () => ({ allowed: true }), {}, undefined],
    ["no", () => ({ allowed: false }), {}, 'admission webhook "a.acme.com" denied the request without explanation'],
    [
      "a message",
      () => ({ allowed: false, status: { message: "not on Fridays", code: 403 } }) as Response,
      {},
      'admission webhook "a.acme.com" denied the request: not on Fridays',
    ],
    [
      "another answer",
      () => ({ allowed: true, uid: "x" }),
      {},
      `${failed}received invalid webhook response: expected response.uid="UID", got "x"`,
    ],
    [
      "another kind",
      () => ({ kind: "Pod", apiVersion: "v1" }),
      {},
      `${failed}received invalid webhook response: webhook response was absent`,
    ],
    [
      "a patch",
      () => patch(add("/data/x", "y")),
      {},
      `${failed}received invalid webhook response: validating webhook may not return response.patch`,
    ],
    [
      "an error",
      () => 500,
      {},
      `${failed}failed to call webhook: an error on the server ("oops") has prevented the request from succeeding`,
    ],
    ["an error that does not matter", () => 500, { failurePolicy: "Ignore" }, undefined],
    ["no connection", () => new Error("EOF"), {}, `${failed}failed to call webhook: EOF`],
    [
      "a review that is not known",
      () => ({}),
      { admissionReviewVersions: ["v7"] },
      `${failed}could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)`,
    ],
    [
      "no such service",
      () => ({}),
      { clientConfig: { service: { namespace: "sys", name: "gone" } } },
      `${failed}failed to call webhook: services "gone" not found`,
    ],
    [
      "no such port",
      () => ({}),
      { clientConfig: { service: { namespace: "sys", name: "hook", port: 9 } } },
      `${failed}failed to call webhook: no service port 9 found for service "hook"`,
    ],
  ])("%s", async (_, answer, more, message) => {
    const hooks = new Hooks({ a: answer });
    const { status } = await admitWrite(validating(hooks, hook("a", more) as v1.ValidatingWebhook), write);
    expect(status?.message?.replace(hooks.asked[0]?.uid ?? "none", "UID")).toBe(message);
  });

  it("are reached by their service", async () => {
    const hooks = new Hooks({
      hook: (_, { host, port, serverName }) => ({ allowed: true, warnings: [`${host}:${port} ${serverName}`] }),
    });
    const service = { namespace: "sys", name: "hook", path: "/v" };
    const { warnings } = await admitWrite(
      validating(hooks, hook("a", { clientConfig: { service }, timeoutSeconds: 3 })),
      write,
    );
    expect(warnings).toEqual(["10.96.0.9:443 hook.sys.svc"]);
    expect(hooks.urls).toEqual(["https://hook.sys.svc/v?timeout=3s"]);
  });

  it("are not waited for longer than they said", async () => {
    const hooks = new Hooks({ a: () => HANG });
    const pending = admitWrite(validating(hooks, hook("a", { timeoutSeconds: 2 })), write);
    await hooks.env.clock.advance(2000);
    expect((await pending).status?.message).toContain("context deadline exceeded");
  });

  it("are asked at once, and only where they want to be", async () => {
    const hooks = new Hooks({});
    const selector = (team: string) => ({ matchLabels: { team } });
    const plugin = validating(
      hooks,
      hook("a", { namespaceSelector: selector("a") }),
      hook("b", { namespaceSelector: selector("b") }),
      hook("c", { objectSelector: selector("a") }),
      hook("d", { rules: [{ ...RULE, resources: ["secrets"] }] }),
    );
    await admitWrite(plugin, write);
    expect(hooks.urls).toEqual(["https://a/x?timeout=10s"]);
    await admitWrite(plugin, { ...write, object: { ...CM, metadata: { name: "c", labels: { team: "a" } } } });
    expect(hooks.urls.slice(1)).toEqual(["https://a/x?timeout=10s", "https://c/x?timeout=10s"]);
  });

  it("are not asked about registrations", () => {
    const plugin = validating(new Hooks({}), hook("a"));
    expect(plugin.handles("CREATE", resources.validatingwebhookconfigurations, "")).toBe(false);
    expect(plugin.handles("CREATE", resources.configmaps, "")).toBe(true);
    expect(validating(new Hooks({})).handles("CREATE", resources.configmaps, "")).toBe(false);
  });

  it("are not asked about dry runs that they cannot do", async () => {
    const plugin = validating(new Hooks({}), hook("a", { sideEffects: "Some" }));
    expect((await admitWrite(plugin, { ...write, dryRun: true })).status).toMatchObject({
      code: 400,
      message: 'admission webhook "a.acme.com" does not support dry run',
    });
  });

  it("pass on what they say for the audit log", async () => {
    const hooks = new Hooks({ a: () => ({ allowed: true, auditAnnotations: { k: "v" } }), b: () => 500 });
    const plugin = validating(hooks, hook("a"), hook("b", { failurePolicy: "Ignore" }));
    expect((await admitWrite(plugin, write)).annotations).toEqual({
      "a.acme.com/k": "v",
      "failed-open.validating.webhook.admission.k8s.io/round_0_index_1": "b.acme.com",
    });
  });

  it("see other versions of a resource if they want", async () => {
    const hooks = new Hooks({});
    const versions = {
      ...ownVersions(hooks.env.clock),
      equivalents: () => [{ ...resources.configmaps, version: "v9" }],
      show: (object: AdmissionRequest["object"] & object, { version }: { version: string }) => ({
        ...object,
        apiVersion: version,
      }),
    };
    const rules = [{ ...RULE, apiVersions: ["v9"] }];
    const ask = (more: Partial<v1.ValidatingWebhook>) =>
      admitWrite(validatingWebhooks(registered(hook("a", { rules, ...more })), hooks.parts({ versions })), write);
    await ask({ matchPolicy: "Exact" });
    expect(hooks.asked).toEqual([]);
    await ask({});
    expect(hooks.asked[0]).toMatchObject({
      kind: { version: "v9" },
      requestKind: { version: "v1" },
      object: { apiVersion: "v9" },
    });
  });

  it("have conditions", async () => {
    const hooks = new Hooks({});
    const conditions = { hold: () => Promise.resolve(false) };
    const webhook = hook("a", { matchConditions: [{ name: "x", expression: "false" }] });
    await admitWrite(validatingWebhooks(registered(webhook), hooks.parts({ conditions })), write);
    expect(hooks.asked).toEqual([]);
  });
});

describe("mutating webhooks", () => {
  it("change objects, one after the other", async () => {
    const hooks = new Hooks({
      a: () => patch(add("/data/x", "1")),
      b: ({ object }) => patch(add("/data/y", JSON.stringify((object as typeof CM).data))),
    });
    const { object, annotations } = await admitWrite(mutating(hooks, hook("a"), hook("b")), write);
    expect(object["data"]).toEqual({ a: "b", x: "1", y: '{"a":"b","x":"1"}' });
    expect(annotations["mutation.webhook.admission.k8s.io/round_0_index_0"]).toBe(
      '{"configuration":"config","webhook":"a.acme.com","mutated":true}',
    );
    expect(annotations["patch.webhook.admission.k8s.io/round_0_index_0"]).toBe(
      '{"configuration":"config","webhook":"a.acme.com","patch":[{"op":"add","path":"/data/x","value":"1"}],"patchType":"JSONPatch"}',
    );
  });

  it("get their changes defaulted", async () => {
    const pod = { kind: "Pod", apiVersion: "v1", metadata: { name: "p", namespace: "ns" }, spec: { containers: [] } };
    const hooks = new Hooks({ a: () => patch(add("/spec/containers/-", { name: "c", image: "i:1" })) });
    const { object } = await admitWrite(mutating(hooks, hook("a")), { resource: resources.pods, object: pod });
    expect(object["spec"]).toMatchObject({
      containers: [{ imagePullPolicy: "IfNotPresent" }],
      restartPolicy: "Always",
    });
  });

  const failed = 'Internal error occurred: failed calling webhook "a.acme.com": ';
  it.each<[string, Answer, string]>([
    [
      "a patch without type",
      () => ({ allowed: true, patch: "W10=" }),
      `${failed}received invalid webhook response: webhook returned response.patch but not response.patchType`,
    ],
    [
      "another type",
      () => ({ ...patch(add("/data/x", "y")), patchType: "Merge" }),
      `${failed}unsupported patch type "Merge"`,
    ],
    [
      "no patch at all",
      () => ({ allowed: true, patchType: "JSONPatch", patch: Buffer.from("{}").toString("base64") }),
      `${failed}received undecodable patch in webhook response: json: cannot unmarshal object into Go value of type jsonpatch.Patch`,
    ],
  ])("%s", async (_, answer, message) => {
    expect((await admitWrite(mutating(new Hooks({ a: answer }), hook("a")), write)).status?.message).toBe(message);
  });

  it("answer for patches that do not fit", async () => {
    const hooks = new Hooks({ a: () => patch({ op: "remove", path: "/data/nope" }) });
    const { status } = await admitWrite(mutating(hooks, hook("a")), write);
    expect(status).toMatchObject({ code: 500, reason: "InternalError" });
  });

  it("cannot change what goes", async () => {
    const hooks = new Hooks({ a: () => patch(add("/data/x", "1")) });
    const request = requestOf({ ...write, object: undefined as never, operation: "CONNECT" });
    await expect(Promise.resolve(mutating(hooks, hook("a")).admit?.(request))).rejects.toThrow(
      'admission webhook "a.acme.com" attempted to modify the object, which is not supported for this operation',
    );
  });

  it("see what others did after them, once, if they want", async () => {
    const seen: string[] = [];
    const note =
      (name: string, answer: Answer): Answer =>
      (request, address) => {
        seen.push(`${name} ${Object.keys((request.object as typeof CM).data).join("")}`);
        return answer(request, address);
      };
    const hooks = new Hooks({
      a: note("a", () => ({ allowed: true })),
      b: note("b", () => patch(add("/data/x", "1"))),
      c: note("c", () => ({ allowed: true })),
    });
    let readmitted = 0;
    const plugin = mutatingWebhooks(
      registered(hook("a", { reinvocationPolicy: "IfNeeded" } as never), hook("b"), hook("c")),
      hooks.parts(),
      () => Promise.resolve(void readmitted++),
    );
    await admitWrite(plugin, write);
    expect(seen).toEqual(["a a", "b a", "c ax", "a ax"]);
    expect(readmitted).toBe(1);
  });

  it("see what plugins did after them", async () => {
    const hooks = new Hooks({
      a: ({ object }) => ((object as typeof CM).data.a === "b" ? patch(add("/data/a", "c")) : { allowed: true }),
    });
    const plugin = mutatingWebhooks(
      registered(hook("a", { reinvocationPolicy: "IfNeeded" } as never)),
      hooks.parts(),
      (request) => {
        Object.assign(request.object as object, { data: { a: "plugin" } });
        return Promise.resolve();
      },
    );
    await admitWrite(plugin, write);
    expect(hooks.asked.map(({ object }) => (object as typeof CM).data.a)).toEqual(["b", "plugin"]);
  });

  it("may fail", async () => {
    const hooks = new Hooks({ a: () => 503 });
    const { refusal, annotations } = await admitWrite(mutating(hooks, hook("a", { failurePolicy: "Ignore" })), write);
    expect(refusal).toBeUndefined();
    expect(annotations["failed-open.mutation.webhook.admission.k8s.io/round_0_index_0"]).toBe("a.acme.com");
  });
});
