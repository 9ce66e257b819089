import { describe, expect, it } from "vitest";
import { resources, type Resource, wellKnown } from "../../api/index.ts";
import { toPem } from "../../kit/index.ts";
import { type Edits, StrategyBench } from "./common/testing.ts";
import { flowSchemaSpec } from "./flowcontrol/flow-schemas.ts";
import { createStrategies } from "./index.ts";

const strategies = createStrategies();
const bench = (resource: Resource): StrategyBench =>
  new StrategyBench(resource, strategies.for(resource), BASES.get(resource) ?? {});

const REQUEST = Buffer.from(
  "MIHrMIGSAgEAMDAxFTATBgNVBAoMDHN5c3RlbTpub2RlczEXMBUGA1UEAwwOc3lzdGVtOm5vZGU6bjEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS3tO/RUakEDM75fgOcAZdyn0sIz2nNOTVGLmBR1e2U2feGLrjqVMhB3FYlUVX3j+mO1RBEloq62CrP7OZRaW7moAAwCgYIKoZIzj0EAwIDSAAwRQIgB0gDmyi1SjvwO+tYOmElcOLZ2G9FdXRc+lkE5vKaMwwCIQDAJIDkvahSqBFd7764Sa0Xc6Le4tqAAhmgThv0k3QVHg==",
  "base64",
);
const ANCHOR = Buffer.from(
  "MIIBcDCCARegAwIBAgIUYK48lW20QQFiluBm5/IWPVS6oGkwCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCY2EwIBcNMjYxMTIxMDg1NDUxWhgPMjEyNjEwMjgwODU0NTFaMA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsdPaWLGpi6Ndyxst2ejgv362ZTxtFwk3ASb8mzp9FsrhDk3BhH2Gnfez75IvGntL+SUT84Zg+HHTonfwGnPAMKNTMFEwHQYDVR0OBBYEFGEMN1XI4ayQ369yXi7WGHg+0t2+MB8GA1UdIwQYMBaAFGEMN1XI4ayQ369yXi7WGHg+0t2+MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgFf3NIPNqW4UYgsmuN49nT8jKosdCcbA159BFv+MVnt4CIGHjgR/H+dTqTU99ShkU4kLu2wbDZvGPv1hGM/+RFHL8",
  "base64",
);
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const CERTIFICATE = base64(toPem("CERTIFICATE", ANCHOR));

const RULE = { operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] };
const HOOK = {
  name: "a.b.c",
  clientConfig: { service: { namespace: "n", name: "s" } },
  rules: [RULE],
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
};
const SUBJECT = { kind: "User", user: { name: "u" } };
const FLOW_RULE = { verbs: ["get"], apiGroups: [""], resources: ["pods"], namespaces: ["*"] };

/** A valid object of each kind. */
const BASES = new Map<Resource, object>([
  [resources.validatingwebhookconfigurations, { webhooks: [HOOK] }],
  [resources.mutatingwebhookconfigurations, { webhooks: [HOOK] }],
  [
    resources.validatingadmissionpolicies,
    { spec: { matchConstraints: { resourceRules: [RULE] }, validations: [{ expression: "true" }] } },
  ],
  [resources.validatingadmissionpolicybindings, { spec: { policyName: "p", validationActions: ["Deny"] } }],
  [
    resources.flowschemas,
    {
      spec: {
        priorityLevelConfiguration: { name: "p" },
        matchingPrecedence: 5,
        rules: [{ subjects: [SUBJECT], resourceRules: [FLOW_RULE] }],
      },
    },
  ],
  [
    resources.prioritylevelconfigurations,
    { spec: { type: "Limited", limited: { nominalConcurrencyShares: 1, limitResponse: { type: "Reject" } } } },
  ],
  [
    resources.certificatesigningrequests,
    {
      spec: {
        request: base64(toPem("CERTIFICATE REQUEST", REQUEST)),
        signerName: "kubernetes.io/kubelet-serving",
        usages: ["digital signature"],
      },
    },
  ],
]);

describe("every kind", () => {
  it.each([...BASES.keys()])("$resource accepts a plain object and its unchanged update", async (resource) => {
    expect(await bench(resource).create()).toEqual([]);
    expect(await bench(resource).update({}, { stored: { "metadata.resourceVersion": "1" } })).toEqual([]);
  });
});

describe("create", () => {
  const rule = "webhooks.0.rules.0";
  const client = "webhooks.0.clientConfig";
  const flow = "spec.rules.0";
  it.each<[Resource, string, Edits, string[]]>([
    [
      resources.validatingwebhookconfigurations,
      "name",
      { "webhooks.0.name": "a.b" },
      ['webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots'],
    ],
    [
      resources.validatingwebhookconfigurations,
      "name twice",
      { webhooks: [HOOK, HOOK] },
      ['webhooks[1].name: Duplicate value: "a.b.c"'],
    ],
    [
      resources.mutatingwebhookconfigurations,
      "operation",
      { [`${rule}.operations`]: ["*", "READ"] },
      [
        `webhooks[0].rules[0].operations: Invalid value: ["*","READ"]: if '*' is present, must not specify other operations`,
        'webhooks[0].rules[0].operations[1]: Unsupported value: "READ": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
      ],
    ],
    [
      resources.mutatingwebhookconfigurations,
      "resources",
      { [`${rule}.resources`]: ["pods/*", "pods/log", "*", "nodes"] },
      [
        `webhooks[0].rules[0].resources[1]: Invalid value: "pods/log": if 'pods/*' is present, must not specify pods/log`,
        `webhooks[0].rules[0].resources: Invalid value: ["pods/*","pods/log","*","nodes"]: if '*' is present, must not specify other resources without subresources`,
      ],
    ],
    [
      resources.mutatingwebhookconfigurations,
      "side effects",
      { "webhooks.0.sideEffects": "Some" },
      ['webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
    ],
    [
      resources.mutatingwebhookconfigurations,
      "timeout",
      { "webhooks.0.timeoutSeconds": 31 },
      ["webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds"],
    ],
    [
      resources.mutatingwebhookconfigurations,
      "versions",
      { "webhooks.0.admissionReviewVersions": ["v2"] },
      ['webhooks[0].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1'],
    ],
    [
      resources.validatingwebhookconfigurations,
      "no client",
      { [client]: {} },
      ["webhooks[0].clientConfig: Required value: exactly one of url or service is required"],
    ],
    [
      resources.validatingwebhookconfigurations,
      "url",
      { [client]: { url: "http://u:p@h/x?q=1#f" } },
      [
        `webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
        'webhooks[0].clientConfig.url: Invalid value: "u:p": user information is not permitted in the URL',
        'webhooks[0].clientConfig.url: Invalid value: "f": fragments are not permitted in the URL',
        'webhooks[0].clientConfig.url: Invalid value: "q=1": query parameters are not permitted in the URL',
      ],
    ],
    [
      resources.validatingwebhookconfigurations,
      "service",
      { [`${client}.service`]: { namespace: "", name: "s", port: 70000, path: "/a//B" } },
      [
        "webhooks[0].clientConfig.service.name: Required value",
        "webhooks[0].clientConfig.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive",
        'webhooks[0].clientConfig.service.path: Invalid value: "/a//B": segment[1] may not be empty',
        `webhooks[0].clientConfig.service.path: Invalid value: "/a//B": segment[2]: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
      ],
    ],
    [
      resources.validatingadmissionpolicies,
      "empty",
      { "spec.validations": [], "spec.matchConstraints.resourceRules": [] },
      [
        "spec.matchConstraints.resourceRules: Required value",
        "spec.validations: Required value: validations or auditAnnotations must contain at least one item",
        "spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item",
      ],
    ],
    [
      resources.validatingadmissionpolicies,
      "variable",
      { "spec.variables": [{ name: "in", expression: " " }] },
      [
        'spec.variables[0].name: Invalid value: "in": must be a valid CEL identifier',
        "spec.variables[0].expression: Required value: expression is not specified",
      ],
    ],
    [
      resources.validatingadmissionpolicies,
      "condition",
      {
        "spec.matchConditions": [
          { name: "a", expression: "true" },
          { name: "a", expression: "" },
        ],
      },
      ["spec.matchConditions[1].expression: Required value", 'spec.matchConditions[1].name: Duplicate value: "a"'],
    ],
    [
      resources.validatingadmissionpolicybindings,
      "actions",
      { "spec.validationActions": ["Deny", "Warn"] },
      [
        'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ],
    ],
    [
      resources.validatingadmissionpolicybindings,
      "params",
      { "spec.paramRef": { name: "p", selector: {}, parameterNotFoundAction: "Deny" } },
      [
        "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
        "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
      ],
    ],
    [
      resources.flowschemas,
      "precedence",
      { "spec.matchingPrecedence": 1 },
      ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
    ],
    [
      resources.flowschemas,
      "subject",
      { [`${flow}.subjects`]: [{ kind: "Group", user: { name: "u" } }] },
      [
        "spec.rules[0].subjects[0].group: Required value: group is required when subject kind is 'Group'",
        "spec.rules[0].subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'",
      ],
    ],
    [
      resources.flowschemas,
      "url",
      { [`${flow}.nonResourceRules`]: [{ verbs: ["get"], nonResourceURLs: ["/a*/b"] }] },
      [
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*/b": wildcard can only do suffix matching',
      ],
    ],
    [
      resources.prioritylevelconfigurations,
      "exempt",
      { "spec.type": "Exempt" },
      [
        `spec.type: Invalid value: "Exempt": must be 'Exempt' if and only if \`name\` is 'exempt'`,
        "spec.limited: Forbidden: must be nil if the type is not Limited",
      ],
    ],
    [
      resources.prioritylevelconfigurations,
      "hands",
      {
        "spec.limited.limitResponse": {
          type: "Queue",
          queuing: { queues: 1024, handSize: 7, queueLengthLimit: 1 },
        },
      },
      [
        "spec.limited.limitResponse.queuing.handSize: Invalid value: 7: required entropy bits of deckSize 1024 and handSize 7 should not be greater than 60",
      ],
    ],
    [
      resources.certificatesigningrequests,
      "not a request",
      { "spec.request": "eA==" },
      ['spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST'],
    ],
    [
      resources.certificatesigningrequests,
      "usages",
      { "spec.usages": ["any", "any"], "spec.expirationSeconds": 1 },
      [
        'spec.usages[1]: Duplicate value: "any"',
        "spec.expirationSeconds: Invalid value: 1: may not specify a duration less than 600 seconds (10 minutes)",
      ],
    ],
    [
      resources.certificatesigningrequests,
      "legacy signer",
      { "spec.signerName": "kubernetes.io/legacy-unknown" },
      [
        'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
      ],
    ],
  ])("$resource: %s", async (resource, _, edits, expected) => {
    expect(await bench(resource).create(edits)).toEqual(expected);
  });
});

describe("certificate signing requests", () => {
  const b = bench(resources.certificatesigningrequests);
  const approved = { type: "Approved", status: "True", reason: "r" };

  it("are from who the server saw", async () => {
    const request = await b.created({ "spec.username": "admin", "spec.groups": ["system:masters"] });
    expect(request["spec"]).toMatchObject({ username: "tester", groups: ["testers"] });
  });

  it.each<[string, string, Edits, string[]]>([
    ["approval", "approval", { "status.conditions": [approved] }, []],
    [
      "approval twice",
      "approval",
      { "status.conditions": [approved, approved] },
      ['status.conditions[1].type: Duplicate value: "Approved"'],
    ],
    [
      "both verdicts",
      "approval",
      { "status.conditions": [approved, { type: "Denied", status: "True" }] },
      ['status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive'],
    ],
    [
      "approval by status",
      "status",
      { "status.conditions": [approved] },
      ['status.conditions: Forbidden: updates may not add a condition of type "Approved"'],
    ],
    [
      "half an approval",
      "approval",
      { "status.conditions": [{ type: "Approved", status: "False" }] },
      ['status.conditions[0].status: Unsupported value: "False": supported values: "True"'],
    ],
    ["certificate by status", "status", { "status.certificate": CERTIFICATE }, []],
    [
      "broken certificate",
      "status",
      { "status.certificate": base64("x") },
      ['status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block'],
    ],
  ])("%s", async (_, subresource, edits, expected) => {
    expect(await b.update(edits, { subresource })).toEqual(expected);
  });

  it("keep verdicts and certificates", async () => {
    const stored = { "status.conditions": [approved], "status.certificate": CERTIFICATE };
    const other = base64(`${toPem("CERTIFICATE", ANCHOR)}\n`);
    expect(await b.update({ "status.conditions": [] }, { stored, subresource: "approval" })).toEqual([
      'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
    ]);
    expect(await b.update({ "status.certificate": other }, { stored, subresource: "status" })).toEqual([
      "status.certificate: Forbidden: updates may not modify existing certificate content",
    ]);
  });

  it("are told when they were approved", async () => {
    const old = await b.created();
    const request = await b.updated(old, { "status.conditions": [approved] }, "approval");
    expect(request["status"]).toEqual({
      conditions: [{ ...approved, lastUpdateTime: "2026-01-01T00:00:00Z", lastTransitionTime: "2026-01-01T00:00:00Z" }],
    });
  });
});

describe("fixed flow control", () => {
  it.each(["exempt", "catch-all"])("%s is fine as it is", async (name) => {
    const flow = await bench(resources.flowschemas).create({ "metadata.name": name, spec: flowSchemaSpec(name) });
    expect(flow).toEqual([]);
    const { spec } = wellKnown().priorityLevels[name] ?? {};
    expect(await bench(resources.prioritylevelconfigurations).create({ "metadata.name": name, spec })).toEqual([]);
  });

  it.each([
    [resources.flowschemas, "catch-all", "spec.matchingPrecedence", "spec of 'catch-all' must equal the fixed value"],
    [
      resources.prioritylevelconfigurations,
      "catch-all",
      "spec.limited.lendablePercent",
      "spec of 'catch-all' must equal the fixed value",
    ],
  ])("$resource %s", async (resource, name, field, words) => {
    expect((await bench(resource).create({ "metadata.name": name, [field]: 7 })).at(-1)).toContain(words);
  });
});
