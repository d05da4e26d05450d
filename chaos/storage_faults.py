"""Storage faults: a container whose answers get lost, come late, or are of another photo by now.

Owns what befalls which photo. A round is a container of its own in Azurite, a night in which one
kind of fault strikes some photos, the listing or everything, and a second night without. A
client's waits are shortened by `azure_storage.Patience`; how often it tries stays as it is.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Literal

from chaos.findings import Round
from chaos.proxy import Mishap, Proxy, Request
from chaos.scene import Scene
from chaos.witness import opened, seen_at_the_end
from clothing.azure_storage import RETRIES, AzureAccount, AzureContainer, Patience
from clothing.batch import run_batch
from clothing.classifier import Classifier
from clothing.photos import Run
from clothing.store import Store
from clothing.walk import REFUSALS, Tuning
from tests.azurite import Azurite, connection_string
from tests.pictures import jpeg

PART = "storage"

HURRIED = Patience(connect_seconds=5, read_seconds=3, first_wait=0.02, growth=0.2, jitter=0.01)
"""A client's patience in these rounds: enough for a computer that has much else to do."""

SMALL = Tuning(batch_size=8, download_threads=3, decode_threads=2)

Where = Literal["photos", "listing", "everything"]

_FOREVER = 10**9


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault.

    Attributes:
        where: What it strikes: some photos, the listing, or all there is from some moment on.
        mishap: What happens to the answers.
        lasting: True if trying again does not help.
    """

    where: Where
    mishap: Mishap | Literal["change", "vanish"]
    lasting: bool = False

    @property
    def name(self) -> str:
        """What people call it."""
        if self.mishap in ("change", "vanish"):
            return f"photos {self.mishap}"
        return f"{self.where}: {self.mishap}, {'for good' if self.lasting else 'passing'}"

    @property
    def harmless(self) -> bool:
        """True if nobody should notice."""
        return not self.lasting or self.mishap == "delay"


MISHAPS: tuple[Mishap, ...] = (
    "drop", "delay", "truncate", "reset", "silence", "429", "500", "503", "504",
)  # fmt: skip

KINDS = (
    *(Kind("photos", mishap) for mishap in MISHAPS),
    Kind("photos", "change"),
    *(Kind("listing", mishap) for mishap in MISHAPS),
    Kind("photos", "vanish"),
    *(Kind("photos", mishap, lasting=True) for mishap in MISHAPS),
    *(Kind("everything", mishap, lasting=True) for mishap in ("drop", "500", "truncate")),
    *(Kind("listing", mishap, lasting=True) for mishap in MISHAPS),
)
"""In the order in which they take turns."""


@dataclass
class Fault:
    """What befalls a container in one night; asked by the proxy, by several threads.

    Attributes:
        kind: What it is.
        stricken: Names of photos, if it strikes photos.
        times: How many requests for each it strikes.
        container: Where photos change and vanish; not through the proxy.
        unharmed: Requests that pass before it begins.
        met: How often each was asked for.
    """

    kind: Kind
    stricken: frozenset[str]
    times: int
    container: AzureContainer
    unharmed: int = 0
    met: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Mishap | None:
        """Return what becomes of the answer to a request."""
        name = "" if request.is_listing else request.path.split("/", 3)[-1]
        with self._lock:
            if not self._strikes(request, name):
                return None
            self.met[name] = self.met.get(name, 0) + 1
            if self.met[name] > self.times:
                return None
        if self.kind.mishap == "change":
            self.container.write(name, jpeg("green", size=(40, 50)))
        elif self.kind.mishap == "vanish":
            self.container.delete(name)
        else:
            return self.kind.mishap
        return None

    @property
    def struck(self) -> int:
        """How many requests met it."""
        return sum(min(number, self.times) for number in self.met.values())

    def _strikes(self, request: Request, name: str) -> bool:
        if self.kind.where == "everything":
            self.unharmed -= 1
            return self.unharmed < 0
        return request.is_listing if self.kind.where == "listing" else name in self.stricken


@dataclass(frozen=True)
class Place:
    """What all rounds share.

    Attributes:
        azurite: The storage.
        scene: Where the database lies.
        classifier: The model, loaded once.
        proxy: The way to the storage.
    """

    azurite: Azurite
    scene: Scene
    classifier: Classifier
    proxy: Proxy

    def run(self, container: str) -> Run:
        """Take one run over a container to its end, through the proxy."""
        account = AzureAccount.from_connection_string(
            connection_string(self.proxy.port, self.azurite.key), connections=4, patience=HURRIED
        )
        store = Store(f"sqlite:///{self.scene.database}")
        try:
            store.ready()
            run = store.open_run("chaos")
            images = account.container(container, page=7)
            return run_batch(store, run, images, lambda: self.classifier, SMALL)
        finally:
            store.dispose()

    def reasons(self, run: Run) -> dict[str, str]:
        """Return why photos failed in a run, by name."""
        query = "SELECT image_filename, reason FROM image_failure WHERE run_id = ?"
        with closing(opened(self.scene.database)) as connection:
            return dict(connection.execute(query, (run.run_id,)).fetchall())


def rounds(
    azurite: Azurite,
    scene: Scene,
    classifier: Classifier,
    seed: int,
    number: int,
    only: frozenset[int] = frozenset(),
) -> Iterator[Round]:
    """Play so many rounds, the kinds in turn; yield each when it is over."""
    with Proxy(azurite.port) as proxy:
        place = Place(azurite, scene, classifier, proxy)
        for turn in range(number):
            if not only or turn in only:
                kind = KINDS[turn % len(KINDS)]
                rng = random.Random(f"{seed}/{PART}/{turn}")
                yield _play(place, kind, rng, Round(PART, kind.name, turn))


def _play(place: Place, kind: Kind, rng: random.Random, one: Round) -> Round:
    """Play one round: a night with the fault, one without, and what both must come to."""
    place.scene.remove()
    container = place.azurite.container()
    fault = place.proxy.fate = _fault(kind, container, rng)
    first = place.run(container.name)
    place.proxy.fate = lambda request: None
    one.struck = fault.struck
    one.notes.append(f"{sorted(fault.stricken)}: {first.status}, {first.counts}, {first.error}")
    _judge(first, place.reasons(first), fault, one)
    second = place.run(container.name)
    one.notes.append(f"then {second.status}, {second.counts}")
    if second.status != "succeeded" or second.counts.failed:
        one.blame("lost", f"the next night ended so: {second.status}, {second.counts}")
    listed = {photo.name: photo.etag for photo in container.list_photos()}
    gone = fault.stricken - listed.keys()
    one.found += seen_at_the_end(place.scene.database, listed, gone)
    return one


def _fault(kind: Kind, container: AzureContainer, rng: random.Random) -> Fault:
    """Fill a container, and draw what befalls it."""
    number = rng.randint(20, 40)
    if kind.where == "everything":
        number += 10 + REFUSALS  # a few that fail at the end are no storage that fails
    names = [f"{'night/' * (n % 2)}{n:02}.jpg" for n in range(number)]
    for name in names:
        color = (rng.randrange(256), rng.randrange(256), rng.randrange(256))
        container.write(name, jpeg(color, size=(48, 64)))
    most = 1 if kind.mishap == "silence" else 4  # each of those takes as long as a client waits
    number = rng.randint(1, most) if kind.where == "photos" else 0
    stricken = frozenset(rng.sample(names, number))
    times = rng.randint(1, _tries(kind))
    times = _FOREVER if kind.lasting else times
    return Fault(kind, stricken, times, container, unharmed=rng.randint(8, 20))


def _tries(kind: Kind) -> int:
    """Return how many tries may fail: once an answer to a download has begun, there are two."""
    if kind.mishap in ("change", "vanish"):
        return 1
    begun = kind.where == "photos" and kind.mishap in ("truncate", "reset", "silence")
    return 2 if begun else RETRIES


def _judge(first: Run, reasons: dict[str, str], fault: Fault, one: Round) -> None:
    """Blame what the night with the fault should not have come to."""
    kind = fault.kind
    if first.status == "running":
        one.blame("stuck", f"run {first.run_id} is over, and its row says it is running")
    elif kind.where == "photos":
        _judge_photos(first, reasons, fault, one)
    elif kind.harmless and (first.status != "succeeded" or reasons):
        one.blame("lost", f"{kind.name}: {first.status}, {first.counts}, {first.error}")
    elif not kind.harmless and (first.status != "failed" or not first.error):
        one.blame("wrong", f"{kind.name}: {first.status}, {first.counts}, {first.error}")


def _judge_photos(first: Run, reasons: dict[str, str], fault: Fault, one: Round) -> None:
    """Blame photos that failed without need, or did not though they cannot have been read."""
    spoilt = fault.kind.mishap in ("change", "vanish") or not fault.kind.harmless
    due = fault.stricken if spoilt else frozenset()
    if first.status != "succeeded" or not first.counts.add_up:
        one.blame("wrong", f"a few photos cost the run: {first.counts}, {first.error}")
    elif reasons.keys() != due or not all(reasons.values()):
        one.blame("lost", f"photos {sorted(due)} were struck; these failed: {reasons}")
