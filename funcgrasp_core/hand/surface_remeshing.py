"""From a solid to a triangle mesh with an exact number of vertices.

Marching cubes give a fine mesh with one open boundary; its vertices are clustered by geodesic Voronoi cells
(Lloyd's iteration, a few seeds fixed on the boundary), and the cells' adjacency is the coarse mesh.
"""

from collections.abc import Callable

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

SizeField = Callable[[np.ndarray], np.ndarray]
"""Points [N, 3] -> relative edge length [N] wanted there."""


def extract_surface(
    signed_distance: Callable[[np.ndarray], np.ndarray], lower: np.ndarray, upper: np.ndarray, spacing: float
) -> tuple[np.ndarray, np.ndarray]:
    """Triangles of the zero level inside a box; open where the solid leaves the box at upper x, which is met exactly.

    Returns:
        vertices [N, 3] and faces [M, 3] of the largest connected piece, wound outward.
    """
    from skimage.measure import marching_cubes

    num_steps = np.ceil((upper - lower) / spacing).astype(int)
    origin = lower.copy()
    origin[0] = upper[0] - spacing * (num_steps[0] - 1)
    axes = [origin[axis] + spacing * np.arange(num_steps[axis]) for axis in range(3)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    distances = signed_distance(grid.reshape(-1, 3)).reshape(num_steps)
    vertices, faces, _, _ = marching_cubes(distances, 0.0, spacing=(spacing,) * 3)
    return _largest_piece(vertices.astype(np.float64) + origin, faces.astype(np.int64))


def _largest_piece(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    edges = unique_edges(faces)[0]
    adjacency = coo_matrix((np.ones(len(edges)), edges.T), shape=(len(vertices),) * 2)
    _, labels = connected_components(adjacency, directed=False)
    kept = labels == np.bincount(labels).argmax()
    new_index = np.cumsum(kept) - 1
    return vertices[kept], new_index[faces[kept[faces].all(axis=1)]]


def unique_edges(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Undirected edges [E, 2] and how many faces share each [E]."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return np.unique(edges, axis=0, return_counts=True)


def boundary_loop(faces: np.ndarray) -> np.ndarray:
    """Vertices of the one open boundary in order, along the direction that its faces run."""
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    present = {(int(a), int(b)) for a, b in directed}
    following = {a: b for a, b in present if (b, a) not in present}
    loop = [min(following)]
    while following[loop[-1]] != loop[0]:
        loop.append(following[loop[-1]])
    if len(loop) != len(following):
        raise RuntimeError(f"The surface has more than one boundary: {len(following)} edges, one loop of {len(loop)}.")
    return np.array(loop)


def remesh(
    vertices: np.ndarray,
    faces: np.ndarray,
    num_vertices: int,
    num_boundary: int,
    size_field: SizeField,
    generator: np.random.Generator,
    iterations: int = 40,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Coarse mesh by geodesic Voronoi clustering.

    Args:
        vertices: [N, 3] fine mesh with one open boundary.
        faces: [M, 3].
        num_vertices: of the coarse mesh.
        num_boundary: of these on the boundary, spread evenly; they come first in the result, in order.
        size_field: relative edge length over the surface.
        generator: of the first samples.
        iterations: of Lloyd's method.

    Returns:
        coarse vertices and faces, or None where the cells' adjacency is not such a mesh (try another seed).
    """
    loop = boundary_loop(faces)
    loop_labels, seeds = _divide_loop(vertices[loop], num_boundary)
    num_interior = num_vertices - num_boundary
    interior = np.setdiff1d(np.arange(len(vertices)), loop)
    samples = generator.choice(interior, num_interior, replace=False)
    graph = _geodesic_graph(vertices, faces, size_field)
    density = size_field(vertices) ** -4.0
    for iteration in range(iterations):
        label_of = np.full(len(vertices), -1)
        label_of[loop] = loop_labels
        label_of[samples] = num_boundary + np.arange(num_interior)
        sources = np.concatenate([loop, samples])
        distances, _, nearest = dijkstra(graph, indices=sources, min_only=True, return_predecessors=True)
        labels = label_of[nearest]
        masses = np.bincount(labels, weights=density, minlength=num_vertices)
        moments = [np.bincount(labels, weights=density * vertices[:, k], minlength=num_vertices) for k in range(3)]
        centroids = np.stack(moments, axis=1) / np.maximum(masses, 1e-12)[:, None]
        if iteration == iterations - 1:
            break
        samples = _central_vertices(vertices, labels, centroids, loop, samples, num_boundary)
        if iteration < iterations // 3:
            samples = _split_heavy_cells(samples, labels, masses, distances, loop, num_boundary)
        samples = _without_duplicates(samples, interior, generator)
    coarse_faces = _dual_triangles(labels, faces)
    coarse_vertices = np.concatenate([vertices[loop[seeds]], centroids[num_boundary:]])
    is_sound = _is_disc(coarse_faces, num_vertices, num_boundary)
    return (coarse_vertices, coarse_faces) if is_sound else None


def _divide_loop(points: np.ndarray, num_parts: int) -> tuple[np.ndarray, np.ndarray]:
    """Part of each loop point when the loop's length is cut into equal parts, and the point in each part's middle."""
    steps = np.linalg.norm(np.diff(np.concatenate([points, points[:1]]), axis=0), axis=1)
    place = num_parts * np.concatenate([[0], np.cumsum(steps)[:-1]]) / steps.sum()
    labels = np.floor(place + 0.5).astype(int) % num_parts
    offset = np.abs((place[None] - np.arange(num_parts)[:, None] + num_parts / 2) % num_parts - num_parts / 2)
    return labels, offset.argmin(axis=1)


def _geodesic_graph(vertices: np.ndarray, faces: np.ndarray, size_field: SizeField) -> csr_matrix:
    edges = unique_edges(faces)[0]
    starts, ends = vertices[edges[:, 0]], vertices[edges[:, 1]]
    lengths = np.linalg.norm(starts - ends, axis=1) / size_field((starts + ends) / 2)
    rows, columns = np.concatenate([edges, edges[:, ::-1]]).T
    shape = (len(vertices), len(vertices))
    return csr_matrix((np.concatenate([lengths, lengths]), (rows, columns)), shape=shape)


def _central_vertices(
    vertices: np.ndarray,
    labels: np.ndarray,
    centroids: np.ndarray,
    loop: np.ndarray,
    samples: np.ndarray,
    num_boundary: int,
) -> np.ndarray:
    """The fine vertex nearest to each interior cell's centroid; a cell without one keeps its sample."""
    squared = ((vertices - centroids[labels]) ** 2).sum(axis=1)
    squared[loop] = np.inf
    order = np.lexsort((squared, labels))
    cells, first = np.unique(labels[order], return_index=True)
    chosen = samples.copy()
    is_interior = (cells >= num_boundary) & np.isfinite(squared[order[first]])
    chosen[cells[is_interior] - num_boundary] = order[first[is_interior]]
    return chosen


def _split_heavy_cells(
    samples: np.ndarray,
    labels: np.ndarray,
    masses: np.ndarray,
    distances: np.ndarray,
    loop: np.ndarray,
    num_boundary: int,
    num_moves: int = 8,
) -> np.ndarray:
    """Move the samples of the lightest cells to the far ends of the heaviest ones."""
    order = np.argsort(masses[num_boundary:])
    for light, heavy in zip(order[:num_moves], order[::-1][:num_moves], strict=True):
        members = np.setdiff1d(np.flatnonzero(labels == num_boundary + heavy), loop)
        if masses[num_boundary + light] < 0.5 * masses[num_boundary + heavy] and len(members) > 2:
            samples[light] = members[distances[members].argmax()]
    return samples


def _without_duplicates(samples: np.ndarray, interior: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    _, first = np.unique(samples, return_index=True)
    repeated = np.setdiff1d(np.arange(len(samples)), first)
    if len(repeated):
        samples[repeated] = generator.choice(np.setdiff1d(interior, samples), len(repeated), replace=False)
    return samples


def _dual_triangles(labels: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """One triangle for every fine face whose corners lie in three cells, each set of cells once."""
    triangles = labels[faces]
    different = (triangles != np.roll(triangles, 1, axis=1)).all(axis=1)
    triangles = triangles[different]
    _, first = np.unique(np.sort(triangles, axis=1), axis=0, return_index=True)
    return triangles[np.sort(first)]


def _is_disc(faces: np.ndarray, num_vertices: int, num_boundary: int) -> bool:
    """Whether the faces form one surface with a single boundary of the wanted length, using every vertex."""
    edges, counts = unique_edges(faces)
    euler_number = len(np.unique(faces)) - len(edges) + len(faces)
    return (
        len(np.unique(faces)) == num_vertices
        and counts.max() == 2
        and (counts == 1).sum() == num_boundary
        and euler_number == 1
    )
