"""What a data doctor asks of every data set layout, and the report that it gets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from training.data.broken_files import BrokenFile, BrokenFiles

NUM_LISTED = 20
"""How many missing or broken files the text shows; JSON has all."""


@dataclass(frozen=True)
class LayoutReport:
    """What is in a data set's folder.

    Attributes:
        layout: name of the layout.
        root: the folder.
        counts: how many there are of each kind of thing.
        tables: by name, how many grasps (or objects) fall under each key.
        missing: files that should be there, with what they are for.
        broken: files that cannot be used, each with its reason.
        sizes: bytes on disk of each part of the folder.
        notes: sentences about what is unusual but usable.
    """

    layout: str
    root: Path
    counts: Mapping[str, int] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    missing: Sequence[BrokenFile] = ()
    broken: Sequence[BrokenFile] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing is missing or broken."""
        return not self.missing and not self.broken

    def as_text(self) -> str:
        """The report for people."""
        lines = [f"{self.root}: {self.layout}", ""]
        lines += [f"  {name:<28}{count:>9,}" for name, count in self.counts.items()]
        for name, table in self.tables.items():
            lines += ["", f"  {name}"]
            lines += [f"    {key:<26}{count:>9,}" for key, count in table.items()]
        lines += ["", "  on disk", *(f"    {name:<26}{_megabytes(size):>12}" for name, size in self.sizes.items())]
        lines += [line for note in self.notes for line in ("", f"  note: {note}")]
        for title, files in (("missing", self.missing), ("broken", self.broken)):
            lines += ["", f"  {title}: {len(files) or 'nothing'}"]
            lines += [f"    {file}" for file in files[:NUM_LISTED]]
            lines += [f"    ... and {len(files) - NUM_LISTED} more"] if len(files) > NUM_LISTED else []
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The whole report as plain values."""
        return {
            "layout": self.layout,
            "root": str(self.root),
            "is_clean": self.is_clean,
            "counts": dict(self.counts),
            "tables": {name: dict(table) for name, table in self.tables.items()},
            "missing": [{"path": str(file.path), "reason": file.reason} for file in self.missing],
            "broken": [{"path": str(file.path), "reason": file.reason} for file in self.broken],
            "bytes_on_disk": dict(self.sizes),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class InspectedGrasp:
    """One grasp to be shown, in the planning frame.

    Attributes:
        title: what it is, for the caption.
        object_vertices: [V, 3] metres, z up.
        object_faces: [F, 3].
        surface_points: [N, 3] metres, on the object.
        part_distances: [N, 6] metres from these points to the hand parts of PART_NAMES.
        hand_vertices: [W, 3] metres.
        hand_faces: [G, 3].
    """

    title: str
    object_vertices: np.ndarray
    object_faces: np.ndarray
    surface_points: np.ndarray
    part_distances: np.ndarray
    hand_vertices: np.ndarray
    hand_faces: np.ndarray


class LayoutInspector(Protocol):
    """Knows one layout; `training.data.inspect.INSPECTORS` holds one for each.

    Attributes:
        name: of the layout.
        root_description: which folder is to be given, in words.
    """

    name: str
    root_description: str

    def recognises(self, root: Path) -> bool:
        """Whether a folder is the root of a data set of this layout, complete or not; reads no file's content."""
        ...

    def inspect(self, root: Path) -> LayoutReport:
        """Reads everything that a training would read; broken files are reported, never raised."""
        ...

    def sample_grasps(self, root: Path, num_samples: int, seed: int) -> list[InspectedGrasp]:
        """A few readable grasps of different objects, chosen by a seed; fewer where there are not enough."""
        ...


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder; 0 where it is missing."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


Grasp = TypeVar("Grasp")


def show_unlike_grasps(
    grasps: Sequence[Grasp],
    keys: Sequence[Callable[[Grasp], object]],
    file_of: Callable[[Grasp], Path],
    show: Callable[[Grasp], InspectedGrasp],
    num_samples: int,
    seed: int,
) -> list[InspectedGrasp]:
    """Readable grasps that differ as much as can be; broken ones are passed over.

    Args:
        grasps: to choose from.
        keys: one grasp of every value of the first key comes first, then one of every other value of the next.
        file_of: where a grasp is read from.
        show: reads one.
        num_samples: how many, at most.
        seed: of the choice among equals.
    """
    shuffled = [grasps[index] for index in np.random.default_rng(seed).permutation(len(grasps))]
    order: list[Grasp] = []
    for key in keys:
        seen = {key(grasp) for grasp in order}
        for grasp in shuffled:
            if key(grasp) not in seen:
                seen.add(key(grasp))
                order.append(grasp)
    broken = BrokenFiles("skip")
    chosen: list[InspectedGrasp] = []
    for grasp in order:
        if len(chosen) == num_samples:
            break
        with broken.reading(file_of(grasp)):
            chosen.append(show(grasp))
    return chosen
