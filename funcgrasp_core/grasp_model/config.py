"""Every choice in the grasp model, as frozen dataclasses that refuse bad combinations when they are made.

Instances with names are in `named_configs`.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Literal

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.config_base import Choices, from_dict, require
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig

MODE_ATTENTION_HEADS = 4


@dataclass(frozen=True)
class SetAbstractionConfig(Choices):
    """One level of PointNet++: sample centres, group their neighbours, encode each group."""

    num_samples: int  # centres chosen by farthest point sampling
    radius: float  # of a group; metres, or a fraction of the object's size, see PointNet2Config.radius_unit
    max_neighbours: int  # nearest points kept in a group, bounds memory
    widths: tuple[int, ...]  # of the shared layers applied to each neighbour

    def __post_init__(self) -> None:
        self._require_positive("num_samples", "radius", "max_neighbours")
        self._require_widths("widths")


@dataclass(frozen=True)
class PointNet2Config(Choices):
    """The geometric encoder (PointNet++, single-scale grouping)."""

    first: SetAbstractionConfig = SetAbstractionConfig(512, 0.2, 64, (64, 64, 128, 256))
    second: SetAbstractionConfig = SetAbstractionConfig(128, 0.4, 64, (128, 128, 256, 256))
    global_widths: tuple[int, ...] = (512, 256)
    propagation_widths: tuple[int, ...] = (256, 256)  # of both feature propagation levels
    radius_unit: Literal["metre", "object"] = "metre"  # "object": half the diagonal of the object's box
    coordinate_scale: float = 1.0  # coordinates are multiplied by this before any layer sees them
    layer_norm: bool = False  # normalise after every linear layer

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_widths("global_widths", "propagation_widths")
        self._require_positive("coordinate_scale")


@dataclass(frozen=True)
class CompactSemanticConfig(Choices):
    """The embedded text and view encoder, trained from scratch."""

    num_buckets: int = 8192  # hash buckets of character n-grams
    max_words: int = 64  # longer instructions are refused
    width: int = 128
    text_layers: int = 2
    heads: int = 4
    word_dropout: float = 0.1  # share of words hidden in training
    view_size: int = 64  # pixels, square
    view_widths: tuple[int, ...] = (16, 32, 64, 128)  # channels, each layer halves the picture
    kind: Literal["compact"] = "compact"  # among the semantic encoders of GraspModelConfig

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_at_least(2, "num_buckets")  # one of them is kept for padding
        self._require_positive("max_words", "width", "text_layers", "heads", "view_size")
        self._require_share("word_dropout")
        self._require_widths("view_widths")
        require(self.width % self.heads == 0, f"width {self.width} must be a multiple of {self.heads} heads")


@dataclass(frozen=True)
class FusionConfig(Choices):
    """Transformer over points that carry geometry and meaning."""

    # All points; the coarsest PointNet++ level; or both sampled levels, each with its own transformer (multi-scale).
    over: Literal["points", "samples", "levels"] = "points"
    layers: int = 4  # of each transformer
    heads: int = 8
    feedforward: int = 2048
    dropout: float = 0.1
    activation: Literal["relu", "gelu"] = "relu"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_positive("layers", "heads", "feedforward")
        self._require_share("dropout")


@dataclass(frozen=True)
class AttentionPoolingConfig(Choices):
    """Learned queries look at the points, drawn towards those that are probably touched."""

    num_queries: int = 8  # each reads an equal part of the point features' width

    def __post_init__(self) -> None:
        self._require_positive("num_queries")


@dataclass(frozen=True)
class GuidanceConfig(Choices):
    """Classifier-free guidance: flows also learn what is likely without the instruction, and are steered away from it.

    What is dropped is the semantic vector, so that guidance strengthens the instruction. Dropping the geometry would
    strengthen "some hand at this object" instead, which contact and refinement already judge.
    """

    condition_dropout: float = 0.1  # share of training observations that see the learned null vector instead
    scale: float = 1.0  # of sampling: v_null + scale (v - v_null); 1 is no guidance, and costs nothing

    def __post_init__(self) -> None:
        require(
            0 < self.condition_dropout < 1,
            f"GuidanceConfig.condition_dropout must be between 0 and 1, got {self.condition_dropout}: at 0 the null "
            "vector is never trained (set guidance to None), at 1 the instruction is never seen",
        )
        self._require_at_least(0, "scale")


@dataclass(frozen=True)
class FlowConfig(Choices):
    """Velocity network and integrator of a rectified flow."""

    width: int = 1024
    layers: int = 2  # hidden layers; with residual, residual blocks
    residual: bool = False
    time_size: int = 128  # of the sinusoidal time embedding
    num_steps: int = 20
    integrator: Literal["euler_midpoint_time", "euler", "heun", "rk4"] = "euler_midpoint_time"
    time_draws: int = 1  # (time, noise) pairs drawn per grasp and training pass

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_positive("width", "layers", "time_size", "num_steps", "time_draws")
        require(self.time_size % 2 == 0, f"FlowConfig.time_size must be even (sine and cosine), got {self.time_size}")


@dataclass(frozen=True)
class PalmModeConfig(Choices):
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
        self._require_at_least(0, "position_noise_m", "rotation_noise_rad", "num_refinements")
        self._require_at_least(2, "local_width")
        self._require_positive("local_radius_m")
        require(self.flow.residual, "the mode's flow network is built of residual blocks: set flow.residual")
        require(
            self.flow.width % MODE_ATTENTION_HEADS == 0,
            f"the mode flow's width {self.flow.width} must be a multiple of {MODE_ATTENTION_HEADS} attention heads",
        )


@dataclass(frozen=True)
class GraspModelConfig(Choices):
    """The whole grasp model. The defaults are `funcgrasp_v2`."""

    name: str = "funcgrasp_v2"
    num_points: int = 1024
    geometry: PointNet2Config = field(default_factory=PointNet2Config)
    semantic: CompactSemanticConfig | QwenSemanticConfig = field(default_factory=QwenSemanticConfig)
    semantic_size: int = 256  # C_sem
    fusion: FusionConfig = field(default_factory=FusionConfig)
    conditioning: Literal["shared", "separate"] = "shared"  # "separate": contact and flow each fuse for themselves
    contact_hidden: int = 256
    attention_pooling: AttentionPoolingConfig | None = None  # None: pooled by contact probabilities and maxima
    mode: PalmModeConfig | None = None  # None: one contact map per object and instruction
    parameterisation: Literal["axis_angle", "joint_basis"] = "axis_angle"
    normalise_targets: bool = False
    flow: FlowConfig = field(default_factory=FlowConfig)
    guidance: GuidanceConfig | None = None  # None: the flows know nothing but the whole condition

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_positive("semantic_size", "contact_hidden")
        require(
            self.geometry.first.max_neighbours <= self.num_points
            and self.geometry.second.max_neighbours <= self.geometry.first.num_samples,
            "max_neighbours of a level must not exceed the points it samples from",
        )
        require(
            self.num_points >= self.geometry.first.num_samples >= self.geometry.second.num_samples,
            "num_points, first.num_samples and second.num_samples must not increase: "
            f"{self.num_points}, {self.geometry.first.num_samples}, {self.geometry.second.num_samples}",
        )
        fused = [self.fused_size] + ([self.fine_fused_size] if self.fusion.over == "levels" else [])
        for size in fused:
            require(
                size % self.fusion.heads == 0,
                f"the fused size {size} must be a multiple of {self.fusion.heads} heads",
            )
        require(
            self.mode is None or self.parameterisation == "joint_basis",
            "a palm mode needs parameterisation='joint_basis': the grasp is expressed in the palm's frame",
        )
        if self.attention_pooling is not None:
            pooled = self.point_size if self.mode is None else self.mode.local_width
            require(
                pooled % self.attention_pooling.num_queries == 0,
                f"the width {pooled} of what attention pooling reads must be a multiple of "
                f"{self.attention_pooling.num_queries} queries",
            )

    @property
    def geometric_size(self) -> int:
        """C_geo, the width of what is fused with the semantic vector."""
        if self.fusion.over == "points":
            return self.geometry.propagation_widths[-1]
        return self.geometry.second.widths[-1]

    @property
    def fused_size(self) -> int:
        """C_fuse = C_geo + C_sem: concatenated, no bottleneck."""
        return self.geometric_size + self.semantic_size

    @property
    def fine_fused_size(self) -> int:
        """The same at the finer sampled level, where it is fused too."""
        return self.geometry.first.widths[-1] + self.semantic_size

    @property
    def point_size(self) -> int:
        """C, the width of a point's feature after fusion."""
        return self.fused_size if self.fusion.over == "points" else self.geometry.propagation_widths[-1]

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
        return from_dict(cls, values)
