import { badContainers, type Check, containersOf, joinQuoted, named, plural, setters, sorted } from "./checks.ts";
import { isConfining } from "./baseline.ts";

export const allowPrivilegeEscalation: Check = ({ spec }) => {
  const bad = badContainers(spec, (c) => c?.allowPrivilegeEscalation !== false);
  if (bad.length === 0) return undefined;
  const detail = `${named("container", bad)} must set securityContext.allowPrivilegeEscalation=false`;
  return { reason: "allowPrivilegeEscalation != false", detail };
};

export const restrictedCapabilities: Check = ({ spec }) => {
  const keeping = badContainers(spec, (c) => !(c?.capabilities?.drop ?? []).includes("ALL"));
  const adding = badContainers(spec, (c) => (c?.capabilities?.add ?? []).some((name) => name !== "NET_BIND_SERVICE"));
  const added = containersOf(spec).flatMap((c) => c.securityContext?.capabilities?.add ?? []);
  const names = sorted(added.filter((name) => name !== "NET_BIND_SERVICE"));
  const details = [
    ...(keeping.length > 0
      ? [`${named("container", keeping)} must set securityContext.capabilities.drop=["ALL"]`]
      : []),
    ...(adding.length > 0
      ? [`${named("container", adding)} must not include ${joinQuoted(names)} in securityContext.capabilities.add`]
      : []),
  ];
  return details.length === 0 ? undefined : { reason: "unrestricted capabilities", detail: details.join("; ") };
};

const VOLUMES = new Set([
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
]);
const OTHER_VOLUMES = [
  "hostPath",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "gitRepo",
  "nfs",
  "iscsi",
  "glusterfs",
  "rbd",
  "flexVolume",
  "cinder",
  "cephfs",
  "flocker",
  "fc",
  "azureFile",
  "vsphereVolume",
  "quobyte",
  "azureDisk",
  "photonPersistentDisk",
  "portworxVolume",
  "scaleIO",
  "storageos",
];

export const restrictedVolumes: Check = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter((volume) => !Object.keys(volume).some((field) => VOLUMES.has(field)));
  if (bad.length === 0) return undefined;
  const types = sorted(bad.map((volume) => OTHER_VOLUMES.find((type) => Object.hasOwn(volume, type)) ?? "unknown"));
  const names = bad.map((volume) => volume.name);
  const use = names.length === 1 ? "uses" : "use";
  const kinds = `${plural("restricted volume type", types.length)} ${joinQuoted(types)}`;
  return { reason: "restricted volume types", detail: `${named("volume", names)} ${use} ${kinds}` };
};

export const runAsNonRoot: Check = ({ spec }) => {
  const own = spec.securityContext?.runAsNonRoot;
  const reason = "runAsNonRoot != true";
  const explicit = badContainers(spec, (c) => c?.runAsNonRoot === false);
  if (own === false || explicit.length > 0) {
    return { reason, detail: `${setters(own === false, explicit)} must not set securityContext.runAsNonRoot=false` };
  }
  const implicit = own === true ? [] : badContainers(spec, (c) => c?.runAsNonRoot === undefined);
  if (implicit.length === 0) return undefined;
  return { reason, detail: `pod or ${named("container", implicit)} must set securityContext.runAsNonRoot=true` };
};

export const runAsUser: Check = ({ spec }) => {
  const own = spec.securityContext?.runAsUser === 0;
  const bad = badContainers(spec, (c) => c?.runAsUser === 0);
  if (!own && bad.length === 0) return undefined;
  return { reason: "runAsUser=0", detail: `${setters(own, bad)} must not set runAsUser=0` };
};

export const restrictedSeccomp: Check = ({ spec }) => {
  const own = spec.securityContext?.seccompProfile;
  const isBad = (profile: typeof own): boolean => profile !== undefined && !isConfining(profile);
  const explicit = badContainers(spec, (c) => isBad(c?.seccompProfile));
  const reason = "seccompProfile";
  if (isBad(own) || explicit.length > 0) {
    const all = [own, ...containersOf(spec).map((c) => c.securityContext?.seccompProfile)];
    const values = sorted(all.flatMap((profile) => (profile && !isConfining(profile) ? [profile.type] : [])));
    const who = setters(isBad(own), explicit);
    return { reason, detail: `${who} must not set securityContext.seccompProfile.type to ${joinQuoted(values)}` };
  }
  const implicit = own ? [] : badContainers(spec, (c) => c?.seccompProfile === undefined);
  if (implicit.length === 0) return undefined;
  const who = `pod or ${named("container", implicit)}`;
  return { reason, detail: `${who} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"` };
};
