import { describe, expect, it } from "vitest";
import { type Resource, resources } from "../../api/index.ts";
import { isNotFound } from "../../machinery/index.ts";
import { createCluster } from "../../testing/index.ts";

interface Widget {
  kind: string;
  apiVersion: string;
  metadata: { name: string; namespace?: string; uid: string; resourceVersion: string; generation?: number };
  spec: { size?: number; color?: string; ports?: { port: number }[]; other?: unknown };
  status?: { ready?: boolean };
}

const SCHEMA = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      required: ["size"],
      "x-kubernetes-validations": [
        { rule: "self.size < 100", message: "too big" },
        { rule: "self.size >= oldSelf.size", messageExpression: "'may not shrink from ' + string(oldSelf.size)" },
      ],
      properties: {
        size: { type: "integer", minimum: 1 },
        color: { type: "string", default: "red", enum: ["red", "blue"] },
        ports: {
          type: "array",
          maxItems: 10,
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["port"],
          items: { type: "object", required: ["port"], properties: { port: { type: "integer" } } },
        },
      },
    },
    status: { type: "object", properties: { ready: { type: "boolean" } } },
  },
};

function definition(schema: object = SCHEMA): never {
  const version = {
    name: "v1",
    served: true,
    storage: true,
    schema: { openAPIV3Schema: schema },
    subresources: { status: {} },
  };
  const names = { plural: "widgets", kind: "Widget", shortNames: ["wd"] };
  const spec = { group: "example.com", scope: "Namespaced", names, versions: [version] };
  return { metadata: { name: "widgets.example.com" }, spec } as never;
}

const WIDGETS = {
  ...resources.customresourcedefinitions,
  group: "example.com",
  resource: "widgets",
  kind: "Widget",
  namespaced: true,
} as unknown as Resource<Widget>;

const key = { namespace: "default", name: "a" };

function widget(spec: object): never {
  return { metadata: key, spec } as never;
}

async function serving() {
  const cluster = await createCluster();
  await cluster.client.resource(resources.customresourcedefinitions).create(definition());
  await cluster.settle();
  return { cluster, widgets: cluster.client.resource(WIDGETS) };
}

describe("custom resources", () => {
  it("serves what a definition defines, and takes it away with it", async () => {
    const { cluster, widgets } = await serving();
    await using held = cluster;
    void held;
    const made = await widgets.create(widget({ size: 3, other: 1 }));
    expect(made.spec).toEqual({ size: 3, color: "red" });
    expect(made.metadata.generation).toBe(1);
    const definitions = cluster.client.resource(resources.customresourcedefinitions);
    const { status } = await definitions.get({ name: "widgets.example.com" });
    expect(status.conditions?.map(({ type, status: holds }) => `${type}=${holds}`)).toEqual([
      "NamesAccepted=True",
      "Established=True",
    ]);
    expect(status.storedVersions).toEqual(["v1"]);
    await definitions.delete({ name: "widgets.example.com" });
    await cluster.settle();
    await expect(definitions.get({ name: "widgets.example.com" })).rejects.toSatisfy(isNotFound);
    await expect(widgets.list({})).rejects.toSatisfy(isNotFound);
  });

  it.each([
    [{}, "spec.size: Required value"],
    [{ size: 0 }, "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"],
    [{ size: "x" }, 'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"'],
    [{ size: 1, color: "green" }, 'spec.color: Unsupported value: "green": supported values: "red", "blue"'],
    [{ size: 1, ports: [{ port: 1 }, { port: 1 }] }, 'spec.ports[1]: Duplicate value: {"port":1}'],
    [{ size: 100 }, "spec: Invalid value: too big"],
  ])("refuses %j", async (spec, message) => {
    const { cluster, widgets } = await serving();
    await using held = cluster;
    void held;
    await expect(widgets.create(widget(spec))).rejects.toThrow(message);
  });

  it("judges changes by the old value, and keeps status and spec apart", async () => {
    const { cluster, widgets } = await serving();
    await using held = cluster;
    void held;
    await widgets.create(widget({ size: 5 }));
    const shrink = widgets.patch(key, { type: "merge", body: { spec: { size: 4 } } });
    await expect(shrink).rejects.toThrow("spec: Invalid value: may not shrink from 5");
    const both = { spec: { size: 9 }, status: { ready: true } };
    const status = await widgets.patch(key, { type: "merge", body: both }, { subresource: "status" });
    expect([status.spec.size, status.status, status.metadata.generation]).toEqual([5, { ready: true }, 1]);
    const spec = await widgets.patch(key, { type: "merge", body: { spec: { size: 9 }, status: { ready: false } } });
    expect([spec.spec.size, spec.status, spec.metadata.generation]).toEqual([9, { ready: true }, 2]);
  });

  it.each<[object, string]>([
    [
      { type: "object", properties: { a: { type: "array" } } },
      "properties[a].items: Required value: must be specified",
    ],
    [
      { type: "object", properties: { a: {} } },
      "properties[a].type: Required value: must not be empty for specified object fields",
    ],
    [{ type: "object", properties: { a: { type: "strin" } } }, 'properties[a].type: Unsupported value: "strin"'],
    [{ type: "object", properties: { a: { type: "string", default: 1 } } }, "properties[a].default: Invalid value: "],
    [
      { type: "object", properties: { a: { type: "object", "x-kubernetes-validations": [{ rule: "self.b > 1" }] } } },
      "undefined field 'b'",
    ],
    [
      {
        type: "object",
        properties: {
          a: {
            type: "array",
            items: { type: "string" },
            "x-kubernetes-validations": [{ rule: "self.all(x, self.all(y, x != y))" }],
          },
        },
      },
      "estimated rule cost exceeds budget by factor of more than 100x",
    ],
  ])("refuses a definition with the schema %j", async (schema, message) => {
    await using cluster = await createCluster();
    const creating = cluster.client.resource(resources.customresourcedefinitions).create(definition(schema));
    await expect(creating).rejects.toThrow(message);
  });
});
