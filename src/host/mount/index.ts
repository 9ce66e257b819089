export { FakeMounter } from "./fake.ts";
export {
  isWithin,
  type MountEntry,
  type Mounter,
  parseMountInfo,
  SystemMounter,
  type TmpfsOptions,
  unmountAll,
} from "./mounter.ts";
