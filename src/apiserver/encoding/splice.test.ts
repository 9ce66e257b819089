import { expect, it } from "vitest";
import { resources } from "../../api/index.ts";
import { Item } from "../cache/index.ts";
import type { Served } from "../catalog/kind.ts";
import { Splicer } from "./splice.ts";

const served = (typedItems: boolean): Served => ({
  resource: resources.pods,
  fields: new Map(),
  model: { prepare: (object) => object, typedItems },
});
const stored = (object: object): Uint8Array => Buffer.from(JSON.stringify(object));
const parse = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());

const POD = {
  kind: "Pod",
  apiVersion: "v1",
  metadata: { name: 'a"uid":"x', namespace: "d", uid: "u-1", labels: { uid: "l" } },
  spec: { note: "grün" },
};
const SHOWN = { ...POD, metadata: { ...POD.metadata, resourceVersion: "42" } };

it("puts the resourceVersion behind the uid", () => {
  const splicer = new Splicer(served(true));
  const item = new Item("d/a", 42, stored(POD));
  expect(parse(splicer.object(item))).toEqual(SHOWN);
  expect(Buffer.from(splicer.object(item)).toString()).toContain('"uid":"u-1","resourceVersion":"42","labels"');
  expect(parse(splicer.event("ADDED", item))).toEqual({ type: "ADDED", object: SHOWN });
});

it("leaves kind and apiVersion out of items of built-in lists only", () => {
  const item = new Item("d/a", 42, stored(POD));
  const { kind: _k, apiVersion: _a, ...bare } = SHOWN;
  expect(parse(new Splicer(served(true)).item(item))).toEqual(bare);
  expect(parse(new Splicer(served(false)).item(item))).toEqual(SHOWN);
});

it.each([
  ["another order of fields", { apiVersion: "v1", kind: "Pod", metadata: POD.metadata }],
  ["no uid of its own", { kind: "Pod", apiVersion: "v1", metadata: { name: "a", ownerReferences: [{ uid: "o" }] } }],
])("parses what it can't splice: %s", (_name, object) => {
  const item = new Item("d/a", 42, stored(object));
  const metadata = { ...object.metadata, resourceVersion: "42" };
  expect(parse(new Splicer(served(true)).object(item))).toEqual({ ...object, metadata });
});
