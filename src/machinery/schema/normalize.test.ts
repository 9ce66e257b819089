import { describe, expect, it } from "vitest";
import { deepFreeze } from "../objects/clone.ts";
import { normalize } from "./normalize.ts";
import { typeNames, typeTable } from "./type-table.ts";

const text = (object: object): string => JSON.stringify(normalize(deepFreeze(object)));

describe("normalize", () => {
  it.each([
    [
      "order of fields, map keys, unknown fields, empty fields",
      {
        metadata: { labels: { b: "2", a: "1" }, name: "x", foo: 1, finalizers: [] },
        apiVersion: "v1",
        kind: "ConfigMap",
        data: {},
      },
      '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x","labels":{"a":"1","b":"2"}}}',
    ],
    [
      "what Go always prints",
      { kind: "Deployment", apiVersion: "apps/v1", spec: { template: { spec: {} } } },
      '{"kind":"Deployment","apiVersion":"apps/v1","metadata":{},"spec":{"selector":null,"template":{"metadata":{},"spec":{"containers":null}},"strategy":{}},"status":{}}',
    ],
    [
      "zero times, which print as null, and creation times, which don't print",
      {
        kind: "Event",
        apiVersion: "v1",
        metadata: { creationTimestamp: null },
        involvedObject: {},
        firstTimestamp: "2026-01-01T02:00:00.5+02:00",
      },
      '{"kind":"Event","apiVersion":"v1","metadata":{},"involvedObject":{},"source":{},"firstTimestamp":"2026-01-01T00:00:00Z","lastTimestamp":null,"eventTime":null,"reportingComponent":"","reportingInstance":""}',
    ],
    [
      "quantities and zeros behind pointers",
      {
        kind: "Pod",
        apiVersion: "v1",
        spec: {
          terminationGracePeriodSeconds: 0,
          hostNetwork: false,
          containers: [{ name: "a", resources: { limits: { cpu: 0.5, memory: "1024Mi" } } }],
        },
        status: { conditions: null },
      },
      '{"kind":"Pod","apiVersion":"v1","metadata":{},"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":"500m","memory":"1Gi"}}}],"terminationGracePeriodSeconds":0},"status":{}}',
    ],
    [
      "nulls in lists and maps",
      { kind: "Service", apiVersion: "v1", spec: { ports: [null], externalIPs: [null, "1.1.1.1"] } },
      '{"kind":"Service","apiVersion":"v1","metadata":{},"spec":{"ports":[{"port":0,"targetPort":0}],"externalIPs":["","1.1.1.1"]},"status":{"loadBalancer":{}}}',
    ],
    [
      "micro times and numbers",
      {
        kind: "Lease",
        apiVersion: "coordination.k8s.io/v1",
        spec: { renewTime: "2026-01-01T00:00:00.000001Z", leaseDurationSeconds: 0 },
      },
      '{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{},"spec":{"leaseDurationSeconds":0,"renewTime":"2026-01-01T00:00:00.000001Z"}}',
    ],
  ])("prints %s", (_, object, printed) => {
    expect(text(object)).toBe(printed);
  });

  it("gives a normal object back as it is, and shares what did not change", () => {
    const normal = normalize({
      kind: "Pod",
      apiVersion: "v1",
      metadata: { name: "a" },
      spec: { containers: [{ name: "c" }] },
      status: {},
    });
    expect(normalize(normal)).toBe(normal);
    const changed = { ...normal, status: { phase: "" } };
    expect(normalize(changed).spec).toBe(normal.spec);
  });

  it("is idempotent for every type", () => {
    for (const name of typeNames(true)) {
      const table = typeTable(name);
      if (!table || table.fields.length === 0) continue;
      const once = normalize({}, { type: table });
      expect(normalize(once, { type: table }), name).toBe(once);
    }
  });

  it("leaves other objects alone", () => {
    const custom = { kind: "Foo", apiVersion: "example.com/v1", b: 1, a: null };
    expect(normalize(custom)).toBe(custom);
  });
});
