export { type CgroupLimits, type Cgroups, type CgroupUsage, cpuWeight, systemCgroups } from "./cgroups.ts";
export { FakeCgroups } from "./fake.ts";
