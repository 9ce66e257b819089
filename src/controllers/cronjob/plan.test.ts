import { describe, expect, it } from "vitest";
import type { batchv1 } from "../../api/index.ts";
import { at, EPOCH, meta, template } from "../fixtures/objects.ts";
import { decide, jobAt, observe, outdated } from "./plan.ts";

const MINUTE = 60_000;

function cronJob(spec: Partial<batchv1.CronJobSpec> = {}, status: batchv1.CronJobStatus = {}): batchv1.CronJob {
  return {
    kind: "CronJob",
    apiVersion: "batch/v1",
    metadata: meta("cron"),
    spec: { schedule: "*/5 * * * *", jobTemplate: { spec: { template: template() } }, ...spec },
    status,
  };
}

function job(name: string, ended?: "Complete" | "Failed", minute = 0): batchv1.Job {
  const conditions = ended === undefined ? [] : [{ type: ended, status: "True" }];
  const completion = ended === "Complete" ? { completionTime: at(minute * MINUTE) } : {};
  return {
    kind: "Job",
    apiVersion: "batch/v1",
    metadata: meta(name),
    spec: { template: template() },
    status: { conditions, startTime: at(minute * MINUTE), ...completion },
  };
}

const active = (...names: string[]) => names.map((name) => ({ kind: "Job", name, uid: `uid-${name}` }));

describe("decide", () => {
  const cases: readonly (readonly [
    string,
    batchv1.CronJob,
    number,
    { start?: number; after?: number; says?: string[] },
  ])[] = [
    ["waits for the first time", cronJob(), 1 * MINUTE, { after: 4 * MINUTE + 100 }],
    ["starts when it is due", cronJob(), 5 * MINUTE, { start: 5 * MINUTE, after: 5 * MINUTE + 100 }],
    [
      "starts the last of several that were due",
      cronJob(),
      23 * MINUTE,
      { start: 20 * MINUTE, after: 2 * MINUTE + 100 },
    ],
    [
      "starts no time twice",
      cronJob({}, { lastScheduleTime: at(5 * MINUTE) }),
      6 * MINUTE,
      { after: 4 * MINUTE + 100 },
    ],
    [
      "warns of very many",
      cronJob(),
      600 * MINUTE,
      { start: 600 * MINUTE, after: 5 * MINUTE + 100, says: ["TooManyMissedTimes"] },
    ],
    ["keeps to the deadline", cronJob({ startingDeadlineSeconds: 30 }), 6 * MINUTE, { after: 4 * MINUTE + 100 }],
    ["is suspended", cronJob({ suspend: true }), 6 * MINUTE, {}],
    [
      "forbids a second at a time",
      cronJob({ concurrencyPolicy: "Forbid" }, { active: active("other") }),
      6 * MINUTE,
      { after: 4 * MINUTE + 100, says: ["JobAlreadyActive"] },
    ],
    [
      "allows a second",
      cronJob({}, { active: active("other") }),
      6 * MINUTE,
      { start: 5 * MINUTE, after: 4 * MINUTE + 100 },
    ],
    ["cannot read the schedule", cronJob({ schedule: "x" }), 6 * MINUTE, { says: ["UnparseableSchedule"] }],
    ["knows no such day", cronJob({ schedule: "0 0 31 2 *" }), 6 * MINUTE, { says: ["InvalidSchedule"] }],
    ["knows no such zone", cronJob({ timeZone: "Moon/Crater" }), 6 * MINUTE, { says: ["UnknownTimeZone"] }],
    [
      "warns of a zone in the schedule",
      cronJob({ schedule: "TZ=UTC 0 0 1 1 *" }),
      MINUTE,
      { after: (365 * 24 * 60 - 1) * MINUTE + 100, says: ["UnsupportedSchedule"] },
    ],
    [
      "leaves the deleted alone",
      { ...cronJob(), metadata: meta("cron", { deletionTimestamp: at(0) }) },
      6 * MINUTE,
      {},
    ],
  ];
  for (const [name, object, now, expected] of cases) {
    it(name, () => {
      const decision = decide(object, EPOCH + now);
      expect(decision.start === undefined ? undefined : decision.start - EPOCH).toBe(expected.start);
      expect(decision.after).toBe(expected.after);
      expect(decision.reports.map(({ reason }) => reason)).toEqual(expected.says ?? []);
    });
  }
});

describe("observe", () => {
  it("notes what ended, and the last success", () => {
    const object = cronJob({}, { active: active("a", "b", "c"), lastSuccessfulTime: at(MINUTE) });
    const seen = observe(object, [job("a", "Complete", 3), job("b", "Failed", 4), job("c"), job("d")]);
    expect(seen.status).toEqual({ active: active("c"), lastSuccessfulTime: at(3 * MINUTE) });
    expect(seen.reports.map(({ message }) => message)).toEqual([
      "Saw completed job: a, condition: Complete",
      "Saw completed job: b, condition: Failed",
      "Saw a job that the controller did not create or forgot: d",
    ]);
  });
});

describe("outdated", () => {
  it("keeps the newest", () => {
    const jobs = [
      job("a", "Complete", 3),
      job("b", "Complete", 1),
      job("c", "Complete", 2),
      job("d", "Failed"),
      job("e"),
    ];
    const object = cronJob({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 1 });
    expect(outdated(object, jobs).map(({ metadata }) => metadata.name)).toEqual(["b", "c"]);
    expect(outdated(cronJob(), jobs)).toEqual([]);
  });
});

describe("jobAt", () => {
  it("names the Job and its time", () => {
    const made = jobAt(cronJob({ timeZone: "Asia/Kathmandu" }), EPOCH + 5 * MINUTE);
    expect(made.metadata.name).toBe(`cron-${EPOCH / MINUTE + 5}`);
    expect(made.metadata).toMatchObject({
      annotations: { "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T05:50:00+05:45" },
    });
  });
});
