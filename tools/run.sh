#!/bin/sh
# Runs a TypeScript tool of this checkout on the Node that the checkout pins, installing dependencies first when they are missing.
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
node="$root/node_modules/node/bin/node"
if [ ! -x "$node" ]; then
  echo "k8ts: installing npm dependencies (once)" >&2
  (cd "$root" && npm install --no-fund --no-audit >&2)
fi
cd "$root"
exec "$node" "$@"
