#!/bin/sh
# Sets up, builds and runs one member on 127.0.0.1:2379. Arguments go to the member.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec bin/quorate "$@"
