import { fillDefaults } from "./fill-defaults.ts";
import { neededPlugins, withDefaultPlugins } from "./plugin-sets.ts";
import type {
  Extender,
  KubeSchedulerConfiguration,
  KubeSchedulerProfile,
  NodeResourcesFitArgs,
  Plugins,
} from "./types.ts";

/** A profile with nothing left open. */
export interface ProfileConfiguration {
  readonly schedulerName: string;
  readonly percentageOfNodesToScore: number | undefined;
  readonly plugins: Plugins;
  /** By plugin, defaulted where upstream has defaults. */
  readonly pluginArgs: ReadonlyMap<string, unknown>;
}

/** A configuration with nothing left open. */
export interface SchedulerConfiguration {
  readonly profiles: readonly ProfileConfiguration[];
  /** 0: by the number of nodes. */
  readonly percentageOfNodesToScore: number;
  /** ms */
  readonly initialBackoff: number;
  readonly maxBackoff: number;
  readonly extenders: readonly Extender[];
}

/** Fills in what a configuration leaves open. */
export function schedulerConfiguration(given: KubeSchedulerConfiguration = {}): SchedulerConfiguration {
  const config = fillDefaults<KubeSchedulerConfiguration>("KubeSchedulerConfiguration", given);
  const ignored = (config.extenders ?? []).flatMap(({ managedResources = [] }) =>
    managedResources.flatMap(({ name = "", ignoredByScheduler }) => (ignoredByScheduler ? [name] : [])),
  );
  return {
    profiles: (config.profiles ?? []).map((profile) => profileConfiguration(profile, ignored)),
    percentageOfNodesToScore: config.percentageOfNodesToScore ?? 0,
    initialBackoff: (config.podInitialBackoffSeconds ?? 1) * 1000,
    maxBackoff: (config.podMaxBackoffSeconds ?? 10) * 1000,
    extenders: config.extenders ?? [],
  };
}

function profileConfiguration(profile: KubeSchedulerProfile, ignored: readonly string[]): ProfileConfiguration {
  const plugins = withDefaultPlugins(profile.plugins);
  const given = new Map((profile.pluginConfig ?? []).map(({ name = "", args }) => [name, args]));
  const names = new Set([...neededPlugins(plugins), ...given.keys()]);
  return {
    schedulerName: profile.schedulerName ?? "default-scheduler",
    percentageOfNodesToScore: profile.percentageOfNodesToScore,
    plugins,
    pluginArgs: new Map([...names].map((name) => [name, argsOf(name, given.get(name), ignored)])),
  };
}

/** What extenders manage and the scheduler is to ignore, NodeResourcesFit does not look at. */
function argsOf(name: string, given: unknown, ignored: readonly string[]): unknown {
  const args = fillDefaults(`${name}Args`, given as object | undefined);
  if (name !== "NodeResourcesFit" || ignored.length === 0) return args;
  const { ignoredResources = [] } = args as NodeResourcesFitArgs;
  return { ...args, ignoredResources: [...ignoredResources, ...ignored] };
}
