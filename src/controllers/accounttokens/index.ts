import type { ControllerDefinition } from "../common/context.ts";
import { legacyTokenCleaner } from "./cleaner.ts";
import { AccountTokens } from "./tokens.ts";

/** Secrets of type kubernetes.io/service-account-token get their tokens. */
export const accountTokensController: ControllerDefinition = {
  name: "serviceaccount-token-controller",
  account: "tokens-controller",
  create: (context) =>
    context.issueToken === undefined ? undefined : new AccountTokens(context, context.issueToken).component,
};

/** Tokens that accounts got automatically, and that nobody uses, are deleted. */
export const legacyTokenCleanerController: ControllerDefinition = {
  name: "legacy-serviceaccount-token-cleaner-controller",
  account: "legacy-service-account-token-cleaner",
  create: legacyTokenCleaner,
};
