"""A plan as one web page that needs no network: object, contact colours and every candidate hand in 3-D."""

import html
import json
import re
import warnings
from typing import Any

import numpy as np

from funcgrasp_core.contracts import GraspPlan
from funcgrasp_core.errors import MissingDependencyError
from funcgrasp_core.visualisation.contact_colours import (
    BEST_HAND_COLOUR,
    OTHER_HAND_COLOUR,
    PART_COLOUR_OF_NAME,
    UNTOUCHED_COLOUR,
    contact_point_colours,
    packed_colours,
)

POINT_SIZE_M = 0.0035

PANEL_STYLE = """
  #canvasTarget { left: 420px; width: calc(100% - 420px); }
  #plan { position: absolute; box-sizing: border-box; width: 420px; max-height: 100%; overflow: auto;
          padding: 16px; font: 13px sans-serif; }
  #plan h1 { font-size: 16px; margin: 0 0 8px; overflow-wrap: anywhere; }
  #plan table { width: 100%; border-collapse: collapse; }
  #plan td, #plan th { text-align: right; padding: 2px 4px; font-variant-numeric: tabular-nums; }
  #plan tbody tr { cursor: pointer; }
  #plan tbody tr:hover { background: #eee; }
  #plan tbody tr.shown { background: #f6ddcc; font-weight: bold; }
  #plan .part { white-space: nowrap; margin-right: 8px; }
  #plan .swatch { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 4px; }
  #plan p { margin: 8px 0 0; color: #444; }
"""

SELECT_HAND_SCRIPT = """
  const handIds = HAND_IDS;
  const rows = document.querySelectorAll('#plan tbody tr');
  let shown = 0;
  function show(rank) {
    const objects = K3DInstance.getWorld().ObjectsListJson;
    for (const [changed, visible] of [[shown, false], [rank, true]]) {
      const object = objects[handIds[changed]];
      object.visible = visible;
      K3DInstance.reload(object, {visible: visible});
      rows[changed].classList.toggle('shown', visible);
    }
    shown = rank;
  }
  rows.forEach((row, rank) => row.addEventListener('click', () => { if (rank !== shown) show(rank); }));
"""


def plan_page(plan: GraspPlan, object_mesh: tuple[np.ndarray, np.ndarray] | None = None) -> str:
    """The whole HTML text of a page that shows `plan`; a click on a row shows that candidate's hand.

    Args:
        plan: what to show.
        object_mesh: vertices [V, 3] and faces [F, 3] of the object in the plan's frame, drawn beneath the contact
            points; None: the points alone.

    Raises:
        MissingDependencyError: k3d is not installed.
    """
    try:
        import k3d
    except ImportError as error:
        raise MissingDependencyError("The page of a plan needs k3d: pip install k3d.") from error
    with warnings.catch_warnings():
        # traittypes reports every copy that it makes of an array of the right type.
        warnings.filterwarnings("ignore", category=UserWarning, module="traittypes")
        page = _three_dimensional_page(k3d, plan, object_mesh)
    return _with_panel(page, plan)


def _three_dimensional_page(k3d: Any, plan: GraspPlan, object_mesh: tuple[np.ndarray, np.ndarray] | None) -> str:
    plot = k3d.plot(grid_visible=False, menu_visibility=False, camera_auto_fit=False, axes_helper=0, camera_fov=35.0)
    plot.camera_up_axis = "z"
    plot.camera = _camera(plan)
    if object_mesh is not None:
        vertices, faces = object_mesh
        plot += k3d.mesh(
            np.asarray(vertices, np.float32),
            np.asarray(faces, np.uint32),
            color=_hexadecimal(UNTOUCHED_COLOUR),
            side="double",
            name="object",
        )
    plot += k3d.points(
        plan.contact_map.points.astype(np.float32),
        colors=packed_colours(contact_point_colours(plan.contact_map.probabilities)),
        point_size=POINT_SIZE_M,
        shader="3d",
        name="contact map of the best grasp",
    )
    hand_ids = []
    for rank, grasp in enumerate(plan.grasps):
        hand = k3d.mesh(
            grasp.vertices.astype(np.float32),
            plan.hand_faces.astype(np.uint32),
            color=_hexadecimal(OTHER_HAND_COLOUR if rank else BEST_HAND_COLOUR),
            flat_shading=False,
            name=f"grasp {rank}",
        )
        hand.visible = rank == 0
        hand_ids.append(hand.id)
        plot += hand
    return plot.get_snapshot(additional_js_code=SELECT_HAND_SCRIPT.replace("HAND_IDS", json.dumps(hand_ids)))


def _camera(plan: GraspPlan) -> list[float]:
    """Position, target and up: far enough to see object and best hand, from the side that the hand comes from."""
    points = np.concatenate([plan.contact_map.points, plan.grasps[0].vertices])
    low, high = points.min(axis=0), points.max(axis=0)
    centre, size = (low + high) / 2, float(np.linalg.norm(high - low))
    side = plan.grasps[0].vertices.mean(axis=0) - plan.contact_map.points.mean(axis=0)
    # Square to the hand's side, so that hand and object stand next to each other.
    view_direction = np.array([side[1], -side[0], 0.0])
    view_direction /= max(float(np.linalg.norm(view_direction)), 1e-6)
    eye = centre + 1.7 * size * (0.9 * view_direction + np.array([0.0, 0.0, 0.45]))
    return [*eye.tolist(), *centre.tolist(), 0.0, 0.0, 1.0]


def _with_panel(page: str, plan: GraspPlan) -> str:
    """The page with its title, the legend, the table of candidates and the notes added."""
    instruction = html.escape(plan.instruction)
    rows = "".join(
        f"<tr{'' if rank else ' class=shown'}><td>{rank}</td><td>{grasp.score:.3f}</td>"
        + "".join(f"<td>{value:.2f}</td>" for value in grasp.score_terms.values())
        + "</tr>"
        for rank, grasp in enumerate(plan.grasps)
    )
    header = "".join(f"<th>{html.escape(name)}</th>" for name in plan.grasps[0].score_terms)
    legend = " ".join(
        f"<span class=part><span class=swatch style='background: rgb{colour}'></span>{name}</span>"
        for name, colour in PART_COLOUR_OF_NAME.items()
    )
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in plan.notes)
    panel = (
        f"<div id=plan><h1>{instruction}</h1><table><thead><tr><th>rank</th><th>score</th>{header}</tr></thead>"
        f"<tbody>{rows}</tbody></table><p>Contact of the best grasp: {legend}</p>{notes}"
        f"<p>Frame '{html.escape(plan.frame)}', metres. Click a row to see its hand; drag to turn, wheel to zoom.</p>"
        "</div>"
    )
    page = re.sub(r"<title>.*?</title>", lambda _: f"<title>FuncGrasp: {instruction}</title>", page, count=1)
    page = page.replace("</head>", f"<style>{PANEL_STYLE}</style></head>", 1)
    return page.replace("<body>", f"<body>{panel}", 1)


def _hexadecimal(colour: np.ndarray) -> int:
    return int(packed_colours(colour[None])[0])
