"""One photo that somebody holds up: classified at once, stored nowhere.

Owns the way from an upload to an answer, for the page and the API alike.
"""

from dataclasses import dataclass

from flask import request
from werkzeug.exceptions import BadRequest

from clothing.photos import Photo, Prediction, predictions_of
from clothing.preprocess import fault_of, preprocess, working_side
from clothing.web.site import site


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says, and which model that is."""

    prediction: Prediction
    model_version: str


def answer() -> Answer:
    """Classify the one photo that the form field `photo` holds.

    Raises:
        BadRequest: There is none.
        PhotoError: It cannot be used.
        ModelError: There is no model that can.
    """
    upload = request.files.get("photo")
    if upload is None or not upload.filename:
        raise BadRequest("Send a photo as the multipart form field `photo`.")
    classifier = site().model.load()
    image = site().decoder.decode(upload.read(), working_side(classifier.card))
    array = preprocess(image, classifier.card)  # (height, width, channels)
    photo = Photo("upload", upload.filename, "", 0)
    (prediction,) = predictions_of(
        [photo], classifier.predict(array[None]), classifier.card, [fault_of(image)]
    )
    return Answer(prediction, classifier.version)
