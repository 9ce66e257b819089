import { describe, expect, it } from "vitest";
import { type batchv1, type corev1, type Draft, resources } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import { createCluster, type TestCluster } from "../../testing/index.ts";
import { controllersOf, type PodFate, podRunner } from "../fixtures/harness.ts";

const NS = "default";

async function start(
  spec: Draft<batchv1.JobSpec>,
  fate: (pod: corev1.Pod, cluster: () => TestCluster) => ReturnType<PodFate>,
) {
  let cluster: TestCluster | undefined;
  const known = (): TestCluster => cluster ?? expect.unreachable();
  cluster = await createCluster({ components: [controllersOf(["job"]), podRunner((pod) => fate(pod, known))] });
  const jobs = cluster.client.resource(resources.jobs);
  const labels = { "batch.kubernetes.io/controller-uid": "x", "batch.kubernetes.io/job-name": "j" };
  await jobs.create({
    metadata: { name: "j", namespace: NS },
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      manualSelector: true,
      selector: { matchLabels: labels },
      ...spec,
      template: {
        metadata: { labels },
        spec: { restartPolicy: "Never", containers: [{ name: "main", image: "demo" }] },
      },
    },
  });
  await cluster.settle();
  const status = async () => (await jobs.get({ namespace: NS, name: "j" })).status;
  const pods = async () => (await known().client.resource(resources.pods).list({ namespace: NS })).items;
  const conditions = async () => ((await status()).conditions ?? []).map((c) => `${c.type} ${c.status} ${c.reason}`);
  return { cluster, jobs, status, pods, conditions };
}

function ended(
  cluster: TestCluster,
  phase: "Succeeded" | "Failed",
  exitCode = phase === "Failed" ? 1 : 0,
): Partial<corev1.PodStatus> {
  const finishedAt = formatTime(cluster.clock.now());
  const terminated = { exitCode, finishedAt, startedAt: finishedAt, reason: "" };
  return {
    phase,
    containerStatuses: [
      { name: "main", ready: false, restartCount: 0, image: "demo", imageID: "", state: { terminated }, lastState: {} },
    ],
  };
}

const indexOf = (pod: corev1.Pod) => Number(pod.metadata.labels?.["batch.kubernetes.io/job-completion-index"]);

describe("Jobs in a cluster", () => {
  it("complete after as many successes as wanted", async () => {
    const t = await start({ completions: 5, parallelism: 2 }, (_, c) => ended(c(), "Succeeded"));
    await using _cluster = t.cluster;
    await t.cluster.advance(1000);
    expect(await t.status()).toMatchObject({ succeeded: 5, ready: 0, terminating: 0, uncountedTerminatedPods: {} });
    expect(await t.conditions()).toEqual([
      "SuccessCriteriaMet True CompletionsReached",
      "Complete True CompletionsReached",
    ]);
    expect((await t.status()).completionTime).toBeDefined();
    const pods = await t.pods();
    expect(pods).toHaveLength(5);
    expect(pods.every((p) => p.metadata.finalizers === undefined)).toBe(true);
  });

  it("try failed pods again later and later, and give up at the limit", async () => {
    const t = await start({ backoffLimit: 2 }, (_, c) => ended(c(), "Failed"));
    await using _cluster = t.cluster;
    expect(await t.pods()).toHaveLength(1);
    await t.cluster.advance(9_000);
    expect(await t.pods()).toHaveLength(1);
    await t.cluster.advance(2_000);
    expect(await t.pods()).toHaveLength(2);
    await t.cluster.advance(25_000);
    expect(await t.pods()).toHaveLength(3);
    expect(await t.status()).toMatchObject({ failed: 3 });
    expect(await t.conditions()).toEqual([
      "FailureTarget True BackoffLimitExceeded",
      "Failed True BackoffLimitExceeded",
    ]);
    await t.cluster.advance(600_000);
    expect(await t.pods()).toHaveLength(3);
  });

  it("end at their deadline", async () => {
    const t = await start({ activeDeadlineSeconds: 30 }, () => ({ phase: "Running" }));
    await using _cluster = t.cluster;
    expect(await t.status()).toMatchObject({ active: 1 });
    await t.cluster.advance(31_000);
    expect(await t.conditions()).toEqual(["FailureTarget True DeadlineExceeded", "Failed True DeadlineExceeded"]);
    expect(await t.status()).toMatchObject({ failed: 1 });
  });

  it("run each index, with limits an index", async () => {
    const t = await start(
      { completions: 4, parallelism: 4, completionMode: "Indexed", backoffLimitPerIndex: 1 },
      (pod, c) => ended(c(), indexOf(pod) === 2 ? "Failed" : "Succeeded"),
    );
    await using _cluster = t.cluster;
    await t.cluster.advance(60_000);
    expect(await t.status()).toMatchObject({ completedIndexes: "0,1,3", failedIndexes: "2", succeeded: 3, failed: 2 });
    expect(await t.conditions()).toEqual(["FailureTarget True FailedIndexes", "Failed True FailedIndexes"]);
    const env = (await t.pods())[0]?.spec.containers[0]?.env?.[0];
    expect(env?.name).toBe("JOB_COMPLETION_INDEX");
  });

  it("obey success and failure policies", async () => {
    const t = await start(
      {
        completions: 3,
        parallelism: 3,
        completionMode: "Indexed",
        successPolicy: { rules: [{ succeededIndexes: "0" }] },
      },
      (pod, c) => (indexOf(pod) === 0 ? ended(c(), "Succeeded") : { phase: "Running" }),
    );
    await using _first = t.cluster;
    await t.cluster.advance(1000);
    expect(await t.conditions()).toEqual(["SuccessCriteriaMet True SuccessPolicy", "Complete True SuccessPolicy"]);
    const rules = [{ action: "FailJob" as const, onExitCodes: { operator: "In" as const, values: [42] } }];
    const u = await start({ podFailurePolicy: { rules } }, (_, c) => ended(c(), "Failed", 42));
    await using _second = u.cluster;
    await u.cluster.advance(1000);
    expect(await u.conditions()).toEqual(["FailureTarget True PodFailurePolicy", "Failed True PodFailurePolicy"]);
    expect((await u.status()).conditions?.[0]?.message).toMatch(
      /^Container main for pod default\/j-\w+ failed with exit code 42 matching FailJob rule at index 0$/,
    );
  });

  it("stop while suspended and start anew", async () => {
    const t = await start({ suspend: true }, () => ({ phase: "Running" }));
    await using _cluster = t.cluster;
    expect(await t.pods()).toEqual([]);
    expect(await t.conditions()).toEqual(["Suspended True JobSuspended"]);
    await t.jobs.patch({ namespace: NS, name: "j" }, { type: "merge", body: { spec: { suspend: false } } });
    await t.cluster.advance(1000);
    expect(await t.pods()).toHaveLength(1);
    expect(await t.conditions()).toEqual(["Suspended False JobResumed"]);
    await t.jobs.patch({ namespace: NS, name: "j" }, { type: "merge", body: { spec: { suspend: true } } });
    await t.cluster.advance(60_000);
    expect(await t.pods()).toEqual([]);
    expect((await t.status()).failed).toBeUndefined();
  });

  it("let go of their pods when deleted", async () => {
    const t = await start({}, () => ({ phase: "Running" }));
    await using _cluster = t.cluster;
    await t.jobs.delete({ namespace: NS, name: "j" }, { propagationPolicy: "Background" });
    await t.cluster.advance(1000);
    expect((await t.pods())[0]?.metadata.finalizers).toBeUndefined();
  });
});
