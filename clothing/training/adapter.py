"""Layers for Fashion-MNIST's pictures alone, and the gate that lets nothing else through them.

What a network of this size learns of one world costs it some of the other. So Fashion-MNIST's
pictures have an adapter (Rebuffi et al. 2017, "Learning multiple visual domains with residual
adapters"): small layers beside its blocks. A gate, set before, opens for pictures like
Fashion-MNIST's and is shut for photos: these are answered as if there were no adapter, number for
number. It can be trained while all else stands still, or together with all that lies behind the
gate; what the gate goes by never learns again.

Owns where its layers lie and how the gate is set. Keras is imported only inside the functions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from clothing.errors import ModelError
from clothing.training.augment import (
    Arrays,
    augment_garments,
    augment_photos,
    lay_floors,
    lay_garments_out,
)
from clothing.training.batches import Mix
from clothing.training.network import from_bytes

MIX = Mix(photos=0, on_white=0, published=64, laid_out=0, floors=0)
"""What an adapter alone learns from; all else the gate keeps from it."""

_GATE = "gate"
_WATCHES = "watches"  # the layer that tells the gate what goes into the next:
_EARLY = "project_2"  # 144 kinds of edge and colour
_FROM = 3  # the first block that has an adapter
_DEEP = (12, 13)  # blocks that have a narrow layer beside them: on maps of 4 x 3 it costs little
_RANK = 32  # its filters; with more, scales and all, a photo would take 60 million multiply-adds
_PARTS = ("expand", "depthwise", "project")  # of a block, in this order
_SHUT, _OPEN = 0.45, 0.75  # on the way from the mean of other pictures to that of Fashion-MNIST's
_HARD = 3.0  # Keras's hard_sigmoid is 0 below minus this and 1 above it
_RIDGE = 1e-3  # of the mean variance, so that features that hardly vary decide nothing
_LOOKED_AT = 1_000  # pictures of each kind
_WHITE = 250  # grey levels


def has_adapter(model: Any) -> bool:
    """Return True if the network has layers for Fashion-MNIST's pictures alone."""
    return any(layer.name == _GATE for layer in model.layers)


def with_adapter(model: Any, seed: int) -> Any:
    """Return the same network with an adapter that has learned nothing, so that no answer changes.

    It scales and shifts each channel of each convolution but the earliest (Perez et al. 2018,
    "FiLM"), and beside the last two blocks lies a narrow layer.

    Args:
        model: As `build_network` returns it, or trained before; it has none yet.
        seed: Decides the adapter's weights.

    Raises:
        ModelError: It is of another kind.
    """
    import keras

    if _EARLY not in {layer.name for layer in model.layers}:
        raise ModelError("Only a network of inverted residuals takes an adapter.")
    keras.utils.set_random_seed(seed)
    before: dict[str, Any] = {}  # what goes into a layer, by the layer's name

    def call(layer: Any, tensor: Any, **options: Any) -> Any:
        before[layer.name] = tensor
        outcome = layer(tensor, **options)
        if layer.name == _EARLY:
            before[_GATE] = _gate(tensor)
        part, _, block = layer.name.partition("_")
        if part not in _PARTS or int(block) < _FROM:
            return outcome
        outcome = _scaled(outcome, before[_GATE], layer.name)
        if part == _PARTS[-1] and int(block) in _DEEP:
            return _widened(outcome, before[f"expand_{block}"], before[_GATE], block)
        return outcome

    adapted = keras.models.clone_model(model, call_function=call)
    for layer in (layer for layer in model.layers if layer.weights):
        adapted.get_layer(layer.name).set_weights(layer.get_weights())
    for layer in adapted.layers:
        layer.trainable = False  # else the gate would have to be set anew
        if layer.name == _EARLY:
            break
    return adapted


def _gate(tensor: Any) -> Any:
    """Return 1 for pictures like Fashion-MNIST's, 0 for others, for a few something in between."""
    from keras import layers

    seen = layers.GlobalAveragePooling2D(keepdims=True, name=_WATCHES)(tensor)
    return layers.Conv2D(1, 1, activation="hard_sigmoid", trainable=False, name=_GATE)(seen)


def _scaled(tensor: Any, gate: Any, name: str) -> Any:
    """Return each channel times 1 + its scale, plus its shift, where the gate is open."""
    from keras import layers

    filters = tensor.shape[-1]
    scale, shift = (
        layers.Conv2D(
            filters, 1, use_bias=False, kernel_initializer="zeros", name=f"adapter_{part}_{name}"
        )(gate)
        for part in ("scale", "shift")
    )
    factor = layers.Rescaling(1.0, offset=1.0, name=f"adapter_factor_{name}")(scale)
    scaled = layers.Multiply(name=f"adapter_scaled_{name}")([tensor, factor])
    return layers.Add(name=f"adapter_shifted_{name}")([scaled, shift])


def _widened(outcome: Any, tensor: Any, gate: Any, block: str) -> Any:
    """Return what a block gives plus, where the gate is open, what the narrow layer gives."""
    from keras import layers

    narrow = layers.Conv2D(_RANK, 1, name=f"adapter_narrow_{block}")(tensor)
    narrow = layers.ReLU(6, name=f"adapter_relu_{block}")(narrow)
    widen = layers.Conv2D(
        outcome.shape[-1], 1, kernel_initializer="zeros", name=f"adapter_widen_{block}"
    )
    gated = layers.Multiply(name=f"adapter_gated_{block}")([widen(narrow), gate])
    return layers.Add(name=f"adapter_added_{block}")([outcome, gated])


def set_gate(model: Any, photos: Arrays, on_white: Arrays, garments: Arrays, seed: int) -> None:
    """Set the gate so that it opens for Fashion-MNIST's pictures and for hardly anything else.

    It weighs what an early layer sees, on average over the picture, as Fisher's discriminant does
    (Fisher 1936, "The use of multiple measurements in taxonomic problems").

    Args:
        model: With an adapter.
        photos: uint8 array of shape (n, h, w, 3).
        on_white: Their garments, cut out and laid on white; likewise.
        garments: Fashion-MNIST's; uint8 array of shape (n, h, w, 1).
        seed: Draws the pictures that it is set by, and changes them.
    """
    import keras

    rng, (_, *shape, _) = np.random.default_rng(seed), model.input_shape
    watches = from_bytes(keras.Model(model.input, model.get_layer(_WATCHES).output), half=False)
    theirs, others = (
        watches.predict(some, batch_size=256, verbose=0)[:, 0, 0].astype(float)
        for some in _either_world(photos, on_white, garments, (shape[0], shape[1]), rng)
    )
    spread = np.cov(theirs.T) + np.cov(others.T)
    spread += np.eye(len(spread)) * _RIDGE * np.trace(spread) / len(spread)
    direction = np.linalg.solve(spread, theirs.mean(axis=0) - others.mean(axis=0))
    start, end = others.mean(axis=0) @ direction, theirs.mean(axis=0) @ direction
    shut, open_ = (start + (end - start) * share for share in (_SHUT, _OPEN))
    steepness = 2 * _HARD / (open_ - shut)
    bias = -steepness * (shut + open_) / 2
    kernel = direction.reshape(1, 1, -1, 1) * steepness
    model.get_layer(_GATE).set_weights([kernel, np.array([bias])])


def _either_world(
    photos: Arrays,
    on_white: Arrays,
    garments: Arrays,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[Arrays, Arrays]:
    """Return Fashion-MNIST's pictures, and others: photos, garments on white and black, floors."""

    def some(arrays: Arrays) -> Arrays:
        chosen: Arrays = arrays[rng.integers(0, len(arrays), _LOOKED_AT)]
        return chosen

    cut_out = some(on_white if len(on_white) else photos)
    on_black = np.where(cut_out.min(axis=3, keepdims=True) >= _WHITE, 0, cut_out).astype(np.uint8)
    others = [
        *(augment_photos(arrays, shape, rng) for arrays in (some(photos), cut_out, on_black)),
        lay_garments_out(some(garments), shape, rng),
        lay_floors(_LOOKED_AT, shape, rng),
    ]
    return augment_garments(some(garments), shape, rng), np.concatenate(others)


@contextmanager
def adapter_alone(model: Any) -> Iterator[None]:
    """Let nothing but the adapter learn for as long as this lasts."""
    learning = [layer for layer in model.layers if layer.trainable]
    for layer in learning:
        layer.trainable = layer.name.startswith("adapter_")
    try:
        yield
    finally:
        for layer in learning:
            layer.trainable = True
