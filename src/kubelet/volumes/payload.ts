import type { corev1 } from "../../api/index.ts";
import { CodedError } from "../../kit/index.ts";
import type { Pod } from "../pod/containers.ts";
import { type DownwardContext, fieldValue, resourceValue } from "../pod/downward.ts";
import type { Payload, PayloadFile } from "./atomic-writer.ts";

/** What volumes made of API objects are filled from. */
export interface PayloadSources extends DownwardContext {
  readonly configMaps: ReadonlyMap<string, corev1.ConfigMap>;
  readonly secrets: ReadonlyMap<string, corev1.Secret>;
}

const DEFAULT_MODE = 0o644;

/** Throws `VolumeSource` when something that is not optional is missing. */
export function configMapPayload(source: corev1.ConfigMapVolumeSource, sources: PayloadSources): Payload {
  return keysOf("configmap", source, source.defaultMode, configMapData(source, sources));
}

export function secretPayload(source: corev1.SecretVolumeSource, sources: PayloadSources): Payload {
  const reference = { ...source, name: source.secretName ?? "" };
  return keysOf("secret", reference, source.defaultMode, secretData(reference, sources));
}

export function downwardPayload(source: corev1.DownwardAPIVolumeSource, pod: Pod, sources: PayloadSources): Payload {
  return downwardItems(source.items ?? [], source.defaultMode ?? DEFAULT_MODE, pod, sources);
}

/** Tokens come in ready, by path. */
export function projectedPayload(
  source: corev1.ProjectedVolumeSource,
  pod: Pod,
  sources: PayloadSources,
  tokens: ReadonlyMap<string, PayloadFile>,
): Payload {
  const mode = source.defaultMode ?? DEFAULT_MODE;
  const out = new Map<string, PayloadFile>();
  const add = (payload: Payload): void => {
    for (const [path, file] of payload) out.set(path, file);
  };
  for (const { configMap, secret, downwardAPI, serviceAccountToken, ...rest } of source.sources ?? []) {
    if (configMap) add(keysOf("configmap", configMap, mode, configMapData(configMap, sources)));
    else if (secret) add(keysOf("secret", secret, mode, secretData(secret, sources)));
    else if (downwardAPI) add(downwardItems(downwardAPI.items ?? [], mode, pod, sources));
    else if (serviceAccountToken) {
      const file = tokens.get(serviceAccountToken.path);
      if (file) out.set(serviceAccountToken.path, file);
    } else {
      const [kind = "an empty source"] = Object.keys(rest);
      throw new CodedError("VolumeSource", `projected volume source "${kind}" is not supported by this kubelet`);
    }
  }
  return out;
}

interface Reference {
  readonly name?: string;
  readonly optional?: boolean;
  readonly items?: readonly corev1.KeyToPath[];
}

type Data = ReadonlyMap<string, Uint8Array>;

function configMapData(reference: Reference, sources: PayloadSources): Data | undefined {
  const found = sources.configMaps.get(reference.name ?? "");
  if (!found) return undefined;
  const text = Object.entries(found.data ?? {}).map(([k, v]) => [k, Buffer.from(v, "utf8")] as const);
  const binary = Object.entries(found.binaryData ?? {}).map(([k, v]) => [k, Buffer.from(v, "base64")] as const);
  return new Map([...text, ...binary]);
}

function secretData(reference: Reference, sources: PayloadSources): Data | undefined {
  const found = sources.secrets.get(reference.name ?? "");
  return found && new Map(Object.entries(found.data ?? {}).map(([k, v]) => [k, Buffer.from(v, "base64")] as const));
}

function keysOf(kind: string, reference: Reference, defaultMode: number | undefined, data: Data | undefined): Payload {
  const mode = defaultMode ?? DEFAULT_MODE;
  const out = new Map<string, PayloadFile>();
  if (!data) {
    if (reference.optional) return out;
    throw new CodedError("VolumeSource", `${kind} "${reference.name ?? ""}" not found`);
  }
  if (!reference.items?.length) {
    for (const [path, bytes] of data) out.set(path, { data: bytes, mode });
    return out;
  }
  for (const item of reference.items) {
    const bytes = data.get(item.key);
    if (bytes) out.set(item.path, { data: bytes, mode: item.mode ?? mode });
    else if (!reference.optional) {
      const text =
        kind === "secret" ? "references non-existent secret key" : "configmap references non-existent config key";
      throw new CodedError("VolumeSource", `${text}: ${item.key}`);
    }
  }
  return out;
}

function downwardItems(
  items: readonly corev1.DownwardAPIVolumeFile[],
  defaultMode: number,
  pod: Pod,
  sources: PayloadSources,
): Payload {
  const out = new Map<string, PayloadFile>();
  for (const item of items) {
    let text = "";
    if (item.fieldRef) text = fieldValue(item.fieldRef.fieldPath, pod, sources);
    else if (item.resourceFieldRef) text = resourceValue(item.resourceFieldRef, pod, "", sources);
    out.set(item.path, { data: Buffer.from(text), mode: item.mode ?? defaultMode });
  }
  return out;
}
