"""Imports run one way, and importing the core pulls in nothing heavy."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LAYERS = (
    {"contracts", "errors", "assets"},
    {"geometry"},
    {"hand"},
    {"preprocessing"},
    {"grasp_model", "perception_model"},
    {"checkpoints"},
    {"planning", "observing"},
    {"visualisation"},
    {"command_line"},
)
"""The packages and modules of funcgrasp_core; each imports itself and earlier layers, never its neighbours, except in
the first, whose members share names and errors."""

RANKS = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

MIDDLEWARE = {
    "rclpy",
    "ament_index_python",
    "launch",
    "launch_ros",
    "tf2_ros",
    "cv_bridge",
    "sensor_msgs_py",
    "cyclonedds",
}

HEAVY = {
    "open3d",
    "trimesh",
    "transformers",
    "k3d",
    "skimage",
    "rclpy",
    "pybullet",
    "mujoco",
    "matplotlib",
    "pandas",
    "rosbags",
}


def is_middleware(module: str) -> bool:
    top = module.split(".")[0]
    return top in MIDDLEWARE or top.endswith(("_msgs", "_srvs", "_interfaces"))


def modules_of(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported_modules(source: str, package: str) -> Iterator[str]:
    """Absolute names of everything that a module imports, inside functions too; `from a import b` gives a and a.b.

    Args:
        source: of the module.
        package: the dotted package that relative imports start from.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base]).rstrip(".")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imports_of(path: Path) -> set[str]:
    package = ".".join(path.relative_to(ROOT).parent.parts)
    return set(imported_modules(path.read_text(), package))


def top_levels(path: Path) -> set[str]:
    return {module.split(".")[0] for module in imports_of(path)}


def layer_violations(owner: str, imports: set[str]) -> set[str]:
    """Which members of funcgrasp_core `owner` may not import but does."""
    members = {module.split(".")[1] for module in imports if module.startswith("funcgrasp_core.")} & set(RANKS)
    allowed = {name for name in members if RANKS[name] < RANKS[owner] or name == owner}
    if RANKS[owner] == 0:
        allowed |= members & LAYERS[0]
    return members - allowed


@pytest.mark.parametrize("path", modules_of("funcgrasp_core"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_imports_one_way(path):
    parts = path.relative_to(ROOT / "funcgrasp_core").parts
    owner = parts[0].removesuffix(".py")
    imports = imports_of(path)
    assert not top_levels(path) & {"training", "funcgrasp_ros", "embedded_ros"}
    assert not {module for module in imports if is_middleware(module)}
    if owner == "__init__":
        return
    assert owner in RANKS, f"'{owner}' has no place in the import order: add it to LAYERS and to the design"
    assert not layer_violations(owner, imports), f"{path.relative_to(ROOT)} imports a later layer or a sibling"


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("training", {"funcgrasp_ros", "embedded_ros"}),
        ("funcgrasp_ros", {"training", "embedded_ros"}),
        ("embedded_ros", {"training", "funcgrasp_core"}),
    ],
)
def test_packages_on_top_of_the_core_stay_apart(package, forbidden):
    offenders = {
        str(path.relative_to(ROOT)): found for path in modules_of(package) if (found := top_levels(path) & forbidden)
    }
    assert not offenders


def test_training_knows_no_middleware():
    offenders = [str(path) for path in modules_of("training") if any(map(is_middleware, imports_of(path)))]
    assert not offenders


def test_importing_the_core_loads_nothing_heavy():
    """Every module of it, in a fresh interpreter: no meshes, pictures, language models, simulators or middleware."""
    script = (
        "import importlib, pkgutil, sys, funcgrasp_core\n"
        "for module in pkgutil.walk_packages(funcgrasp_core.__path__, 'funcgrasp_core.'):\n"
        "    importlib.import_module(module.name)\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))\n"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "module",
    ["training.train_grasp_model", "bench.point_sampling", "bench.training_step", "bench.planner_stages"],
)
def test_what_runs_on_a_bare_gpu_machine_imports_without_the_optional_packages(module):
    """Machines that train and measure have torch and torch_geometric, but no meshes, simulators or recordings."""
    absent = ("open3d", "trimesh", "mujoco", "pybullet", "rosbags", "k3d", "rclpy", "cyclonedds")
    script = (
        f"import sys, importlib\nsys.modules.update(dict.fromkeys({absent!r}))\nimportlib.import_module({module!r})"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a.b", {"a.b"}),
        ("from a.b import c", {"a.b", "a.b.c"}),
        ("def f():\n    from a import b", {"a", "a.b"}),
        ("from . import d", {"pack.sub", "pack.sub.d"}),
        ("from ..x import y", {"pack.x", "pack.x.y"}),
    ],
)
def test_every_form_of_import_is_seen(source, expected):
    assert set(imported_modules(source, "pack.sub")) == expected


@pytest.mark.parametrize(
    ("owner", "module", "is_allowed"),
    [
        ("planning", "funcgrasp_core.grasp_model.config", True),
        ("planning", "funcgrasp_core.planning.request_queue", True),
        ("geometry", "funcgrasp_core.hand", False),
        ("planning", "funcgrasp_core.observing", False),
        ("grasp_model", "funcgrasp_core.perception_model", False),
        ("assets", "funcgrasp_core.errors", True),
        ("contracts", "funcgrasp_core.geometry", False),
    ],
)
def test_the_rule_itself(owner, module, is_allowed):
    assert bool(layer_violations(owner, {module})) is not is_allowed


def test_middleware_is_recognised():
    assert is_middleware("sensor_msgs.msg")
    assert is_middleware("rclpy.node")
    assert is_middleware("std_srvs.srv")
    assert not is_middleware("torch.nn")
