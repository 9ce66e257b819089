import type { authenticationv1, corev1 } from "../../../api/index.ts";
import {
  badRequest,
  conflict,
  failure,
  type FieldError,
  formatTime,
  invalid,
  invalidValue,
  normalize,
  notFound,
} from "../../../machinery/index.ts";
import type { Answer } from "../../request/answer.ts";
import type { BoundObject } from "../../tokens/index.ts";
import { type EndpointCall, prepareKind, subjectOf, writeOptions } from "../call.ts";
import { lookUp } from "../connect/target.ts";

const GK = { group: "authentication.k8s.io", kind: "TokenRequest" };
const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;

/** POST of a TokenRequest: a bound token of the service account. */
export async function tokenEndpoint(call: EndpointCall): Promise<Answer> {
  const { core, name, namespace } = call;
  const options = writeOptions(call, "CreateOptions");
  const object = await prepareKind(
    call,
    { kind: GK.kind, apiVersion: "authentication.k8s.io/v1" },
    options.fieldValidation,
  );
  const request = object as unknown as authenticationv1.TokenRequest;
  const subject = subjectOf(call, options);
  await core.admission.mutate(subject, "CREATE", object, undefined);
  checkPlace(request, name, namespace);
  const found = await lookUp(call, "serviceaccounts", namespace, name);
  if (!found) throw notFound({ group: "", resource: "serviceaccounts" }, name);
  const account = found.object as unknown as corev1.ServiceAccount;
  const { uid } = account.metadata;
  if (request.metadata.uid && request.metadata.uid !== uid) {
    const message = `the UID in the token request (${request.metadata.uid}) does not match the UID of the service account (${uid})`;
    throw conflict({ group: GK.group, resource: GK.kind }, name, message);
  }
  const errors = problems(request);
  if (errors.length > 0) throw invalid(GK, "", errors);
  await core.admission.validate(subject, "CREATE", object, undefined);
  const bound = await boundObject(call, request);
  if (!core.tokens) throw failure({ code: 500, message: "the server has no key to sign tokens with" });
  const status = core.tokens.issue(account, request.spec, bound);
  const metadata = { name, namespace, uid, creationTimestamp: formatTime(call.context.now) };
  const audiences = request.spec.audiences?.length ? request.spec.audiences : core.audiences;
  const spec = { ...request.spec, audiences: [...audiences] };
  const answer = normalize({ ...object, metadata, spec, status });
  return { type: "object", status: 201, object: answer };
}

function checkPlace({ metadata }: authenticationv1.TokenRequest, name: string, namespace: string): void {
  const wrong = (field: string, value: string, what: string): Error =>
    invalid(GK, name, [
      invalidValue(`metadata.${field}`, value, `must match the service account ${what} if specified`),
    ]);
  if (metadata.name && metadata.name !== name) throw wrong("name", metadata.name, "name");
  if (metadata.namespace && metadata.namespace !== namespace) throw wrong("namespace", metadata.namespace, "namespace");
}

function problems({ spec }: authenticationv1.TokenRequest): FieldError[] {
  const seconds = spec.expirationSeconds ?? 3600;
  const field = "spec.expirationSeconds";
  if (seconds < MIN_SECONDS) return [invalidValue(field, seconds, "may not specify a duration less than 10 minutes")];
  if (seconds > MAX_SECONDS)
    return [invalidValue(field, seconds, "may not specify a duration larger than 2^32 seconds")];
  return [];
}

const RESOURCES: Readonly<Record<string, string>> = { Pod: "pods", Secret: "secrets", Node: "nodes" };

/** The object that the token is to be bound to, as it is now. */
async function boundObject(
  call: EndpointCall,
  { spec }: authenticationv1.TokenRequest,
): Promise<BoundObject | undefined> {
  const ref = spec.boundObjectRef;
  if (!ref) return undefined;
  const { kind = "", apiVersion = "", name = "" } = ref;
  const resource = apiVersion === "v1" ? RESOURCES[kind] : undefined;
  if (resource === undefined) throw badRequest(`cannot bind token to object of type ${apiVersion}, Kind=${kind}`);
  const item = await lookUp(call, resource, kind === "Node" ? "" : call.namespace, name);
  if (!item) throw notFound({ group: "", resource }, name);
  const { uid } = item.object.metadata;
  if (kind === "Pod" && (item.object as unknown as corev1.Pod).spec.serviceAccountName !== call.name) {
    const account = JSON.stringify(call.name);
    throw badRequest(
      `cannot bind token for serviceaccount ${account} to pod running with different serviceaccount name.`,
    );
  }
  if (ref.uid && ref.uid !== uid) {
    const message = `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict({ group: "", resource: kind }, name, message);
  }
  const node = kind === "Pod" ? await nodeOf(call, item.object as unknown as corev1.Pod) : undefined;
  return { kind: kind as BoundObject["kind"], name, uid, ...(node && { node }) };
}

async function nodeOf(call: EndpointCall, pod: corev1.Pod): Promise<{ name: string; uid: string } | undefined> {
  const { nodeName } = pod.spec;
  if (!nodeName) return undefined;
  const node = await lookUp(call, "nodes", "", nodeName);
  return { name: nodeName, uid: node?.object.metadata.uid ?? "" };
}
