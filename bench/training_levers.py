"""Single changes to our training step, each as a context that holds while a step is made."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from bench.training_recipes import TrainingRecipes

NUM_TIME_DRAWS = 4

Change = Callable[[], AbstractContextManager[None]]


def _no_change(_recipes: TrainingRecipes) -> Change:
    return nullcontext


def _without_autocast(recipes: TrainingRecipes) -> Change:
    """As the experiment says: only the language model's weights are bfloat16; adapters and grasp model are float32."""

    @contextmanager
    def in_full() -> Iterator[None]:
        usual = recipes.training_pass
        recipes.training_pass = replace(usual, bfloat16=False)
        try:
            yield
        finally:
            recipes.training_pass = usual

    return in_full


def _uncast_adapters(recipes: TrainingRecipes) -> Change:
    """Adapters take bfloat16 as it is: peft casts it to their float32, and autocast back."""
    from peft.helpers import disable_input_dtype_casting

    return lambda: disable_input_dtype_casting(recipes.ours)


def _several_draws(recipes: TrainingRecipes) -> Change:
    """Several times and noises for each pass of the language model; the loss has the same mean and less variance."""
    flow: Any = recipes.ours.flow

    @contextmanager
    def drawing() -> Iterator[None]:
        number, flow.time_draws = flow.time_draws, NUM_TIME_DRAWS
        try:
            yield
        finally:
            flow.time_draws = number

    return drawing


def _compiled(recipes: TrainingRecipes) -> Change:
    """Each decoder layer by itself, which all share what is compiled."""
    layers = list(recipes.qwen.encoder.model.language_model.layers)
    for layer in layers:
        layer.compile(dynamic=False)
    calls = [layer._compiled_call_impl for layer in layers]
    for layer in layers:
        layer._compiled_call_impl = None

    @contextmanager
    def compiling() -> Iterator[None]:
        for layer, call in zip(layers, calls, strict=True):
            layer._compiled_call_impl = call
        try:
            yield
        finally:
            for layer in layers:
                layer._compiled_call_impl = None

    return compiling


LEVERS: dict[str, Callable[[TrainingRecipes], Change]] = {
    "recompute": _no_change,
    "no-autocast": _without_autocast,
    "uncast-adapters": _uncast_adapters,
    "time-draws": _several_draws,
    "compile": _compiled,
}
"""Changes that are tried on ours. With several draws the loss is another sample, so that row never agrees."""
