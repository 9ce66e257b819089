import { CodedError, errorText as textOf } from "../../kit/index.ts";
import { decodeYaml, errorText, typeTable, validateStructure } from "../../machinery/index.ts";
import { fillDefaults } from "./fill-defaults.ts";
import type { KubeSchedulerConfiguration } from "./types.ts";
import { validateConfiguration } from "./validate.ts";

const VERSION = "kubescheduler.config.k8s.io/v1";
const KIND = "KubeSchedulerConfiguration";

/**
 * Reads a KubeSchedulerConfiguration (YAML or JSON), strictly: unknown and duplicate fields are refused, plugin arguments included. Gives it with
 * defaults filled in. Throws `InvalidConfiguration` with everything that is wrong.
 */
export function loadSchedulerConfig(text: string): KubeSchedulerConfiguration {
  const faults: string[] = [];
  const config = parse(text, faults);
  const { apiVersion, kind } = config;
  if (apiVersion !== VERSION || kind !== KIND) {
    const got = `${JSON.stringify(apiVersion ?? "")}, kind ${JSON.stringify(kind ?? "")}`;
    throw invalid([`expected apiVersion "${VERSION}", kind "${KIND}", got apiVersion ${got}`]);
  }
  checkStructure(config, faults);
  if (faults.length > 0) throw invalid([`strict decoding error: ${faults.join(", ")}`]);
  return checkedConfiguration(config);
}

/** A configuration with its defaults. Throws `InvalidConfiguration` with all that is wrong. */
export function checkedConfiguration(given: KubeSchedulerConfiguration): KubeSchedulerConfiguration {
  const config = fillDefaults<KubeSchedulerConfiguration>(KIND, given);
  const errors = validateConfiguration(config);
  if (errors.length > 0) throw invalid(errors.map(errorText));
  return config;
}

function parse(text: string, duplicates: string[]): KubeSchedulerConfiguration {
  let parsed: unknown;
  try {
    parsed = decodeYaml(text, { onDuplicate: (message) => duplicates.push(message) });
  } catch (error) {
    throw invalid([`couldn't parse the scheduler configuration: ${textOf(error)}`]);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw invalid(["couldn't parse the scheduler configuration: it is no object"]);
  }
  return parsed as KubeSchedulerConfiguration;
}

function checkStructure(config: KubeSchedulerConfiguration, faults: string[]): void {
  const check = (object: object, type: string | undefined, prefix: string): void => {
    if (type !== undefined && typeTable(type) === undefined) return;
    try {
      const found = validateStructure(object, type === undefined ? {} : { type });
      faults.push(...found.map((fault) => (prefix === "" ? fault : `${prefix}: ${fault}`)));
    } catch (error) {
      throw invalid([prefix === "" ? textOf(error) : `${prefix}: ${textOf(error)}`]);
    }
  };
  check(config, undefined, "");
  for (const [i, profile] of (config.profiles ?? []).entries()) {
    for (const [j, { name = "", args }] of (profile.pluginConfig ?? []).entries()) {
      if (typeof args !== "object" || args === null) continue;
      check(args, `kube-scheduler.config.v1.${name}Args`, `profiles[${i}].pluginConfig[${j}].args`);
    }
  }
}

function invalid(problems: readonly string[]): CodedError {
  const text = problems.length === 1 ? (problems[0] ?? "") : `[${problems.join(", ")}]`;
  return new CodedError("InvalidConfiguration", text, { details: { problems } });
}
