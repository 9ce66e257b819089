import { CodedError, errorText } from "../../kit/index.ts";
import type { PluginFactory } from "../framework/plugin.ts";
import { neededPlugins } from "./plugin-sets.ts";
import type { KubeSchedulerConfiguration } from "./types.ts";

/** Names that are module specifiers: `./pack.ts`, `/opt/pack.js`, `file:///opt/pack.ts`, `npm:pack`. */
const SPECIFIER = /^(?:\.{1,2}\/|\/|file:|npm:)/;

/**
 * Loads the plugins that a configuration names by module: wherever it has a plugin's name it may have the module's path (relative to `base`, a URL) or,
 * after `npm:`, its package. The module exports `plugin`, a {@link PluginFactory}; what it makes must be called by the name that the
 * configuration uses. Rejects with `InvalidConfiguration`.
 */
export async function loadSchedulerPlugins(
  config: KubeSchedulerConfiguration,
  base: string | URL,
): Promise<Readonly<Record<string, PluginFactory>>> {
  const names = new Set((config.profiles ?? []).flatMap(({ plugins }) => (plugins ? neededPlugins(plugins) : [])));
  const loaded = [...names]
    .filter((name) => SPECIFIER.test(name))
    .map(async (name): Promise<readonly [string, PluginFactory]> => [name, await load(name, base)]);
  return Object.fromEntries(await Promise.all(loaded));
}

async function load(name: string, base: string | URL): Promise<PluginFactory> {
  const url = name.startsWith("npm:") ? name.slice("npm:".length) : new URL(name, base).href;
  let exports: { readonly plugin?: unknown };
  try {
    exports = (await import(url)) as { readonly plugin?: unknown };
  } catch (error) {
    const text = `loading scheduler plugin ${JSON.stringify(name)}: ${errorText(error)}`;
    throw new CodedError("InvalidConfiguration", text, { cause: error });
  }
  const { plugin } = exports;
  if (typeof plugin !== "function") {
    const text = `loading scheduler plugin ${JSON.stringify(name)}: expected an export "plugin" that is a function`;
    throw new CodedError("InvalidConfiguration", text);
  }
  // A plugin goes by the name that the configuration gives it.
  return (args, handle) => Object.assign((plugin as PluginFactory)(args, handle), { name });
}
