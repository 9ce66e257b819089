import { describe, expect, it } from "vitest";
import { resources } from "../../api/index.ts";
import { limitRanger } from "./limit-ranger.ts";
import { admitWrite, lookupOf } from "./testing.ts";

const range = (...limits: object[]): ReturnType<typeof limitRanger> =>
  limitRanger(lookupOf([resources.limitranges, { metadata: { name: "l", namespace: "ns" }, spec: { limits } }]));
const container = (name: string, requests: object = {}, limits: object = {}): object => ({
  name,
  resources: {
    ...(Object.keys(requests).length > 0 && { requests }),
    ...(Object.keys(limits).length > 0 && { limits }),
  },
});
const pod = (...containers: object[]): object => ({ metadata: { name: "p" }, spec: { containers } });
const claim = (storage?: string): object => ({
  metadata: { name: "c" },
  spec: { resources: storage === undefined ? {} : { requests: { storage } } },
});

describe("defaults", () => {
  it("fill in what containers leave out, and say so", async () => {
    const plugin = range({ type: "Container", default: { cpu: "2", memory: "2Gi" }, defaultRequest: { cpu: "1" } });
    const object = { ...pod(container("a"), container("b", { cpu: "500m" }, { cpu: "1", memory: "1Gi" })) };
    const outcome = await admitWrite(plugin, { resource: resources.pods, object });
    expect(outcome.object["spec"]).toEqual({
      containers: [
        container("a", { cpu: "1" }, { cpu: "2", memory: "2Gi" }),
        container("b", { cpu: "500m" }, { cpu: "1", memory: "1Gi" }),
      ],
    });
    expect(outcome.object.metadata["annotations"]).toEqual({
      "kubernetes.io/limit-ranger":
        "LimitRanger plugin set: cpu request for container a; cpu, memory limit for container a",
    });
  });

  it("leave updates alone", async () => {
    const plugin = range({ type: "Container", default: { cpu: "2" } });
    const write = {
      resource: resources.pods,
      operation: "UPDATE",
      object: pod(container("a")),
      oldObject: pod(),
    } as const;
    expect((await admitWrite(plugin, write)).object["spec"]).toEqual({ containers: [container("a")] });
  });
});

describe("limits of pods", () => {
  it.each<[object, object, string | undefined]>([
    [{ type: "Container", min: { cpu: "1" } }, pod(container("a", { cpu: "1" })), undefined],
    [
      { type: "Container", min: { cpu: "1" } },
      pod(container("a")),
      "minimum cpu usage per Container is 1.  No request is specified",
    ],
    [
      { type: "Container", min: { cpu: "1" } },
      pod(container("a", { cpu: "500m" })),
      "minimum cpu usage per Container is 1, but request is 500m",
    ],
    [
      { type: "Container", max: { memory: "1Gi" } },
      pod(container("a", {}, { memory: "2Gi" })),
      "maximum memory usage per Container is 1Gi, but limit is 2Gi",
    ],
    [
      { type: "Container", max: { memory: "1Gi" }, min: { cpu: "1" } },
      pod(container("a")),
      "[minimum cpu usage per Container is 1.  No request is specified, maximum memory usage per Container is 1Gi.  No limit is specified]",
    ],
    [
      { type: "Container", maxLimitRequestRatio: { cpu: "2" } },
      pod(container("a", { cpu: "1" }, { cpu: "5" })),
      "cpu max limit to request ratio per Container is 2, but provided ratio is 5.000000",
    ],
    [
      { type: "Container", maxLimitRequestRatio: { cpu: "2" } },
      pod(container("a", { cpu: "1" })),
      "cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0",
    ],
    [
      { type: "Pod", max: { cpu: "2" } },
      pod(container("a", {}, { cpu: "1" }), container("b", {}, { cpu: "1500m" })),
      "maximum cpu usage per Pod is 2, but limit is 2500m",
    ],
    [{ type: "PersistentVolumeClaim", min: { storage: "1Gi" } }, pod(container("a")), undefined],
  ])("%j", async (limit, object, refusal) => {
    expect((await admitWrite(range(limit), { resource: resources.pods, object })).refusal).toBe(refusal);
  });
});

describe("limits of claims", () => {
  const limit = { type: "PersistentVolumeClaim", min: { storage: "1Gi" }, max: { storage: "2Gi" } };
  it.each<[string | undefined, string | undefined]>([
    ["1Gi", undefined],
    ["500Mi", "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi"],
    ["3Gi", "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"],
  ])("%s", async (size, refusal) => {
    const write = { resource: resources.persistentvolumeclaims, object: claim(size) };
    expect((await admitWrite(range(limit), write)).refusal).toBe(refusal);
  });
});
