import { expect, it } from "vitest";
import { parseImageName } from "./image.ts";

const HEX = "0123456789abcdef".repeat(4);

it.each([
  ["nginx", "docker.io/library/nginx", "latest", ""],
  ["nginx:1.27", "docker.io/library/nginx", "1.27", ""],
  ["user/app", "docker.io/user/app", "latest", ""],
  ["localhost:5000/app:x", "localhost:5000/app", "x", ""],
  ["registry.k8s.io/pause:3.10", "registry.k8s.io/pause", "3.10", ""],
  ["ghcr.io/a/b/c", "ghcr.io/a/b/c", "latest", ""],
  [`nginx@sha256:${HEX}`, "docker.io/library/nginx", "", `sha256:${HEX}`],
  [`nginx:1@sha256:${HEX}`, "docker.io/library/nginx", "1", `sha256:${HEX}`],
])("takes %s apart", (image, repository, tag, digest) => {
  expect(parseImageName(image)).toEqual({ repository, tag, digest });
});

it.each(["", "Nginx", "a b", "nginx:", "nginx@x", HEX, "a//b", "-a"])("refuses %j", (image) => {
  expect(parseImageName(image)).toBeUndefined();
});
