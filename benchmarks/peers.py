"""What people would take instead: Ray Data, `tf.data` with Keras, OpenVINO.

Ray Data maps our own functions over the same photos: what differs is who moves the work about.
`tf.data` reads, decodes and resizes with TensorFlow's operations (at the decoder's own scale, which
has to be told it) and Keras predicts in batches; it looks for no faults, so it has less to do. Both
save into the same tables in the same batches. OpenVINO runs the network alone, from the same
LiteRT file; at its default precision of the newest processors, 16 bits, it answers differently.
"""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import folders, pipeline
from benchmarks.limits import PART
from benchmarks.measuring import Beginning, Done, NotMeasuredError, Place, Works
from benchmarks.predecessor import opened_by_keras
from clothing.photos import Photo

INSTALL = "pip install -r requirements-bench.txt"
SCALE = 4
"""At which `tf.data` decodes: a quarter, as ours does photos of this size."""

WARM = 64


@contextmanager
def _saving(place: Place, name: str) -> Iterator[pipeline.Keeper]:
    """Give what saves into a database of its own, and end its run."""
    with (
        tempfile.TemporaryDirectory(dir=place.scratch) as scratch,
        pipeline.store(Path(scratch) / f"{name}.db") as kept,
    ):
        keeper = pipeline.Keeper(kept, name, pipeline.card())
        yield keeper
        keeper.close()


@contextmanager
def ray_data(place: Place) -> Iterator[Works]:
    """Ray Data on this computer: one actor for each core walks its photos from bytes to answers.

    One step for all, so that no array is copied from one process to the next.
    """
    os.environ |= _RAY_SETTINGS
    try:
        import ray
    except ImportError as error:
        raise NotMeasuredError(f"Ray is not installed: {INSTALL}") from error
    _start(ray)
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        with _saving(place, "ray") as keeper:
            yield Works({"ray_data": lambda: _save_all(keeper, _over_ray(ray, place))})
    finally:
        ray.shutdown()


def _start(ray: Any) -> None:
    """Start Ray; it gives itself 30 s, which are few on a busy computer, so it gets three tries."""
    for try_again in (True, True, False):
        try:
            ray.init(
                num_cpus=pipeline.CORES,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                _node_ip_address="127.0.0.1",
            )
            return
        except Exception:  # it raises no error of its own
            ray.shutdown()
            if not try_again:
                raise


_RAY_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # So that it listens on loopback only: without it, 127.0.0.1 as the node's address is exchanged
    # for the computer's own.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_agent_register_timeout_ms": "180000",
}

_Rows = dict[str, NDArray[Any]]
"""What Ray passes on: columns of a batch by name."""


def _over_ray(ray: Any, place: Place) -> Iterator[_Rows]:
    items = [
        {"name": photo.name, "etag": photo.etag, "size": photo.size} for photo in _listed(place)
    ]
    blocks = max(1, len(items) // pipeline.BATCH)
    answers = ray.data.from_items(items, override_num_blocks=blocks).map_batches(
        _Walks,
        fn_constructor_args=(str(place.small),),
        batch_size=pipeline.BATCH,
        concurrency=pipeline.CORES,
    )
    batches: Iterator[_Rows] = iter(answers.iter_batches(batch_size=pipeline.BATCH))
    return batches


def _listed(place: Place) -> list[Photo]:
    return list(pipeline.folder(place.small).list_photos())


def _save_all(keeper: pipeline.Keeper, batches: Iterator[_Rows]) -> Done:
    beginning = Beginning()
    for batch in batches:
        faults = [str(one) for one in batch["fault"]]
        keeper.save(_photos_of(batch), batch["probabilities"], faults)
        beginning.count(keeper.saved)
    return Done(keeper.saved, beginning=beginning)


def _photos_of(batch: _Rows) -> list[Photo]:
    columns = zip(batch["name"], batch["etag"], batch["size"], strict=True)
    return [Photo("images", str(name), str(etag), int(size)) for name, etag, size in columns]


class _Walks:
    """Our functions in an actor of Ray: read, decode, preprocess, look for faults, predict."""

    def __init__(self, folder: str) -> None:
        self._container = pipeline.folder(Path(folder))
        self._classifier = pipeline.load()

    def __call__(self, batch: _Rows) -> _Rows:
        contents = [self._container.download(photo) for photo in _photos_of(batch)]
        arrays, faults = pipeline.arrays_of(contents, self._classifier.card)
        probabilities = self._classifier.predict(arrays)
        return {**batch, "probabilities": probabilities, "fault": np.array(faults, dtype=object)}


@contextmanager
def tf_data(place: Place) -> Iterator[Works]:
    """TensorFlow's own pipeline, and Keras in batches of the size that measured best."""
    network = opened_by_keras()
    photos = _listed(place)
    yield Works(
        {"tf_data": lambda: _over_tf(network, place, photos)},
        warm_up=lambda: _over_tf(network, place, photos[:WARM]),
    )


def _over_tf(network: Any, place: Place, photos: list[Photo]) -> Done:
    paths = [str(place.small / photo.name) for photo in photos]
    answers = network.predict(_dataset(network, paths), verbose=0)
    with _saving(place, "tf") as keeper:
        for first in range(0, len(photos), pipeline.BATCH):
            some = slice(first, first + pipeline.BATCH)
            keeper.save(photos[some], answers[some])
        return Done(keeper.saved)


def _dataset(network: Any, paths: list[str]) -> Any:
    import tensorflow as tf

    _, height, width, channels = network.input_shape

    def array(path: Any) -> Any:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=channels, ratio=SCALE)
        return tf.image.resize_with_pad(image, height, width, antialias=True) / 255

    photos = tf.data.Dataset.from_tensor_slices(paths)
    arrays = photos.map(array, num_parallel_calls=tf.data.AUTOTUNE)
    return arrays.batch(pipeline.BATCH).prefetch(tf.data.AUTOTUNE)


@contextmanager
def openvino(place: Place) -> Iterator[Works]:
    """OpenVINO on all cores, the network alone: at 32 bits as we answer, and at its default."""
    try:
        import openvino as vino
    except ImportError as error:
        raise NotMeasuredError(f"OpenVINO is not installed: {INSTALL}") from error
    arrays, _ = pipeline.arrays_of(folders.contents_of(place.small, PART), pipeline.card())
    core, number = vino.Core(), place.sizes["small"]
    exact = _compiled(vino, core, arrays, {"INFERENCE_PRECISION_HINT": "f32"})
    fast = _compiled(vino, core, arrays, {})
    off = float(np.abs(exact(1) - fast(1)).max())
    times = -(-number // PART)
    yield Works(
        {
            "openvino": lambda: Done(times * len(exact(times))),
            "openvino_default": lambda: Done(times * len(fast(times)), {"difference": off}),
        }
    )


def _compiled(
    vino: Any, core: Any, arrays: NDArray[np.float32], settings: dict[str, str]
) -> Callable[[int], NDArray[np.float32]]:
    """Return what answers a batch so many times, as many at once as OpenVINO likes; → (n, 10)."""
    model = core.read_model(pipeline.COMPILED)
    model.reshape(list(arrays.shape))
    compiled = core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT", **settings})
    queue = vino.AsyncInferQueue(compiled)
    last: list[NDArray[np.float32]] = []
    queue.set_callback(lambda request, _: last.append(request.get_output_tensor(0).data.copy()))

    def run(times: int) -> NDArray[np.float32]:
        last.clear()
        for _ in range(times):
            queue.start_async([arrays])
        queue.wait_all()
        return last[-1]

    return run
