import { describe, expect, it } from "vitest";
import type { corev1, storagev1 } from "../../api/index.ts";
import { meta } from "../fixtures/objects.ts";
import { boundClaim, boundStatus, boundVolume, unboundVolume } from "./binding.ts";
import { bestVolume, mismatch } from "./match.ts";
import { BIND_COMPLETED, type ClaimWorld, planClaim, planVolume, reclaimFailure } from "./plan.ts";

type Claim = corev1.PersistentVolumeClaim;
type Volume = corev1.PersistentVolume;

function claimOf(spec: Partial<Claim["spec"]> = {}, parts: Partial<Claim["metadata"]> = {}): Claim {
  return {
    kind: "PersistentVolumeClaim",
    apiVersion: "v1",
    metadata: { ...meta("claim", parts), namespace: "default" },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "5Gi" } },
      storageClassName: "fast",
      ...spec,
    },
    status: { phase: "Pending" },
  };
}

function volumeOf(name: string, spec: Partial<Volume["spec"]> = {}, parts: Partial<Volume["metadata"]> = {}): Volume {
  const { namespace: _namespace, ...metadata } = meta(name, parts);
  return {
    kind: "PersistentVolume",
    apiVersion: "v1",
    metadata,
    spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "10Gi" }, storageClassName: "fast", ...spec },
    status: { phase: "Available" },
  };
}

const storageClass = (parts: Partial<storagev1.StorageClass> = {}): storagev1.StorageClass => ({
  kind: "StorageClass",
  apiVersion: "storage.k8s.io/v1",
  metadata: meta("fast"),
  provisioner: "example.com/disk",
  volumeBindingMode: "Immediate",
  ...parts,
});

const bound = { name: "claim", namespace: "default", uid: "uid-claim" };
const completed = { annotations: { [BIND_COMPLETED]: "yes" } };

describe("bestVolume", () => {
  const cases: readonly (readonly [string, Claim, readonly Volume[], string | undefined])[] = [
    [
      "the smallest that is large enough",
      claimOf(),
      [volumeOf("a"), volumeOf("b", { capacity: { storage: "6Gi" } }), volumeOf("c", { capacity: { storage: "1Gi" } })],
      "b",
    ],
    [
      "rather one that can do no more",
      claimOf(),
      [volumeOf("a", { accessModes: ["ReadWriteOnce", "ReadOnlyMany"], capacity: { storage: "5Gi" } }), volumeOf("b")],
      "b",
    ],
    [
      "one that is kept for it, whatever its class",
      claimOf(),
      [volumeOf("a"), volumeOf("b", { claimRef: { ...bound, uid: "" }, storageClassName: "" })],
      "b",
    ],
    ["none of another class", claimOf(), [volumeOf("a", { storageClassName: "slow" })], undefined],
    ["none that lacks an access mode", claimOf({ accessModes: ["ReadWriteMany"] }), [volumeOf("a")], undefined],
    ["none of another mode", claimOf({ volumeMode: "Block" }), [volumeOf("a")], undefined],
    ["none that somebody has", claimOf(), [volumeOf("a", { claimRef: { ...bound, name: "other" } })], undefined],
    ["none that is not available", claimOf(), [{ ...volumeOf("a"), status: { phase: "Released" } }], undefined],
    [
      "one with the right labels",
      claimOf({ selector: { matchLabels: { a: "b" } } }),
      [volumeOf("a"), volumeOf("b", {}, { labels: { a: "b" } })],
      "b",
    ],
  ];
  for (const [name, claim, volumes, expected] of cases) {
    it(name, () => expect(bestVolume(claim, volumes, false)?.metadata.name).toBe(expected));
  }

  it("waits for the first consumer", () => {
    expect(bestVolume(claimOf(), [volumeOf("a")], true)).toBeUndefined();
    const kept = volumeOf("a", { claimRef: bound });
    expect(bestVolume(claimOf(), [kept], true)).toBe(kept);
  });
});

describe("mismatch", () => {
  it("says what is wrong", () => {
    expect(mismatch(claimOf(), volumeOf("a"))).toBeUndefined();
    expect(mismatch(claimOf(), volumeOf("a", { capacity: { storage: "1Gi" } }))).toBe("requested PV is too small");
    expect(mismatch(claimOf(), volumeOf("a", { storageClassName: "x" }))).toBe("storageClassName does not match");
    expect(mismatch(claimOf({ volumeMode: "Block" }), volumeOf("a"))).toBe("incompatible volumeMode");
  });
});

describe("planClaim", () => {
  const world = (parts: Partial<ClaimWorld> = {}): ClaimWorld => ({
    match: () => undefined,
    volume: () => undefined,
    class: () => storageClass(),
    defaultClass: () => undefined,
    waitingPods: () => [],
    ...parts,
  });
  const waiting = { class: () => storageClass({ volumeBindingMode: "WaitForFirstConsumer" }) };
  const none = { class: () => undefined };
  const classless = (() => {
    const { storageClassName: _, ...spec } = claimOf().spec;
    return { ...claimOf(), spec };
  })();
  const taken = volumeOf("vol", { claimRef: { ...bound, name: "other", uid: "x" } });
  const cases: readonly (readonly [string, Claim, Partial<ClaimWorld>, string])[] = [
    ["binds what fits", claimOf(), { match: () => volumeOf("a") }, "bind"],
    ["asks the provisioner", claimOf(), {}, "provision example.com/disk"],
    ["knows no such class", claimOf(), none, "pend ProvisioningFailed"],
    [
      "has no built-in provisioners",
      claimOf(),
      { class: () => storageClass({ provisioner: "kubernetes.io/no-provisioner" }) },
      "pend ProvisioningFailed",
    ],
    ["waits for a consumer", claimOf(), waiting, "pend WaitForFirstConsumer"],
    ["waits for its pod's node", claimOf(), { ...waiting, waitingPods: () => ["p"] }, "pend WaitForPodScheduled"],
    [
      "goes on once there is a node",
      claimOf({}, { annotations: { "volume.kubernetes.io/selected-node": "n" } }),
      waiting,
      "provision example.com/disk",
    ],
    ["has no class", claimOf({ storageClassName: "" }), none, "pend FailedBinding"],
    ["gets the default class", classless, { ...none, defaultClass: () => storageClass() }, "assignClass fast"],
    ["waits for the volume it names", claimOf({ volumeName: "vol" }), {}, "pend"],
    ["takes the volume it names", claimOf({ volumeName: "vol" }), { volume: () => volumeOf("vol") }, "bind"],
    [
      "cannot use the volume it names",
      claimOf({ volumeName: "vol" }),
      { volume: () => volumeOf("vol", { capacity: {} }) },
      "pend VolumeMismatch",
    ],
    ["cannot have the volume it names", claimOf({ volumeName: "vol" }), { volume: () => taken }, "pend FailedBinding"],
    [
      "stays bound",
      claimOf({ volumeName: "vol" }, completed),
      { volume: () => volumeOf("vol", { claimRef: bound }) },
      "bind",
    ],
    ["binds anew", claimOf({ volumeName: "vol" }, completed), { volume: () => volumeOf("vol") }, "bind"],
    ["has lost its volume's name", claimOf({}, completed), {}, "lose ClaimLost"],
    ["has lost its volume", claimOf({ volumeName: "vol" }, completed), {}, "lose ClaimLost"],
    [
      "has lost it to another",
      claimOf({ volumeName: "vol" }, completed),
      { volume: () => taken },
      "lose ClaimMisbound",
    ],
  ];
  for (const [name, claim, parts, expected] of cases) {
    it(name, () => {
      const step = planClaim(claim, world(parts));
      const detail =
        "report" in step
          ? step.report?.reason
          : step.do === "provision"
            ? step.provisioner
            : step.do === "assignClass"
              ? step.name
              : undefined;
      expect([step.do, detail].filter(Boolean).join(" ")).toBe(expected);
    });
  }
});

describe("planVolume", () => {
  const held = volumeOf("vol", { claimRef: bound });
  const provisioned = volumeOf(
    "vol",
    { claimRef: bound, persistentVolumeReclaimPolicy: "Delete" },
    { annotations: { "pv.kubernetes.io/provisioned-by": "example.com/disk" } },
  );
  const cases: readonly (readonly [string, Volume, Claim | undefined, string])[] = [
    ["is free", volumeOf("vol"), undefined, "phase Available"],
    ["is kept for a claim to come", volumeOf("vol", { claimRef: { ...bound, uid: "" } }), undefined, "phase Available"],
    ["is bound", held, claimOf({ volumeName: "vol" }), "phase Bound"],
    ["waits for its claim", held, claimOf(), "wakeClaim"],
    ["does not suit its claim", held, claimOf({ volumeMode: "Block" }), "tell"],
    ["has lost its claim", held, undefined, "reclaim"],
    ["is not wanted", held, claimOf({ volumeName: "other" }), "unbind"],
    ["was made in vain", provisioned, claimOf({ volumeName: "other" }), "reclaim"],
  ];
  for (const [name, volume, claim, expected] of cases) {
    it(name, () => {
      const step = planVolume(volume, claim);
      expect(step.do === "phase" ? `phase ${step.phase}` : step.do).toBe(expected);
    });
  }

  it("leaves reclaiming to those who provisioned", () => {
    expect(reclaimFailure(provisioned)).toBeUndefined();
    expect(reclaimFailure(volumeOf("vol", { persistentVolumeReclaimPolicy: "Retain" }))).toBeUndefined();
    expect(reclaimFailure(volumeOf("vol", { persistentVolumeReclaimPolicy: "Delete" }))?.reason).toBe(
      "VolumeFailedDelete",
    );
    expect(reclaimFailure(volumeOf("vol", { persistentVolumeReclaimPolicy: "Recycle" }))?.reason).toBe(
      "VolumeFailedRecycle",
    );
  });
});

describe("binding", () => {
  it("ties both ends and unties them", () => {
    const [claim, volume] = [claimOf(), volumeOf("vol")];
    const boundTo = boundVolume(volume, claim);
    expect(boundTo.spec.claimRef).toMatchObject(bound);
    expect(boundVolume(boundTo, claim)).toBe(boundTo);
    const owner = boundClaim(claim, boundTo);
    expect(owner.spec.volumeName).toBe("vol");
    expect(owner.metadata.annotations).toEqual({
      [BIND_COMPLETED]: "yes",
      "pv.kubernetes.io/bound-by-controller": "yes",
    });
    expect(boundClaim(owner, boundTo)).toBe(owner);
    expect(boundStatus(owner, boundTo)).toEqual({
      phase: "Bound",
      accessModes: ["ReadWriteOnce"],
      capacity: { storage: "10Gi" },
    });
    const free = unboundVolume(boundTo);
    expect(free.spec.claimRef).toBeUndefined();
    expect(free.metadata.annotations).toBeUndefined();
    const reserved = volumeOf("vol", { claimRef: bound });
    expect(unboundVolume(reserved).spec.claimRef).toEqual({ name: "claim", namespace: "default" });
  });
});
