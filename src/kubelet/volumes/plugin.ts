import type { corev1 } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import type { Env } from "../../kit/index.ts";
import type { Mounter } from "../../host/mount/index.ts";
import type { KubeletPaths } from "../paths.ts";
import type { Pod } from "../pod/containers.ts";
import type { PayloadSources } from "./payload.ts";
import type { TokenManager } from "./tokens.ts";

export type Volume = corev1.Volume;

/** What volumes are made with. */
export interface VolumeContext {
  readonly env: Env;
  readonly client: Client;
  readonly paths: KubeletPaths;
  readonly mounter: Mounter;
  readonly tokens: TokenManager;
  /** Node name: a local persistent volume must be this node's. */
  readonly nodeName: string;
}

export interface SetUpRequest {
  readonly pod: Pod;
  readonly volume: Volume;
  readonly sources: PayloadSources;
}

/** Where a volume's content is on the host. */
export interface MountedVolume {
  readonly hostPath: string;
  /** Cannot be written whatever the pod says. */
  readonly readOnly?: boolean;
}

/** One kind of volume. */
export interface VolumePlugin {
  /** The directory's name: `kubernetes.io~NAME`. */
  readonly name: string;
  /** The field of a volume's spec that it serves. */
  readonly field: keyof Volume;
  /**
   * Makes the volume ready, or brings it up to date when it is; may be repeated. Rejects with a message for people, which becomes
   * an event about the pod.
   */
  setUp(request: SetUpRequest, context: VolumeContext): Promise<MountedVolume>;
  /** Whether its content follows API objects, so that it is set up again when these change. */
  readonly follows?: boolean;
}
