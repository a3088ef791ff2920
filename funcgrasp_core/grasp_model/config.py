"""Every choice in the grasp model, as frozen dataclasses that refuse bad combinations when they are made."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigurationError(message)


class _Choices:
    """Base of configurations: a field with a `Literal` type takes no other value."""

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            choices, value = get_args(kind), getattr(self, name)
            if get_origin(kind) is Literal and value not in choices:
                raise ConfigurationError(f"{type(self).__name__}.{name} must be one of {choices}, got {value!r}")


MODE_ATTENTION_HEADS = 4


@dataclass(frozen=True)
class SetAbstractionConfig:
    """One level of PointNet++: sample centres, group their neighbours, encode each group."""

    num_samples: int  # centres chosen by farthest point sampling
    radius: float  # of a group; metres, or a fraction of the object's size, see PointNet2Config.radius_unit
    max_neighbours: int  # nearest points kept in a group, bounds memory
    widths: tuple[int, ...]  # of the shared layers applied to each neighbour

    def __post_init__(self) -> None:
        _require(self.num_samples > 0, f"num_samples must be positive, got {self.num_samples}")
        _require(self.radius > 0, f"radius must be positive, got {self.radius}")
        _require(self.max_neighbours > 0, f"max_neighbours must be positive, got {self.max_neighbours}")
        _require(len(self.widths) > 0, "widths needs at least one layer")


@dataclass(frozen=True)
class PointNet2Config(_Choices):
    """The geometric encoder (PointNet++, single-scale grouping)."""

    first: SetAbstractionConfig = SetAbstractionConfig(512, 0.2, 64, (64, 64, 128, 256))
    second: SetAbstractionConfig = SetAbstractionConfig(128, 0.4, 64, (128, 128, 256, 256))
    global_widths: tuple[int, ...] = (512, 256)
    propagation_widths: tuple[int, ...] = (256, 256)  # of both feature propagation levels
    radius_unit: Literal["metre", "object"] = "metre"  # "object": half the diagonal of the object's box
    coordinate_scale: float = 1.0  # coordinates are multiplied by this before any layer sees them
    layer_norm: bool = False  # normalise after every linear layer


@dataclass(frozen=True)
class CompactSemanticConfig:
    """The embedded text and view encoder, trained from scratch."""

    num_buckets: int = 8192  # hash buckets of character n-grams
    max_words: int = 64  # longer instructions are refused
    width: int = 128
    text_layers: int = 2
    heads: int = 4
    word_dropout: float = 0.1  # share of words hidden in training
    view_size: int = 64  # pixels, square
    view_widths: tuple[int, ...] = (16, 32, 64, 128)  # channels, each layer halves the picture

    def __post_init__(self) -> None:
        _require(self.width % self.heads == 0, f"width {self.width} must be a multiple of {self.heads} heads")


@dataclass(frozen=True)
class FusionConfig(_Choices):
    """Transformer over points that carry geometry and meaning."""

    over: Literal["points", "samples"] = "points"  # all points, or the coarsest PointNet++ level
    layers: int = 4
    heads: int = 8
    feedforward: int = 2048
    dropout: float = 0.1
    activation: Literal["relu", "gelu"] = "relu"


@dataclass(frozen=True)
class FlowConfig(_Choices):
    """Velocity network and integrator of a rectified flow."""

    width: int = 1024
    layers: int = 2  # hidden layers; with residual, residual blocks
    residual: bool = False
    time_size: int = 128  # of the sinusoidal time embedding
    num_steps: int = 20
    integrator: Literal["euler_midpoint_time", "euler", "heun"] = "euler_midpoint_time"
    time_draws: int = 1  # (time, noise) pairs drawn per grasp and training pass


@dataclass(frozen=True)
class PalmModeConfig(_Choices):
    """Sampling a palm pose first, on which contact map and grasp are conditioned.

    One object and one intent have many right grasps; a single contact map would average them.
    """

    flow: FlowConfig = FlowConfig(width=256, layers=3, residual=True, integrator="euler", time_draws=2)
    position_noise_m: float = 0.010  # largest standard deviation of training noise on the palm's position
    rotation_noise_rad: float = 0.2  # and on its orientation, per axis
    num_refinements: int = 1  # times that the sampled grasp's palm pose replaces the mode in planning
    local_width: int = 256  # of the encoder of the object's points in the palm frame
    local_radius_m: float = 0.14  # points farther than this from the palm are not encoded there

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.flow.residual, "the mode's flow network is built of residual blocks: set flow.residual")
        _require(
            self.flow.width % MODE_ATTENTION_HEADS == 0,
            f"the mode flow's width {self.flow.width} must be a multiple of {MODE_ATTENTION_HEADS} attention heads",
        )


@dataclass(frozen=True)
class GraspModelConfig(_Choices):
    """The whole grasp model. The defaults are `funcgrasp_v2`."""

    name: str = "funcgrasp_v2"
    num_points: int = 1024
    geometry: PointNet2Config = field(default_factory=PointNet2Config)
    semantic: CompactSemanticConfig | QwenSemanticConfig = field(default_factory=QwenSemanticConfig)
    semantic_size: int = 256  # C_sem
    fusion: FusionConfig = field(default_factory=FusionConfig)
    contact_hidden: int = 256
    mode: PalmModeConfig | None = None  # None: one contact map per object and instruction
    parameterisation: Literal["axis_angle", "joint_basis"] = "axis_angle"
    normalise_targets: bool = False
    flow: FlowConfig = field(default_factory=FlowConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(
            self.geometry.first.max_neighbours <= self.num_points
            and self.geometry.second.max_neighbours <= self.geometry.first.num_samples,
            "max_neighbours of a level must not exceed the points it samples from",
        )
        _require(
            self.num_points >= self.geometry.first.num_samples >= self.geometry.second.num_samples,
            "num_points, first.num_samples and second.num_samples must not increase: "
            f"{self.num_points}, {self.geometry.first.num_samples}, {self.geometry.second.num_samples}",
        )
        _require(
            self.fused_size % self.fusion.heads == 0,
            f"the fused size {self.fused_size} must be a multiple of {self.fusion.heads} heads",
        )
        _require(
            self.mode is None or self.parameterisation == "joint_basis",
            "a palm mode needs parameterisation='joint_basis': the grasp is expressed in the palm's frame",
        )

    @property
    def geometric_size(self) -> int:
        """C_geo, the width of what is fused with the semantic vector."""
        if self.fusion.over == "samples":
            return self.geometry.second.widths[-1]
        return self.geometry.propagation_widths[-1]

    @property
    def fused_size(self) -> int:
        """C_fuse = C_geo + C_sem: concatenated, no bottleneck."""
        return self.geometric_size + self.semantic_size

    def to_json(self) -> str:
        """Text form that `from_json` reads back."""
        return json.dumps(dataclasses.asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "GraspModelConfig":
        """Read what `to_json` wrote.

        Raises:
            ConfigurationError: no JSON object, unknown names, or values that contradict each other.
        """
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise ConfigurationError(f"the configuration is not JSON: {error}") from error
        return _from_dict(cls, values)


_NESTED: dict[tuple[str, str], type] = {
    ("GraspModelConfig", "geometry"): PointNet2Config,
    ("GraspModelConfig", "fusion"): FusionConfig,
    ("GraspModelConfig", "mode"): PalmModeConfig,
    ("GraspModelConfig", "flow"): FlowConfig,
    ("PalmModeConfig", "flow"): FlowConfig,
    ("PointNet2Config", "first"): SetAbstractionConfig,
    ("PointNet2Config", "second"): SetAbstractionConfig,
}


def _from_dict(kind: type, values: Any) -> Any:
    _require(isinstance(values, dict), f"{kind.__name__} must be an object with named values, got {values!r}")
    known = {item.name for item in dataclasses.fields(kind)}
    unknown = sorted(set(values) - known)
    _require(not unknown, f"{kind.__name__} has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    arguments = {}
    for name, value in values.items():
        nested = _NESTED.get((kind.__name__, name))
        if (kind.__name__, name) == ("GraspModelConfig", "semantic"):
            nested = QwenSemanticConfig if isinstance(value, dict) and "tuning" in value else CompactSemanticConfig
        if nested is not None and value is not None:
            value = _from_dict(nested, value)
        elif isinstance(value, list):
            value = tuple(value)
        arguments[name] = value
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ConfigurationError(f"{kind.__name__}: {error}") from error


FUNCGRASP_V2 = GraspModelConfig()
"""The original pipeline's sizes, radii in metres and midpoint-time integrator, to the letter."""

COMPACT = GraspModelConfig(
    name="compact",
    geometry=PointNet2Config(
        first=SetAbstractionConfig(192, 0.2, 16, (32, 64, 96)),
        second=SetAbstractionConfig(64, 0.4, 16, (128, 128)),
        global_widths=(256, 128),
        propagation_widths=(128, 128),
        radius_unit="object",
        coordinate_scale=10.0,
        layer_norm=True,
    ),
    semantic=CompactSemanticConfig(),
    semantic_size=128,
    fusion=FusionConfig(over="samples", layers=4, heads=8, feedforward=512, dropout=0.0, activation="gelu"),
    contact_hidden=128,
    mode=PalmModeConfig(),
    parameterisation="joint_basis",
    normalise_targets=True,
    flow=FlowConfig(width=512, layers=3, residual=True, integrator="euler", time_draws=4),
)
"""The embedded default: no language model, d = 256, fusion over the sampled points, runs on two CPU cores."""

DEBUG = dataclasses.replace(
    COMPACT,
    name="debug",
    num_points=128,
    geometry=dataclasses.replace(
        COMPACT.geometry,
        first=SetAbstractionConfig(32, 0.3, 8, (16, 32)),
        second=SetAbstractionConfig(16, 0.6, 8, (32,)),
        global_widths=(32,),
        propagation_widths=(32,),
    ),
    semantic=CompactSemanticConfig(
        num_buckets=256, width=32, text_layers=1, heads=2, view_size=16, view_widths=(8, 16)
    ),
    semantic_size=32,
    fusion=dataclasses.replace(COMPACT.fusion, layers=1, heads=2, feedforward=64),
    contact_hidden=32,
    mode=PalmModeConfig(flow=FlowConfig(64, 1, True, 16, 4, "euler", 2), local_width=32),
    flow=FlowConfig(64, 1, True, 16, 4, "euler", 2),
)
"""Trains in seconds on a CPU; for tests."""

CONFIGS = {config.name: config for config in (FUNCGRASP_V2, COMPACT, DEBUG)}
