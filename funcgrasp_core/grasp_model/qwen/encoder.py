"""Qwen2.5-VL as semantic encoder.

Bai et al., "Qwen2.5-VL Technical Report", 2025. The vision tower turns each view into T tokens by itself, so views can
be encoded once and kept; the language model reads them with the instruction; s = Linear(LayerNorm(mean of its hidden
states over the prompt's tokens)).
"""

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from funcgrasp_core.errors import CheckpointFormatError
from funcgrasp_core.grasp_model.layers import full_precision
from funcgrasp_core.grasp_model.qwen.backbone import load_backbone
from funcgrasp_core.grasp_model.qwen.checkpoint_folder import QwenFolder
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from funcgrasp_core.grasp_model.qwen.prompt import PromptTokeniser, TokenisedPrompts
from funcgrasp_core.grasp_model.qwen.tuning import load_tuned_weights, save_tuned_weights, tune_backbone
from funcgrasp_core.grasp_model.qwen.view_patches import PatchLayout, ViewPatches

_DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}
_BACKBONE = "backbone."
_VIEWS_PER_PASS_ON_GPU = 64


class QwenSemanticEncoder(nn.Module):
    """Views and instruction as one vector; `build_qwen_encoder` makes it from a folder.

    Its state dictionary leaves out pretrained weights that are never trained: they come from the folder.

    Args:
        config: choices.
        model: pretrained `Qwen2_5_VLModel`; changed in place.
        patches: cuts views as the checkpoint wants them.
        prompts: lays out and tokenises.
        output_size: C_sem.
        base_digest: identifies the pretrained checkpoint, see `QwenFolder.digest`.
    """

    def __init__(
        self,
        config: QwenSemanticConfig,
        model: Any,
        patches: ViewPatches,
        prompts: PromptTokeniser,
        output_size: int,
        base_digest: str,
    ) -> None:
        super().__init__()
        self.config = config
        self.base_digest = base_digest
        self.view_size = config.view_size
        self.views_are_frozen = config.tuning != "full"
        width = model.config.text_config.hidden_size
        self.patches = patches
        self.prompts = prompts
        self.backbone = tune_backbone(model, config)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, output_size))
        self._pretrained_names = frozenset(
            name for name, parameter in self.backbone.named_parameters() if not parameter.requires_grad
        )
        self.register_state_dict_post_hook(_leave_out_pretrained)
        self.register_load_state_dict_pre_hook(_fill_in_pretrained)

    @property
    def model(self) -> Any:
        """The `Qwen2_5_VLModel` itself, with adapters where there are any."""
        backbone: Any = self.backbone
        return backbone.get_base_model() if self.config.tuning == "lora" else backbone

    @property
    def views_digest(self) -> str:
        """Identifies what `encode_views` computes where the vision tower is not tuned; hexadecimal."""
        what = (self.base_digest, self.config.dtype, self.view_size, self.patches.layout)
        return hashlib.sha256(repr(what).encode()).hexdigest()

    def train(self, mode: bool = True) -> "QwenSemanticEncoder":
        """As in every module, but what is frozen stays in evaluation mode."""
        super().train(mode)
        if self.config.tuning == "frozen":
            self.backbone.eval()
        elif self.config.tuning == "lora":
            self.model.visual.eval()
        return self

    def encode_views(self, images: Tensor) -> Tensor:
        """Encode views, each by itself.

        Args:
            images: [B, 6, 3, S, S] in [0, 1].

        Returns:
            [B, 6, T, D] in the pretrained weights' type. The features of a view are the same, bit for bit on a CPU,
            whatever views are beside it, unless the vision tower is being tuned.
        """
        views = images.flatten(0, 1)
        # Where there is no view the image is black: black ones are encoded once for all, in place of the first.
        is_black = ~views.flatten(1).any(dim=1)
        first_black = is_black.int().argmax()
        is_encoded = ~is_black
        is_encoded[first_black] = True
        place = is_encoded.int().cumsum(0) - 1
        place = torch.where(is_black, place[first_black], place)
        if self.views_are_frozen:
            # In the weights' own type, so that kept features fit whatever precision training runs in.
            with torch.no_grad(), full_precision(images):
                features = self._encode_in_parts(views[is_encoded])
        else:
            features = self._vision_tower(views[is_encoded])
        return features[place].unflatten(0, images.shape[:2])

    def forward(self, view_features: Tensor, view_mask: Tensor, texts: list[str]) -> Tensor:
        """Encode instructions with the views.

        Args:
            view_features: [B, 6, T, D] of `encode_views`.
            view_mask: [B, 6] bool, true where there is a view; others are left out of the prompt.
            texts: B instructions.

        Returns:
            [B, C_sem] float32.

        Raises:
            InstructionTooLongError, InstructionTokensError
        """
        prompts = self.prompts(texts, view_mask.tolist())
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.config.tuning != "frozen"):
            hidden = self.hidden_states(view_features, view_mask, prompts)
        with full_precision(hidden):
            is_token = prompts.is_token.to(hidden.device)[..., None]
            mean = torch.where(is_token, hidden.float(), 0).sum(dim=1) / is_token.sum(dim=1)
            return self.head(mean)

    def hidden_states(self, view_features: Tensor, view_mask: Tensor, prompts: TokenisedPrompts) -> Tensor:
        """The language model's last hidden states [B, L, D]; meaningless where a row is filled up."""
        model = self.model
        device = view_features.device
        num_views = int(prompts.is_view_token.sum()) // self.patches.tokens_per_view
        # On the CPU, where it does not wait for the device at every picture.
        positions, _ = model.get_rope_index(
            prompts.input_ids,
            mm_token_type_ids=prompts.is_view_token.int(),
            image_grid_thw=self.patches.grid(num_views) if num_views else None,
            attention_mask=prompts.is_token.long(),
        )
        embeddings = model.get_input_embeddings()(prompts.input_ids.to(device))
        place = prompts.is_view_token.to(device)[..., None]
        embeddings = embeddings.masked_scatter(place, view_features[view_mask].to(embeddings.dtype))
        # No mask: attention looks back only, and rows are filled up on the right. Without one it is faster.
        output = model.language_model(
            inputs_embeds=embeddings, position_ids=positions.to(device), attention_mask=None, use_cache=False
        )
        return output.last_hidden_state

    def save_tuned(self, folder: Path) -> None:
        """Write the trained weights of the backbone; see `save_tuned_weights`. The head is not among them."""
        save_tuned_weights(self.backbone, self.config.tuning, Path(folder))

    def load_tuned(self, folder: Path) -> None:
        """Read what `save_tuned` wrote; see `load_tuned_weights`."""
        load_tuned_weights(self.backbone, self.config.tuning, Path(folder))

    def _encode_in_parts(self, views: Tensor) -> Tensor:
        """[M, 3, S, S] -> [M, T, D]; on a CPU one by one, because products of other sizes round otherwise."""
        views_per_pass = 1 if views.device.type == "cpu" else _VIEWS_PER_PASS_ON_GPU
        return torch.cat([self._vision_tower(part) for part in views.split(views_per_pass)])

    def _vision_tower(self, views: Tensor) -> Tensor:
        grid = self.patches.grid(len(views)).to(views.device)
        output = self.model.get_image_features(
            self.patches(views),
            image_grid_thw=grid,
            return_dict=True,
        )
        return torch.stack(output.pooler_output)


def build_qwen_encoder(config: QwenSemanticConfig, folder: Path, output_size: int) -> QwenSemanticEncoder:
    """An encoder with the weights of a checkpoint folder and a random head, on the CPU.

    Args:
        config: choices.
        folder: local copy of a Qwen2.5-VL checkpoint.
        output_size: C_sem.

    Raises:
        CheckpointMissingError: the folder or files in it are not there; the message names each.
        CheckpointFormatError: they are of another model, damaged or contradict each other.
        ConfigurationError: the checkpoint cannot take views of the configured size.
        MissingDependencyError: transformers or peft is not installed.
    """
    opened = QwenFolder.open(folder)
    patches = ViewPatches(PatchLayout.of_folder(opened), config.view_size)
    model: Any = load_backbone(opened.path, _DTYPES[config.dtype])
    prompts = PromptTokeniser(opened, config, patches.tokens_per_view)
    if prompts.num_tokens > model.get_input_embeddings().num_embeddings:
        raise CheckpointFormatError(
            f"the tokenizer in '{folder}' has {prompts.num_tokens} tokens, its model "
            f"{model.get_input_embeddings().num_embeddings}: the files are of different checkpoints"
        )
    return QwenSemanticEncoder(config, model, patches, prompts, output_size, opened.digest())


def _leave_out_pretrained(
    encoder: QwenSemanticEncoder, state: dict[str, Tensor], prefix: str, _metadata: dict[str, Any]
) -> None:
    for name in encoder._pretrained_names:
        state.pop(f"{prefix}{_BACKBONE}{name}", None)


def _fill_in_pretrained(encoder: QwenSemanticEncoder, state: dict[str, Any], prefix: str, *_unused: object) -> None:
    """The parameters themselves: copying them onto themselves costs nothing."""
    for name, parameter in encoder.backbone.named_parameters():
        if name in encoder._pretrained_names:
            state.setdefault(f"{prefix}{_BACKBONE}{name}", parameter)
