import { createPrivateKey, X509Certificate } from "node:crypto";
import type { corev1 } from "../../../api/index.ts";
import {
  deepEqual,
  forbiddenField,
  invalidValue,
  isConfigMapKey,
  required,
  tooLong,
  utf8Length,
} from "../../../machinery/index.ts";
import { type Errors, IMMUTABLE, invalidEach } from "../common/errors.ts";
import type { Kind } from "../kind.ts";

type ConfigMap = corev1.ConfigMap;
type Secret = corev1.Secret;

/** What all keys of one object may hold together, in bytes. */
const MAX_BYTES = 1024 * 1024;
const FROZEN = "field is immutable when `immutable` is set";

/** Bytes that a base64 text stands for. */
function decodedLength(base64: string): number {
  return Math.floor((base64.replace(/=+$/, "").length * 3) / 4);
}

/** Config maps. */
export function configMaps(): Kind<ConfigMap> {
  return {
    validate({ data = {}, binaryData = {} }) {
      const errors: Errors = [];
      let size = 0;
      for (const [key, value] of Object.entries(data)) {
        invalidEach(errors, `data[${key}]`, key, isConfigMapKey(key));
        if (Object.hasOwn(binaryData, key)) {
          errors.push(invalidValue(`data[${key}]`, key, "duplicate of key present in binaryData"));
        }
        size += utf8Length(value);
      }
      for (const [key, value] of Object.entries(binaryData)) {
        invalidEach(errors, `binaryData[${key}]`, key, isConfigMapKey(key));
        size += decodedLength(value);
      }
      if (size > MAX_BYTES) errors.push(tooLong("[]", MAX_BYTES));
      return errors;
    },
    validateChange: (next, old) => validateFrozen(next, old, ["data", "binaryData"]),
  };
}

function validateFrozen<T extends { immutable?: boolean }>(
  next: T,
  old: T,
  fields: readonly (keyof T & string)[],
): Errors {
  if (!old.immutable) return [];
  const errors: Errors = [];
  if (!next.immutable) errors.push(forbiddenField("immutable", FROZEN));
  for (const field of fields) if (!deepEqual(next[field], old[field])) errors.push(forbiddenField(field, FROZEN));
  return errors;
}

const ACCOUNT = "kubernetes.io/service-account.name";

/** Secrets: some types ask for certain keys. */
export function secrets(): Kind<Secret> {
  return {
    prepareForCreate: foldStrings,
    prepareForUpdate(secret, old) {
      foldStrings(secret);
      if (!secret.type && old.type) secret.type = old.type;
    },
    validate(secret) {
      const errors: Errors = [];
      let size = 0;
      for (const [key, value] of Object.entries(secret.data ?? {})) {
        invalidEach(errors, `data[${key}]`, key, isConfigMapKey(key));
        size += decodedLength(value);
      }
      if (size > MAX_BYTES) errors.push(tooLong("data", MAX_BYTES));
      validateType(errors, secret);
      return errors;
    },
    validateChange(secret, old) {
      const errors: Errors = [];
      if ((secret.type ?? "") !== (old.type ?? "")) errors.push(invalidValue("type", secret.type ?? "", IMMUTABLE));
      return [...errors, ...validateFrozen(secret, old, ["data"])];
    },
    warnings: (secret) => (secret.type === "kubernetes.io/tls" ? pairWarnings(secret.data ?? {}) : []),
  };
}

/** `stringData` is for writing only: it becomes part of `data`, and wins over it. */
function foldStrings(secret: Secret): void {
  const { stringData } = secret;
  delete secret.stringData;
  if (stringData === undefined || Object.keys(stringData).length === 0) return;
  const encoded = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text, "utf8").toString("base64")]);
  secret.data = { ...secret.data, ...(Object.fromEntries(encoded) as Record<string, string>) };
}

function validateType(errors: Errors, { type, data = {}, metadata }: Secret): void {
  const need = (key: string): void => void errors.push(required(`data[${key}]`));
  switch (type) {
    case "kubernetes.io/service-account-token":
      if (!metadata.annotations?.[ACCOUNT]) errors.push(required(`metadata.annotations[${ACCOUNT}]`));
      return;
    case "kubernetes.io/dockercfg":
      return validateJson(errors, ".dockercfg", data);
    case "kubernetes.io/dockerconfigjson":
      return validateJson(errors, ".dockerconfigjson", data);
    case "kubernetes.io/basic-auth":
      if (data["username"] === undefined && data["password"] === undefined) {
        need("username");
        need("password");
      }
      return;
    case "kubernetes.io/ssh-auth":
      if (!data["ssh-privatekey"]) need("ssh-privatekey");
      return;
    case "kubernetes.io/tls":
      for (const key of ["tls.crt", "tls.key"]) if (data[key] === undefined) need(key);
      return;
    default:
  }
}

function validateJson(errors: Errors, key: string, data: Readonly<Record<string, string>>): void {
  const value = data[key];
  if (value === undefined) return void errors.push(required(`data[${key}]`));
  const hidden = "<secret contents redacted>";
  try {
    const parsed = JSON.parse(Buffer.from(value, "base64").toString()) as unknown;
    if (typeof parsed === "object" && !Array.isArray(parsed)) return;
    const kind = Array.isArray(parsed) ? "array" : typeof parsed === "boolean" ? "bool" : typeof parsed;
    const words = `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`;
    errors.push(invalidValue(`data[${key}]`, hidden, words));
  } catch {
    const words = value === "" ? "unexpected end of JSON input" : "invalid character looking for beginning of value";
    errors.push(invalidValue(`data[${key}]`, hidden, words));
  }
}

/** Whether certificate and key belong together; a pair that does not is stored, with a warning. */
function pairWarnings(data: Readonly<Record<string, string>>): string[] {
  const pem = (key: string): string => Buffer.from(data[key] ?? "", "base64").toString();
  const [crt, key] = [pem("tls.crt"), pem("tls.key")];
  if (!crt.includes("-----BEGIN CERTIFICATE-----")) return ["tls: failed to find any PEM data in certificate input"];
  if (!key.includes("PRIVATE KEY-----")) return ["tls: failed to find any PEM data in key input"];
  try {
    const match = new X509Certificate(crt).checkPrivateKey(createPrivateKey(key));
    return match ? [] : ["tls: private key does not match public key"];
  } catch (error) {
    return [`tls: failed to parse the key pair: ${(error as Error).message}`];
  }
}
