import { describe, expect, it } from "vitest";
import type { corev1 } from "../../api/index.ts";
import { at, EPOCH, meta } from "../fixtures/objects.ts";
import {
  evictionTaints,
  executeTaints,
  NOT_READY,
  repeatedLabels,
  scheduleTaints,
  silentConditions,
  UNREACHABLE,
} from "./plan.ts";

function node(
  ready: string | undefined,
  spec: Partial<corev1.NodeSpec> = {},
  more: corev1.NodeCondition[] = [],
): corev1.Node {
  const conditions = ready === undefined ? more : [{ type: "Ready", status: ready }, ...more];
  return {
    kind: "Node",
    apiVersion: "v1",
    metadata: meta("n"),
    spec,
    status: { conditions } as unknown as corev1.NodeStatus,
  };
}

const keys = (taints: readonly corev1.Taint[] | undefined) => taints?.map((t) => `${t.key}:${t.effect}`);

describe("scheduleTaints", () => {
  it("follow conditions and spec.unschedulable", () => {
    expect(scheduleTaints(node("True"), EPOCH)).toBeUndefined();
    expect(keys(scheduleTaints(node("False"), EPOCH))).toEqual(["node.kubernetes.io/not-ready:NoSchedule"]);
    expect(keys(scheduleTaints(node("Unknown"), EPOCH))).toEqual(["node.kubernetes.io/unreachable:NoSchedule"]);
    const pressed = node("True", { unschedulable: true }, [{ type: "MemoryPressure", status: "True" }]);
    expect(keys(scheduleTaints(pressed, EPOCH))).toEqual([
      "node.kubernetes.io/memory-pressure:NoSchedule",
      "node.kubernetes.io/unschedulable:NoSchedule",
    ]);
    const recovered = node("True", {
      taints: [
        { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" },
        { key: "mine", effect: "NoSchedule" },
        NOT_READY,
      ],
    });
    expect(keys(scheduleTaints(recovered, EPOCH))).toEqual([
      "mine:NoSchedule",
      "node.kubernetes.io/not-ready:NoExecute",
    ]);
  });
});

describe("executeTaints", () => {
  it("queues lost nodes, swaps one taint for the other, takes both from the recovered", () => {
    expect(executeTaints(node("Unknown"), false, EPOCH)).toEqual({ kind: "queue" });
    expect(executeTaints(node("Unknown", { taints: [UNREACHABLE] }), false, EPOCH)).toEqual({ kind: "right" });
    const swapped = executeTaints(node("False", { taints: [UNREACHABLE] }), false, EPOCH);
    expect(swapped).toEqual({ kind: "write", taints: [{ ...NOT_READY, timeAdded: at(0) }] });
    expect(executeTaints(node("True", { taints: [UNREACHABLE] }), false, EPOCH)).toEqual({ kind: "write", taints: [] });
    expect(executeTaints(node("True"), false, EPOCH)).toEqual({ kind: "right" });
    expect(executeTaints(node(undefined), false, EPOCH)).toEqual({ kind: "right" });
  });

  it("evicts nobody when all are lost", () => {
    expect(executeTaints(node("Unknown", { taints: [UNREACHABLE] }), true, EPOCH)).toEqual({
      kind: "write",
      taints: [],
    });
    expect(executeTaints(node("Unknown"), true, EPOCH)).toEqual({ kind: "right" });
  });

  it("has nothing for a node that recovered before its turn", () => {
    expect(evictionTaints(node("True"), EPOCH)).toBeUndefined();
    expect(evictionTaints(node("Unknown"), EPOCH)).toEqual([{ ...UNREACHABLE, timeAdded: at(0) }]);
  });
});

describe("silentConditions", () => {
  it("make what the kubelet reported unknown, and add what it never did", () => {
    const network = { type: "NetworkUnavailable", status: "False" };
    const conditions = silentConditions(node("True", {}, [network]), EPOCH + 60_000);
    expect(conditions?.map((c) => [c.type, c.status, c.reason])).toEqual([
      ["Ready", "Unknown", "NodeStatusUnknown"],
      ["NetworkUnavailable", "False", undefined],
      ["MemoryPressure", "Unknown", "NodeStatusNeverUpdated"],
      ["DiskPressure", "Unknown", "NodeStatusNeverUpdated"],
      ["PIDPressure", "Unknown", "NodeStatusNeverUpdated"],
    ]);
    expect(conditions?.[0]?.lastTransitionTime).toBe(at(60_000));
    expect(silentConditions(node("Unknown"), EPOCH)).toBeUndefined();
  });
});

describe("repeatedLabels", () => {
  it("copies new labels to their old names", () => {
    const n = node("True");
    n.metadata.labels = {
      "kubernetes.io/os": "linux",
      "kubernetes.io/arch": "amd64",
      "beta.kubernetes.io/arch": "arm64",
    };
    expect(repeatedLabels(n)).toEqual({ "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64" });
    n.metadata.labels = { ...n.metadata.labels, "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64" };
    expect(repeatedLabels(n)).toBeUndefined();
  });
});
