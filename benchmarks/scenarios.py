"""The scenarios by name, in the order of a round. Each is explained where it is written."""

from benchmarks import limits, ours, peers, predecessor, service
from benchmarks.measuring import Scenario

SCENARIOS: dict[str, Scenario] = {
    "folder": ours.folder,
    "large": ours.large,
    "azurite": ours.azurite,
    "steps": limits.steps,
    "gets": limits.gets,
    "rerun": ours.rerun,
    "scaled": ours.scaled,
    "ray_data": peers.ray_data,
    "tf_data": peers.tf_data,
    "openvino": peers.openvino,
    "predecessor": predecessor.predecessor,
    "starts": service.starts,
    "pages": service.pages,
}
"""Each runs in a process of its own; some measure several things there."""

IN_TURNS = tuple(name for name in SCENARIOS if name != "scaled")
"""What every round measures, in this order; the scale is measured once."""

WITH_AZURITE = frozenset({"azurite", "gets"})
