#!/usr/bin/env bash
# Everything that waits for a GPU: the tests marked gpu, the benchmarks, the pending training runs, in this order.
#
#   bench/on_gpu.sh [SECONDS]      seconds left for training runs (default 420)
#
# Each step leaves a stamp under bench/results/ once it has succeeded and is not run again for the same commit, so the
# script can be cut off and started again. Results, and of every run exp/*_gpu its logs, metrics.csv and
# model.safetensors, are copied to $OUT if that is set. Needs Python with this project's dependencies and pytest, but
# neither open3d, trimesh, k3d, rosbags, cyclonedds nor hypothesis. Exit status: 1 if any step failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
training_seconds="${1:-420}"
python="${PYTHON:-python3}"
results=bench/results/gpu
stamps=$results/stamps
mkdir -p "$stamps"
export PYTHONPATH=".${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
commit=$(git describe --always --dirty 2>/dev/null || echo unknown)
failed=0

# step NAME COMMAND...: run once per commit, its output in a log.
step() {
    local name=$1
    shift
    local stamp="$stamps/$name.$commit"
    if [ -e "$stamp" ] && [ "$commit" != unknown ] && [[ $commit != *-dirty ]]; then
        echo "== $name: done before"
        return
    fi
    echo "== $name: $*"
    "$@" 2>&1 | tee "$results/$name.log"
    case ${PIPESTATUS[0]} in
        0) touch "$stamp" ;;
        124) echo "== $name: out of time, goes on when started again" ;;
        *) echo "== $name: FAILED" && failed=1 ;;
    esac
}

# deliver: copy what there is, also when the script is cut off.
deliver() {
    [ -n "${OUT:-}" ] || return 0
    tar -czf "$OUT/gpu_results.tar.gz" "$results" $(ls -d exp/*_gpu/{logs,metrics.csv,model.safetensors} 2>/dev/null)
}
trap deliver EXIT

if ! "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    echo "no CUDA device is visible to $python: nothing was measured" >&2
    exit 1
fi
"$python" -c 'import json; from bench.side_by_side import machine_facts; print(json.dumps(machine_facts(), indent=1))' |
    tee "$results/machine.json"

step tests "$python" -m pytest -m gpu test/hand test/planning
step point_sampling "$python" -m bench.point_sampling --device cuda --json "$results/point_sampling.json"

while IFS='|' read -r name required command; do
    name=$(echo "$name" | xargs)
    [[ -z $name || $name == \#* ]] && continue
    required=$(echo "$required" | xargs)
    if [ ! -e "$required" ]; then
        echo "== $name: skipped, $required is missing"
        continue
    fi
    step "$name" timeout "$training_seconds" bash -c "${command/python3/$python}"
done <bench/pending_training.txt
exit $failed
