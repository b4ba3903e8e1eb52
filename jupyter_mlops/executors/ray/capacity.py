"""What a Ray cluster has, and whether a job finds room in it. Pure, but for the two questions at the top.

Ray places a job's worker on one node, so that all it asks for must be there together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import Unavailable
from ...protocols.jobs import Outlook
from .api import RayApi

GIBIBYTE = 1024**3
TINY = 1e-6
UNMANAGED = re.compile(r"node_?[0-9a-fA-F]{20,}")
"""The types of nodes that somebody started by hand: each is its own, and none comes by itself."""
UNITS = {"CPU": ("CPU core", "CPU cores"), "GPU": ("GPU", "GPUs")}

Request = Mapping[str, float]
"""How much of which resource, by Ray's names: ``{"CPU": 1, "GPU": 0.5, "memory": 8e9}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    name: str
    total: Request
    free: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """``waiting`` is how many requests Ray cannot serve just now; ``grows``: an autoscaler adds nodes."""

    nodes: Sequence[Node]
    waiting: int = 0
    grows: bool = False


def ask_room(api: RayApi) -> Room:
    """Raises Unavailable."""
    room = room_of(api.nodes(), api.status())
    if not room.nodes and not room.grows:
        raise Unavailable(f"Ray at {api.address} has no living node.")
    return room


def room_of(nodes: Sequence[Mapping[str, Any]], status: Mapping[str, Any]) -> Room:
    """``nodes`` and ``status`` as the REST API gives them.

    The status report writes the names of resources in camel case. It comes every five seconds.
    """
    report = status.get("loadMetricsReport") or {}
    usage = report.get("usageByNode") or {}
    demands = report.get("resourceDemand") or []
    autoscaler = status.get("autoscalerReport") or {}
    types = [*(autoscaler.get("activeNodes") or {}), *(autoscaler.get("pendingLaunches") or {})]
    return Room(
        nodes=[_node(each, usage.get(each.get("node_id")) or {}) for each in nodes],
        waiting=sum(int(count) for _, count in demands),
        grows=any(not UNMANAGED.fullmatch(each) for each in types),
    )


def _node(node: Mapping[str, Any], usage: Mapping[str, Sequence[float]]) -> Node:
    total = {name: float(amount) for name, amount in (node.get("resources_total") or {}).items()}
    used = {name: float((usage.get(camel_case(name)) or [0.0])[0]) for name in total}
    free = {name: amount - used[name] for name, amount in total.items()}
    return Node(name=str(node.get("node_name") or node.get("node_id")), total=total, free=free)


def camel_case(name: str) -> str:
    """As Ray's dashboard writes the keys of its answers."""
    first, *others = name.split("_")
    return first + "".join(part.title() for part in others)


def never(wanted: Request, room: Room, address: str) -> str:
    """Why the cluster can never give that to one job; empty when it can."""
    if room.grows or any(_fits(wanted, node.total) for node in room.nodes):
        return ""
    for name, amount in wanted.items():
        most = max(node.total.get(name, 0.0) for node in room.nodes)
        if amount > most + TINY:
            there = f"at most {spoken(name, most)}" if most else f"no {spoken(name, 0).partition(' ')[2]}"
            return f"The job wants {spoken(name, amount)}, and a node of Ray at {address} has {there}."
    return f"No single node of Ray at {address} has {spoken_request(wanted)} together."


def outlook(wanted: Request, room: Room, handed_over: Sequence[Request] = ()) -> Outlook:
    """Whether a job would start now. ``handed_over`` was sent lately, and the report may not have it yet."""
    nodes = [dict(node.free) for node in room.nodes]
    for other in handed_over:
        if (taken := next((node for node in nodes if _fits(other, node)), None)) is not None:
            taken.update({name: taken.get(name, 0.0) - amount for name, amount in other.items()})
    if room.waiting:
        waiting = "1 job waits" if room.waiting == 1 else f"{room.waiting} jobs wait"
        return Outlook(starts_now=False, reason=f"{waiting} on Ray already")
    if any(_fits(wanted, node) for node in nodes):
        return Outlook(starts_now=True, reason="Ray has room")
    return Outlook(starts_now=False, reason=in_use(wanted, room) or "Ray has no room just now")


def in_use(wanted: Request, room: Room) -> str:
    """Which wanted resource is taken: ``2 of 2 GPUs of Ray are in use``; empty where none is short."""
    for name in sorted(wanted, key=lambda each: each != "GPU"):
        if (
            name == "memory"
            or max((node.free.get(name, 0.0) for node in room.nodes), default=0.0) + TINY >= (wanted[name])
        ):
            continue
        total = sum(node.total.get(name, 0.0) for node in room.nodes)
        used = total - sum(node.free.get(name, 0.0) for node in room.nodes)
        return f"{used:g} of {spoken(name, total)} of Ray are in use"
    return ""


def spoken(name: str, amount: float) -> str:
    """``2 GPUs``, ``8.0 GiB of memory``, ``1 TPU``."""
    if name == "memory":
        return f"{amount / GIBIBYTE:.1f} GiB of memory"
    one, many = UNITS.get(name, (name, name))
    return f"{amount:g} {one if 0 < amount <= 1 else many}"


def spoken_request(wanted: Request) -> str:
    parts = [spoken(name, amount) for name, amount in wanted.items()]
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]])) if parts else "nothing"


def _fits(wanted: Request, there: Request) -> bool:
    return all(amount <= there.get(name, 0.0) + TINY for name, amount in wanted.items())
