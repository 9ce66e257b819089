import { CodedError } from "../../kit/index.ts";
import { EXTENSION_POINTS, type ExtensionPoint } from "../config/plugin-sets.ts";
import type { Plugins } from "../config/types.ts";
import type { SchedulerPlugin } from "./plugin.ts";
import type { ProfilePlugins, WeightedPlugin } from "./profile.ts";

/** The methods of which a plugin has one when it takes part in an extension point. */
const METHODS: Readonly<Record<ExtensionPoint, readonly (keyof SchedulerPlugin)[]>> = {
  preEnqueue: ["preEnqueue"],
  queueSort: ["less"],
  preFilter: ["preFilter"],
  filter: ["filter", "filterNodes"],
  postFilter: ["postFilter"],
  preScore: ["preScore"],
  score: ["score", "scoreNodes"],
  reserve: ["reserve", "unreserve"],
  permit: ["permit"],
  preBind: ["preBind"],
  bind: ["bind"],
  postBind: ["postBind"],
};

/** Lists a profile's plugins by extension point: explicit ones, and those of `multiPoint` wherever they have a method for. */
export function arrangePlugins(
  profile: string,
  plugins: Plugins,
  made: ReadonlyMap<string, SchedulerPlugin>,
): ProfilePlugins {
  const lists = Object.fromEntries(
    EXTENSION_POINTS.map((point) => [point, arrange(point, plugins, made)]),
  ) as unknown as Record<ExtensionPoint, readonly SchedulerPlugin[]>;
  if (lists.queueSort.length !== 1) {
    const text = `only one queue sort plugin required for profile with scheduler name ${JSON.stringify(profile)}, but got ${lists.queueSort.length}`;
    throw new CodedError("InvalidConfiguration", text);
  }
  if (lists.bind.length === 0) {
    const text = `at least one bind plugin is needed for profile with scheduler name ${JSON.stringify(profile)}`;
    throw new CodedError("InvalidConfiguration", text);
  }
  return { ...lists, score: lists.score.map((plugin) => weigh(plugin, plugins)) };
}

function weigh(plugin: SchedulerPlugin, plugins: Plugins): WeightedPlugin {
  const entries = [...(plugins.score?.enabled ?? []), ...(plugins.multiPoint?.enabled ?? [])];
  return { plugin, weight: entries.find(({ name }) => name === plugin.name)?.weight || 1 };
}

function arrange(
  point: ExtensionPoint,
  plugins: Plugins,
  made: ReadonlyMap<string, SchedulerPlugin>,
): readonly SchedulerPlugin[] {
  const takesPart = (plugin: SchedulerPlugin): boolean => METHODS[point].some((method) => plugin[method] !== undefined);
  const explicit = new Map<string, SchedulerPlugin>();
  for (const { name = "" } of plugins[point]?.enabled ?? []) {
    const plugin = get(made, name, point);
    if (!takesPart(plugin)) throw wrong(`plugin ${JSON.stringify(name)} does not extend ${point} plugin`);
    if (explicit.has(name))
      throw wrong(`plugin ${JSON.stringify(name)} already registered as ${JSON.stringify(point)}`);
    explicit.set(name, plugin);
  }
  const disabled = new Set((plugins[point]?.disabled ?? []).map(({ name }) => name ?? ""));
  if (disabled.has("*")) return [...explicit.values()];
  const multi = new Map<string, SchedulerPlugin>();
  const overridden = new Set<string>();
  for (const { name = "" } of plugins.multiPoint?.enabled ?? []) {
    const plugin = get(made, name, point);
    if (!takesPart(plugin) || disabled.has(name)) continue;
    if (explicit.has(name)) overridden.add(name);
    else if (multi.has(name))
      throw wrong(`plugin ${JSON.stringify(name)} already registered as ${JSON.stringify(point)}`);
    else multi.set(name, plugin);
  }
  // Explicit ones that override multiPoint go first, those that only add go last.
  const explicitEntries = [...explicit];
  return [
    ...explicitEntries.filter(([name]) => overridden.has(name)).map(([, plugin]) => plugin),
    ...multi.values(),
    ...explicitEntries.filter(([name]) => !overridden.has(name)).map(([, plugin]) => plugin),
  ];
}

function get(made: ReadonlyMap<string, SchedulerPlugin>, name: string, point: ExtensionPoint): SchedulerPlugin {
  const plugin = made.get(name);
  if (!plugin) throw wrong(`${point} plugin ${JSON.stringify(name)} does not exist`);
  return plugin;
}

function wrong(message: string): CodedError {
  return new CodedError("InvalidConfiguration", message);
}
