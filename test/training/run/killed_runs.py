"""Kills small trainings at random instants until they have been killed often enough; prints what was found as JSON.

Every training is a process of its own, forked from this one, which has everything imported; it ends by SIGKILL.
"""

import dataclasses
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from small_runs import QUICK, make_trainer

from training.experiments import Experiment
from training.run.checkpoint_store import CheckpointStore

INTERVAL = 2
NUM_STEPS = 24
IN_SAVE_SHARE = 0.4


def experiment() -> Experiment:
    """24 steps with a state of 16 MB after every second."""
    model = dataclasses.replace(
        QUICK.model,
        semantic=dataclasses.replace(QUICK.model.semantic, num_buckets=32768),  # type: ignore[type-var]
    )
    report = dataclasses.replace(QUICK.report, checkpoint_interval=INTERVAL, validation_interval=9)
    optimisation = dataclasses.replace(QUICK.optimisation, num_steps=NUM_STEPS)
    return dataclasses.replace(QUICK, model=model, report=report, optimisation=optimisation)


def start(folder: Path) -> int:
    """A process that trains, and goes on where there are states; its number."""
    number = os.fork()
    if number == 0:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        make_trainer(folder, experiment()).run()
        os._exit(0)
    return number


def has_ended(number: int) -> bool:
    """Whether a process ended by itself, without an error."""
    found, status = os.waitpid(number, os.WNOHANG)
    assert found == 0 or status == 0, f"the training failed with status {status}"
    return found != 0


def unfinished(folder: Path) -> list[Path]:
    """Files of a save that is under way."""
    return list((folder / "states").glob("*.unfinished"))


def newest_recorded_step(folder: Path) -> int:
    """The newest step whose numbers are in the log."""
    path = folder / "metrics.csv"
    rows = path.read_text().splitlines()[1:] if path.exists() else []
    return max((int(row.split(",")[0]) for row in rows if row.count(",") == 3), default=0)


def kill_at_random(folder: Path, generator: random.Random, longest_s: float) -> bool:
    """Train until a random instant, or a random save; whether the run was killed before it was through."""
    number = start(folder)
    end = time.monotonic() + generator.uniform(0.0, longest_s)
    waits_for_save = generator.random() < IN_SAVE_SHARE
    saves_to_pass = generator.randrange(3)
    was_saving = False
    while True:
        if has_ended(number):
            return False
        is_saving = bool(unfinished(folder))
        if waits_for_save and is_saving and not was_saving:
            if saves_to_pass == 0:
                time.sleep(generator.uniform(0.0, 0.01))
                break
            saves_to_pass -= 1
        if not waits_for_save and time.monotonic() > end:
            break
        was_saving = is_saving
        time.sleep(0.0005)
    os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)
    return True


def main(folder: Path, num_kills: int, seed: int) -> None:
    """Kill, check, go on, and compare each finished run with one that was never interrupted."""
    generator = random.Random(seed)
    began = time.monotonic()
    os.waitpid(start(folder / "whole"), 0)
    longest_s = time.monotonic() - began
    found = {"kills": 0, "inside_save": 0, "most_steps_lost": 0, "unloadable": 0, "finished": 0, "different": 0}
    run = 0
    while found["kills"] < num_kills or found["finished"] == 0:
        place = folder / f"run_{run}"
        if found["kills"] < num_kills and kill_at_random(place, generator, longest_s):
            found["kills"] += 1
            found["inside_save"] += bool(unfinished(place))
            store = CheckpointStore(place / "states")
            newest = store.newest_whole(lambda line: None)
            step = 0 if newest is None else int(store.load(newest)["progress"]["step"])
            found["unloadable"] += bool(list(place.glob("states/*.damaged")))
            found["most_steps_lost"] = max(found["most_steps_lost"], newest_recorded_step(place) - step)
            continue
        if found["kills"] >= num_kills:
            os.waitpid(start(place), 0)
        found["finished"] += 1
        run += 1
        states = [torch.load(f / "states" / f"state_{NUM_STEPS:08d}.pt") for f in (folder / "whole", place)]
        for part in ("weights", "average"):
            pairs = [(tensor, states[1][part][name]) for name, tensor in states[0][part].items()]
            found["different"] += sum(not torch.equal(one, other) for one, other in pairs)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
