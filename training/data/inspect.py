"""The data doctor: `python -m training.data.inspect ROOT [--samples N --picture FILE --json FILE]`.

Says what a data set's folder holds, what is missing, and which files are broken and why. Ends with code 0 where all is
well, 1 where anything is missing or broken, 2 where the folder is no data set or an argument is wrong.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from funcgrasp_core.errors import ConfigurationError, DatasetError, FuncGraspError
from training.data.dexfuncgrasp.inspection import DexFuncGraspInspector
from training.data.layout_inspection import LayoutInspector
from training.data.oakink_inspection import OakInkInspector
from training.data.oakink_writer import write_whole
from training.data.sample_picture import save_sample_picture

INSPECTORS: tuple[LayoutInspector, ...] = (OakInkInspector(), DexFuncGraspInspector())
"""One for every layout that can be read."""

_SEARCH_DEPTH = 2
"""How far below and above a folder a data set is looked for, to tell which folder was meant."""


def inspector_of(root: Path, inspectors: Sequence[LayoutInspector] = INSPECTORS) -> LayoutInspector:
    """The inspector that recognises a folder.

    Raises:
        DatasetError: none does; the text names a data set nearby, or says what is expected.
    """
    for inspector in inspectors:
        if inspector.recognises(root):
            return inspector
    if not root.is_dir():
        raise DatasetError(f"{root} is {'a file' if root.exists() else 'not there'}: give a data set's folder")
    for folder in _nearby(root):
        for inspector in inspectors:
            if inspector.recognises(folder):
                where = "lies below" if root in folder.parents else "contains"
                raise DatasetError(
                    f"{root} is not the root of a data set, but {folder} ({inspector.name}) {where} it: give {folder}"
                )
    expected = "; or ".join(f"for {inspector.name} {inspector.root_description}" for inspector in inspectors)
    found = ", ".join(sorted(path.name for path in root.iterdir())[:8]) or "nothing"
    raise DatasetError(f"{root} is no data set of a known layout: it holds {found}. Give {expected}")


def _nearby(root: Path) -> list[Path]:
    """Folders below, nearest first, then those above."""
    below = [
        folder
        for depth in range(1, _SEARCH_DEPTH + 1)
        for folder in sorted(root.glob("/".join("*" * depth)))
        if folder.is_dir()
    ]
    return [*below, *list(root.resolve().parents)[:_SEARCH_DEPTH]]


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Say what a data set's folder holds, what is missing and broken.")
    parser.add_argument("root", type=Path, help="folder of the data set")
    parser.add_argument("--samples", type=int, default=4, help="grasps in the picture (default: 4)")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw some grasps with their contact")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the whole report")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of grasps (default: 0)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = parse_arguments(arguments)
    try:
        if options.samples < 1:
            raise ConfigurationError(f"--samples must be at least 1, got {options.samples}")
        inspector = inspector_of(options.root)
        report = inspector.inspect(options.root)
        print(report.as_text())
        if options.json is not None:
            write_whole(options.json, (json.dumps(report.as_json(), indent=1) + "\n").encode())
        if options.picture is not None:
            grasps = inspector.sample_grasps(options.root, options.samples, options.seed)
            save_sample_picture(grasps, options.picture)
            print(f"\n  {len(grasps)} grasps drawn in {options.picture}")
    except FuncGraspError as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
