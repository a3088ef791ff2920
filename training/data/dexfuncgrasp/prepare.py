"""Retargets all grasps of a DexFuncGrasp folder and renders its objects:

    python -m training.data.dexfuncgrasp.prepare --data DIR

Training then needs neither open3d nor trimesh. What is finished is kept, so an interrupted run continues.
"""

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np
from tqdm import tqdm

from funcgrasp_core.errors import FuncGraspError
from funcgrasp_core.hand.mano_assets import load_mano_assets
from funcgrasp_core.hand.mano_layer import ManoLayer
from training.data.broken_files import OnBroken
from training.data.dexfuncgrasp.dataset import DexFuncGraspDataset
from training.data.dexfuncgrasp.reading import DexFuncGraspReading, HandShape
from training.data.oakink_writer import write_whole
from training.data.stored_objects import CLOUDS_FOLDER, object_cloud_seed
from training.data.view_rendering import store_views


def store_clouds_and_views(dataset: DexFuncGraspDataset, with_views: bool = True) -> None:
    """Stores the cloud and, on demand, renders the views of every object of a data set that lacks them."""
    for object_id in tqdm(dataset.object_ids, desc="objects", unit="object"):
        cloud_file = dataset.root / CLOUDS_FOLDER / f"{object_id}.npy"
        if not cloud_file.is_file():
            content = io.BytesIO()
            np.save(content, dataset.cloud(object_id))
            write_whole(cloud_file, content.getvalue())
        if with_views:
            vertices, faces = dataset.mesh(object_id)
            one_material = np.zeros(len(vertices), dtype=np.int64)
            store_views(dataset.root, object_id, vertices, faces, one_material, object_cloud_seed(object_id))


_COLUMNS = ("grasps", "left out", "fingertips", "95 %", "palm", "contacts", "lost", "depth")


def residual_table(dataset: DexFuncGraspDataset) -> str:
    """How well the hands of every category match: residuals and depth in mm, contacts and those that were lost."""
    all_records = [*dataset.records, *dataset.poor_records]
    lines = [f"{'category':<16}" + "".join(f"{name:>11}" for name in _COLUMNS)]
    for category in [*sorted({record.category for record in all_records}), "all"]:
        chosen = [record for record in all_records if category in (record.category, "all")]
        tips = np.array([record.fingertip_residual_m for record in chosen]) * 1000
        cells = (
            f"{len(chosen)}",
            f"{sum(category in (record.category, 'all') for record in dataset.poor_records)}",
            f"{tips.mean():.1f}",
            f"{np.percentile(tips, 95):.1f}",
            f"{np.mean([record.palm_residual_m for record in chosen]) * 1000:.1f}",
            f"{sum(record.num_contacts for record in chosen)}",
            f"{sum(record.num_lost_contacts for record in chosen)}",
            f"{np.mean([record.penetration_m for record in chosen]) * 1000:.1f}",
        )
        lines.append(f"{category:<16}" + "".join(f"{cell:>11}" for cell in cells))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    parser = argparse.ArgumentParser(description="Retarget the grasps of a DexFuncGrasp folder, render its objects.")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds Obj_Data and Grasps")
    parser.add_argument("--hand-file", type=Path, help="MANO_RIGHT.pkl (default: the reference hand)")
    parser.add_argument("--hand-shape", choices=get_args(HandShape), default="mean", help="of the human hand")
    parser.add_argument(
        "--on-broken", choices=get_args(OnBroken), default="refuse", help="end at a broken file, or go on"
    )
    parser.add_argument("--no-views", action="store_true", help="do not render, which needs open3d")
    options = parser.parse_args(arguments)
    try:
        layer = ManoLayer() if options.hand_file is None else ManoLayer(load_mano_assets(options.hand_file))
        reading = DexFuncGraspReading(hand_shape=options.hand_shape, on_broken=options.on_broken)
        dataset = DexFuncGraspDataset(options.data, "all", layer, reading, views_required=False)
        store_clouds_and_views(dataset, with_views=not options.no_views)
    except FuncGraspError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command continues", file=sys.stderr)
        return 130
    for broken in dataset.broken_files:
        print(f"left out: {broken}", file=sys.stderr)
    print(residual_table(dataset))
    return 0


if __name__ == "__main__":
    sys.exit(main())
