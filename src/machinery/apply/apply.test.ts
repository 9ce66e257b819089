import { describe, expect, it } from "vitest";
import type { StatusError } from "../errors/status-error.ts";
import type { JsonObject } from "../objects/fields.ts";
import { applyDefaults } from "../schema/defaults/apply.ts";
import { normalize } from "../schema/normalize.ts";
import { typeTable } from "../schema/type-table.ts";
import { applySchemaOf, DEDUCED } from "./apply-schema.ts";
import { compareValues } from "./compare.ts";
import { applyConfiguration, trackUpdate, type WriteContext } from "./field-manager.ts";
import { FieldSet } from "./field-set.ts";
import { compareElements, keyElement, printPath } from "./path-element.ts";
import { toFieldSet } from "./to-field-set.ts";

const T0 = Date.UTC(2026, 0, 1);

function context(manager: string, more: Partial<WriteContext> = {}): WriteContext {
  return {
    manager,
    apiVersion: "apps/v1",
    kind: "Deployment",
    subresource: "",
    now: T0,
    schemaAt: (apiVersion) => {
      const table = typeTable({ apiVersion, kind: "Deployment" });
      return table && applySchemaOf(table);
    },
    resetFields: () => FieldSet.of(["f:status"]),
    ...more,
  };
}

const config = (spec: object, metadata: object = {}): JsonObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "d", namespace: "ns", ...metadata },
  spec,
});
const container = (name: string, more: object = {}): object => ({ name, image: `${name}:1`, ...more });
const template = (...containers: object[]): object => ({ template: { spec: { containers } } });

/** What a server does around an apply. */
function apply(
  live: JsonObject | undefined,
  body: JsonObject,
  manager: string,
  force = false,
  more: Partial<WriteContext> = {},
): JsonObject {
  return normalize(applyDefaults(structuredClone(applyConfiguration(live, body, force, context(manager, more)))));
}

function store(
  live: JsonObject | undefined,
  next: JsonObject,
  manager: string,
  more: Partial<WriteContext> = {},
): JsonObject {
  return trackUpdate(live, normalize(applyDefaults(structuredClone(next))), context(manager, more));
}

const entriesOf = (
  object: JsonObject,
): { manager: string; operation: string; time?: string; fieldsV1: JsonObject; subresource?: string }[] =>
  ((object["metadata"] as JsonObject)["managedFields"] ?? []) as never;
const ownedBy = (object: JsonObject, manager: string): JsonObject | undefined =>
  entriesOf(object).find((e) => e.manager === manager)?.fieldsV1;
const specOf = (object: JsonObject): JsonObject => object["spec"] as JsonObject;
const imagesOf = (object: JsonObject): string[] =>
  ((specOf(object)["template"] as JsonObject)["spec"] as { containers: { image: string }[] }).containers.map(
    (c) => c.image,
  );

function refusal(fn: () => unknown): StatusError["status"] {
  try {
    fn();
  } catch (error) {
    return (error as StatusError).status;
  }
  throw new Error("nothing was refused");
}

describe("apply", () => {
  it("creates, and owns what it says and nothing more", () => {
    const made = apply(
      undefined,
      config({ replicas: 2, ...template(container("a", { ports: [{ containerPort: 80 }] })) }, { labels: { x: "1" } }),
      "me",
    );
    expect(entriesOf(made)).toEqual([
      {
        manager: "me",
        operation: "Apply",
        apiVersion: "apps/v1",
        time: "2026-01-01T00:00:00Z",
        fieldsType: "FieldsV1",
        fieldsV1: {
          "f:metadata": { "f:labels": { "f:x": {} } },
          "f:spec": {
            "f:replicas": {},
            "f:template": {
              "f:spec": {
                "f:containers": {
                  'k:{"name":"a"}': {
                    ".": {},
                    "f:image": {},
                    "f:name": {},
                    "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } },
                  },
                },
              },
            },
          },
        },
      },
    ]);
    expect(specOf(made)["replicas"]).toBe(2);
  });

  it("changes nothing when applied again", () => {
    const body = config({ replicas: 2, ...template(container("a")) });
    const once = apply(undefined, body, "me");
    const twice = apply(once, body, "me", false, { now: T0 + 60_000 });
    expect(twice).toEqual(once);
  });

  it("removes what it applied before and applies no more, but not what others own", () => {
    const first = apply(
      undefined,
      config({ replicas: 2, ...template(container("a"), container("b")) }, { labels: { mine: "1", shared: "1" } }),
      "me",
    );
    const shared = apply(first, config({}, { labels: { shared: "1" } }), "other");
    const after = apply(shared, config({ ...template(container("a")) }), "me");
    expect(imagesOf(after)).toEqual(["a:1"]);
    expect((after["metadata"] as JsonObject)["labels"]).toEqual({ shared: "1" });
    expect(specOf(after)["replicas"]).toBe(1);
  });

  it("refuses to change what others own, unless forced", () => {
    const live = apply(undefined, config({ replicas: 2, ...template(container("a")) }), "me");
    const body = config({ replicas: 3, ...template(container("a", { image: "a:2" })) });
    expect(refusal(() => apply(live, body, "you"))).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      code: 409,
      reason: "Conflict",
      message:
        'Apply failed with 2 conflicts: conflicts with "me":\n- .spec.replicas\n- .spec.template.spec.containers[name="a"].image',
      details: {
        causes: [
          { reason: "FieldManagerConflict", message: 'conflict with "me"', field: ".spec.replicas" },
          {
            reason: "FieldManagerConflict",
            message: 'conflict with "me"',
            field: '.spec.template.spec.containers[name="a"].image',
          },
        ],
      },
    });
    const forced = apply(live, body, "you", true);
    expect(imagesOf(forced)).toEqual(["a:2"]);
    expect(ownedBy(forced, "me")).toEqual({
      "f:spec": { "f:template": { "f:spec": { "f:containers": { 'k:{"name":"a"}': { ".": {}, "f:name": {} } } } } },
    });
  });

  it("names updaters with their version in conflicts", () => {
    const live = store(undefined, config({ replicas: 2, ...template(container("a")) }), "kubectl-edit");
    expect(refusal(() => apply(live, config({ replicas: 3 }), "you")).message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl-edit" using apps/v1: .spec.replicas',
    );
    expect(specOf(apply(live, config({ replicas: 2 }), "you"))["replicas"]).toBe(2);
  });

  it("gives what was there before the first apply to a manager of its own", () => {
    const old = normalize(applyDefaults(config({ replicas: 2, ...template(container("a")) }, { uid: "u" })));
    const applied = apply(old, config({ replicas: 2 }), "me");
    expect(entriesOf(applied).map((e) => `${e.operation} ${e.manager}`)).toEqual([
      "Apply me",
      "Update before-first-apply",
    ]);
  });

  it("keeps the order of the configuration, and others' items in their place", () => {
    const first = apply(undefined, config(template(container("a"), container("b"), container("c"))), "me");
    const withOther = apply(first, config(template(container("x"))), "other");
    expect(imagesOf(withOther)).toEqual(["a:1", "b:1", "c:1", "x:1"]);
    expect(imagesOf(apply(withOther, config(template(container("c"), container("b"), container("a"))), "me"))).toEqual([
      "c:1",
      "x:1",
      "b:1",
      "a:1",
    ]);
  });

  it.each([
    [
      config({ foo: 1 }),
      "failed to create typed patch object (ns/d; apps/v1, Kind=Deployment): .spec.foo: field not declared in schema",
    ],
    [
      config({ replicas: "x", paused: 1 }),
      "failed to create typed patch object (ns/d; apps/v1, Kind=Deployment): errors:\n  .spec.replicas: expected numeric (int or float), got string\n  .spec.paused: expected boolean, got &{1}",
    ],
    [
      config(template(container("a"), container("a"))),
      'failed to create typed patch object (ns/d; apps/v1, Kind=Deployment): .spec.template.spec.containers: duplicate entries for key [name="a"]',
    ],
    [{ ...config({}), apiVersion: "apps/v2" }, "invalid object type: apps/v2, Kind=Deployment"],
    [config({}, { managedFields: [] }), "metadata.managedFields must be nil"],
  ])("refuses %j", (body, message) => {
    expect(refusal(() => apply(undefined, body as JsonObject, "me")).message).toBe(message);
  });

  it("lets kubectl take over from its client-side apply, and keeps that annotation true", () => {
    const body = config({ replicas: 2, ...template(container("a")) });
    const annotated = config(specOf(body), {
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(body) },
    });
    const live = store(undefined, annotated, "kubectl-client-side-apply");
    const next = config({ replicas: 3, ...template(container("a")) });
    expect(refusal(() => apply(live, next, "someone")).code).toBe(409);
    const taken = apply(live, next, "kubectl");
    expect(specOf(taken)["replicas"]).toBe(3);
    const annotations = (taken["metadata"] as JsonObject)["annotations"] as Record<string, string>;
    expect(JSON.parse(annotations["kubectl.kubernetes.io/last-applied-configuration"] ?? "")).toEqual(next);
    const changed = store(taken, { ...taken, spec: { ...specOf(taken), replicas: 9 } }, "scaler");
    expect(refusal(() => apply(changed, next, "kubectl")).message).toContain(
      'conflict with "scaler" using apps/v1: .spec.replicas',
    );
  });
});

describe("tracking updates", () => {
  const body = config({ replicas: 2, ...template(container("a")) });

  it("owns what changes, by manager, operation and subresource", () => {
    const made = store(undefined, body, "creator");
    const spec = specOf(made);
    const scaled = store(made, { ...made, spec: { ...spec, replicas: 3 } }, "scaler", { now: T0 + 1000 });
    expect(ownedBy(scaled, "scaler")).toEqual({ "f:spec": { "f:replicas": {} } });
    expect(ownedBy(scaled, "creator")?.["f:spec"]).not.toHaveProperty("f:replicas");
    const status = { ...scaled, status: { replicas: 3, conditions: [{ type: "Available", status: "True" }] } };
    const reported = store(scaled, status, "controller", {
      subresource: "status",
      resetFields: () => FieldSet.of(["f:spec"]),
    });
    const entry = entriesOf(reported).find((e) => e.manager === "controller");
    expect(entry).toMatchObject({ operation: "Update", subresource: "status" });
    expect(entry?.fieldsV1["f:status"]).toHaveProperty(["f:conditions", 'k:{"type":"Available"}', "."]);
  });

  it("changes nothing when nothing changes", () => {
    const made = store(undefined, body, "creator");
    expect(store(made, made, "other", { now: T0 + 1000 })).toEqual(made);
  });

  it("keeps the stored owners when a client drops them, and forgets them when asked to", () => {
    const made = store(undefined, body, "creator");
    const { managedFields: _, ...metadata } = made["metadata"] as JsonObject;
    expect(entriesOf(store(made, { ...made, metadata }, "other"))).toEqual(entriesOf(made));
    expect(entriesOf(store(made, { ...made, metadata: { ...metadata, managedFields: [{}] } }, "other"))).toEqual([]);
  });

  it("ignores the fields that the endpoint resets", () => {
    const made = store(undefined, { ...body, status: { replicas: 7 } }, "creator");
    expect(ownedBy(made, "creator")).not.toHaveProperty("f:status");
  });

  it("joins the oldest updaters", () => {
    let live = store(undefined, body, "m00");
    for (let i = 1; i < 15; i++) {
      const annotations = { ...((live["metadata"] as JsonObject)["annotations"] as object), [`k${i}`]: "v" };
      live = store(
        live,
        { ...live, metadata: { ...(live["metadata"] as JsonObject), annotations } },
        `m${String(i).padStart(2, "0")}`,
        { now: T0 + i * 1000 },
      );
    }
    const managers = entriesOf(live).map((e) => e.manager);
    expect(managers).toHaveLength(10);
    expect(managers).toContain("ancient-changes");
    expect(managers).toContain("m14");
    expect(managers).not.toContain("m00");
  });

  it("does not own map keys by owning a sibling, nor the parts of atomic values", () => {
    const pod = applySchemaOf(typeTable("core.v1.PodSpec") as never);
    const set = toFieldSet({ nodeSelector: { a: "1" }, tolerations: [{ key: "x" }], securityContext: {} }, pod);
    expect(set.toFields()).toEqual({ "f:nodeSelector": {}, "f:securityContext": {}, "f:tolerations": {} });
  });
});

describe("field sets", () => {
  it("reads what it writes", () => {
    const fields = { "f:b": { ".": {}, "f:c": {} }, 'k:{"name":"x"}': { "f:d": {} }, 'v:"y"': {} };
    expect(FieldSet.fromFields(fields).toFields()).toEqual(fields);
    expect(FieldSet.fromFields({ "x:y": {}, "f:a": {} }).toFields()).toEqual({ "f:a": {} });
  });

  it("obeys the laws of sets", () => {
    let seed = 11;
    const next = (bound: number): number => (seed = (seed * 48271) % 2147483647) % bound;
    const random = (): FieldSet =>
      FieldSet.of(
        ...Array.from({ length: 1 + next(6) }, () => Array.from({ length: 1 + next(3) }, () => `f:${"abc"[next(3)]}`)),
      );
    for (let i = 0; i < 500; i++) {
      const [a, b] = [random(), random()];
      expect(a.union(b).equals(b.union(a))).toBe(true);
      expect(a.difference(b).union(a.intersection(b)).equals(a)).toBe(true);
      expect(a.intersection(b).difference(b).isEmpty()).toBe(true);
      expect(a.difference(a).isEmpty()).toBe(true);
      expect(FieldSet.fromFields(a.toFields()).equals(a)).toBe(true);
      for (const path of a.paths()) expect(a.has(path) && a.union(b).has(path)).toBe(true);
      expect(a.recursiveDifference(b).intersection(b).isEmpty()).toBe(true);
    }
  });

  it("orders and prints paths as upstream does", () => {
    const elements = ["i:1", 'v:"b"', keyElement({ port: 443 }), keyElement({ port: 80 }), "f:b", "f:a", 'v:"a"'];
    expect(elements.toSorted(compareElements)).toEqual([
      "f:a",
      "f:b",
      'k:{"port":80}',
      'k:{"port":443}',
      'v:"a"',
      'v:"b"',
      "i:1",
    ]);
    expect(printPath(["f:spec", 'k:{"port":80,"proto":"TCP"}', 'v:"x"', "i:3"])).toBe(
      '.spec[port=80,proto="TCP"][="x"][3]',
    );
  });

  it("merges custom resources without a schema field by field, lists whole", () => {
    const { added, modified, removed } = compareValues(
      { a: { x: 1, y: [1] }, c: 1 },
      { a: { x: 1, y: [2], z: {} } },
      DEDUCED,
    );
    expect([added.toFields(), modified.toFields(), removed.toFields()]).toEqual([
      { "f:a": { "f:z": {} } },
      { "f:a": { "f:y": {} } },
      { "f:c": {} },
    ]);
  });
});
