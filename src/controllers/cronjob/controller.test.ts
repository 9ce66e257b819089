import { describe, expect, it } from "vitest";
import { type batchv1, type Draft, resources } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf, podRunner } from "../fixtures/harness.ts";

const MINUTE = 60_000;

async function start(spec: Partial<Draft<batchv1.CronJobSpec>>) {
  const cluster = await createCluster({ components: [controllersOf(["cronjob"]), podRunner()] });
  const cronJobs = cluster.client.resource(resources.cronjobs);
  const labels = { app: "demo" };
  const pod = { restartPolicy: "Never" as const, containers: [{ name: "main", image: "demo" }] };
  await cronJobs.create({
    metadata: { name: "cron", namespace: "default" },
    spec: {
      schedule: "* * * * *",
      concurrencyPolicy: "Allow",
      jobTemplate: {
        spec: { template: { metadata: { labels }, spec: pod } },
      },
      ...spec,
    },
  });
  const jobs = cluster.client.resource(resources.jobs);
  const names = async () => (await jobs.list({ namespace: "default" })).items.map(({ metadata }) => metadata.name);
  const status = async () => (await cronJobs.get({ namespace: "default", name: "cron" })).status;
  const complete = async (name: string) => {
    const time = formatTime(cluster.clock.now());
    const condition = (type: string) => ({ type, status: "True", lastProbeTime: time, lastTransitionTime: time });
    await jobs.patch(
      { namespace: "default", name },
      {
        type: "merge",
        body: {
          status: {
            startTime: time,
            completionTime: time,
            conditions: [condition("SuccessCriteriaMet"), condition("Complete")],
          },
        },
      },
      { subresource: "status" },
    );
    await cluster.settle();
  };
  // Starts come a little after the minute.
  await cluster.advance(1000);
  return { cluster, names, status, complete, cronJobs };
}

describe("CronJobs in a cluster", () => {
  it("start a Job every minute and keep some", async () => {
    const t = await start({ successfulJobsHistoryLimit: 2 });
    await using _cluster = t.cluster;
    const created = new Set<string>();
    for (let i = 0; i < 5; i++) {
      await t.cluster.advance(MINUTE);
      for (const name of await t.names()) {
        if (created.has(name)) continue;
        created.add(name);
        await t.complete(name);
      }
    }
    expect(created.size).toBe(5);
    expect(await t.names()).toHaveLength(2);
    const status = await t.status();
    expect(status.active).toBeUndefined();
    expect(status.lastSuccessfulTime).toBe(formatTime(t.cluster.clock.now()));
  });

  it("replace what still runs, or wait for it", async () => {
    const t = await start({ concurrencyPolicy: "Replace" });
    await using _first = t.cluster;
    await t.cluster.advance(MINUTE);
    const before = await t.names();
    await t.cluster.advance(MINUTE);
    const after = await t.names();
    expect([before.length, after.length]).toEqual([1, 1]);
    expect(after).not.toEqual(before);
    expect((await t.status()).active?.map(({ name }) => name)).toEqual(after);
    const u = await start({ concurrencyPolicy: "Forbid" });
    await using _second = u.cluster;
    await u.cluster.advance(3 * MINUTE);
    const [only, ...more] = await u.names();
    expect(more).toEqual([]);
    await u.complete(only ?? "");
    expect(await u.names()).toHaveLength(2);
  });
});
