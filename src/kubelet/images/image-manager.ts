import { type corev1 } from "../../api/index.ts";
import { type Env, CodedError, errorText } from "../../kit/index.ts";
import type { EventRecorder } from "../../client/index.ts";
import type { AuthConfig, PodSandboxConfig, Runtime, Sent } from "../../host/cri/index.ts";
import { type Pod, type SpecContainer, podReference } from "../pod/containers.ts";
import type { ImageUser } from "../pod/security.ts";
import { KeyedBackoff } from "../step/backoff.ts";
import { credentialsFor } from "./credentials.ts";

export interface FoundImage {
  /** What the runtime calls it. */
  readonly ref: string;
  readonly user: ImageUser;
}

/** A container whose image cannot be had; `code` is the reason that its status shows. */
export class ImageError extends CodedError {}

export interface ImageManagerOptions {
  readonly runtime: Runtime;
  readonly env: Env;
  readonly events: EventRecorder;
  /** Pull one at a time (upstream's default) or side by side. */
  readonly serializePulls?: boolean;
  readonly pullSecrets: (pod: Pod) => Promise<readonly corev1.Secret[]>;
}

const PULL_BACKOFF = { initialMs: 10_000, maxMs: 300_000 };

/** Finds or pulls the images of containers, with upstream's policies, back-off, reasons and events. */
export class ImageManager {
  readonly #o: ImageManagerOptions;
  readonly #backoff = new KeyedBackoff(PULL_BACKOFF);
  /** When a pull of that key failed last, and what it said. */
  readonly #failures = new Map<string, { readonly at: number; readonly message: string }>();
  readonly #users = new Map<string, ImageUser>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: ImageManagerOptions) {
    this.#o = options;
  }

  /** Whether the image is there, without events; for looking ahead while the sandbox starts. */
  async peek(image: string): Promise<FoundImage | undefined> {
    const { image: found } = await this.#o.runtime.imageStatus({ image: { image: withTag(image) } });
    if (!found || found.id === "") return undefined;
    const user: ImageUser = found.uid
      ? { uid: found.uid.value }
      : found.username
        ? { name: found.username }
        : { uid: 0 };
    const known: FoundImage = { ref: found.id, user };
    this.#users.set(found.id, user);
    return known;
  }

  /**
   * The image of a container as its pull policy wants it. Throws {@link ImageError}: ErrImageNeverPull, ErrImagePull,
   * ImagePullBackOff, ErrImageInspect, InvalidImageName.
   */
  async ensure(
    pod: Pod,
    spec: SpecContainer,
    sandbox: Sent<PodSandboxConfig>,
    peeked: Promise<FoundImage | undefined> | undefined,
    signal?: AbortSignal,
  ): Promise<FoundImage> {
    const name = spec.container.image ?? "";
    const policy = spec.container.imagePullPolicy ?? "IfNotPresent";
    const emit = (type: "Normal" | "Warning", reason: string, message: string): void =>
      this.#o.events.event(podReference(pod, spec), type, reason, message);
    if (!isValidReference(name)) {
      const message = `Failed to apply default image tag "${name}": couldn't parse image name "${name}": invalid reference format`;
      emit("Warning", "InspectFailed", message);
      throw new ImageError("InvalidImageName", message);
    }
    if (policy !== "Always") {
      const found = await this.#inspect(name, peeked, emit);
      if (found) {
        emit("Normal", "Pulled", `Container image "${name}" already present on machine and can be accessed by the pod`);
        return found;
      }
      if (policy === "Never") {
        const message = `Container image "${name}" is not present with pull policy of Never`;
        emit("Warning", "ErrImageNeverPull", message);
        throw new ImageError("ErrImageNeverPull", message);
      }
    }
    return this.#pull(pod, name, sandbox, emit, signal);
  }

  /** When a pull that failed may be tried again; undefined: now. */
  retryAt(pod: Pod, image: string): number | undefined {
    const key = `${pod.metadata.uid}_${image}`;
    const failure = this.#failures.get(key);
    return failure && this.#backoff.dueAt(key, failure.at, this.#o.env.clock.now());
  }

  forget(uid: string): void {
    this.#backoff.forget(`${uid}_`);
    for (const key of this.#failures.keys()) if (key.startsWith(`${uid}_`)) this.#failures.delete(key);
  }

  async #inspect(
    name: string,
    peeked: Promise<FoundImage | undefined> | undefined,
    emit: (type: "Normal" | "Warning", reason: string, message: string) => void,
  ): Promise<FoundImage | undefined> {
    try {
      return (await peeked?.catch(() => undefined)) ?? (await this.peek(name));
    } catch (cause) {
      const message = `Failed to inspect image "${name}": ${errorText(cause)}`;
      emit("Warning", "InspectFailed", message);
      throw new ImageError("ImageInspectError", message, { cause });
    }
  }

  async #pull(
    pod: Pod,
    name: string,
    sandboxConfig: Sent<PodSandboxConfig>,
    emit: (type: "Normal" | "Warning", reason: string, message: string) => void,
    signal?: AbortSignal,
  ): Promise<FoundImage> {
    const { clock } = this.#o.env;
    const key = `${pod.metadata.uid}_${name}`;
    const failure = this.#failures.get(key);
    if (failure && this.#backoff.dueAt(key, failure.at, clock.now()) !== undefined) {
      const message = `Back-off pulling image "${name}"`;
      emit("Normal", "BackOff", message);
      throw new ImageError("ImagePullBackOff", `${message}: ${failure.message}`);
    }
    this.#failures.delete(key);
    emit("Normal", "Pulling", `Pulling image "${name}"`);
    const asked = clock.monotonic();
    try {
      const secrets = await this.#o.pullSecrets(pod);
      const began = { at: asked };
      const ref = await this.#inTurn(() => {
        began.at = clock.monotonic();
        return this.#pullWith(name, credentialsFor(name, secrets), sandboxConfig, signal);
      });
      const { image } = await this.#o.runtime.imageStatus({ image: { image: ref } });
      const [took, waited] = [clock.monotonic() - began.at, clock.monotonic() - asked];
      emit(
        "Normal",
        "Pulled",
        `Successfully pulled image "${name}" in ${seconds(took)} (${seconds(waited)} including waiting). Image size: ${image?.size ?? 0} bytes.`,
      );
      const found = await this.peek(ref);
      return found ?? { ref, user: {} };
    } catch (cause) {
      signal?.throwIfAborted();
      const text = errorText(cause);
      emit("Warning", "Failed", `Failed to pull image "${name}": ${text}`);
      this.#backoff.next(key, clock.now(), clock.now());
      const [code, message] = pullFailure(name, text);
      this.#failures.set(key, { at: clock.now(), message: `${code}: ${message}` });
      throw new ImageError(code, message, { cause });
    }
  }

  /** Tries each of the credentials, or none when there are none. */
  async #pullWith(
    name: string,
    credentials: readonly Sent<AuthConfig>[],
    sandboxConfig: Sent<PodSandboxConfig>,
    signal?: AbortSignal,
  ): Promise<string> {
    const attempts: (Sent<AuthConfig> | undefined)[] = credentials.length > 0 ? [...credentials] : [undefined];
    let last: unknown;
    for (const auth of attempts) {
      try {
        const request = { image: { image: withTag(name) }, ...(auth && { auth }), sandboxConfig };
        return (await this.#o.runtime.pullImage(request, signal ? { signal } : {})).imageRef;
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#o.serializePulls === false) return work();
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

/** `image` → `image:latest`; what has a tag or digest keeps it. */
export function withTag(image: string): string {
  if (image.startsWith("sha256:")) return image;
  const last = image.slice(image.lastIndexOf("/") + 1);
  return last.includes(":") || last.includes("@") ? image : `${image}:latest`;
}

/** A reference's grammar: optional host, lower-case path, optional tag and digest. */
const REFERENCE =
  /^(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@[A-Za-z][\w+.-]*:[0-9a-fA-F]{32,})?$/;

function isValidReference(image: string): boolean {
  return image.length <= 512 && REFERENCE.test(image);
}

/** The reason and message of a failed pull: runtimes put some reasons at the front of theirs. */
function pullFailure(image: string, text: string): [code: string, message: string] {
  if (text.startsWith("RegistryUnavailable")) {
    const rest = text.slice("RegistryUnavailable".length);
    return ["RegistryUnavailable", `image pull failed for ${image} because the registry is unavailable${rest}`];
  }
  if (text.startsWith("SignatureValidationFailed")) {
    const rest = text.slice("SignatureValidationFailed".length);
    const message = `image pull failed for ${image} because the signature validation failed${rest}`;
    return ["SignatureValidationFailed", message];
  }
  return ["ErrImagePull", text];
}

/** As Go prints a duration, cut to milliseconds. */
function seconds(ms: number): string {
  const whole = Math.trunc(ms);
  return whole < 1000 ? `${whole}ms` : `${Number((whole / 1000).toFixed(3))}s`;
}
