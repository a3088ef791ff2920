"""Generates the reference hand, the freely usable stand-in for MANO that ships with the package.

MANO's licence forbids passing it on, so this hand is built from written-down proportions alone: a solid, its skin
remeshed to MANO's counts, skin weights, shape directions, pose correctives, and MANO's numbering.

    python -m funcgrasp_core.hand.reference_hand --output funcgrasp_core/assets/reference_hand.safetensors
"""

import argparse
from pathlib import Path

import numpy as np

from funcgrasp_core.hand.joint_limits import finger_joint_bases
from funcgrasp_core.hand.mano_assets import (
    FINGER_CHAINS,
    NUM_FACES,
    NUM_JOINTS,
    NUM_VERTICES,
    ManoAssets,
    save_mano_assets,
)
from funcgrasp_core.hand.mesh_polishing import flip_edges, relax_tangentially
from funcgrasp_core.hand.reference_hand_correctives import pose_correctives
from funcgrasp_core.hand.reference_hand_poses import pose_components, relaxed_pose
from funcgrasp_core.hand.reference_hand_shapes import shape_directions
from funcgrasp_core.hand.reference_hand_skin import (
    joint_regressor,
    mano_vertex_order,
    nearest_to_apexes,
    skin_weights,
)
from funcgrasp_core.hand.reference_hand_solid import (
    REST_JOINTS_M,
    TIP_CENTRES_M,
    WRIST_PLANE_X_M,
    fingertip_apex,
    project_to_surface,
    signed_distance,
    signed_distance_gradient,
)
from funcgrasp_core.hand.surface_remeshing import boundary_loop, extract_surface, remesh

WRIST_RING_SIZE = 2 * NUM_VERTICES - 2 - NUM_FACES
BOX_LOWER_M = np.array([-0.095, -0.036, -0.068])
BOX_UPPER_M = np.array([WRIST_PLANE_X_M, 0.034, 0.096])
GRID_SPACING_M = 0.0017
MAX_ATTEMPTS = 20
POLISHING_ROUNDS = 3
"""Each flips edges and relaxes twice; more flattens the fingertips."""


def generate_reference_hand(seed: int = 0) -> ManoAssets:
    """Build the reference hand; the same seed gives the same hand. Takes a few seconds; needs scikit-image."""
    vertices, faces = _coarse_mesh(seed)
    vertices, faces = _polish(vertices, faces)
    weights = skin_weights(vertices, faces)
    vertices, faces, weights = _in_mano_order(vertices, faces, weights)

    tips = np.stack([fingertip_apex(finger) for finger in FINGER_CHAINS])
    bases = finger_joint_bases(REST_JOINTS_M, tips)
    shapedirs, joint_shapedirs = shape_directions(vertices, weights)
    parents = np.full(NUM_JOINTS, -1)
    for chain in FINGER_CHAINS.values():
        parents[list(chain)] = (0, *chain[:-1])
    return ManoAssets(
        v_template=vertices,
        shapedirs=shapedirs,
        posedirs=pose_correctives(vertices, faces, weights, bases),
        J_regressor=joint_regressor(vertices, weights, shapedirs, joint_shapedirs),
        weights=weights,
        kintree_table=np.stack([parents, np.arange(NUM_JOINTS)]),
        f=faces,
        hands_components=pose_components(bases),
        hands_mean=relaxed_pose(bases),
        side="right",
    )


def element_size(points: np.ndarray) -> np.ndarray:
    """Relative edge length [N] wanted at points [N, 3]: finest at the fingertips, coarsest at the wrist."""
    to_tip = np.min([np.linalg.norm(points - centre, axis=1) for centre in TIP_CENTRES_M.values()], axis=0)
    size = np.where(points[:, 0] < 0.02, 0.70, 1.0)
    size = np.where(points[:, 0] > 0.08, 1.15, size)
    return np.where(to_tip < 0.010, 0.58, size)


def _coarse_mesh(seed: int) -> tuple[np.ndarray, np.ndarray]:
    vertices, faces = extract_surface(signed_distance, BOX_LOWER_M, BOX_UPPER_M, GRID_SPACING_M)
    for attempt in range(MAX_ATTEMPTS):
        generator = np.random.default_rng([seed, attempt])
        mesh = remesh(vertices, faces, NUM_VERTICES, WRIST_RING_SIZE, element_size, generator)
        if mesh is not None and len(mesh[1]) == NUM_FACES:
            return mesh
    raise RuntimeError(f"No sound mesh in {MAX_ATTEMPTS} attempts from seed {seed}; try another seed.")


def _polish(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    movable = np.ones(len(vertices), dtype=bool)
    movable[boundary_loop(faces)] = False
    vertices = np.where(movable[:, None], project_to_surface(vertices, iterations=4), vertices)
    for finger, tip in nearest_to_apexes(vertices).items():
        vertices[tip] = fingertip_apex(finger)
        movable[tip] = False
    for _ in range(POLISHING_ROUNDS):
        faces = flip_edges(vertices, faces)
        vertices = relax_tangentially(
            vertices,
            faces,
            movable,
            signed_distance_gradient,
            lambda points: project_to_surface(points, iterations=1),
            iterations=2,
        )
    return vertices, faces


def _in_mano_order(
    vertices: np.ndarray, faces: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # A lid's outline runs against the direction of the faces that it closes.
    ring = boundary_loop(faces)[::-1]
    order = mano_vertex_order(vertices, weights, ring)
    new_index = np.empty(len(order), dtype=np.int64)
    new_index[order] = np.arange(len(order))
    return vertices[order], new_index[faces], weights[order]


def main() -> None:
    """Write the reference hand to a file."""
    parser = argparse.ArgumentParser(description="Generate the reference hand.")
    parser.add_argument("--output", type=Path, required=True, help="file to write, .safetensors")
    parser.add_argument("--seed", type=int, default=0, help="of the remeshing (default: 0, as shipped)")
    arguments = parser.parse_args()
    save_mano_assets(generate_reference_hand(arguments.seed), arguments.output)


if __name__ == "__main__":
    main()
