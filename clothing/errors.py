"""The errors of this package, and what each of them stops.

ClothingError
├─ ConfigError      stop at start-up; names the setting, what was received and what is accepted
├─ StorageError     .permanent says whether trying again helps
├─ PhotoError       this photo only: it becomes a Failure, the run goes on
├─ ModelError       the run stops; its status is "failed"
├─ EngineError      the run stops; its status is "failed"
└─ StoreError       the run stops; nothing is half-written
   └─ ActiveRunError   another run is going on; .run_id says which

Errors of libraries are translated once, at the edge where they arise (`raise … from error`), and
caught where somebody is told: `walk` (a photo's own errors become Failures), `batch` (the run's row
says why it failed), `cli` (a message and an exit code) and `web` (a page, or problem+json).
"""


class ClothingError(Exception):
    """Base of all errors that this package raises on purpose; its text is fit for users."""


class ConfigError(ClothingError):
    """A setting is missing or cannot be used."""


class StorageError(ClothingError):
    """A container cannot be listed or read.

    Args:
        message: What failed and what to do, for users.
        permanent: True if trying again cannot help, False if the fault may pass.
    """

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent

    def __reduce__(self) -> tuple[object, ...]:
        """Travel whole from one process to another."""
        return _storage_error, (str(self), self.permanent)


class PhotoError(ClothingError):
    """One photo cannot be used; its text is the reason that people read."""


class ModelError(ClothingError):
    """The model cannot be found, trusted, compiled or used."""


class EngineError(ClothingError):
    """The cluster or the processes that a run happens on cannot be had, or do no work."""


class StoreError(ClothingError):
    """The database cannot be reached, or refused what was asked of it."""


class ActiveRunError(StoreError):
    """Another run is going on, and there is one at a time."""

    def __init__(self, message: str, *, run_id: int) -> None:
        super().__init__(message)
        self.run_id = run_id


def _storage_error(message: str, permanent: bool) -> StorageError:
    return StorageError(message, permanent=permanent)
