import { describe, expect, it } from "vitest";
import { type Draft, type corev1 } from "../../api/index.ts";
import { type Observation, type ObservedContainer, type ObservedSandbox } from "../observe/model.ts";
import { type Pod, containerHash } from "../pod/containers.ts";
import { type Plan, planPod } from "./plan.ts";

let clock = 0;
const pod = (spec: Draft<corev1.PodSpec>, metadata: object = {}): Pod =>
  ({
    metadata: { name: "p", namespace: "n", uid: "u", ...metadata },
    spec: { containers: [{ name: "a", image: "i" }], ...spec },
    status: {},
  }) as unknown as Pod;
const box = (more: Partial<ObservedSandbox> = {}): ObservedSandbox => ({
  id: "s",
  attempt: 0,
  ready: true,
  createdAt: 0,
  hostNetwork: false,
  ips: ["10.0.0.1"],
  ...more,
});
const ran = (
  name: string,
  state: ObservedContainer["state"],
  more: Partial<ObservedContainer> = {},
): ObservedContainer =>
  ({
    id: `${name}-id`,
    name,
    sandboxId: "s",
    state,
    exitCode: 0,
    hash: containerHash({ name, image: "i" }),
    createdAt: clock++,
    ...more,
  }) as ObservedContainer;
const seen = (containers: ObservedContainer[], sandboxes = [box()]): Observation => ({
  sandboxes,
  containers: containers.toReversed(),
});
const probes = (liveness?: boolean, startup?: boolean) => ({ liveness: () => liveness, startup: () => startup });
const brief = (p: Plan): object => ({
  ...(p.killPod && { killPod: true }),
  ...(p.createSandbox && { create: p.attempt }),
  ...(p.kill.length > 0 && { kill: p.kill.map((k) => k.message) }),
  ...(p.ephemeralToStart.length > 0 && { ephemeral: p.ephemeralToStart }),
  ...(p.initToStart.length > 0 && { init: p.initToStart }),
  ...(p.toStart.length > 0 && { start: p.toStart }),
});

const two = {
  containers: [
    { name: "a", image: "i" },
    { name: "b", image: "i" },
  ],
};
const inits = {
  initContainers: [
    { name: "x", image: "i" },
    { name: "y", image: "i" },
  ],
};
const sidecar = {
  initContainers: [
    { name: "x", image: "i", restartPolicy: "Always" },
    { name: "y", image: "i" },
  ],
};

describe("planPod", () => {
  it.each<[string, Pod, Observation, object]>([
    ["starts a new pod from its sandbox", pod(two), seen([], []), { killPod: true, create: 0, start: [0, 1] }],
    ["begins with the first init container", pod(inits), seen([], []), { killPod: true, create: 0, init: [0] }],
    ["leaves alone what runs", pod(two), seen([ran("a", "running"), ran("b", "running")]), {}],
    ["starts what is missing", pod(two), seen([ran("a", "running")]), { start: [1] }],
    ["restarts what ended", pod({ restartPolicy: "Always" }), seen([ran("a", "exited")]), { start: [0] }],
    [
      "OnFailure: restarts failures only",
      pod({ restartPolicy: "OnFailure", ...two }),
      seen([ran("a", "exited", { exitCode: 1 }), ran("b", "exited")]),
      { start: [0] },
    ],
    [
      "Never: ends the pod when all ended",
      pod({ restartPolicy: "Never" }),
      seen([ran("a", "exited", { exitCode: 1 })]),
      { killPod: true },
    ],
    [
      "a container's own policy wins",
      pod({ restartPolicy: "Never", containers: [{ name: "a", image: "i", restartPolicy: "OnFailure" }] }),
      seen([ran("a", "exited", { exitCode: 1 })]),
      { start: [0] },
    ],
    [
      "a rule restarts an exit code",
      pod({
        restartPolicy: "Never",
        containers: [
          {
            name: "a",
            image: "i",
            restartPolicy: "Never",
            restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }],
          },
        ],
      }),
      seen([ran("a", "exited", { exitCode: 42 })]),
      { start: [0] },
    ],
    ["starts again what was only created", pod({}), seen([ran("a", "created")]), { start: [0] }],
    [
      "kills what nobody knows of before it starts it",
      pod({}),
      seen([ran("a", "unknown")]),
      { kill: ['Container is in "unknown" state, try killing it before restart'], start: [0] },
    ],
    [
      "a changed image restarts",
      pod({ restartPolicy: "Never" }),
      seen([ran("a", "running", { hash: "old" })]),
      { kill: ["Container a definition changed, will be restarted"], start: [0] },
    ],
    [
      "makes a sandbox anew when it died",
      pod(two),
      seen([ran("a", "exited"), ran("b", "exited")], [box({ ready: false })]),
      { killPod: true, create: 1, start: [0, 1] },
    ],
    ["or has no address", pod({}), seen([], [box({ ips: [] })]), { killPod: true, create: 1, start: [0] }],
    ["or is of the wrong network", pod({ hostNetwork: true }), seen([]), { killPod: true, create: 1, start: [0] }],
    [
      "or is not alone",
      pod({}),
      seen([], [box({ id: "t", attempt: 4 }), box()]),
      { killPod: true, create: 5, start: [0] },
    ],
    [
      "but not for a pod that never restarts",
      pod({ restartPolicy: "Never" }),
      seen([ran("a", "exited")], [box({ ready: false })]),
      { killPod: true },
    ],
    [
      "nor when all is done",
      pod({ restartPolicy: "OnFailure" }),
      seen([ran("a", "exited")], [box({ ready: false })]),
      { killPod: true },
    ],
    [
      "OnFailure: what is done stays done in a new sandbox",
      pod({ restartPolicy: "OnFailure", ...two }),
      seen([ran("a", "exited"), ran("b", "exited", { exitCode: 2 })], [box({ ready: false })]),
      { killPod: true, create: 1, start: [1] },
    ],
    ["waits for a running init container", pod(inits), seen([ran("x", "running")]), {}],
    ["goes on to the next init container", pod(inits), seen([ran("x", "exited")]), { init: [1] }],
    ["then to the main ones", pod(inits), seen([ran("x", "exited"), ran("y", "exited")]), { start: [0] }],
    ["tries a failed init container again", pod(inits), seen([ran("x", "exited", { exitCode: 1 })]), { init: [0] }],
    [
      "Never: fails with its init container",
      pod({ ...inits, restartPolicy: "Never" }),
      seen([ran("x", "exited", { exitCode: 1 })]),
      { killPod: true },
    ],
    ["the last init container known tells how far it got", pod(inits), seen([ran("y", "exited")]), { start: [0] }],
    ["a sidecar that runs lets the next begin", pod(sidecar), seen([ran("x", "running")]), { init: [1] }],
    [
      "a sidecar that ended begins again",
      pod(sidecar),
      seen([ran("x", "exited"), ran("y", "exited"), ran("a", "running")]),
      { init: [0] },
    ],
    [
      "but not when the work is over",
      pod({ ...sidecar, restartPolicy: "Never" }),
      seen([ran("x", "running"), ran("y", "exited"), ran("a", "exited")]),
      { killPod: true },
    ],
    [
      "an ephemeral container starts once",
      pod({
        ephemeralContainers: [
          { name: "e", image: "i" },
          { name: "f", image: "i" },
        ],
      }),
      seen([ran("a", "running"), ran("f", "exited")]),
      { ephemeral: [0] },
    ],
    [
      "a pod being deleted starts nothing",
      pod({}, { deletionTimestamp: "2026-01-01T00:00:00Z" }),
      seen([ran("a", "exited")]),
      { killPod: true },
    ],
  ])("%s", (_, subject, observation, expected) => {
    expect(brief(planPod(subject, observation, probes()))).toEqual(expected);
  });

  it("a failed liveness probe restarts, or under Never only stops", () => {
    const running = seen([ran("a", "running")]);
    expect(brief(planPod(pod({}), running, probes(false)))).toEqual({
      kill: ["Container a failed liveness probe, will be restarted"],
      start: [0],
    });
    const never = planPod(pod({ restartPolicy: "Never" }), running, probes(false));
    expect(never.kill.map((k) => [k.message, k.reason])).toEqual([
      ["Container a failed liveness probe", "LivenessProbe"],
    ]);
    expect(brief(planPod(pod({}), running, probes(undefined, false)))).toEqual({
      kill: ["Container a failed startup probe, will be restarted"],
      start: [0],
    });
  });

  it("a sidecar's startup probe holds back what comes after it", () => {
    const subject = pod({ initContainers: [{ name: "x", image: "i", restartPolicy: "Always", startupProbe: {} }] });
    const running = seen([ran("x", "running")]);
    expect(brief(planPod(subject, running, probes()))).toEqual({});
    expect(brief(planPod(subject, running, probes(undefined, true)))).toEqual({ start: [0] });
    expect(brief(planPod(subject, running, probes(undefined, false)))).toEqual({
      kill: ["Init container x failed startup probe"],
      init: [0],
    });
  });
});
