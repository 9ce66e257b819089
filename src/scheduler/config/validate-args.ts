import {
  duplicate,
  type FieldError,
  type FieldPath,
  forbiddenField,
  invalidValue,
  isQualifiedName,
  notSupported,
  parseDuration,
  required,
} from "../../machinery/index.ts";
import type {
  DefaultPreemptionArgs,
  DynamicResourcesArgs,
  InterPodAffinityArgs,
  NodeResourcesBalancedAllocationArgs,
  NodeResourcesFitArgs,
  PodTopologySpreadArgs,
  ResourceSpec,
  UtilizationShapePoint,
  VolumeBindingArgs,
} from "./types.ts";

type Check = (path: FieldPath, args: never) => FieldError[];

const STRATEGIES = ["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"];

const CHECKS: Readonly<Record<string, Check>> = {
  DefaultPreemption: defaultPreemption,
  InterPodAffinity: interPodAffinity,
  NodeResourcesBalancedAllocation: balancedAllocation,
  NodeResourcesFit: nodeResourcesFit,
  PodTopologySpread: podTopologySpread,
  VolumeBinding: volumeBinding,
  DynamicResources: dynamicResources,
};

/** What is wrong with the arguments of a built-in plugin, which have their defaults. Those of others are their own business. */
export function validateArgs(path: FieldPath, plugin: string, args: unknown): FieldError[] {
  return CHECKS[plugin]?.(path, args as never) ?? [];
}

function range(path: FieldPath, value: number, min: number, max: number): FieldError[] {
  return value < min || value > max ? [invalidValue(path, value, `not in valid range [${min}, ${max}]`)] : [];
}

function defaultPreemption(path: FieldPath, args: DefaultPreemptionArgs): FieldError[] {
  const [percentagePath, absolutePath] = [
    path.child("minCandidateNodesPercentage"),
    path.child("minCandidateNodesAbsolute"),
  ];
  const { minCandidateNodesPercentage: percentage = 0, minCandidateNodesAbsolute: absolute = 0 } = args;
  const errors = range(percentagePath, percentage, 0, 100);
  if (absolute < 0) errors.push(invalidValue(absolutePath, absolute, "not in valid range [0, inf)"));
  if (percentage === 0 && absolute === 0) {
    const text = (other: string): string => `cannot be zero at the same time as ${other}`;
    errors.push(invalidValue(percentagePath, 0, text("minCandidateNodesAbsolute")));
    errors.push(invalidValue(absolutePath, 0, text("minCandidateNodesPercentage")));
  }
  return errors;
}

function interPodAffinity(path: FieldPath, { hardPodAffinityWeight = 1 }: InterPodAffinityArgs): FieldError[] {
  return range(path.child("hardPodAffinityWeight"), hardPodAffinityWeight, 0, 100);
}

function balancedAllocation(path: FieldPath, { resources = [] }: NodeResourcesBalancedAllocationArgs): FieldError[] {
  return resources.flatMap(({ name, weight }, i) => {
    const own = path.child("resources").index(i);
    const first = resources.findIndex((other) => other.name === name);
    return [
      ...(first < i ? [duplicate(own.child("name"), name)] : []),
      ...(weight !== 1 ? [invalidValue(own.child("weight"), weight, "must be 1")] : []),
    ];
  });
}

function nodeResourcesFit(path: FieldPath, args: NodeResourcesFitArgs): FieldError[] {
  const errors: FieldError[] = [];
  const names = (field: string, list: readonly string[] | undefined, isGroup: boolean): void => {
    for (const [i, name] of (list ?? []).entries()) {
      const own = path.child(field).index(i);
      if (isGroup && name.includes("/")) errors.push(invalidValue(own, name, "resource group name can't contain '/'"));
      for (const text of isQualifiedName(name)) errors.push(invalidValue(own, name, text));
    }
  };
  names("ignoredResources", args.ignoredResources, false);
  names("ignoredResourceGroups", args.ignoredResourceGroups, true);
  const strategy = args.scoringStrategy;
  if (!strategy) return errors;
  const own = path.child("scoringStrategy");
  if (!STRATEGIES.includes(strategy.type ?? ""))
    errors.push(notSupported(own.child("type"), strategy.type, STRATEGIES));
  errors.push(...weights(own.child("resources"), strategy.resources ?? []));
  const ratio = strategy.requestedToCapacityRatio;
  if (ratio) errors.push(...functionShape(own.child("shape"), ratio.shape ?? []));
  else if (strategy.type === "RequestedToCapacityRatio") {
    errors.push(required(own.child("shape"), "at least one point must be specified"));
  }
  return errors;
}

function weights(path: FieldPath, resources: readonly ResourceSpec[]): FieldError[] {
  return resources.flatMap(({ name, weight = 0 }, i) => {
    if (weight > 0 && weight <= 100) return [];
    const text = `resource weight of ${name} not in valid range (0, 100]`;
    return [invalidValue(path.index(i).child("weight"), weight, text)];
  });
}

function functionShape(path: FieldPath, shape: readonly UtilizationShapePoint[]): FieldError[] {
  if (shape.length === 0) return [required(path, "at least one point must be specified")];
  const errors: FieldError[] = [];
  const unsorted = shape.findIndex(
    ({ utilization = 0 }, i) => i > 0 && (shape[i - 1]?.utilization ?? 0) >= utilization,
  );
  if (unsorted > 0) {
    const value = shape[unsorted]?.utilization ?? 0;
    const text = "values must be sorted in increasing order";
    errors.push(invalidValue(path.index(unsorted).child("utilization"), value, text));
  }
  for (const [i, { utilization = 0, score = 0 }] of shape.entries()) {
    errors.push(...range(path.index(i).child("utilization"), utilization, 0, 100));
    errors.push(...range(path.index(i).child("score"), score, 0, 10));
  }
  return errors;
}

function podTopologySpread(path: FieldPath, args: PodTopologySpreadArgs): FieldError[] {
  const { defaultingType, defaultConstraints = [] } = args;
  const errors: FieldError[] = [];
  const types = ["System", "List"];
  if (!types.includes(defaultingType ?? "")) {
    errors.push(notSupported(path.child("defaultingType"), defaultingType, types));
  } else if (defaultingType === "System" && defaultConstraints.length > 0) {
    const text = "when .defaultConstraints are specified";
    errors.push(invalidValue(path.child("defaultingType"), defaultingType, text));
  }
  const actions = ["DoNotSchedule", "ScheduleAnyway"];
  for (const [i, c] of defaultConstraints.entries()) {
    const own = path.child("defaultConstraints").index(i);
    if (c.maxSkew <= 0) errors.push(invalidValue(own.child("maxSkew"), c.maxSkew, "not in valid range (0, inf)"));
    if (!c.topologyKey) errors.push(required(own.child("topologyKey"), "can not be empty"));
    else
      for (const text of isQualifiedName(c.topologyKey))
        errors.push(invalidValue(own.child("topologyKey"), c.topologyKey, text));
    if (!c.whenUnsatisfiable) errors.push(required(own.child("whenUnsatisfiable"), "can not be empty"));
    else if (!actions.includes(c.whenUnsatisfiable)) {
      errors.push(notSupported(own.child("whenUnsatisfiable"), c.whenUnsatisfiable, actions));
    }
    if (c.labelSelector) {
      const text = "constraint must not define a selector, as they deduced for each pod";
      errors.push(forbiddenField(own.child("labelSelector"), text));
    }
    const same = (other: typeof c): boolean =>
      other.topologyKey === c.topologyKey && other.whenUnsatisfiable === c.whenUnsatisfiable;
    if (defaultConstraints.findIndex(same) < i)
      errors.push(duplicate(own, `{${c.topologyKey}, ${c.whenUnsatisfiable}}`));
  }
  return errors;
}

function volumeBinding(path: FieldPath, args: VolumeBindingArgs): FieldError[] {
  const { bindTimeoutSeconds = 0, shape } = args;
  const errors: FieldError[] = [];
  if (bindTimeoutSeconds < 0) {
    const text = "invalid BindTimeoutSeconds, should not be a negative value";
    errors.push(invalidValue(path.child("bindTimeoutSeconds"), bindTimeoutSeconds, text));
  }
  if (shape) {
    const text = "unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring";
    errors.push(invalidValue(path.child("shape"), shape, text));
  }
  return errors;
}

function dynamicResources(path: FieldPath, { filterTimeout, bindingTimeout }: DynamicResourcesArgs): FieldError[] {
  const errors: FieldError[] = [];
  if (filterTimeout !== undefined && parseDuration(filterTimeout) < 0) {
    errors.push(invalidValue(path.child("filterTimeout"), filterTimeout, "must be zero or positive"));
  }
  if (bindingTimeout !== undefined) {
    const text = "DRADeviceBindingConditions or DRAResourceClaimDeviceStatus feature gate is disabled";
    errors.push(forbiddenField(path.child("bindingTimeout"), text));
  }
  return errors;
}
