"""What a training step of `funcgrasp_v2` costs: parameters, floating-point operations and bytes, in closed form.

A multiplication and an addition are two operations. Only matrix products and attention are counted; norms, activations,
rotary embeddings and the optimiser move memory but hardly compute. The backward pass of a frozen layer costs as much as
its forward pass (the gradient of its input), that of a trained one twice as much (its weights' gradient too), that of
attention twice. What is recomputed under gradient checkpointing is not counted: utilisation (MFU) is by useful work.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from funcgrasp_core.contracts import CONTACT_CLASS_NAMES, MANO_VECTOR_SIZE
from funcgrasp_core.grasp_model.config import GraspModelConfig

Tuning = Literal["lora", "full"]


@dataclass(frozen=True)
class LanguageSizes:
    """Of Qwen2.5-VL's language model.

    Attributes:
        width: d, of the hidden states.
        layers: of the decoder.
        query_width: heads times width of a head; as wide as the hidden states.
        key_width: of keys, and of values.
        heads: of the queries.
        mlp: width inside the MLP.
        vocabulary: rows of the embedding.
    """

    width: int
    layers: int
    query_width: int
    key_width: int
    heads: int
    mlp: int
    vocabulary: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "LanguageSizes":
        """From a config.json."""
        width, heads = config["hidden_size"], config["num_attention_heads"]
        key_width = width // heads * config["num_key_value_heads"]
        layers = config["num_hidden_layers"]
        return cls(width, layers, width, key_width, heads, config["intermediate_size"], config["vocab_size"])

    @property
    def matrices(self) -> tuple[tuple[int, int], ...]:
        """Inputs and outputs of a layer's linear layers: q, k, v, o, gate, up, down."""
        d, q, k, m = self.width, self.query_width, self.key_width, self.mlp
        return ((d, q), (d, k), (d, k), (q, d), (d, m), (d, m), (m, d))

    @property
    def num_parameters(self) -> int:
        """Weights, the biases of q, k and v, two norms a layer, embedding and last norm; the output layer is tied."""
        biases = self.query_width + 2 * self.key_width
        layer = sum(a * b for a, b in self.matrices) + biases + 2 * self.width
        return self.layers * layer + self.vocabulary * self.width + self.width

    def num_adapter_parameters(self, rank: int) -> int:
        """A layer from a to b inputs has an adapter with rank * (a + b)."""
        return self.layers * rank * sum(a + b for a, b in self.matrices)

    def linear_flop(self, tokens: int) -> float:
        """Forward pass of all linear layers."""
        return 2.0 * tokens * self.layers * sum(a * b for a, b in self.matrices)

    def attention_flop(self, batch_size: int, length: int) -> float:
        """Forward pass of causal attention: half of the two products of [length, length]."""
        return 2.0 * batch_size * self.layers * length**2 * self.query_width

    def output_layer_flop(self, tokens: int) -> float:
        """Forward pass of the output layer, which grasp planning does not need."""
        return 2.0 * tokens * self.width * self.vocabulary

    def layer_activation_bytes(self, tuning: Tuning, rank: int, casts_inputs: bool = True) -> int:
        """Bytes that the backward pass of a layer wants of each token; hidden states in bfloat16.

        Of both norms the input in float32 and the scale; q, k, v, what attention gives and its normaliser; gate, its
        activation, up and their product; what goes into the linear layers; with adapters what is between their two
        matrices. Full tuning keeps the norms' output before its weight too.

        Args:
            tuning: what is trained.
            rank: of the adapters.
            casts_inputs: peft casts an adapter's input to the adapter's float32, and autocast back: each linear layer
                has a copy of its own. Otherwise layers with the same input share it.
        """
        d, q, k, m = self.width, self.query_width, self.key_width, self.mlp
        norms = 2 * (4 * d + 4)
        attention = 2 * (2 * q + 2 * k) + 4 * self.heads
        mlp = 2 * 3 * m
        if tuning == "full":
            return norms + 2 * 2 * d + attention + mlp + 2 * (2 * d + m)
        inputs = 2 * (5 * d + q + m) if casts_inputs else 2 * (2 * d + m)
        return norms + attention + mlp + inputs + 2 * rank * len(self.matrices)

    def last_norm_bytes(self, tuning: Tuning) -> int:
        """Likewise of the norm after the last layer."""
        return 4 * self.width + 4 + (2 * self.width if tuning == "full" else 0)


@dataclass(frozen=True)
class VisionSizes:
    """Of Qwen2.5-VL's vision tower; a picture has `patches` patches, of which `merged` become one token.

    Attributes:
        width: of the hidden states.
        layers: of the tower, `full_layers` of which attend to the whole picture, the others within windows.
        full_layers: see there.
        mlp: width inside the MLP.
        patch_values: numbers in a patch.
        merged: patches of a token.
        window: patches of a window.
        patches: of a picture.
        output: width of a token.
    """

    width: int
    layers: int
    full_layers: int
    mlp: int
    patch_values: int
    merged: int
    window: int
    patches: int
    output: int

    @classmethod
    def of(cls, config: Mapping[str, Any], view_size: int) -> "VisionSizes":
        """From a config.json, for square views."""
        vision = config["vision_config"]
        patch = vision["patch_size"]
        return cls(
            width=vision["hidden_size"],
            layers=vision["depth"],
            full_layers=len(vision["fullatt_block_indexes"]),
            mlp=vision["intermediate_size"],
            patch_values=3 * vision["temporal_patch_size"] * patch**2,
            merged=vision["spatial_merge_size"] ** 2,
            window=(min(vision["window_size"], view_size) // patch) ** 2,
            patches=(view_size // patch) ** 2,
            output=vision["out_hidden_size"],
        )

    @property
    def num_parameters(self) -> int:
        """Linear layers with biases, two norms a layer, patches without a bias, and the merger with its norm."""
        v, m, wide = self.width, self.mlp, self.merged * self.width
        layer = (v + 1) * 3 * v + (v + 1) * v + 2 * (v + 1) * m + (m + 1) * v + 2 * v
        merger = v + (wide + 1) * wide + (wide + 1) * self.output
        return self.patch_values * v + self.layers * layer + merger

    @property
    def tokens(self) -> int:
        """T, of a picture."""
        return self.patches // self.merged

    def picture_flop(self) -> float:
        """Forward pass of one picture."""
        v, wide = self.width, self.merged * self.width
        linear = self.layers * (4 * v * v + 3 * v * self.mlp) + self.patch_values * v
        windowed = self.layers - self.full_layers
        attention = 2 * v * (self.full_layers * self.patches + windowed * self.window)
        merger = wide * wide + wide * self.output
        return 2.0 * (self.patches * (linear + attention) + self.tokens * merger)

    def layer_activation_bytes(self) -> int:
        """Of each patch, all weights trained, in bfloat16: norms, linear inputs, q, k, v, attention's output, MLP."""
        v, m = self.width, self.mlp
        return 2 * (4 * v + 4) + 2 * (2 * v + 3 * v + 4 * v + 4 * m)


@dataclass(frozen=True)
class GraspPartSizes:
    """What comes after the language model, all of it trained; with the embedded configuration's sizes.

    Attributes:
        config: with fusion over points, and without a palm mode.
        semantic_input: width of what the head projects.
    """

    config: GraspModelConfig
    semantic_input: int

    @property
    def stacks(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """Linear stacks: how often each is applied to an observation, and its widths."""
        config, geometry = self.config, self.config.geometry
        first, second, propagated = geometry.first, geometry.second, geometry.propagation_widths
        first_size, second_size = first.widths[-1], second.widths[-1]
        return (
            (first.num_samples * first.max_neighbours, (6, *first.widths)),
            (second.num_samples * second.max_neighbours, (first_size + 3, *second.widths)),
            (1, (second_size, *geometry.global_widths)),
            (first.num_samples, (second_size + first_size, *propagated)),
            (config.num_points, (propagated[-1] + 3, *propagated)),
            (config.num_points, (config.fused_size, config.contact_hidden, len(CONTACT_CLASS_NAMES))),
            (config.flow.time_draws, self._flow_widths),
            (1, (self.semantic_input, config.semantic_size)),
        )

    @property
    def _flow_widths(self) -> tuple[int, ...]:
        flow = self.config.flow
        size = MANO_VECTOR_SIZE + flow.time_size + self.config.fused_size
        return (size, *[flow.width] * flow.layers, MANO_VECTOR_SIZE)

    @property
    def num_parameters(self) -> int:
        """Weights and biases of the stacks, the transformer, and the norm of the semantic head."""
        stacks = sum((a + 1) * b for _, widths in self.stacks for a, b in itertools.pairwise(widths))
        return stacks + 2 * self.semantic_input + self.num_fusion_parameters

    @property
    def num_fusion_parameters(self) -> int:
        """Four projections and two linear layers with biases, two norms, each layer."""
        d, f = self.config.fused_size, self.config.fusion.feedforward
        return self.config.fusion.layers * (4 * (d + 1) * d + (d + 1) * f + (f + 1) * d + 4 * d)

    def forward_flop(self) -> float:
        """One observation with one grasp."""
        stacks = sum(n * sum(a * b for a, b in itertools.pairwise(w)) for n, w in self.stacks)
        d, n, fusion = self.config.fused_size, self.config.num_points, self.config.fusion
        transformer = fusion.layers * n * (4 * d * d + 2 * d * fusion.feedforward + 2 * n * d)
        return 2.0 * (stacks + transformer)

    def activation_bytes(self) -> int:
        """Bytes that the backward pass wants of one observation, matrix products in bfloat16.

        Of stacks, what goes into each linear layer; of a transformer layer, both norms' inputs in float32 and outputs
        in bfloat16, q, k, v, attention's output twice, ReLU's output before and after dropout, and dropout's masks.
        """
        stacks = sum(n * sum(2 * width for width in widths) for n, widths in self.stacks)
        d, f, fusion = self.config.fused_size, self.config.fusion.feedforward, self.config.fusion
        has_masks = fusion.dropout > 0
        layer = 2 * (4 * d + 8 + 2 * d) + 2 * 5 * d + 2 * f + has_masks * (2 * d + f + 2 * f)
        return stacks + fusion.layers * self.config.num_points * layer
