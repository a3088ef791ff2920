"""From raw points, pictures and words to what the model takes; training and serving share these functions."""

from funcgrasp_core.preprocessing.file_inputs import read_cloud, read_mesh, read_views, sample_mesh
from funcgrasp_core.preprocessing.instruction import MAX_INSTRUCTION_CHARACTERS, clean_instruction
from funcgrasp_core.preprocessing.object_cloud import PreparedCloud, centre_on_box, prepare_cloud
from funcgrasp_core.preprocessing.object_views import (
    float_views,
    prepare_views,
    prepare_views_uint8,
    rotate_view_mask,
    rotate_view_slots,
)

__all__ = [
    "MAX_INSTRUCTION_CHARACTERS",
    "PreparedCloud",
    "centre_on_box",
    "clean_instruction",
    "float_views",
    "prepare_cloud",
    "prepare_views",
    "prepare_views_uint8",
    "read_cloud",
    "read_mesh",
    "read_views",
    "rotate_view_mask",
    "rotate_view_slots",
    "sample_mesh",
]
