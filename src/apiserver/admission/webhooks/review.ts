import type { admissionv1, metav1 } from "../../../api/index.ts";
import { quote } from "../../../machinery/index.ts";
import type { AdmissionRequest, ApiObject, UserInfo } from "../../seams/index.ts";
import { type Invocation, kindOf } from "./match.ts";

/** Versions of AdmissionReview that we speak. */
const SPOKEN = ["v1", "v1beta1"];
const GROUP = "admission.k8s.io";

/** The version in which a webhook is asked: the first of its own that we speak. */
export function reviewVersion({ hook }: Invocation): string | undefined {
  return hook.webhook.admissionReviewVersions.find((version) => SPOKEN.includes(version));
}

/** A question for a webhook; the objects are in the version that it wants. */
export function reviewOf(
  invocation: Invocation,
  request: AdmissionRequest,
  review: { readonly version: string; readonly uid: string },
  objects: { readonly object: ApiObject | undefined; readonly oldObject: ApiObject | undefined },
): object {
  const { resource, subresource, name, namespace, operation, user, dryRun, options } = request;
  const asked = invocation.resource;
  const gvr = (of: typeof resource): object => ({ group: of.group, version: of.version, resource: of.resource });
  const gvk = ([group, version, kind]: Invocation["kind"]): object => ({ group, version, kind });
  return {
    kind: "AdmissionReview",
    apiVersion: `${GROUP}/${review.version}`,
    request: {
      uid: review.uid,
      kind: gvk(invocation.kind),
      resource: gvr(asked),
      ...(subresource !== "" && { subResource: subresource }),
      requestKind: gvk(kindOf(resource, subresource)),
      requestResource: gvr(resource),
      ...(subresource !== "" && { requestSubResource: subresource }),
      ...(name !== "" && { name }),
      ...(namespace !== "" && { namespace }),
      operation,
      userInfo: userInfo(user),
      object: objects.object ?? null,
      oldObject: objects.oldObject ?? null,
      dryRun,
      options: Object.keys(options).length > 0 ? options : null,
    },
  };
}

function userInfo({ name, uid, groups, extra = {} }: UserInfo): object {
  return {
    ...(name !== "" && { username: name }),
    ...(uid && { uid }),
    ...(groups.length > 0 && { groups }),
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

/** What a webhook said. */
export interface Verdict {
  readonly allowed: boolean;
  readonly result: Partial<metav1.Status> | undefined;
  /** Base64 of a JSON patch; empty: no change. */
  readonly patch: string;
  readonly patchType: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/** Reads an answer. Throws an Error that says what is wrong with it. */
export function readVerdict(
  answer: unknown,
  asked: { readonly version: string; readonly uid: string },
  mutating: boolean,
): Verdict {
  const review = (isObject(answer) ? answer : {}) as Partial<admissionv1.AdmissionReview>;
  const response = review.response as Partial<admissionv1.AdmissionResponse> | undefined;
  if (!isObject(response)) throw new Error("webhook response was absent");
  const { patch = "", patchType } = response;
  if (asked.version === "v1") {
    if (response.uid !== asked.uid) {
      throw new Error(`expected response.uid=${quote(asked.uid)}, got ${quote(response.uid ?? "")}`);
    }
    const given = `${review.apiVersion ?? ""}, Kind=${review.kind ?? ""}`;
    const wanted = `${GROUP}/v1, Kind=AdmissionReview`;
    if (given !== wanted) throw new Error(`expected webhook response of ${wanted}, got ${given}`);
    const problem = mutating ? mutatingProblem(patch, patchType) : validatingProblem(patch, patchType);
    if (problem) throw new Error(problem);
  }
  return {
    allowed: response.allowed === true,
    result: response.status,
    patch: mutating ? patch : "",
    // Older reviews know of one type only.
    patchType: asked.version === "v1" ? (patchType ?? "") : "JSONPatch",
    annotations: response.auditAnnotations ?? {},
    warnings: response.warnings ?? [],
  };
}

function mutatingProblem(patch: string, type: string | undefined): string | undefined {
  if (patch !== "" && type === undefined) return "webhook returned response.patch but not response.patchType";
  if (patch === "" && type !== undefined) return "webhook returned response.patchType but not response.patch";
  return type === "" ? 'webhook returned invalid response.patchType of ""' : undefined;
}

function validatingProblem(patch: string, type: string | undefined): string | undefined {
  if (patch !== "") return "validating webhook may not return response.patch";
  return type === undefined ? undefined : "validating webhook may not return response.patchType";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
