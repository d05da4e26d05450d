"""From a `.keras` file to a compiled model, in a process of its own.

Owns the only import of TensorFlow at serving time: it costs 10 s and more than a gigabyte, so a
child process pays it once for each new model and ends. Models are code; nothing of one is opened
in the service's own processes, and the child knows no setting and no secret.
"""

import contextlib
import json
import os
import stat
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clothing.card import Card
from clothing.classifier import Classifier, softmax
from clothing.errors import ModelError
from clothing.sandbox import stay_within, without_secrets

TIMEOUT_SECONDS = 600
"""After this a child is ended; the tutorial's network takes 20 s on one slow core."""

PARITY = 1e-4
"""The largest difference between a probability of the original and of the compiled model."""

MOST_BYTES = 512 * 2**20
"""What an archive may hold, unpacked: ours holds 8 MB, a ResNet-50 holds 100."""

MEMORY = 6 * 2**30
"""Bytes that the child may ask for, so that a layer of a billion weights ends it and nothing else.

TensorFlow asks for 1.2 GB and a thread's stack for each core before it has opened anything.
"""

_PARTS = frozenset({"config.json", "metadata.json", "model.weights.h5"})
_FOLDERS = ("assets/",)
"""What Keras writes into an archive."""

_SAMPLES = 32


def compile_in_child(source: Path, destination: Path, card: Card) -> None:
    """Compile a model in a child process and wait for it.

    Args:
        source: The `.keras` file.
        destination: Where the LiteRT file is to lie; written whole or not at all.
        card: Says which shapes the model must have.

    Raises:
        ModelError: The model was refused, or the child died; the message says why.
    """
    command = [sys.executable, "-m", "clothing.compile", str(source), str(destination)]
    try:
        child = subprocess.run(
            command,
            input=card.to_json(),
            cwd=Path(__file__).parent.parent,
            env={**without_secrets(), "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"Compiling the model took over {TIMEOUT_SECONDS} s.") from error
    if child.returncode:
        raise ModelError(_reason(child))


def compile_model(source: Path, destination: Path, card: Card) -> None:
    """Compile a model in this process, and check that both give the same answers.

    Raises:
        ModelError: It cannot be opened, does not fit its card, or answers differently.
    """
    network = _open(source)
    _check_shapes(network, card)
    sample = np.random.default_rng(0).random((_SAMPLES, *network.input_shape[1:]), np.float32)
    answers = np.asarray(network.predict(sample, verbose=0), dtype=np.float32)
    if not np.isfinite(answers).all():
        raise ModelError("The model answers with numbers that are not finite; train it anew.")
    given = "probabilities" if _are_probabilities(answers) else "logits"
    if card.output not in (given, None):
        raise ModelError(
            f"The model's card says that it gives {card.output}, but it gives {given}. Set output "
            "in the card to what it gives, or to null."
        )
    if given == "logits":
        network, answers = _with_softmax(network), softmax(answers)

    partial = destination.with_name(f"{destination.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(_convert(network))
        # Parity is measured before calibration, which is the service's own step.
        _check_parity(Classifier(partial, replace(card, temperature=1.0), ""), sample, answers)
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)


def _open(source: Path) -> Any:
    """Open a `.keras` file with its safe mode on; TensorFlow is imported here and only here."""
    _refuse_strange_archives(source)
    try:
        import keras
        import tensorflow  # noqa: F401 - keras needs it, and its absence has a remedy of its own
    except ImportError as error:
        raise ModelError(
            "This .keras model has no compiled one beside it that its card vouches for, and "
            "TensorFlow is not installed here. Install requirements.txt, or publish the model from "
            "where it is installed: python -m clothing model publish NEW.keras"
        ) from error
    try:
        return keras.saving.load_model(source, compile=False, safe_mode=True)
    except Exception as error:  # whatever the archive holds, the answer is the same: refused
        reason = " ".join(str(error).split())[:400] or type(error).__name__
        raise ModelError(f"The model cannot be opened as a .keras file: {reason}") from error


def _refuse_strange_archives(source: Path) -> None:
    """Refuse an archive that holds more than a model before anything of it is unpacked.

    Raises:
        ModelError: It has parts that Keras does not write, leads out of itself, or is too large.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            parts = archive.infolist()
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ModelError(f"The model cannot be opened as a .keras file: {error}") from error
    for part in parts:
        known = part.filename in _PARTS or part.filename.startswith(_FOLDERS)
        if not known or ".." in part.filename or "\\" in part.filename or _is_link(part):
            raise ModelError(
                "The model's archive must hold what Keras writes into it and nothing else. "
                f"Received a part named {part.filename[:100]!r}."
            )
    if len({part.filename for part in parts}) < len(parts):
        raise ModelError("The model's archive holds a part twice; save the model anew.")
    size = sum(part.file_size for part in parts)
    if size > MOST_BYTES:
        raise ModelError(
            f"The model's archive may hold {MOST_BYTES / 2**20:.0f} MB, unpacked. "
            f"Received one that holds {size / 2**20:,.0f} MB."
        )


def _is_link(part: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(part.external_attr >> 16)


def _check_shapes(network: Any, card: Card) -> None:
    taken, given = network.input_shape, network.output_shape
    wanted = (None, card.height, card.width, card.channels)
    if taken != wanted or given != (None, len(card.labels)):
        raise ModelError(
            f"The model must take {wanted} and give (None, {len(card.labels)}): one output for "
            f"each category. Received a model that takes {taken} and gives {given}."
        )


def _are_probabilities(answers: NDArray[np.float32]) -> bool:
    """Return True if rows are probabilities already, False if they are logits."""
    return bool((answers >= 0).all() and np.allclose(answers.sum(axis=1), 1, atol=1e-3))


def _with_softmax(network: Any) -> Any:
    import keras

    arrays = keras.Input(network.input_shape[1:])
    return keras.Model(arrays, keras.layers.Softmax()(network(arrays)))


def _convert(network: Any) -> bytes:
    import tensorflow as tf

    try:
        compiled: bytes = tf.lite.TFLiteConverter.from_keras_model(network).convert()
    except Exception as error:
        reason = " ".join(str(error).split())[:400]
        raise ModelError(f"The model cannot be compiled to LiteRT: {reason}") from error
    return compiled


def _check_parity(
    classifier: Classifier, sample: NDArray[np.float32], answers: NDArray[np.float32]
) -> None:
    difference = float(np.abs(classifier.predict(sample) - answers).max())
    if not difference <= PARITY:
        raise ModelError(
            f"The compiled model must answer as the original does, to {PARITY}. "
            f"Received a difference of {difference:.2g}."
        )


def _reason(child: "subprocess.CompletedProcess[str]") -> str:
    """Return why a child refused a model, or how it died."""
    last = (child.stdout.strip().splitlines() or [""])[-1]
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(last)["error"])
    complaint = " ".join(child.stderr.split())[-400:]
    return f"The process that compiles the model ended with {child.returncode}: {complaint}"


def main() -> int:
    """Compile argument 1 to argument 2, the card on standard input; the child's side."""
    source, destination = map(Path, sys.argv[1:3])
    _limit()
    try:
        with contextlib.redirect_stdout(sys.stderr):  # the converter is talkative
            compile_model(source, destination, Card.from_json(sys.stdin.read()))
    except ModelError as error:
        print(json.dumps({"error": str(error)}))
        return 1
    except MemoryError:
        print(json.dumps({"error": "The model needs too much memory to be opened."}))
        return 1
    return 0


def _limit() -> None:
    """Bound what a model may cost, where the system can; of all processes this one goes first."""
    stay_within(RLIMIT_DATA=MEMORY, RLIMIT_CORE=0)
    with contextlib.suppress(OSError):  # Linux has it
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    sys.exit(main())
