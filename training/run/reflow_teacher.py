"""A trained model whose flows another one straightens (reflow): it gives the pairs that are learned from.

Liu et al., "Flow Straight and Fast", ICLR 2023. Pairs are made anew for every batch, from the observations' own random
streams, so nothing is stored and a run that goes on sees the same ones.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch

from funcgrasp_core.checkpoints import load_checkpoint
from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.flow_pairs import FlowPairs
from funcgrasp_core.grasp_model.grasp_model import GraspModel
from training.data.observation_store import ObservationBatch

_MAY_DIFFER = {"null_semantic"}
"""The student of a guided teacher needs no guidance of its own."""


@dataclass(frozen=True)
class ReflowTeacher:
    """A model that is not trained any more.

    Attributes:
        model: in evaluation mode.
        digest: of its weights.
    """

    model: GraspModel
    digest: str

    @classmethod
    def of_model(cls, model: GraspModel) -> "ReflowTeacher":
        """Put a model into evaluation mode, for good."""
        model.eval().requires_grad_(False)
        digest = hashlib.sha256()
        for name, tensor in sorted(model.state_dict().items()):
            digest.update(name.encode() + tensor.detach().cpu().float().numpy().tobytes())
        return cls(model, digest.hexdigest())

    @classmethod
    def of_checkpoint(cls, path: Path, semantic_model: Path | None = None) -> "ReflowTeacher":
        """Read one that `save_checkpoint` wrote; see `load_checkpoint` for the errors."""
        return cls.of_model(load_checkpoint(path, semantic_model=semantic_model).model)

    def to(self, device: torch.device) -> "ReflowTeacher":
        """The same on a device."""
        return ReflowTeacher(self.model.to(device), self.digest)

    def start(self, student: GraspModel) -> None:
        """Give a student this model's weights and statistics of targets, which the pairs are in.

        Raises:
            ConfigurationError: the student is of another shape.
        """
        given, wanted = self.model.state_dict(), student.state_dict()
        shapes = [{name: tensor.shape for name, tensor in state.items()} for state in (given, wanted)]
        misfits = [
            name
            for name in sorted((shapes[0].keys() | shapes[1].keys()) - _MAY_DIFFER)
            if shapes[0].get(name) != shapes[1].get(name)
        ]
        if misfits:
            raise ConfigurationError(
                f"the reflow teacher '{self.model.config.name}' does not fit the model '{student.config.name}' "
                f"({', '.join(misfits[:3])}): train the student with the experiment that the teacher was trained with"
            )
        student.load_state_dict({name: tensor for name, tensor in given.items() if name in wanted}, strict=False)

    def pairs(self, batch: ObservationBatch) -> FlowPairs:
        """As many pairs for each observation as it has known grasps."""
        num_pairs = batch.vectors.shape[1]
        return self.model.flow_pairs(batch.points, batch.views, batch.texts, num_pairs, batch.random)
