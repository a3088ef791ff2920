"""Every option as a variant of a small base training.

A variant changes one thing. Those that only change sampling share the trained weights of the variant they belong to.
"""

import dataclasses
from typing import Any

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.config import AttentionPoolingConfig, GuidanceConfig
from training.ablation.variant import Variant
from training.experiments import Experiment
from training.losses.loss_config import SpatialConsistencyConfig, TauAnnealing

FEW_STEPS = 2
"""Integration steps at which straight flows should pay."""


def ablation_variants(base: Experiment) -> dict[str, Variant]:
    """All variants by name, the base first.

    Args:
        base: with a palm mode, normalised targets, averaged weights and augmentation.

    Raises:
        ConfigurationError: the base lacks one of these, so that a variant would change nothing.
    """
    if base.model.mode is None or not base.model.normalise_targets or not base.optimisation.ema_decay:
        raise ConfigurationError("the base of the ablations needs a palm mode, normalised targets and averaged weights")
    variants = [
        Variant("base", "palm mode, Euler, 20 steps, averaged weights", base, compared_with=""),
        *_losses(base),
        *_model(base),
        *_single_map(base),
        *_guidance(base),
        *_integration(base),
        *_augmentation(base),
        *_data(base),
        *_judging(base),
    ]
    return {variant.name: variant for variant in variants}


def _losses(base: Experiment) -> list[Variant]:
    unlike = ("contact_loss",)
    return [
        Variant("tau_annealing", "tau from 30 mm down to 10 mm", _losses_with(base, tau_annealing=TauAnnealing())),
        Variant("focal", "focal contact loss, gamma 2", _losses_with(base, focal_gamma=2.0), not_comparable=unlike),
        Variant("spatial", "spatial-consistency loss", _losses_with(base, spatial=SpatialConsistencyConfig())),
        Variant(
            "unclamped",
            "point weights up to 5.5, not clamped to 1",
            _losses_with(base, clamp_strength=False),
            not_comparable=unlike,
        ),
    ]


def _model(base: Experiment) -> list[Variant]:
    model = base.model
    assert model.mode is not None  # see ablation_variants
    without_noise = dataclasses.replace(model.mode, position_noise_m=0.0, rotation_noise_rad=0.0)
    levels = dataclasses.replace(model.fusion, over="levels")
    return [
        Variant("multi_scale", "fusion over both sampled levels", _model_with(base, fusion=levels)),
        Variant(
            "attention_pooling",
            "pooling by learned queries",
            _model_with(base, attention_pooling=AttentionPoolingConfig()),
        ),
        Variant("separate", "contact and flow fuse for themselves", _model_with(base, conditioning="separate")),
        Variant(
            "not_normalised",
            "targets not normalised",
            _model_with(base, normalise_targets=False),
            not_comparable=("flow_loss",),
        ),
        Variant(
            "exact_mode",
            "no noise on the palm pose in training",
            _model_with(base, mode=without_noise),
            not_comparable=("contact_loss", "flow_loss"),
        ),
    ]


def _single_map(base: Experiment) -> list[Variant]:
    single = _model_with(base, mode=None)
    pooled = _model_with(single, attention_pooling=AttentionPoolingConfig())
    plain = _model_with(single, parameterisation="axis_angle")
    return [
        Variant(
            "single_map",
            "no palm mode: one contact map",
            single,
            not_comparable=("contact_loss", "flow_loss"),
        ),
        Variant("single_map_attention", "one contact map, pooling by learned queries", pooled, "single_map"),
        Variant(
            "single_map_axis_angle",
            "one contact map, axis-angle targets",
            plain,
            "single_map",
            not_comparable=("flow_loss",),
        ),
    ]


def _guidance(base: Experiment) -> list[Variant]:
    trained = GuidanceConfig()
    scales = {
        f"guidance_{scale:g}": _model_with(base, guidance=dataclasses.replace(trained, scale=scale))
        for scale in (1.0, 1.5, 2.0, 3.0)
    }
    return [
        Variant(name, f"instruction dropped in 10 %, guidance of scale {name.removeprefix('guidance_')}", experiment)
        for name, experiment in scales.items()
    ]


def _integration(base: Experiment) -> list[Variant]:
    few = _sampled_by(base, num_steps=FEW_STEPS)
    num_steps = base.model.flow.num_steps
    variants = [
        Variant(
            "euler_midpoint_time", "Euler, velocity asked for at the middle", _sampled_by(base, "euler_midpoint_time")
        ),
        Variant("heun", "Heun", _sampled_by(base, "heun")),
        Variant("rk4", "Runge-Kutta of order 4", _sampled_by(base, "rk4")),
        Variant("heun_half", "Heun, half the steps: equal cost", _sampled_by(base, "heun", max(1, num_steps // 2))),
        Variant("rk4_quarter", "Runge-Kutta, a quarter of the steps", _sampled_by(base, "rk4", max(1, num_steps // 4))),
        Variant("few_steps", f"Euler, {FEW_STEPS} steps", few),
        Variant(
            "few_grasp_steps",
            f"Euler, {FEW_STEPS} steps for the grasp, {num_steps} for the palm pose",
            _model_with(base, flow=few.model.flow),
        ),
        Variant(
            "trained_twice", "the base trained again from its own weights", base, teacher="base", learns_pairs=False
        ),
        Variant(
            "trained_twice_few_steps", f"the same, Euler, {FEW_STEPS} steps", few, teacher="base", learns_pairs=False
        ),
        Variant(
            "reflow",
            "trained again from its own weights, flows by its own pairs",
            base,
            "trained_twice",
            teacher="base",
            not_comparable=("flow_loss",),
        ),
        Variant(
            "reflow_few_steps",
            f"the same, Euler, {FEW_STEPS} steps",
            few,
            "trained_twice_few_steps",
            teacher="base",
            not_comparable=("flow_loss",),
        ),
    ]
    mode = base.model.mode
    assert mode is not None  # see ablation_variants
    for count in (0, 2):
        refined = _model_with(base, mode=dataclasses.replace(mode, num_refinements=count))
        variants.append(Variant(f"refinements_{count}", f"{count} refinements of the palm pose", refined))
    return variants


def _augmentation(base: Experiment) -> list[Variant]:
    off: dict[str, Any] = {"yaw_jitter_rad": 0.0, "tilt_rad": 0.0}
    views: dict[str, Any] = {"no_view_probability": 0.0, "view_dropout": 0.0, "brightness": 0.0}
    cloud: dict[str, Any] = {"noise_m": 0.0, "partial_probability": 0.0}
    return [
        Variant(
            "no_augmentation", "no augmentation at all", _augmented(base, random_yaw=False, **off, **views, **cloud)
        ),
        Variant(
            "no_random_yaw", "objects as they are stored, jitter and tilt alone", _augmented(base, random_yaw=False)
        ),
        Variant("no_jitter_tilt", "no yaw jitter, no tilt", _augmented(base, **off)),
        Variant("no_cloud_noise", "no point noise, no partial clouds", _augmented(base, **cloud)),
        Variant("no_view_augmentation", "all views, as they are", _augmented(base, **views)),
        Variant("scale", "objects up to 5 % larger or smaller", _augmented(base, scale=0.05)),
        Variant(
            "more_missing_points",
            "one-camera clouds (30 %) and missing points (up to 30 %)",
            _augmented(base, single_view_probability=0.3, largest_point_dropout=0.3),
        ),
        Variant(
            "trained_without_views",
            "no view in training, none shown",
            _augmented(base, no_view_probability=1.0),
            shows_views=False,
        ),
    ]


def _data(base: Experiment) -> list[Variant]:
    return [
        Variant("one_data_set", "half of the objects", base, data="first_half"),
        Variant("two_data_sets", "a mixture of both halves, 1 : 1", base, data="two_halves"),
        Variant("targets_not_kept", "contact targets computed in each step", base, keeps_distances=False),
        Variant(
            "joint_distances",
            "distances from joints, not vertices",
            base,
            distance_source="joints",
            not_comparable=("contact_loss", "map_f1"),
        ),
    ]


def _judging(base: Experiment) -> list[Variant]:
    return [
        Variant("last_weights", "weights after the last step, not averaged", base, weights="last"),
        Variant("views_hidden", "no view shown", base, shows_views=False),
    ]


def _losses_with(base: Experiment, **changes: Any) -> Experiment:
    return dataclasses.replace(base, losses=dataclasses.replace(base.losses, **changes))


def _model_with(base: Experiment, **changes: Any) -> Experiment:
    return dataclasses.replace(base, model=dataclasses.replace(base.model, **changes))


def _augmented(base: Experiment, **changes: Any) -> Experiment:
    return dataclasses.replace(base, augmentation=dataclasses.replace(base.augmentation, **changes))


def _sampled_by(base: Experiment, integrator: str = "euler", num_steps: int | None = None) -> Experiment:
    """Both flows integrated otherwise."""
    model = base.model
    assert model.mode is not None  # see ablation_variants
    changes: dict[str, Any] = {"integrator": integrator, "num_steps": num_steps or model.flow.num_steps}
    mode = dataclasses.replace(model.mode, flow=dataclasses.replace(model.mode.flow, **changes))
    return _model_with(base, flow=dataclasses.replace(model.flow, **changes), mode=mode)
