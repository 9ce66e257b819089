import type { Client, InformerFactory } from "../../client/index.ts";
import { CodedError, type Env, errorText } from "../../kit/index.ts";
import type { ClusterCache } from "../cache/cluster-cache.ts";
import type { ProfileConfiguration, SchedulerConfiguration } from "../config/configuration.ts";
import { neededPlugins } from "../config/plugin-sets.ts";
import type { PodEventRecorder } from "../events/recorder.ts";
import { arrangePlugins } from "../framework/build-profile.ts";
import type { SchedulerExtender } from "../framework/extender.ts";
import type { PluginFactory, PluginHandle, SchedulerPlugin } from "../framework/plugin.ts";
import { Profile } from "../framework/profile.ts";
import type { WaitingPods } from "../framework/waiting-pods.ts";
import type { SchedulerMetrics } from "../metrics.ts";
import { BUILTIN_PLUGINS } from "../plugins/registry.ts";
import type { Nominator } from "../queue/nominator.ts";

export interface ProfileParts {
  readonly config: SchedulerConfiguration;
  readonly client: Client;
  readonly env: Env;
  readonly cache: ClusterCache;
  readonly informers: InformerFactory;
  readonly waiting: WaitingPods;
  readonly recorders: ReadonlyMap<string, PodEventRecorder>;
  readonly nominator: () => Nominator;
  /** Beside the built-in ones. */
  readonly plugins: Readonly<Record<string, PluginFactory>>;
  readonly metrics: SchedulerMetrics;
  readonly extenders: readonly SchedulerExtender[];
  activate(uids: Iterable<string>): void;
}

/** Makes the profiles of a configuration with their plugins. */
export function buildProfiles(parts: ProfileParts): ReadonlyMap<string, Profile> {
  const shared = new Map<string, unknown>();
  return new Map(parts.config.profiles.map((profile) => [profile.schedulerName, buildProfile(parts, profile, shared)]));
}

function buildProfile(parts: ProfileParts, config: ProfileConfiguration, shared: Map<string, unknown>): Profile {
  const { schedulerName, plugins, pluginArgs, percentageOfNodesToScore } = config;
  const { cache, nominator } = parts;
  const made = new Map<string, SchedulerPlugin>();
  // Plugins ask the profile they are part of, but not before all are made.
  const handle = handleOf(parts, schedulerName, shared, () => profile);
  for (const name of neededPlugins(plugins)) {
    const factory = parts.plugins[name] ?? BUILTIN_PLUGINS[name];
    if (!factory) throw new CodedError("InvalidConfiguration", `plugin ${JSON.stringify(name)} does not exist`);
    try {
      made.set(name, factory(pluginArgs.get(name), handle));
    } catch (error) {
      const text = `initializing plugin ${JSON.stringify(name)}: ${errorText(error)}`;
      throw new CodedError("InvalidConfiguration", text, { cause: error });
    }
  }
  const profile: Profile = new Profile(schedulerName, arrangePlugins(schedulerName, plugins, made), {
    cache,
    nominator,
    percentageOfNodesToScore,
  });
  return profile;
}

function handleOf(
  parts: ProfileParts,
  name: string,
  shared: Map<string, unknown>,
  profile: () => Profile,
): PluginHandle {
  const { client, env, cache, informers, waiting, recorders, nominator } = parts;
  return {
    env,
    client,
    cache,
    metrics: parts.metrics,
    extenders: parts.extenders,
    profile: name,
    informer: (resource) => informers.informer(resource),
    shared: <T>(key: string, make: () => T): T => {
      if (!shared.has(key)) shared.set(key, make());
      return shared.get(key) as T;
    },
    nominatedPods: (node) => nominator().on(node),
    passesFilters: (cycle, slot) => profile().runFiltersWithNominated(cycle, slot),
    withdraw: (cycle, pod) => profile().withdraw(cycle, pod),
    restore: (cycle, pod, slot) => profile().restore(cycle, pod, slot),
    waitingPod: (uid) => waiting.get(uid),
    activate: (uids) => parts.activate(uids),
    event: (pod, event) => recorders.get(name)?.record(pod, event),
  };
}
