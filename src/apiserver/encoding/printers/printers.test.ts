import { describe, expect, it } from "vitest";
import type { corev1 } from "../../../api/index.ts";
import { podCells } from "./pods.ts";
import { serviceCells } from "./network.ts";
import { nodeCells } from "./cluster.ts";
import { humanDuration, withMore } from "./words.ts";

const NOW = Date.UTC(2026, 0, 1, 12);
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();

it.each([
  [-5_000, "<invalid>"],
  [-500, "0s"],
  [119_000, "119s"],
  [120_000, "2m"],
  [200_000, "3m20s"],
  [11 * 60_000, "11m"],
  [3 * 3_600_000, "3h"],
  [7.5 * 3_600_000, "7h30m"],
  [47 * 3_600_000, "47h"],
  [50 * 3_600_000, "2d2h"],
  [9 * 86_400_000, "9d"],
  [800 * 86_400_000, "2y70d"],
  [9 * 365 * 86_400_000, "9y"],
])("%i ms is %s", (ms, text) => {
  expect(humanDuration(ms)).toBe(text);
});

it("counts what it does not show", () => {
  expect(withMore(["a", "b", "c", "d", "e"], 3, "none")).toBe("a,b,c + 2 more...");
  expect(withMore([], 3, "none")).toBe("none");
});

interface PodParts {
  readonly spec?: object;
  readonly status?: object;
  readonly metadata?: object;
}

function row({ spec, status, metadata }: PodParts): unknown[] {
  const pod = {
    metadata: { name: "p", creationTimestamp: ago(60), ...metadata },
    spec: { containers: [{ name: "a" }], ...spec },
    status: { phase: "Running", ...status },
  };
  return podCells(pod as unknown as corev1.Pod, NOW).slice(1, 4);
}

const waiting = (reason: string): object => ({ restartCount: 3, ready: false, state: { waiting: { reason } } });
const running = { restartCount: 0, ready: true, state: { running: {} } };
const done = (exitCode: number, reason?: string): object => ({
  restartCount: 0,
  ready: false,
  state: { terminated: { exitCode, ...(reason && { reason }) } },
});

describe("a pod's status", () => {
  it.each<[string, PodParts, unknown[]]>([
    ["pending", { status: { phase: "Pending" } }, ["0/1", "Pending", "0"]],
    ["running", { status: { containerStatuses: [running] } }, ["1/1", "Running", "0"]],
    ["crashing", { status: { containerStatuses: [waiting("CrashLoopBackOff")] } }, ["0/1", "CrashLoopBackOff", "3"]],
    [
      "restarted lately",
      {
        status: {
          containerStatuses: [{ ...running, restartCount: 2, lastState: { terminated: { finishedAt: ago(30) } } }],
        },
      },
      ["1/1", "Running", "2 (30s ago)"],
    ],
    ["done", { status: { phase: "Succeeded", containerStatuses: [done(0, "Completed")] } }, ["0/1", "Completed", "0"]],
    [
      "failed without a reason",
      { status: { phase: "Failed", containerStatuses: [done(3)] } },
      ["0/1", "ExitCode:3", "0"],
    ],
    ["evicted", { status: { phase: "Failed", reason: "Evicted" } }, ["0/1", "Evicted", "0"]],
    [
      "terminating",
      { metadata: { deletionTimestamp: ago(1) }, status: { containerStatuses: [running] } },
      ["1/1", "Terminating", "0"],
    ],
    [
      "on a lost node",
      { metadata: { deletionTimestamp: ago(1) }, status: { reason: "NodeLost" } },
      ["0/1", "Unknown", "0"],
    ],
    [
      "initializing",
      {
        spec: { initContainers: [{ name: "i" }, { name: "j" }] },
        status: { phase: "Pending", initContainerStatuses: [{ name: "i", restartCount: 0, state: { running: {} } }] },
      },
      ["0/1", "Init:0/2", "0"],
    ],
    [
      "stuck while initializing",
      {
        spec: { initContainers: [{ name: "i" }] },
        status: { phase: "Pending", initContainerStatuses: [{ name: "i", ...waiting("ImagePullBackOff") }] },
      },
      ["0/1", "Init:ImagePullBackOff", "3"],
    ],
    [
      "with a sidecar",
      {
        spec: { initContainers: [{ name: "s", restartPolicy: "Always" }] },
        status: { initContainerStatuses: [{ name: "s", started: true, ...running }], containerStatuses: [running] },
      },
      ["2/2", "Running", "0"],
    ],
    [
      "half done",
      {
        status: { conditions: [], containerStatuses: [done(0, "Completed"), running] },
        spec: { containers: [{}, {}] },
      },
      ["1/2", "NotReady", "0"],
    ],
    [
      "gated",
      {
        status: {
          phase: "Pending",
          conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }],
        },
      },
      ["0/1", "SchedulingGated", "0"],
    ],
  ])("%s", (_name, pod, expected) => {
    expect(row(pod)).toEqual(expected);
  });
});

it("prints services", () => {
  const service = (spec: object, status: object = {}): unknown[] =>
    serviceCells(
      { metadata: { name: "s", creationTimestamp: ago(5) }, spec, status } as unknown as corev1.Service,
      NOW,
    );
  const ports = [
    { port: 80, protocol: "TCP", nodePort: 30080 },
    { port: 53, protocol: "UDP" },
  ];
  expect(service({ type: "NodePort", clusterIPs: ["10.0.0.1"], ports, selector: { b: "2", a: "1" } })).toEqual([
    "s",
    "NodePort",
    "10.0.0.1",
    "<none>",
    "80:30080/TCP,53/UDP",
    "5s",
    "a=1,b=2",
  ]);
  expect(service({ type: "LoadBalancer" })[3]).toBe("<pending>");
  expect(service({ type: "LoadBalancer" }, { loadBalancer: { ingress: [{ ip: "1.2.3.4" }] } })[3]).toBe("1.2.3.4");
  expect(service({ type: "ExternalName", externalName: "x.y" })[3]).toBe("x.y");
});

it("prints nodes", () => {
  const node = {
    metadata: {
      name: "n",
      labels: { "node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "" },
    },
    spec: { unschedulable: true },
    status: {
      conditions: [{ type: "Ready", status: "Unknown" }],
      addresses: [{ type: "InternalIP", address: "10.1.1.1" }],
      nodeInfo: { kubeletVersion: "v1.35.2" },
    },
  };
  expect(nodeCells(node as unknown as corev1.Node, NOW).slice(0, 7)).toEqual([
    "n",
    "NotReady,SchedulingDisabled",
    "control-plane,worker",
    "<unknown>",
    "v1.35.2",
    "10.1.1.1",
    "<none>",
  ]);
});
