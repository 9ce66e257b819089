import type { batchv1 } from "../../../api/index.ts";
import { invalidValue, notSupported, required, semanticEqual } from "../../../machinery/index.ts";
import { type Errors, nonNegative } from "../common/errors.ts";
import { podNameWarnings } from "../core/replication-controllers.ts";
import type { Kind, KindEnv } from "../kind.ts";
import { dropDisabledInTemplate } from "../pods/template.ts";
import { isTimeZone, scheduleProblem } from "./cron.ts";
import { validateJobSpec } from "./job-spec.ts";
import { jobSpecWarnings } from "./jobs.ts";

type CronJob = batchv1.CronJob;
type Spec = batchv1.CronJobSpec;

/** Cron jobs. */
export function cronJobs(env: KindEnv): Kind<CronJob> {
  return {
    generation: ["spec"],
    prepareForCreate: ({ spec }) => dropDisabledInTemplate(spec.jobTemplate.spec?.template, undefined, env),
    prepareForUpdate: ({ spec }, old) =>
      dropDisabledInTemplate(spec.jobTemplate.spec?.template, old.spec.jobTemplate.spec?.template, env),
    validate({ metadata, spec }, old) {
      const errors: Errors = [];
      validateSpec(errors, spec, old?.spec, env);
      if (!old && metadata.name.length > 52) {
        errors.push(invalidValue("metadata.name", metadata.name, "must be no more than 52 characters"));
      }
      return errors;
    },
    warnings({ metadata, spec }, old) {
      const at = "spec.jobTemplate.spec";
      const changed = !old || !semanticEqual(spec, old.spec);
      const tz = old !== undefined && spec.schedule.includes("TZ");
      const words =
        "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";
      return [
        ...(old ? [] : podNameWarnings(metadata.name)),
        ...(changed && spec.jobTemplate.spec ? jobSpecWarnings(at, spec.jobTemplate.spec) : []),
        ...(tz ? [words] : []),
      ];
    },
  };
}

function validateSpec(errors: Errors, spec: Spec, old: Spec | undefined, env: KindEnv): void {
  if (!spec.schedule) errors.push(required("spec.schedule"));
  else validateSchedule(errors, spec, old?.schedule.includes("TZ") === true);
  nonNegative(errors, "spec.startingDeadlineSeconds", spec.startingDeadlineSeconds);
  if (spec.timeZone !== old?.timeZone) validateTimeZone(errors, "spec.timeZone", spec.timeZone);
  const policy: string = spec.concurrencyPolicy ?? "";
  const policies = ["Allow", "Forbid", "Replace"];
  if (policy === "") errors.push(required("spec.concurrencyPolicy"));
  else if (!policies.includes(policy)) errors.push(notSupported("spec.concurrencyPolicy", policy, policies));
  const job = spec.jobTemplate.spec ?? { template: { spec: { containers: [] } } };
  const at = "spec.jobTemplate.spec";
  validateJobSpec(errors, at, job, { env, old: old?.jobTemplate.spec });
  if (job.selector) errors.push(invalidValue(`${at}.selector`, job.selector, "`selector` will be auto-generated"));
  if (job.manualSelector) errors.push(notSupported(`${at}.manualSelector`, true, ["nil", "false"]));
  nonNegative(errors, "spec.successfulJobsHistoryLimit", spec.successfulJobsHistoryLimit);
  nonNegative(errors, "spec.failedJobsHistoryLimit", spec.failedJobsHistoryLimit);
}

function validateSchedule(errors: Errors, { schedule, timeZone }: Spec, allowZone: boolean): void {
  const say = (words: string): void => void errors.push(invalidValue("spec.schedule", schedule, words));
  const problem = scheduleProblem(schedule);
  if (problem) say(problem);
  if (!schedule.includes("TZ")) return;
  if (!allowZone) say("cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  else if (timeZone !== undefined) say("cannot use both timeZone field and TZ or CRON_TZ in schedule");
}

function validateTimeZone(errors: Errors, path: string, zone: string | undefined): void {
  if (zone === undefined) return;
  const say = (words: string): void => void errors.push(invalidValue(path, zone, words));
  if (zone === "") return say("timeZone must be nil or non-empty string");
  const good = zone
    .split("/")
    .every((p) => p !== "." && p !== ".." && !p.startsWith("-") && /^[A-Za-z.\-_0-9+]{1,14}$/.test(p));
  if (!good) return say(`unknown time zone ${zone}`);
  if (zone.toLowerCase() === "local") {
    say("timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
  }
  if (!isTimeZone(zone) && zone !== "Local") say(`unknown time zone ${zone}`);
}
