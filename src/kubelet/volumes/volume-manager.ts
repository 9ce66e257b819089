import { readdir, rm } from "node:fs/promises";
import { CodedError, errorText } from "../../kit/index.ts";
import { unmountAll } from "../../host/mount/index.ts";
import { podDir, podMemoryDir } from "../paths.ts";
import type { Pod } from "../pod/containers.ts";
import { claimPlugin, emptyDirPlugin, ephemeralPlugin, hostPathPlugin } from "./directory-plugins.ts";
import { configMapPlugin, downwardPlugin, projectedPlugin, secretPlugin } from "./object-plugins.ts";
import type { PayloadSources } from "./payload.ts";
import type { MountedVolume, Volume, VolumeContext, VolumePlugin } from "./plugin.ts";

/** The kinds that every kubelet serves. */
export const BUILT_IN: readonly VolumePlugin[] = [
  emptyDirPlugin,
  hostPathPlugin,
  configMapPlugin,
  secretPlugin,
  projectedPlugin,
  downwardPlugin,
  claimPlugin,
  ephemeralPlugin,
];

/** A volume that could not be set up; the message is upstream's. */
export class VolumeError extends CodedError {
  readonly volume: string;

  constructor(volume: string, cause: unknown) {
    super("VolumeSetUp", `MountVolume.SetUp failed for volume "${volume}" : ${errorText(cause)}`, { cause });
    this.volume = volume;
  }
}

/** Sets up pods' volumes, keeps those up to date that follow API objects, and takes them down. */
export class VolumeManager {
  readonly #context: VolumeContext;
  readonly #plugins: readonly VolumePlugin[];
  readonly #mounted = new Map<string, ReadonlyMap<string, MountedVolume>>();

  constructor(context: VolumeContext, plugins: readonly VolumePlugin[] = BUILT_IN) {
    this.#context = context;
    this.#plugins = plugins;
  }

  /** The volumes of a pod, by name; undefined before they were set up. */
  mounted(uid: string): ReadonlyMap<string, MountedVolume> | undefined {
    return this.#mounted.get(uid);
  }

  /**
   * Sets up all volumes of a pod side by side; what is set up already is brought up to date. Rejects with an array of
   * {@link VolumeError}, one for each that failed.
   */
  async setUp(pod: Pod, sources: PayloadSources): Promise<ReadonlyMap<string, MountedVolume>> {
    const done = new Map<string, MountedVolume>();
    const errors: VolumeError[] = [];
    await Promise.all(
      (pod.spec.volumes ?? []).map(async (volume) => {
        try {
          done.set(volume.name, await this.#pluginOf(volume).setUp({ pod, volume, sources }, this.#context));
        } catch (error) {
          errors.push(new VolumeError(volume.name, error));
        }
      }),
    );
    if (errors.length > 0) throw new VolumeErrors(errors);
    this.#mounted.set(pod.metadata.uid, done);
    return done;
  }

  /** Brings up to date what follows API objects; false when something could not be: containers keep what they have. */
  async refresh(pod: Pod, sources: PayloadSources): Promise<boolean> {
    const done = await Promise.all(
      (pod.spec.volumes ?? []).map(async (volume) => {
        const plugin = this.#pluginOf(volume);
        if (!plugin.follows) return true;
        try {
          await plugin.setUp({ pod, volume, sources }, this.#context);
          return true;
        } catch (error) {
          const { name, namespace } = pod.metadata;
          const fields = { pod: `${namespace}/${name}`, volume: volume.name, error: errorText(error) };
          this.#context.env.log.warn("Volume could not be brought up to date", fields);
          return false;
        }
      }),
    );
    return done.every(Boolean);
  }

  /** Unmounts and deletes everything of a pod. Rejects when something is still in use. */
  async tearDown(uid: string): Promise<void> {
    const { mounter, paths } = this.#context;
    const dir = podDir(paths, uid);
    const stuck = await unmountAll(mounter, dir);
    const [first] = stuck;
    if (first) {
      const message = `cannot unmount ${first.target}: ${errorText(first.error)}`;
      throw new CodedError("VolumeTearDown", message, { cause: first.error });
    }
    await rm(podMemoryDir(paths, uid), { recursive: true, force: true });
    await rm(dir, { recursive: true, force: true });
    this.#mounted.delete(uid);
  }

  /** The pods that have left something on disk. */
  async leftovers(): Promise<string[]> {
    const { paths } = this.#context;
    const dirs = await Promise.all([podDir(paths, ""), podMemoryDir(paths, "")].map((d) => readdir(d).catch(() => [])));
    return [...new Set(dirs.flat())];
  }

  #pluginOf(volume: Volume): VolumePlugin {
    const plugin = this.#plugins.find((p) => volume[p.field] !== undefined);
    if (plugin) return plugin;
    const field = Object.keys(volume).find((key) => key !== "name");
    if (field === undefined) return emptyDirPlugin;
    throw new CodedError("VolumeSource", `no volume plugin matched: this kubelet does not serve "${field}" volumes`);
  }
}

/** Several volumes of a pod failed. */
export class VolumeErrors extends CodedError {
  readonly errors: readonly VolumeError[];

  constructor(errors: readonly VolumeError[]) {
    super("VolumeSetUp", errors.map((e) => e.message).join("; "));
    this.errors = errors;
  }
}
