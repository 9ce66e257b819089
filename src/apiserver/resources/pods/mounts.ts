import type { corev1 } from "../../../api/index.ts";
import { fieldNotFound, forbiddenField, invalidValue, notSupported, required } from "../../../machinery/index.ts";
import { type Errors, optionalOneOf } from "../common/errors.ts";
import { validateDescendingPath } from "./paths.ts";
import type { AnyContainer } from "./visit.ts";

/** A pod's volumes by name: those that are well formed. */
export type VolumeMap = ReadonlyMap<string, corev1.Volume>;

/** Where a container mounts volumes. */
export function validateMounts(errors: Errors, path: string, container: AnyContainer, volumes: VolumeMap): void {
  const devices = new Map((container.volumeDevices ?? []).map((d) => [d.name, d.devicePath]));
  const seen = new Set<string>();
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    const at = `${path}[${i}]`;
    const { name, mountPath } = mount;
    if (name === "") errors.push(required(`${at}.name`));
    if (!volumes.has(name)) errors.push(fieldNotFound(`${at}.name`, name));
    if (mountPath === "") errors.push(required(`${at}.mountPath`));
    if (seen.has(mountPath)) errors.push(invalidValue(`${at}.mountPath`, mountPath, "must be unique"));
    seen.add(mountPath);
    if (devices.has(name)) errors.push(invalidValue(`${at}.name`, name, "must not already exist in volumeDevices"));
    if ([...devices.values()].includes(mountPath)) {
      errors.push(invalidValue(`${at}.mountPath`, mountPath, "must not already exist as a path in volumeDevices"));
    }
    if (mount.subPath) validateDescendingPath(errors, `${path}.subPath`, mount.subPath);
    if (mount.subPathExpr) {
      if (mount.subPath) {
        const words = "subPathExpr and subPath are mutually exclusive";
        errors.push(invalidValue(`${at}.subPathExpr`, mount.subPathExpr, words));
      }
      validateDescendingPath(errors, `${path}.subPathExpr`, mount.subPathExpr);
    }
    validatePropagation(errors, `${path}.mountPropagation`, mount, container);
    validateRecursiveReadOnly(errors, `${path}.recursiveReadOnly`, mount);
  }
}

function validatePropagation(errors: Errors, path: string, mount: corev1.VolumeMount, container: AnyContainer): void {
  optionalOneOf(errors, path, mount.mountPropagation, ["Bidirectional", "HostToContainer", "None"]);
  if (mount.mountPropagation === "Bidirectional" && container.securityContext?.privileged !== true) {
    const words = "Bidirectional mount propagation is available only to privileged containers";
    errors.push(forbiddenField(path, words));
  }
}

function validateRecursiveReadOnly(errors: Errors, path: string, mount: corev1.VolumeMount): void {
  const mode = mount.recursiveReadOnly;
  if (mode === undefined || mode === "Disabled") return;
  if (mode !== "Enabled" && mode !== "IfPossible") {
    errors.push(notSupported(path, mode, ["Disabled", "Enabled", "IfPossible"]));
    return;
  }
  if (!mount.readOnly) errors.push(forbiddenField(path, "may only be specified when readOnly is true"));
  if (mount.mountPropagation !== undefined && mount.mountPropagation !== "None") {
    errors.push(forbiddenField(path, "may only be specified when mountPropagation is None or not specified"));
  }
}

/** Block devices of a container. */
export function validateDevices(errors: Errors, path: string, container: AnyContainer, volumes: VolumeMap): void {
  const mounts = new Map((container.volumeMounts ?? []).map((m) => [m.name, m.mountPath]));
  const [names, paths] = [new Set<string>(), new Set<string>()];
  for (const [i, device] of (container.volumeDevices ?? []).entries()) {
    const at = `${path}[${i}]`;
    const { name, devicePath } = device;
    const volume = volumes.get(name);
    const say = (field: "name" | "devicePath", words: string): void =>
      void errors.push(invalidValue(`${at}.${field}`, field === "name" ? name : devicePath, words));
    if (name === "") errors.push(required(`${at}.name`));
    if (names.has(name)) say("name", "must be unique");
    if (!volume) errors.push(fieldNotFound(`${at}.name`, name));
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      say("name", "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
    }
    if (devicePath === "") errors.push(required(`${at}.devicePath`));
    if (paths.has(devicePath)) say("devicePath", "must be unique");
    if (devicePath.split("/").includes("..")) say("devicePath", "can not contain backsteps ('..')");
    else paths.add(devicePath);
    if (mounts.has(name)) say("name", "must not already exist in volumeMounts");
    if ([...mounts.values()].includes(devicePath))
      say("devicePath", "must not already exist as a path in volumeMounts");
    if (name !== "") names.add(name);
  }
}
