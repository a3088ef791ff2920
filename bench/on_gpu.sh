#!/usr/bin/env bash
# Everything that waits for a GPU, most valuable first: tests marked gpu, benchmarks, pending training runs.
#
#   bench/on_gpu.sh [SECONDS [STEP...]]      seconds for each training run (default 420); only these steps
#
# Each step leaves a stamp under bench/results/ once it has succeeded and is not run again for the same commit, so the
# script can be cut off and started again; one that takes too long is stopped and goes on, or begins again, next time.
# Where there is no git history, $FUNCGRASP_COMMIT tells the commit. If $OUT is set, it gets gpu_results.tar.gz (logs, figures, curves) at once after every step, and of each training run
# NAME_weights.tar.gz. Needs Python with torch, torch_geometric, transformers, peft, accelerate and pytest, but neither
# open3d, trimesh, k3d, rosbags, cyclonedds nor hypothesis. Exit status: 1 if any step failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
training_seconds="${1:-420}"
[ $# -gt 0 ] && shift
only=" $* "
python="${PYTHON:-python3}"
results=bench/results/gpu
stamps=$results/stamps
mkdir -p "$stamps"
export PYTHONPATH=".${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1
commit=${FUNCGRASP_COMMIT:-$(git describe --always --dirty 2>/dev/null || echo unknown)}
failed=0

# step NAME SECONDS COMMAND...: run once per commit and no longer than that, its output in a log.
step() {
    local name=$1 seconds=$2
    shift 2
    [[ "$only" != "  " && "$only" != *" $name "* ]] && return
    local stamp="$stamps/$name.$commit"
    if [ -e "$stamp" ] && [ "$commit" != unknown ] && [[ $commit != *-dirty ]]; then
        echo "== $name: done before"
        return
    fi
    echo "== $name: $*"
    local start=$SECONDS
    timeout -k 30 "$seconds" "$@" 2>&1 | tee "$results/$name.log"
    case ${PIPESTATUS[0]} in
        0) touch "$stamp" && echo "== $name: done in $((SECONDS - start)) s" ;;
        124 | 137) echo "== $name: out of time, goes on when started again" ;;
        *) echo "== $name: FAILED" && failed=1 ;;
    esac
    deliver
}

# deliver: copy what there is. Weights have archives of their own: they can be large.
deliver() {
    [ -n "${OUT:-}" ] || return 0
    tar -czf "$OUT/gpu_results.tar.gz" "$results" $(ls -d exp/*_gpu/{logs,metrics.csv} 2>/dev/null)
    local weights
    for weights in exp/*_gpu/model.safetensors; do
        [ -e "$weights" ] || continue
        tar -czf "$OUT/$(basename "$(dirname "$weights")")_weights.tar.gz" "$weights"
    done
}
trap deliver EXIT

if ! "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    echo "no CUDA device is visible to $python: nothing was measured" >&2
    exit 1
fi
"$python" -c 'import json; from bench.side_by_side import machine_facts; print(json.dumps(machine_facts(), indent=1))' |
    tee "$results/machine.json"

gpu_tests=$(grep -rlE '^@pytest\.mark\.gpu\b' --include='test_*.py' test | sort)
step tests 300 "$python" -m pytest -m gpu $gpu_tests
step point_sampling 120 "$python" -m bench.point_sampling --device cuda --json "$results/point_sampling.json"
step training_step 540 "$python" -m bench.training_step --device cuda --json "$results/training_step.json"
step planner_stages 420 "$python" -m bench.planner_stages --device cuda --json "$results/planner_stages.json"
step view_encoding 180 "$python" -m bench.view_encoding --device cuda --json "$results/view_encoding.json"
step training_step_compiled 480 "$python" -m bench.training_step --device cuda --steps 5 --levers compile \
    --json "$results/training_step_compiled.json"

while IFS='|' read -r name required command; do
    name=$(echo "$name" | xargs)
    [[ -z $name || $name == \#* ]] && continue
    required=$(echo "$required" | xargs)
    if [ ! -e "$required" ]; then
        echo "== $name: skipped, $required is missing"
        continue
    fi
    step "$name" "$training_seconds" bash -c "${command/python3/exec $python}"
done <bench/pending_training.txt
exit $failed
