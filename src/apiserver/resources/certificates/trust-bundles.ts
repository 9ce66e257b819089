import { X509Certificate } from "node:crypto";
import type { certificatesv1beta1 } from "../../../api/index.ts";
import { invalidValue, tooLong, validateImmutable } from "../../../machinery/index.ts";
import { type Errors, invalidEach } from "../common/errors.ts";
import { trustBundleNameProblems, validateSignerName } from "../common/signers.ts";
import type { Kind } from "../kind.ts";
import { pemBlocks } from "./pem.ts";

const MAX_BYTES = 1024 * 1024;
const HIDDEN = "<value omitted>";

/** Certificates to trust, for the whole cluster. */
export function trustBundles(): Kind<certificatesv1beta1.ClusterTrustBundle> {
  return {
    // What is wrong with the name depends on the signer: see validate.
    name: () => [],
    validate({ metadata, spec }, old) {
      const errors: Errors = [];
      const signer = spec.signerName ?? "";
      invalidEach(errors, "metadata.name", metadata.name, trustBundleNameProblems(signer, metadata.name, false));
      if (signer !== "") validateSignerName(errors, "spec.signerName", signer);
      if (spec.trustBundle !== old?.spec.trustBundle) validateBundle(errors, spec.trustBundle);
      return errors;
    },
    validateChange: ({ spec }, old) =>
      validateImmutable(spec.signerName ?? "", old.spec.signerName ?? "", "spec.signerName"),
  };
}

function validateBundle(errors: Errors, text: string): void {
  const path = "spec.trustBundle";
  if (Buffer.byteLength(text) > MAX_BYTES) return void errors.push(tooLong(path, MAX_BYTES));
  const places = new Map<string, number[]>();
  const found: Errors = [];
  for (const [i, { type, hasHeaders, der }] of pemBlocks(text).entries()) {
    const problem =
      type !== "CERTIFICATE"
        ? `has bad block type: ${type}`
        : hasHeaders
          ? "has PEM block headers"
          : anchorProblem(der);
    if (problem) found.push(invalidValue(path, HIDDEN, `entry ${i} ${problem}`));
    else places.set(der.toString("base64"), [...(places.get(der.toString("base64")) ?? []), i]);
  }
  errors.push(...found);
  if (found.length > 0) return;
  if (places.size === 0) errors.push(invalidValue(path, HIDDEN, "at least one trust anchor must be provided"));
  for (const indices of places.values()) {
    if (indices.length < 2) continue;
    errors.push(invalidValue(path, HIDDEN, `duplicate trust anchor (indices [${indices.join(" ")}])`));
  }
}

function anchorProblem(der: Buffer): string | undefined {
  try {
    return new X509Certificate(der).ca ? undefined : "does not have the CA bit set";
  } catch {
    return "does not parse as X.509";
  }
}
