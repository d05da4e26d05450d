"""Failed attempts to guess a key: how many of an address, and how long it has to wait.

Owns the counting; it knows no request. Its memory is bounded: of too many addresses those that
failed longest ago are forgotten, which helps nobody who has fewer than that many addresses.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

WINDOW_SECONDS = 60.0
"""From the first failed attempt on; after it an address starts anew."""

MOST_ADDRESSES = 4096
"""Addresses that are remembered, about 1 MB of them."""


@dataclass(slots=True)
class _Count:
    since: float
    failed: int = 0


class Attempts:
    """The failed attempts of the last minute.

    Args:
        limit: Failed attempts of an address within a window.
        clock: Seconds that only ever grow.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._counts)

    def wait(self, address: str) -> int:
        """Return the seconds after which an address may try again, 0 if it may now."""
        with self._lock:
            count = self._current(_place_of(address))
            if count is None or count.failed < self.limit:
                return 0
            return int(count.since + WINDOW_SECONDS - self._clock()) + 1

    def failed(self, address: str) -> int:
        """Note a failed attempt; return how many those are in this window."""
        place = _place_of(address)
        with self._lock:
            count = self._current(place)
            if count is None:
                count = self._counts[place] = _Count(self._clock())
                while len(self._counts) > MOST_ADDRESSES:
                    self._counts.popitem(last=False)
            count.failed += 1
            return count.failed

    def _current(self, place: str) -> _Count | None:
        """Return what is counted of a place; forget it if its window is over."""
        count = self._counts.get(place)
        if count is not None and self._clock() >= count.since + WINDOW_SECONDS:
            del self._counts[place]
            return None
        return count


def address_of(received: str) -> str:
    """Return an address without the port that Azure's front end adds, or "unknown".

    >>> address_of("203.0.113.5:51234"), address_of("[2001:db8::1]:443"), address_of("x")
    ('203.0.113.5', '2001:db8::1', 'unknown')
    """
    host = received.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ip_address(host))
    except ValueError:
        return "unknown"


def _place_of(address: str) -> str:
    """Return what counts as one: an address, or the 2^64 of IPv6 that one customer has."""
    known = address_of(address)
    if known == "unknown":
        return known
    found = ip_address(known)
    if not isinstance(found, IPv6Address):
        return known
    mapped = found.ipv4_mapped
    return str(mapped) if mapped else str(ip_network((found, 64), strict=False))
