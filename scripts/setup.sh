#!/bin/sh
# Installs what the lock file names and builds every package. Needs only Node and npm; the Node that runs the product comes with it.
set -eu
cd "$(dirname "$0")/.."
export TURBO_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1
pnpm="npx --yes pnpm@12.21.0"
$pnpm install --frozen-lockfile --prefer-offline --reporter=append-only
$pnpm run build
