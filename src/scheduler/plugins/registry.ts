import type { PluginFactory } from "../framework/plugin.ts";
import { balancedAllocation } from "./balanced-allocation/index.ts";
import { defaultBinder } from "./default-binder/index.ts";
import { DefaultPreemption, type DefaultPreemptionArgs } from "./default-preemption/index.ts";
import { DynamicResources, type DynamicResourcesArgs } from "./dynamic-resources/index.ts";
import { imageLocality } from "./image-locality/index.ts";
import { InterPodAffinity, type InterPodAffinityArgs } from "./inter-pod-affinity/index.ts";
import { Names } from "./names.ts";
import { NodeAffinity, type NodeAffinityArgs } from "./node-affinity/index.ts";
import { nodeName } from "./node-name/index.ts";
import { nodePorts } from "./node-ports/index.ts";
import { NodeResourcesFit, type NodeResourcesFitArgs } from "./node-resources-fit/index.ts";
import type { ResourceWeight } from "./node-resources-fit/scoring.ts";
import { NodeVolumeLimits } from "./node-volume-limits/index.ts";
import { nodeUnschedulable } from "./node-unschedulable/index.ts";
import { PodTopologySpread, type PodTopologySpreadArgs } from "./pod-topology-spread/index.ts";
import { prioritySort } from "./priority-sort/index.ts";
import { schedulingGates } from "./scheduling-gates/index.ts";
import { taintToleration } from "./taint-toleration/index.ts";
import { VolumeBinding, type VolumeBindingArgs } from "./volume-binding/index.ts";
import { VolumeRestrictions } from "./volume-restrictions/index.ts";
import { VolumeZone } from "./volume-zone/index.ts";

/** The built-in plugins. Their arguments come defaulted and checked. */
export const BUILTIN_PLUGINS: Readonly<Record<string, PluginFactory>> = {
  [Names.SchedulingGates]: () => schedulingGates(),
  [Names.PrioritySort]: () => prioritySort(),
  [Names.NodeUnschedulable]: () => nodeUnschedulable(),
  [Names.NodeName]: () => nodeName(),
  [Names.TaintToleration]: () => taintToleration(),
  [Names.NodeAffinity]: (args) => new NodeAffinity(args as NodeAffinityArgs),
  [Names.NodePorts]: () => nodePorts(),
  [Names.NodeResourcesFit]: (args) => new NodeResourcesFit(args as NodeResourcesFitArgs),
  [Names.NodeResourcesBalancedAllocation]: (args) =>
    balancedAllocation(args as { readonly resources: readonly ResourceWeight[] }),
  [Names.ImageLocality]: () => imageLocality(),
  [Names.PodTopologySpread]: (args, handle) => new PodTopologySpread(args as PodTopologySpreadArgs, handle),
  [Names.InterPodAffinity]: (args, handle) => new InterPodAffinity(args as InterPodAffinityArgs, handle),
  [Names.DefaultPreemption]: (args, handle) => new DefaultPreemption(args as DefaultPreemptionArgs, handle),
  [Names.VolumeBinding]: (args, handle) => new VolumeBinding(args as VolumeBindingArgs, handle),
  [Names.VolumeRestrictions]: (_, handle) => new VolumeRestrictions(handle),
  [Names.VolumeZone]: (_, handle) => new VolumeZone(handle),
  [Names.NodeVolumeLimits]: (_, handle) => new NodeVolumeLimits(handle),
  [Names.DynamicResources]: (args, handle) => new DynamicResources(args as DynamicResourcesArgs, handle),
  [Names.DefaultBinder]: (_, handle) => defaultBinder(handle),
};
