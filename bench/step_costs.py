"""Operations and memory of one optimiser step of `funcgrasp_v2`, part by part."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.model_costs import GraspPartSizes, LanguageSizes, Tuning, VisionSizes
from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.grasp_model.config import GraspModelConfig
from funcgrasp_core.grasp_model.named_configs import FUNCGRASP_V2
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig

_BFLOAT16, _FLOAT32 = 2, 4
_ADAM_STATES = 2


@dataclass(frozen=True)
class StepPlan:
    """How a step is made.

    Attributes:
        batch_size: observations with all views and one grasp each, that go through the model together.
        length: tokens of a prompt, views included.
        tuning: what is trained of Qwen2.5-VL, whose weights are bfloat16.
        views_are_cached: their features are given; with full tuning they cannot be.
        recomputes_layers: gradient checkpointing of all layers of Qwen2.5-VL that are trained.
        runs_output_layer: the language model's, whose result nobody reads.
        casts_inputs: see `LanguageSizes.layer_activation_bytes`.
    """

    batch_size: int = 32
    length: int = 440
    tuning: Tuning = "lora"
    views_are_cached: bool = True
    recomputes_layers: bool = False
    runs_output_layer: bool = False
    casts_inputs: bool = True

    def with_batch(self, batch_size: int) -> "StepPlan":
        """The same with another batch."""
        return replace(self, batch_size=batch_size)


OURS = StepPlan()
PLAIN_RECIPE = StepPlan(views_are_cached=False, recomputes_layers=True, runs_output_layer=True)
FULL_TUNING = StepPlan(tuning="full", views_are_cached=False, recomputes_layers=True)


@dataclass(frozen=True)
class StepCosts:
    """What steps of one model cost.

    Attributes:
        language: sizes.
        vision: sizes.
        grasp: sizes.
        rank: of the adapters.
    """

    language: LanguageSizes
    vision: VisionSizes
    grasp: GraspPartSizes
    rank: int

    @classmethod
    def of(cls, config: Mapping[str, Any], model: GraspModelConfig = FUNCGRASP_V2) -> "StepCosts":
        """Of Qwen2.5-VL's config.json and a grasp model around it."""
        semantic = model.semantic
        assert isinstance(semantic, QwenSemanticConfig)
        language = LanguageSizes.of(config)
        vision = VisionSizes.of(config, semantic.view_size)
        return cls(language, vision, GraspPartSizes(model, language.width), semantic.lora_rank)

    def flop(self, plan: StepPlan) -> dict[str, float]:
        """Useful operations of a step; recomputed layers are not counted twice."""
        tokens, pictures = plan.batch_size * plan.length, plan.batch_size * len(VIEW_SLOTS)
        linear = self.language.linear_flop(tokens)
        attention = self.language.attention_flop(plan.batch_size, plan.length)
        adapters = 2.0 * tokens * self._num_adapter_parameters(plan)
        vision = 0.0 if plan.views_are_cached else pictures * self.vision.picture_flop()
        is_full = plan.tuning == "full"
        return {
            "language model": (3 if is_full else 2) * linear + 3 * attention + 3 * adapters,
            "vision tower": 3 * vision if is_full else vision,
            "output layer": self.language.output_layer_flop(tokens) if plan.runs_output_layer else 0.0,
            "grasp model": 3 * plan.batch_size * self.grasp.forward_flop(),
        }

    def executed_flop(self, plan: StepPlan) -> float:
        """All operations of a step, those of recomputed layers included."""
        flop = self.flop(plan)
        if not plan.recomputes_layers:
            return sum(flop.values())
        tokens = plan.batch_size * plan.length
        recomputed = self.language.linear_flop(tokens)
        recomputed += self.language.attention_flop(plan.batch_size, plan.length)
        recomputed += 2.0 * tokens * self._num_adapter_parameters(plan)
        return sum(flop.values()) + recomputed + (flop["vision tower"] / 3 if plan.tuning == "full" else 0.0)

    def memory_bytes(self, plan: StepPlan) -> dict[str, int]:
        """Bytes by what they are for; the most that is there at one time is about their sum.

        Frozen weights, and with full tuning all of Qwen2.5-VL, are bfloat16 with gradients and optimiser states alike;
        adapters and the grasp model are float32. `working` is what a layer needs while it is recomputed and
        differentiated, taken as what its activations take.
        """
        base = self.language.num_parameters + self.vision.num_parameters
        added = self._num_adapter_parameters(plan) + self.grasp.num_parameters
        trained = _FLOAT32 * added + (_BFLOAT16 * base if plan.tuning == "full" else 0)
        kept, working = self._activation_bytes(plan)
        features = plan.batch_size * len(VIEW_SLOTS) * self.vision.tokens * self.vision.output * _BFLOAT16
        logits = plan.batch_size * plan.length * self.language.vocabulary * _BFLOAT16
        return {
            "weights": _BFLOAT16 * base + _FLOAT32 * added,
            "gradients": trained,
            "optimiser": _ADAM_STATES * trained,
            "activations": kept + features + (logits if plan.runs_output_layer else 0),
            "working": working,
        }

    def total_bytes(self, plan: StepPlan) -> int:
        """Of the step."""
        return sum(self.memory_bytes(plan).values())

    def largest_batch(self, plan: StepPlan, available_bytes: float, most: int = 32) -> int:
        """The largest power of two, up to `most`, whose step fits; 0 if not even one observation does."""
        batch_size = most
        while batch_size and self.total_bytes(plan.with_batch(batch_size)) > available_bytes:
            batch_size //= 2
        return batch_size

    def _num_adapter_parameters(self, plan: StepPlan) -> int:
        return self.language.num_adapter_parameters(self.rank) if plan.tuning == "lora" else 0

    def _activation_bytes(self, plan: StepPlan) -> tuple[int, int]:
        """Kept from forward to backward pass, and needed at work on a layer."""
        tokens = plan.batch_size * plan.length
        patches = plan.batch_size * len(VIEW_SLOTS) * self.vision.patches
        language = tokens * self.language.layer_activation_bytes(plan.tuning, self.rank, plan.casts_inputs)
        vision = patches * self.vision.layer_activation_bytes() if plan.tuning == "full" else 0
        grasp = plan.batch_size * self.grasp.activation_bytes()
        last_norm = tokens * self.language.last_norm_bytes(plan.tuning)
        if not plan.recomputes_layers:
            return grasp + last_norm + language * self.language.layers + vision * self.vision.layers, language
        inputs = tokens * self.language.layers * self.language.width * _BFLOAT16
        if plan.tuning == "full":
            inputs += patches * self.vision.layers * self.vision.width * _BFLOAT16
        return grasp + last_norm + inputs, 2 * max(language, vision)
