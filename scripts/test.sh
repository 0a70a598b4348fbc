#!/bin/sh
# Sets up, builds and runs every test that needs nothing but Node: house rules, types, and each package's tests.
set -eu
cd "$(dirname "$0")/.."
export TURBO_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1
sh scripts/setup.sh
status=0 # a failing step does not hide what the next ones say
for step in test:scripts tidy test:packages; do
  npx --yes pnpm@12.21.0 run "$step" || status=1
done
exit "$status"
