"""Synthesises grasps for many objects, a chunk at a time; finished chunks survive an interruption."""

import hashlib
import itertools
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from funcgrasp_core.contracts import INTENTS
from training.data.frozen_grasps import FrozenGrasps
from training.data.functional_parts import intents_of
from training.data.object_families import ObjectFamily, Parameters
from training.data.procedural_objects import ProceduralObject, object_seed, stack_parameters

Synthesiser = Callable[[ObjectFamily, Parameters, str, int, int], tuple[Tensor, Tensor]]
"""(family, parameters of B objects, intent, grasps per object, seed) -> vectors [n, 61] and their objects [n] long."""

OBJECTS_PER_CHUNK = 8


@dataclass(frozen=True)
class SynthesisChunk:
    """Some objects of one category, and one intent.

    Attributes:
        objects: B objects.
        first_index: of these objects among all.
        intent: what the grasps are for.
        grasps_per_object: how many are wanted.
        seed: of the whole data set.
        settings_digest: tells settings and hand of the synthesiser from others.
    """

    objects: tuple[ProceduralObject, ...]
    first_index: int
    intent: str
    grasps_per_object: int
    seed: int
    settings_digest: str

    @property
    def file_name(self) -> str:
        """Differs whenever objects, intent, number, seed or settings do; a change of the synthesiser's code it misses.

        After such a change (grasp templates, filters, object families), remove the folder of finished chunks.
        """
        shapes = ",".join(item.digest for item in self.objects)
        key = f"{shapes}/{self.intent}/{self.grasps_per_object}/{self.seed}/{self.settings_digest}"
        return f"{self.objects[0].category}_{self.intent}_{hashlib.sha256(key.encode()).hexdigest()[:12]}.safetensors"


def collect_grasps(
    objects: Sequence[ProceduralObject],
    grasps_per_object: int,
    seed: int,
    folder: Path,
    synthesise: Synthesiser,
    settings_digest: str,
    num_workers: int = 1,
    show_progress: bool = True,
) -> FrozenGrasps:
    """Grasps of every object for every intent that its category has.

    Args:
        objects: sorted by category.
        grasps_per_object: wanted for each object and intent; fewer if the synthesiser accepts fewer.
        seed: of every random choice.
        folder: where finished chunks are kept.
        synthesise: makes the grasps of a chunk.
        settings_digest: tells settings and hand of the synthesiser from others; chunks made with others are not used.
        num_workers: processes, each with one thread.
        show_progress: draws a progress bar.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chunks = list(make_chunks(objects, grasps_per_object, seed, settings_digest))
    missing = [chunk for chunk in chunks if not (folder / chunk.file_name).is_file()]
    bar = tqdm(total=len(chunks), initial=len(chunks) - len(missing), desc="grasps", disable=not show_progress)
    with bar:
        for _ in _run(missing, folder, synthesise, num_workers):
            bar.update()
    vectors, object_indices, intent_indices = [], [], []
    for chunk in chunks:
        stored = load_file(folder / chunk.file_name)
        vectors.append(stored["vectors"])
        object_indices.append(stored["object_indices"].long() + chunk.first_index)
        intent_indices.append(torch.full_like(object_indices[-1], INTENTS.index(chunk.intent)))
    return FrozenGrasps(tuple(objects), torch.cat(vectors), torch.cat(object_indices), torch.cat(intent_indices))


def make_chunks(
    objects: Sequence[ProceduralObject], grasps_per_object: int, seed: int, settings_digest: str
) -> Iterator[SynthesisChunk]:
    """Divides objects, sorted by category, into chunks for every intent of the category."""
    first = 0
    for category, members in itertools.groupby(objects, key=lambda item: item.category):
        group = tuple(members)
        for start in range(0, len(group), OBJECTS_PER_CHUNK):
            chosen = group[start : start + OBJECTS_PER_CHUNK]
            for intent in intents_of(category):
                yield SynthesisChunk(chosen, first + start, intent, grasps_per_object, seed, settings_digest)
        first += len(group)


def _run(chunks: Sequence[SynthesisChunk], folder: Path, synthesise: Synthesiser, num_workers: int) -> Iterator[None]:
    if num_workers == 1:
        for chunk in chunks:
            yield _synthesise_chunk(chunk, folder, synthesise)
        return
    # Forked workers could inherit a locked thread pool of torch.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(num_workers, context, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        count = len(chunks)
        yield from pool.map(_synthesise_chunk, chunks, [folder] * count, [synthesise] * count)


def _synthesise_chunk(chunk: SynthesisChunk, folder: Path, synthesise: Synthesiser) -> None:
    first = chunk.objects[0]
    seed = object_seed(f"{first.object_id}/{chunk.intent}", chunk.seed)
    vectors, object_indices = synthesise(
        first.family, stack_parameters(chunk.objects), chunk.intent, chunk.grasps_per_object, seed
    )
    order = object_indices.argsort(stable=True)
    unfinished = folder / f"{chunk.file_name}.unfinished"
    save_file(
        {"vectors": vectors[order].float().contiguous(), "object_indices": object_indices[order].to(torch.int32)},
        unfinished,
    )
    unfinished.replace(folder / chunk.file_name)
