"""The JSON of the contract: what a run, a prediction and a failure look like to programs.

Owns the names of the fields, for the command line and the web alike; pure.
"""

from datetime import datetime
from typing import Any

from clothing.labels import CATEGORIES
from clothing.photos import Failure, Outcome, Prediction, Review, Run
from clothing.store import StoredPrediction


def run_of(run: Run) -> dict[str, Any]:
    """Return a run as JSON has it; times are UTC in ISO 8601."""
    return {
        "run_id": run.run_id,
        "status": run.status,
        "trigger": run.trigger,
        "prefix": run.prefix,
        "force": run.force,
        "started_at": time_of(run.started_at),
        "heartbeat_at": time_of(run.heartbeat_at),
        "finished_at": time_of(run.finished_at) if run.finished_at else None,
        "model_version": run.model_version,
        "expected": run.expected,
        "listed": run.counts.listed,
        "classified": run.counts.classified,
        "failed": run.counts.failed,
        "skipped": run.counts.skipped,
        "photos_per_second": round(run.photos_per_second, 1),
        "error": run.error,
    }


def classification_of(outcome: Outcome) -> dict[str, Any]:
    """Return what is said of one photo: a category and why to trust it, or an error."""
    if isinstance(outcome, Failure):
        return {"error": outcome.reason}
    return {
        "predicted_category": outcome.predicted_category,
        "confidence": outcome.confidence,
        "probabilities": probabilities_of(outcome),
        "needs_review": outcome.needs_review,
        "review_reason": outcome.review_reason,
    }


def ranked(prediction: Prediction) -> list[tuple[str, float]]:
    """Return every category with its probability, the most probable first."""
    return sorted(probabilities_of(prediction).items(), key=lambda pair: -pair[1])


def probabilities_of(prediction: Prediction) -> dict[str, float]:
    """Return the probability of every category by its name."""
    return dict(zip(CATEGORIES, prediction.probabilities, strict=True))


def stored_prediction_of(stored: StoredPrediction) -> dict[str, Any]:
    """Return a row of `GET /api/predictions`."""
    return {
        "image_id": stored.image_id,
        "run_id": stored.run_id,
        "image_name": stored.prediction.photo.name,
        "etag": stored.prediction.photo.etag,
        "timestamp": time_of(stored.timestamp),
        **classification_of(stored.prediction),
        "margin": stored.prediction.margin,
        "model_version": stored.model_version,
        "preprocessing_version": stored.preprocessing_version,
    }


def review_of(review: Review) -> dict[str, Any]:
    """Return the answer of `POST /api/reviews`."""
    return {
        "review_id": review.review_id,
        "image_id": review.image_id,
        "image_name": review.photo.name,
        "etag": review.photo.etag,
        "reviewed_category": review.reviewed_category,
        "reviewer": review.reviewer,
        "timestamp": time_of(review.timestamp),
        "seconds": review.seconds,
        "blind": review.blind,
    }


def time_of(moment: datetime) -> str:
    """Return a UTC time as JSON has it, for instance 2026-11-22T23:00:00.000Z."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
