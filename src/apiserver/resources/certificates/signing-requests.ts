import type { certificatesv1 as v1 } from "../../../api/index.ts";
import { errorText, parseRequest } from "../../../kit/index.ts";
import {
  duplicate,
  forbiddenField,
  formatTime,
  invalidValue,
  notSupported,
  required,
  semanticEqual,
} from "../../../machinery/index.ts";
import { describeDiff } from "../common/diff.ts";
import type { Errors } from "../common/errors.ts";
import { validateSignerName } from "../common/signers.ts";
import type { Kind, KindContext } from "../kind.ts";
import { certificateProblem } from "./pem.ts";

type Request = v1.CertificateSigningRequest;
type Condition = v1.CertificateSigningRequestCondition;

const LEGACY_SIGNER = "kubernetes.io/legacy-unknown";
const USAGES = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
];
const VERDICTS = ["Approved", "Denied"];
const FINAL = [...VERDICTS, "Failed"];
const STATUSES = ["False", "True", "Unknown"];
const MIN_SECONDS = 600;

/**
 * Requests for certificates. Who asks is what the server saw, never what the request says; only approval may add a verdict,
 * only the status may get a certificate, and neither is taken back.
 */
export function signingRequests(): Kind<Request> {
  return {
    name: () => [],
    prepareForCreate(object, context) {
      object.spec = { ...withoutRequester(object.spec), ...requester(context) };
      object.status = {};
    },
    prepareForUpdate(object, old) {
      object.spec = old.spec;
    },
    validate: (object, old) => validate(object, old, {}),
    subresources: {
      status: {
        prepare(object, old, { now }) {
          for (const type of VERDICTS) keepConditions(object, old, type);
          fillTimes(object, old, now);
        },
        validate: (object, old) => validate(object, old, { setsCertificate: true }),
      },
      approval: {
        changes: ["status"],
        prepare(object, old, { now }) {
          fillTimes(object, old, now);
          const { conditions } = object.status;
          object.status = { ...old.status, ...(conditions && { conditions }) };
          if (!conditions) delete object.status.conditions;
        },
        validate: (object, old) => validate(object, old, { setsVerdict: true }),
      },
    },
  };
}

function withoutRequester({ username: _1, uid: _2, groups: _3, extra: _4, ...rest }: Request["spec"]): Request["spec"] {
  return rest;
}

function requester({ userInfo, user }: KindContext): Partial<Request["spec"]> {
  const { name, uid, groups, extra = {} } = userInfo ?? { name: user, groups: [] };
  const copied = Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]));
  return {
    ...(name !== "" && { username: name }),
    ...(uid && { uid }),
    ...(groups.length > 0 && { groups: [...groups] }),
    ...(Object.keys(copied).length > 0 && { extra: copied }),
  };
}

function ofType({ status }: Request, type: string): Condition[] {
  return (status.conditions ?? []).filter((condition) => condition.type === type);
}

/** Verdicts stay as they were given, whatever a status update says of them. */
function keepConditions(object: Request, old: Request, type: string): void {
  const before = ofType(old, type);
  if (before.length !== ofType(object, type).length) return;
  let next = 0;
  object.status.conditions = (object.status.conditions ?? []).map((condition) =>
    condition.type === type ? (before[next++] ?? condition) : condition,
  );
}

function fillTimes(object: Request, old: Request, now: number): void {
  for (const condition of object.status.conditions ?? []) {
    condition.lastUpdateTime ??= formatTime(now);
    const same = (old.status.conditions ?? []).find(
      (c) => c.type === condition.type && c.status === condition.status && c.lastTransitionTime !== undefined,
    );
    condition.lastTransitionTime ??= same?.lastTransitionTime ?? formatTime(now);
  }
}

interface Rights {
  readonly setsVerdict?: boolean;
  readonly setsCertificate?: boolean;
}

function validate(object: Request, old: Request | undefined, rights: Rights): Errors {
  const errors: Errors = [];
  validateSpec(errors, object, old);
  validateConditions(errors, object, old);
  const [certificate, before] = [object.status.certificate ?? "", old?.status.certificate ?? ""];
  if (!old || (certificate !== before && certificateProblem(before) === undefined)) {
    const problem = certificateProblem(certificate);
    if (problem) errors.push(invalidValue("status.certificate", "<certificate data>", problem));
  }
  if (!old) return errors;
  validateVerdicts(errors, object, old, rights);
  if (certificate === before) return errors;
  const words =
    rights.setsCertificate !== true
      ? "updates may not set certificate content"
      : before !== ""
        ? "updates may not modify existing certificate content"
        : undefined;
  if (words) errors.push(forbiddenField("status.certificate", words));
  return errors;
}

function validateSpec(errors: Errors, { spec }: Request, old: Request | undefined): void {
  const problem = requestProblem(spec.request);
  if (problem) errors.push(invalidValue("spec.request", spec.request, problem));
  const usages: readonly string[] = spec.usages ?? [];
  const before: readonly string[] = old?.spec.usages ?? [];
  if (usages.length === 0) errors.push(required("spec.usages"));
  if (before.every((usage) => USAGES.includes(usage))) {
    for (const [i, usage] of usages.entries()) {
      if (!USAGES.includes(usage)) errors.push(notSupported(`spec.usages[${i}]`, usage, USAGES));
    }
  }
  if (new Set(before).size === before.length) {
    for (const [i, usage] of usages.entries()) {
      if (usages.indexOf(usage) < i) errors.push(duplicate(`spec.usages[${i}]`, usage));
    }
  }
  if (spec.signerName === LEGACY_SIGNER && old?.spec.signerName !== LEGACY_SIGNER) {
    const words = "the legacy signerName is not allowed via this API version";
    errors.push(invalidValue("spec.signerName", spec.signerName, words));
  } else validateSignerName(errors, "spec.signerName", spec.signerName);
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < MIN_SECONDS) {
    const words = `may not specify a duration less than ${MIN_SECONDS} seconds (10 minutes)`;
    errors.push(invalidValue("spec.expirationSeconds", spec.expirationSeconds, words));
  }
}

function requestProblem(request: string): string | undefined {
  try {
    parseRequest(Buffer.from(request, "base64").toString("latin1"));
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

function validateConditions(errors: Errors, object: Request, old: Request | undefined): void {
  const at = "status.conditions";
  const before = (old?.status.conditions ?? []).map((condition) => condition.type);
  const bothBefore = VERDICTS.every((type) => before.includes(type));
  const repeatedBefore = new Set(before).size !== before.length;
  const seen = new Set<string>();
  for (const [i, { type, status }] of (object.status.conditions ?? []).entries()) {
    if (type === "" && !before.includes("")) errors.push(required(`${at}[${i}].type`));
    const allowed = FINAL.includes(type) ? ["True"] : STATUSES;
    if (!status) errors.push(required(`${at}[${i}].status`));
    else if (!allowed.includes(status)) errors.push(notSupported(`${at}[${i}].status`, status, allowed));
    if (!bothBefore && VERDICTS.includes(type) && VERDICTS.some((v) => v !== type && seen.has(v))) {
      errors.push(invalidValue(at, type, "Approved and Denied conditions are mutually exclusive"));
    }
    if (!repeatedBefore && seen.has(type)) errors.push(duplicate(`${at}[${i}].type`, type));
    seen.add(type);
  }
}

function validateVerdicts(errors: Errors, object: Request, old: Request, rights: Rights): void {
  const at = "status.conditions";
  for (const type of FINAL) {
    if (ofType(object, type).length < ofType(old, type).length) {
      errors.push(forbiddenField(at, `updates may not remove a condition of type ${JSON.stringify(type)}`));
    }
  }
  if (rights.setsVerdict) return;
  for (const type of VERDICTS) {
    const [next, before] = [ofType(object, type), ofType(old, type)];
    if (next.length > before.length) {
      errors.push(forbiddenField(at, `updates may not add a condition of type ${JSON.stringify(type)}`));
    } else if (next.length === before.length && !semanticEqual(next, before)) {
      const words = `updates may not modify a condition of type ${JSON.stringify(type)}\n${describeDiff(before, next)}`;
      errors.push(forbiddenField(at, words));
    }
  }
}
