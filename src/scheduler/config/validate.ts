import {
  deepEqual,
  duplicate,
  type FieldError,
  FieldPath,
  invalidValue,
  isQualifiedName,
  required,
} from "../../machinery/index.ts";
import { isExtended } from "../cache/resource-amounts.ts";
import { fillDefaults } from "./fill-defaults.ts";
import { EXTENSION_POINTS } from "./plugin-sets.ts";
import type { Extender, KubeSchedulerConfiguration, KubeSchedulerProfile, PluginConfig } from "./types.ts";
import { validateArgs } from "./validate-args.ts";

/** Plugins of older versions. */
const REMOVED = new Set(["AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits"]);
const VERSION = "kubescheduler.config.k8s.io/v1";

/** What is wrong with a configuration that has its defaults, in upstream's words (pkg/scheduler/apis/config/validation). */
export function validateConfiguration(config: KubeSchedulerConfiguration): FieldError[] {
  const errors: FieldError[] = [];
  const profilesPath = FieldPath.root("profiles");
  if ((config.parallelism ?? 0) <= 0) {
    const text = "should be an integer value greater than zero";
    errors.push(invalidValue("parallelism", config.parallelism ?? 0, text));
  }
  errors.push(...leaderElection(config.leaderElection ?? {}));
  const profiles = config.profiles ?? [];
  if (profiles.length === 0) errors.push(required(profilesPath));
  for (const [i, profile] of profiles.entries()) {
    const path = profilesPath.index(i);
    errors.push(...validateProfile(path, profile));
    const first = profiles.findIndex(({ schedulerName }) => schedulerName === profile.schedulerName);
    if (first < i)
      errors.push(duplicate(path.child("schedulerName"), String(profilesPath.index(first).child("schedulerName"))));
  }
  errors.push(...commonQueueSort(profilesPath, profiles));
  errors.push(...percentage(FieldPath.root("percentageOfNodesToScore"), config.percentageOfNodesToScore));
  const { podInitialBackoffSeconds: initial = 0, podMaxBackoffSeconds: max = 0 } = config;
  if (initial <= 0) errors.push(invalidValue("podInitialBackoffSeconds", initial, "must be greater than 0"));
  if (max < initial) {
    errors.push(invalidValue("podMaxBackoffSeconds", max, "must be greater than or equal to PodInitialBackoffSeconds"));
  }
  errors.push(...validateExtenders(FieldPath.root("extenders"), config.extenders ?? []));
  return errors;
}

function leaderElection({
  leaderElect,
  resourceLock,
}: NonNullable<KubeSchedulerConfiguration["leaderElection"]>): FieldError[] {
  if (!leaderElect || resourceLock === "leases") return [];
  const path = FieldPath.root("leaderElection", "resourceLock");
  return [invalidValue(path, resourceLock, `resourceLock value must be "leases"`)];
}

function percentage(path: FieldPath, value: number | undefined): FieldError[] {
  if (value === undefined || (value >= 0 && value <= 100)) return [];
  return [invalidValue(path, value, "not in valid range [0-100]")];
}

function validateProfile(path: FieldPath, profile: KubeSchedulerProfile): FieldError[] {
  const errors: FieldError[] = [];
  if (!profile.schedulerName) errors.push(required(path.child("schedulerName")));
  errors.push(...percentage(path.child("percentageOfNodesToScore"), profile.percentageOfNodesToScore));
  for (const point of EXTENSION_POINTS) {
    for (const [i, { name = "" }] of (profile.plugins?.[point]?.enabled ?? []).entries()) {
      if (REMOVED.has(name)) errors.push(removed(path.child("plugins", point, "enabled").index(i), name));
    }
  }
  const seen = new Set<string>();
  for (const [i, { name = "", args }] of (profile.pluginConfig ?? []).entries()) {
    const own = path.child("pluginConfig").index(i);
    if (seen.has(name)) errors.push(duplicate(own, name));
    seen.add(name);
    if (REMOVED.has(name)) errors.push(removed(own, name));
    else errors.push(...validateArgs(own.child("args"), name, fillDefaults(`${name}Args`, args as object | undefined)));
  }
  return errors;
}

function removed(path: FieldPath, name: string): FieldError {
  const text = `was invalid in version "${VERSION}" (KubeSchedulerConfiguration is version "${VERSION}")`;
  return invalidValue(path, name, text);
}

/** All profiles share one queue, so they must sort it alike. */
function commonQueueSort(path: FieldPath, profiles: readonly KubeSchedulerProfile[]): FieldError[] {
  const [first, ...others] = profiles;
  if (!first) return [];
  const errors: FieldError[] = [];
  const enabled = first.plugins?.queueSort?.enabled ?? [];
  if (enabled.length > 1) {
    const own = path.index(0).child("plugins", "queueSort", "Enabled");
    errors.push(invalidValue(own, enabled.length, "only one queue sort plugin can be enabled"));
  }
  const name = enabled[0]?.name;
  const argsOf = (list: readonly PluginConfig[] | undefined): unknown => list?.find((one) => one.name === name)?.args;
  for (const [i, profile] of others.entries()) {
    const own = path.index(i + 1);
    const sort = profile.plugins?.queueSort;
    if (!deepEqual(first.plugins?.queueSort ?? {}, sort ?? {})) {
      errors.push(invalidValue(own.child("plugins", "queueSort"), sort ?? {}, "must be the same for all profiles"));
    }
    const args = name === undefined ? undefined : argsOf(profile.pluginConfig);
    if (args !== undefined && !deepEqual(args, argsOf(first.pluginConfig))) {
      errors.push(invalidValue(own.child("pluginConfig", "args"), args, "queueSort must be the same for all profiles"));
    }
  }
  return errors;
}

function validateExtenders(path: FieldPath, extenders: readonly Extender[]): FieldError[] {
  const errors: FieldError[] = [];
  const managed = new Set<string>();
  for (const [i, extender] of extenders.entries()) {
    const own = path.index(i);
    const { weight = 0, prioritizeVerb, managedResources = [] } = extender;
    if (prioritizeVerb && weight <= 0) {
      errors.push(invalidValue(own.child("weight"), weight, "must have a positive weight applied to it"));
    }
    for (const [j, { name = "" }] of managedResources.entries()) {
      const at = own.child("managedResources").index(j).child("name");
      errors.push(...extendedName(at, name));
      if (managed.has(name)) errors.push(invalidValue(at, name, "duplicate extender managed resource name"));
      managed.add(name);
    }
  }
  const binders = extenders.filter(({ bindVerb }) => bindVerb).length;
  if (binders > 1) {
    const text = `found ${binders} extenders implementing bind`;
    errors.push(invalidValue(path, text, "only one extender can implement bind"));
  }
  return errors;
}

function extendedName(path: FieldPath, name: string): FieldError[] {
  const wrong = isQualifiedName(name);
  if (wrong.length > 0) return wrong.map((text) => invalidValue(path, name, text));
  return isExtended(name) ? [] : [invalidValue(path, name, "is an invalid extended resource name")];
}
