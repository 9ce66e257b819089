import type { authenticationv1, authorizationv1, rbacv1 } from "../../api/index.ts";
import {
  badRequest,
  type FieldError,
  formatTime,
  invalid,
  invalidValue,
  normalize,
  StatusError,
} from "../../machinery/index.ts";
import type { Answer } from "../request/answer.ts";
import type { ApiObject, Attributes, UserInfo } from "../seams/index.ts";
import { type BareCall, prepareKind, subjectOf, writeOptions } from "./call.ts";
import { kindOf } from "../request/decode.ts";

type Review = (call: BareCall, object: ApiObject) => Promise<Readonly<Record<string, unknown>>>;

/** Questions that are posted like objects and answered in their status; nothing is stored. */
const REVIEWS: Readonly<Record<string, Review>> = {
  tokenreviews: tokenReview,
  selfsubjectreviews: ({ context }) => Promise.resolve({ userInfo: userInfo(context.user) }),
  subjectaccessreviews: (call, object) => accessReview(call, object, userOf(object)),
  localsubjectaccessreviews: (call, object) => {
    const { spec } = object as unknown as authorizationv1.LocalSubjectAccessReview;
    const { namespace } = object.metadata;
    if (spec.resourceAttributes?.namespace !== namespace) {
      const value = spec.resourceAttributes?.namespace ?? "";
      throw wrong(call, [invalidValue("spec.resourceAttributes.namespace", value, "must match metadata.namespace")]);
    }
    return accessReview(call, object, userOf(object));
  },
  selfsubjectaccessreviews: (call, object) => accessReview(call, object, call.context.user),
  selfsubjectrulesreviews: rulesReview,
};

/** POST of a review. */
export async function reviewEndpoint(call: BareCall): Promise<Answer> {
  const { core, served, context } = call;
  const options = writeOptions(call, "CreateOptions");
  const object = await prepareKind(call, kindOf(served), options.fieldValidation);
  const subject = subjectOf(call, options);
  await core.admission.mutate(subject, "CREATE", object, undefined);
  await core.admission.validate(subject, "CREATE", object, undefined);
  const status = await REVIEWS[served.resource.resource]?.(call, object);
  if (!status) throw badRequest(`${served.resource.resource} can't be created`);
  const metadata = { ...object.metadata, creationTimestamp: formatTime(context.now) };
  return { type: "object", status: 201, object: normalize({ ...object, metadata, status }) };
}

async function tokenReview({ core, context }: BareCall, object: ApiObject): Promise<Readonly<Record<string, unknown>>> {
  const { token, audiences: wanted = [] } = (object as unknown as authenticationv1.TokenReview).spec;
  if (!token) throw badRequest("token is required for TokenReview in authentication");
  const audiences = wanted.length > 0 ? wanted : core.audiences;
  try {
    if (core.tokens?.claims(token)) {
      const known = await core.tokens.verify(token, audiences);
      return { authenticated: true, user: userInfo(known.user), audiences: known.audiences };
    }
    const headers = { authorization: `Bearer ${token}` };
    for (const authenticator of core.authenticators) {
      const user = await authenticator.authenticate({ headers }, context.signal);
      if (user) return { authenticated: true, user: userInfo(user), audiences: [...core.audiences] };
    }
    return {};
  } catch (error) {
    return { error: error instanceof StatusError ? error.message : "[invalid bearer token]" };
  }
}

function userInfo({ name, uid, groups, extra = {} }: UserInfo): object {
  const more = Object.keys(extra).length > 0 ? { extra } : {};
  return { username: name, ...(uid !== undefined && { uid }), groups: [...groups], ...more };
}

function userOf(object: ApiObject): UserInfo {
  const { user = "", groups = [], uid, extra } = (object as unknown as authorizationv1.SubjectAccessReview).spec;
  return { name: user, groups, ...(uid && { uid }), ...(extra && { extra }) };
}

async function accessReview(
  call: BareCall,
  object: ApiObject,
  user: UserInfo,
): Promise<Readonly<Record<string, unknown>>> {
  const { spec } = object as unknown as authorizationv1.SubjectAccessReview;
  const { resourceAttributes: r, nonResourceAttributes: n } = spec;
  const errors: FieldError[] = [];
  if (r && n) {
    const detail = "cannot be specified in combination with resourceAttributes";
    errors.push(invalidValue("spec.nonResourceAttributes", n, detail));
  } else if (!r && !n) {
    const detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    errors.push(invalidValue("spec.resourceAttributes", null, detail));
  }
  if (user.name === "" && user.groups.length === 0) {
    errors.push(invalidValue("spec.user", "", "at least one of user or group must be specified"));
  }
  if (errors.length > 0) throw wrong(call, errors);
  const verdict = await call.core.gate.ask(attributes(user, r, n), call.context);
  return {
    allowed: verdict.decision === "allow",
    ...(verdict.decision === "deny" && { denied: true }),
    ...(verdict.reason && { reason: verdict.reason }),
    ...(verdict.error && { evaluationError: verdict.error }),
  };
}

function attributes(
  user: UserInfo,
  r: authorizationv1.ResourceAttributes | undefined,
  n: authorizationv1.NonResourceAttributes | undefined,
): Attributes {
  return {
    user,
    verb: r?.verb ?? n?.verb ?? "",
    path: n?.path ?? "",
    isResource: r !== undefined,
    group: r?.group ?? "",
    version: r?.version || "*",
    resource: r?.resource ?? "",
    subresource: r?.subresource ?? "",
    namespace: r?.namespace ?? "",
    name: r?.name ?? "",
    ...(r?.labelSelector?.rawSelector && { labelSelector: r.labelSelector.rawSelector }),
    ...(r?.fieldSelector?.rawSelector && { fieldSelector: r.fieldSelector.rawSelector }),
  };
}

function rulesReview({ core, context }: BareCall, object: ApiObject): Promise<Readonly<Record<string, unknown>>> {
  const { namespace = "" } = (object as unknown as authorizationv1.SelfSubjectRulesReview).spec;
  if (namespace === "") throw badRequest("no namespace on request");
  const rules: rbacv1.PolicyRule[] = [];
  core.grants?.forUser(context.user, namespace, (grant) => {
    rules.push(...grant.rules);
    return false;
  });
  const resourceRules = rules
    .filter((rule) => rule.resources?.length)
    .map(({ verbs, apiGroups, resources, resourceNames }) => ({
      verbs,
      ...(apiGroups && { apiGroups }),
      ...(resources && { resources }),
      ...(resourceNames && { resourceNames }),
    }));
  const nonResourceRules = rules
    .filter((rule) => rule.nonResourceURLs?.length)
    .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs }));
  return Promise.resolve({ resourceRules, nonResourceRules, incomplete: core.grants === undefined });
}

function wrong({ served }: BareCall, errors: readonly FieldError[]): StatusError {
  return invalid(served.resource, "", errors);
}
