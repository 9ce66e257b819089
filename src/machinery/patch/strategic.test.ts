import { describe, expect, it } from "vitest";
import { StatusError } from "../errors/status-error.ts";
import { strategicMergePatch } from "./strategic.ts";
import { createStrategicPatch, createThreeWayPatch } from "./strategic-diff.ts";

const POD = "core.v1.Pod";
const pod = (spec: object): { spec: object } => ({ spec });
const names = (object: unknown): string[] =>
  (object as { spec: { containers: { name: string }[] } }).spec.containers.map((c) => c.name);

describe("strategicMergePatch", () => {
  it("merges lists by their key and keeps what it does not name", () => {
    const before = pod({
      containers: [
        { name: "a", image: "x", env: [{ name: "E", value: "1" }] },
        { name: "b", image: "y" },
      ],
    });
    const patch = pod({ containers: [{ name: "a", image: "z", env: [{ name: "F", value: "2" }] }] });
    expect(strategicMergePatch(before, patch, POD)).toEqual(
      pod({
        containers: [
          {
            name: "a",
            image: "z",
            env: [
              { name: "F", value: "2" },
              { name: "E", value: "1" },
            ],
          },
          { name: "b", image: "y" },
        ],
      }),
    );
    expect(names(before)).toEqual(["a", "b"]);
  });

  it.each([
    ["adds in front of what only the server has", ["a"], { containers: [{ name: "n" }] }, ["n", "a"]],
    ["deletes an item", ["a", "b"], { containers: [{ name: "a", $patch: "delete" }] }, ["b"]],
    ["replaces a list", ["a", "b"], { containers: [{ $patch: "replace" }, { name: "c" }] }, ["c"]],
    [
      "orders as asked",
      ["a", "b", "c"],
      { "$setElementOrder/containers": [{ name: "c" }, { name: "a" }], containers: [{ name: "a", image: "i" }] },
      ["b", "c", "a"],
    ],
    [
      "orders and adds",
      ["a", "b"],
      { "$setElementOrder/containers": [{ name: "n" }, { name: "b" }, { name: "a" }], containers: [{ name: "n" }] },
      ["n", "b", "a"],
    ],
  ])("%s", (_, have, patch, result) => {
    const before = pod({ containers: have.map((name) => ({ name })) });
    expect(names(strategicMergePatch(before, pod(patch), POD))).toEqual(result);
  });

  it("deletes, replaces and clears objects", () => {
    const before = {
      metadata: { labels: { a: "1", b: "2" } },
      spec: { securityContext: { runAsUser: 1, fsGroup: 2 } },
    };
    expect(strategicMergePatch(before, { metadata: { labels: { a: null, c: "3" } } }, POD)).toMatchObject({
      metadata: { labels: { b: "2", c: "3" } },
    });
    const replaced = strategicMergePatch(before, { spec: { securityContext: { $patch: "replace", fsGroup: 3 } } }, POD);
    expect(replaced).toMatchObject({ spec: { securityContext: { fsGroup: 3 } } });
    expect(replaced).not.toHaveProperty("spec.securityContext.runAsUser");
    expect(strategicMergePatch(before, { spec: { securityContext: { $patch: "delete" } } }, POD)).toMatchObject({
      spec: { securityContext: {} },
    });
  });

  it("replaces atomic lists and merges sets of scalars", () => {
    const before = { metadata: { finalizers: ["a", "b"] }, spec: { tolerations: [{ key: "a" }] } };
    const patch = {
      metadata: { finalizers: ["c"], "$deleteFromPrimitiveList/finalizers": ["a"] },
      spec: { tolerations: [{ key: "b" }] },
    };
    const after = strategicMergePatch(before, patch, POD) as typeof before;
    expect(after.metadata.finalizers.toSorted()).toEqual(["b", "c"]);
    expect(after.spec.tolerations).toEqual([{ key: "b" }]);
  });

  it("retains keys: changing a volume's source, or a strategy", () => {
    const before = pod({ volumes: [{ name: "v", emptyDir: {} }] });
    const patch = pod({ volumes: [{ $retainKeys: ["name", "secret"], name: "v", secret: { secretName: "s" } }] });
    expect(strategicMergePatch(before, patch, POD)).toEqual(
      pod({ volumes: [{ name: "v", secret: { secretName: "s" } }] }),
    );
    const deployment = { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } };
    const recreate = { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } };
    expect(strategicMergePatch(deployment, recreate, "apps.v1.Deployment")).toEqual({
      spec: { strategy: { type: "Recreate" } },
    });
  });

  it.each([
    [
      { spec: { volumes: [{ $retainKeys: ["name"], name: "v", emptyDir: {} }] } },
      400,
      "invalid patch format of retainKeys",
    ],
    [{ spec: { "$deleteFromPrimitiveList.x": [] } }, 400, "invalid patch format of primitive list"],
    [{ spec: { containers: [{ image: "x" }] } }, 500, "map: map[image:x] does not contain declared merge key: name"],
    [{ spec: { $patch: "nonsense" } }, 500, "unknown patch type: nonsense in map: map[$patch:nonsense]"],
  ])("refuses %j", (patch, code, message) => {
    const before = pod({ containers: [{ name: "a" }], volumes: [{ name: "v", secret: {} }] });
    try {
      strategicMergePatch(before, patch, POD);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(StatusError);
      expect((error as StatusError).status).toMatchObject({ code, message });
    }
  });
});

describe("createStrategicPatch", () => {
  const before = pod({
    containers: [
      { name: "a", image: "x", ports: [{ containerPort: 80 }] },
      { name: "b", image: "y" },
    ],
    nodeSelector: { k: "v" },
    volumes: [{ name: "v", emptyDir: {} }],
  }) as Record<string, unknown>;

  it.each([
    ["nothing", before, {}],
    [
      "an image",
      pod({
        ...(before["spec"] as object),
        containers: [
          { name: "a", image: "z", ports: [{ containerPort: 80 }] },
          { name: "b", image: "y" },
        ],
      }),
      {
        spec: {
          "$setElementOrder/containers": [{ name: "a" }, { name: "b" }],
          containers: [{ name: "a", image: "z" }],
        },
      },
    ],
    [
      "a container",
      pod({ ...(before["spec"] as object), containers: [{ name: "a", image: "x", ports: [{ containerPort: 80 }] }] }),
      { spec: { "$setElementOrder/containers": [{ name: "a" }], containers: [{ name: "b", $patch: "delete" }] } },
    ],
    [
      "a volume's source",
      pod({ ...(before["spec"] as object), volumes: [{ name: "v", secret: { secretName: "s" } }] }),
      {
        spec: {
          "$setElementOrder/volumes": [{ name: "v" }],
          volumes: [{ name: "v", $retainKeys: ["name", "secret"], secret: { secretName: "s" }, emptyDir: null }],
        },
      },
    ],
  ])("finds the change of %s", (_, after, patch) => {
    const found = createStrategicPatch(before, after as Record<string, unknown>, POD);
    expect(found).toEqual(patch);
    expect(strategicMergePatch(before, found, POD)).toEqual(after);
  });

  it("applies three ways: own changes and deletions, others' additions kept", () => {
    const original = {
      metadata: { labels: { mine: "1", gone: "x" } },
      ...pod({ containers: [{ name: "a", image: "1" }, { name: "old" }] }),
    };
    const modified = { metadata: { labels: { mine: "2" } }, ...pod({ containers: [{ name: "a", image: "2" }] }) };
    const current = {
      metadata: { labels: { mine: "1", gone: "x", other: "o" } },
      ...pod({
        containers: [{ name: "a", image: "1", imagePullPolicy: "Always" }, { name: "old" }, { name: "injected" }],
      }),
    };
    const patch = createThreeWayPatch({ original, modified, current }, POD);
    expect(strategicMergePatch(current, patch, POD)).toEqual({
      metadata: { labels: { mine: "2", other: "o" } },
      ...pod({ containers: [{ name: "a", image: "2", imagePullPolicy: "Always" }, { name: "injected" }] }),
    });
  });
});
