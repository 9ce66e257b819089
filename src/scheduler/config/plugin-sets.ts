import { defaultPlugins } from "./fill-defaults.ts";
import type { Plugin, Plugins, PluginSet } from "./types.ts";

/** Extension points as configuration names them. */
export const EXTENSION_POINTS = [
  "preEnqueue",
  "queueSort",
  "preFilter",
  "filter",
  "postFilter",
  "preScore",
  "score",
  "reserve",
  "permit",
  "preBind",
  "bind",
  "postBind",
] as const;

export type ExtensionPoint = (typeof EXTENSION_POINTS)[number];

/** A profile's plugins laid over the default ones, as upstream does it. */
export function withDefaultPlugins(custom: Plugins | undefined): Plugins {
  return { ...custom, multiPoint: merge(defaultPlugins(), custom?.multiPoint ?? {}) };
}

/**
 * Defaults less what is disabled (`*`: all), each replaced in its place by what `custom` has under its name; then the rest of `custom`.
 */
function merge(defaults: readonly Plugin[], custom: PluginSet): PluginSet {
  const disabled = new Set((custom.disabled ?? []).map(({ name }) => name));
  const enabled = custom.enabled ?? [];
  const replaced = new Set<Plugin>();
  const kept = disabled.has("*")
    ? []
    : defaults.flatMap((plugin) => {
        if (disabled.has(plugin.name ?? "")) return [];
        const own = enabled.find(({ name }) => name === plugin.name);
        if (own) replaced.add(own);
        return [own ?? plugin];
      });
  return { enabled: [...kept, ...enabled.filter((plugin) => !replaced.has(plugin))], disabled: custom.disabled ?? [] };
}

/** Every plugin that a profile needs, in order of first mention. */
export function neededPlugins(plugins: Plugins): string[] {
  const names = new Set<string>();
  for (const point of [...EXTENSION_POINTS, "multiPoint"] as const) {
    for (const { name } of plugins[point]?.enabled ?? []) names.add(name ?? "");
  }
  return [...names];
}
