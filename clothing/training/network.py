"""The network: EfficientNet-Lite0 as far as its second-last stage, small enough for every night.

Owns its architecture and its loss. Keras is imported only inside the functions that need it.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clothing.card import Card
from clothing.errors import ModelError
from clothing.training.pretrained import imagenet_weights


class Block(NamedTuple):
    """An inverted residual (Sandler et al. 2018): widen, filter each channel, narrow again."""

    kernel: int
    stride: int
    expansion: int
    filters: int


_STEM_FILTERS = 32
_HEAD_FILTERS = 1280

BLOCKS = (
    Block(3, 1, 1, 16),
    *(Block(3, 2, 6, 24), Block(3, 1, 6, 24)),
    *(Block(5, 2, 6, 40), Block(5, 1, 6, 40)),
    *(Block(3, 2, 6, 80), Block(3, 1, 6, 80), Block(3, 1, 6, 80)),
    *(Block(5, 1, 6, 112), Block(5, 1, 6, 112), Block(5, 1, 6, 112)),
    *(Block(5, 2, 6, 192), Block(5, 1, 6, 192), Block(5, 1, 6, 192)),
)
"""EfficientNet-Lite0 (Tan and Le 2019; Google's "lite" variant: ReLU6, no squeeze-and-excitation)
without its last two blocks and its head: 1.9 of its 3.4 million parameters."""

WHOLE = (*BLOCKS, Block(5, 1, 6, 192), Block(3, 1, 6, 320))
"""All of its blocks; its head follows them. Too large for every night, but it can teach."""

_EPSILON = 1e-3  # of the batch normalisations that are folded into the convolutions
_DROPOUT = 0.2
_DROP_PATH = 0.1  # of the last block; earlier ones less (Huang et al. 2016)
_SMOOTHING = 0.05


def build_network(card: Card, seed: int, *, whole: bool = False) -> Any:
    """Build the network, with ImageNet's weights in all but its last layer.

    ImageNet's batch normalisations are folded into the convolutions before them: a mix of photos
    and of Fashion-MNIST has no statistics that fit both, and without them a step takes half the
    time. The last layer has a place of its own for what is in none of the categories; its
    probability is dealt out evenly to all of them, so that the answer is ten probabilities, none
    of them high.

    Args:
        card: Says the size and the labels.
        seed: Decides the last layer's weights, and dropout.
        whole: All of EfficientNet-Lite0 with its head, for a teacher.

    Returns:
        A Keras model from (n, height, width, channels), 0 to 1, to probabilities (n, 10).
    """
    import keras

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    arrays = keras.Input((card.height, card.width, card.channels))
    tensor = layers.Rescaling(255 / 128, -127 / 128)(arrays)
    tensor = layers.Conv2D(_STEM_FILTERS, 3, 2, padding="same", name="stem")(tensor)
    tensor = layers.ReLU(6)(tensor)
    blocks = WHOLE if whole else BLOCKS
    for place, block in enumerate(blocks):
        tensor = _add_block(tensor, block, place)
    if whole:
        tensor = layers.Conv2D(_HEAD_FILTERS, 1, name="head")(tensor)
        tensor = layers.ReLU(6)(tensor)
    tensor = layers.GlobalAveragePooling2D(name="features")(tensor)
    tensor = layers.Dropout(_DROPOUT)(tensor)
    n = len(card.labels)
    logits = layers.Dense(n + 1, name="logits")(tensor)
    deal = layers.Dense(n, use_bias=False, trainable=False, name="deal")
    model = keras.Model(arrays, deal(layers.Softmax()(logits)), name="clothing_model")
    deal.set_weights([np.vstack([np.eye(n), np.full((1, n), 1 / n)]).astype(np.float32)])
    weights = imagenet_weights()
    _start_from(weights, model, blocks)
    if whole:
        _fold(model.get_layer("head"), weights, "_conv_head", "_bn1")
    return model


def reopen_network(path: Path, size: tuple[int, int] | None = None) -> tuple[Any, Card]:
    """Return a network that was trained before, to go on from, and its card.

    Args:
        path: Its `.keras`; the card lies beside it.
        size: Height and width that it shall take from now on; None leaves them. Its weights fit
            any, but what it knows of a garment's size in pixels has to be learned anew.

    Raises:
        ModelError: It cannot be opened, or it is of another kind than `build_network` builds.
    """
    import keras

    try:
        card = Card.from_json(path.with_suffix(".json").read_bytes())
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} and its card cannot be opened to go on from: {error}") from error
    if not {"logits", "deal"} <= {layer.name for layer in model.layers}:
        raise ModelError(
            f"Training goes on only from a network that it built itself. Received {path}, which "
            "has no layer named logits. Train a new one, or name another file."
        )
    model.get_layer("deal").trainable = False
    return (model, card) if size is None else _in_size(model, card, size)


def average(model: Any, path: Path) -> None:
    """Give a network the mean of its own weights and of another's.

    Of two that came from one training, it is often better than either: Wortsman et al. 2022,
    "Model soups".

    Raises:
        ModelError: The other cannot be opened, or is of another form.
    """
    other, _ = reopen_network(path)
    pairs = list(zip(model.get_weights(), other.get_weights(), strict=False))
    if any(one.shape != two.shape for one, two in pairs) or len(pairs) != len(model.weights):
        raise ModelError(f"There is no mean of two networks of different form. Received: {path}.")
    model.set_weights([(one + two) / 2 for one, two in pairs])


def _in_size(model: Any, card: Card, size: tuple[int, int]) -> tuple[Any, Card]:
    """Return the same network for pictures of another size, and the card that says so."""
    import keras

    height, width = size
    arrays = keras.Input((height, width, card.channels), name=model.inputs[0].name)

    def same(layer: Any) -> Any:
        return layer.__class__.from_config(layer.get_config())

    resized = keras.models.clone_model(model, input_tensors=arrays, clone_function=same)
    resized.set_weights(model.get_weights())
    resized.get_layer("deal").trainable = False
    return resized, replace(card, height=height, width=width)


def trainable_part(model: Any) -> Any:
    """Return the model as training sees it, up to its logits (n, 11); the weights are shared."""
    import keras

    return keras.Model(model.input, model.get_layer("logits").output)


def any_of_loss(targets: Any, logits: Any) -> Any:
    """Return the cross-entropy of "it is one of these", smoothed a little.

    A shoe of which nobody wrote down the kind counts by the sum of three probabilities. Of a
    blended picture both parts count, each by its share; and so does what a teacher says of it.

    Args:
        targets: Tensor of shape (n, 3, 11). First the picture and then the one that it is blended
            with: its share where an answer is right, else 0. Then the teacher's probabilities times
            its share, or zeros. The shares of the three sum to 1.
        logits: Tensor of shape (n, 11); the last is "none of the categories".

    Returns:
        Tensor of shape (n,).
    """
    from keras import ops

    log = ops.log_softmax(logits)  # (n, 11)
    parts, taught = targets[:, :2], targets[:, 2]
    share = ops.max(parts, axis=-1)  # (n, 2)
    right = ops.logsumexp(ops.where(parts > 0, log[:, None], -1e9), axis=-1)  # (n, 2)
    labelled = ops.sum(share * ops.where(share > 0, right, 0.0), axis=-1)
    smooth = ops.sum(share, axis=-1) * ops.mean(log, axis=-1)
    taught = ops.sum(taught * log, axis=-1)
    return -(1 - _SMOOTHING) * labelled - _SMOOTHING * smooth - taught


def multiply_adds(model: Any) -> int:
    """Return the multiplications of one photo's way through convolutions and dense layers."""
    from keras import layers

    total = 0
    for layer in model.layers:
        if isinstance(layer, layers.DepthwiseConv2D):
            total += int(np.prod(layer.output.shape[1:])) * int(np.prod(layer.kernel.shape[:2]))
        elif isinstance(layer, layers.Conv2D):
            total += int(np.prod(layer.output.shape[1:3])) * int(np.prod(layer.kernel.shape))
        elif isinstance(layer, layers.Dense):
            total += int(np.prod(layer.kernel.shape))
    return total


def _add_block(tensor: Any, block: Block, place: int) -> Any:
    from keras import layers

    filters = tensor.shape[-1]
    inner = tensor
    if block.expansion > 1:
        inner = layers.Conv2D(filters * block.expansion, 1, name=f"expand_{place}")(inner)
        inner = layers.ReLU(6)(inner)
    inner = layers.DepthwiseConv2D(
        block.kernel, block.stride, padding="same", name=f"depthwise_{place}"
    )(inner)
    inner = layers.ReLU(6)(inner)
    inner = layers.Conv2D(block.filters, 1, name=f"project_{place}")(inner)
    if block.stride > 1 or block.filters != filters:
        return inner
    rate = _DROP_PATH * place / len(BLOCKS)
    dropped = layers.Dropout(rate, noise_shape=(None, 1, 1, 1))(inner)
    return layers.Add()([tensor, dropped])


def _start_from(weights: Mapping[str, NDArray[Any]], model: Any, blocks: tuple[Block, ...]) -> None:
    """Put ImageNet's kernels into stem and blocks, each with the normalisation that follows it."""
    _fold(model.get_layer("stem"), weights, "_conv_stem", "_bn0")
    for place, block in enumerate(blocks):
        prefix = f"_blocks.{place}."
        if block.expansion > 1:
            expand = model.get_layer(f"expand_{place}")
            _fold(expand, weights, prefix + "_expand_conv", prefix + "_bn0")
        depthwise = model.get_layer(f"depthwise_{place}")
        _fold(depthwise, weights, prefix + "_depthwise_conv", prefix + "_bn1")
        project = model.get_layer(f"project_{place}")
        _fold(project, weights, prefix + "_project_conv", prefix + "_bn2")


def _fold(layer: Any, weights: Mapping[str, NDArray[Any]], convolution: str, norm: str) -> None:
    """Set kernel and bias so that the layer does what convolution and normalisation did."""
    kernel = weights[f"{convolution}.weight"]  # (out, in, height, width)
    scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + _EPSILON)
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    kernel = (kernel * scale[:, None, None, None]).transpose(2, 3, 1, 0)  # (h, w, in, out)
    layer.set_weights([kernel.reshape(layer.kernel.shape), bias])
