"""What fits on a Ray cluster, from answers as Ray 2.60 gives them."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlops.executors.ray.capacity import Node, Room, in_use, never, outlook, room_of, spoken_request
from jupyter_mlops.protocols.jobs import Outlook

HERE = "http://ray"
HEX = "dc38f95c60962c682ce6d4a8b112f4763051e252213ff5a533300f96"
NODES = [
    {
        "node_id": HEX,
        "node_name": "10.0.0.1",
        "resources_total": {"CPU": 4.0, "GPU": 2.0, "memory": 4e9, "big_disk": 1.0},
    },
    {"node_id": "b" * 56, "node_name": "10.0.0.2", "resources_total": {"CPU": 16.0, "memory": 64e9}},
]
TWO_BUSY = {"CPU": [2.0, 4.0], "GPU": [2.0, 2.0], "memory": [0.0, 4e9], "bigDisk": [1.0, 1.0]}


def status(**report: Any) -> dict[str, Any]:
    return {"loadMetricsReport": report, "autoscalerReport": {"activeNodes": {"nodeDc38F95C" + HEX[9:]: 1}}}


def room(**report: Any) -> Room:
    return room_of(NODES, status(**report))


def test_free_resources_are_read_by_node() -> None:
    demands = [[{"GPU": 1.0}, 2], [{"CPU": 1.0}, 1]]
    assert room(usageByNode={HEX: TWO_BUSY}, resourceDemand=demands) == Room(
        nodes=[
            Node(
                name="10.0.0.1",
                total={"CPU": 4.0, "GPU": 2.0, "memory": 4e9, "big_disk": 1.0},
                free={"CPU": 2.0, "GPU": 0.0, "memory": 4e9, "big_disk": 0.0},
            ),
            Node(name="10.0.0.2", total=NODES[1]["resources_total"], free=NODES[1]["resources_total"]),  # type: ignore[arg-type]
        ],
        waiting=3,
        grows=False,
    )


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        ({"CPU": 1, "GPU": 2}, ""),
        ({"GPU": 0.5}, ""),
        ({"CPU": 16}, ""),
        ({}, ""),
        ({"GPU": 3}, "The job wants 3 GPUs, and a node of Ray at http://ray has at most 2 GPUs."),
        ({"TPU": 1}, "The job wants 1 TPU, and a node of Ray at http://ray has no TPU."),
        ({"CPU": 16, "GPU": 1}, "No single node of Ray at http://ray has 16 CPU cores and 1 GPU together."),
        (
            {"memory": 128 * 1024**3},
            "The job wants 128.0 GiB of memory, and a node of Ray at http://ray has at most 59.6 GiB of memory.",
        ),
    ],
)
def test_what_no_node_has_is_refused_with_what_there_is(wanted: dict[str, float], refusal: str) -> None:
    assert never(wanted, room(), HERE) == refusal


def test_cluster_that_grows_refuses_nothing() -> None:
    growing = {"autoscalerReport": {"activeNodes": {"ray.head.default": 1}}}
    assert never({"GPU": 64}, room_of(NODES, growing), HERE) == ""
    assert never({"GPU": 64}, room_of([], growing), HERE) == ""


def test_job_starts_where_a_node_has_room() -> None:
    assert outlook({"GPU": 1}, room()) == Outlook(starts_now=True, reason="Ray has room")


def test_job_waits_for_what_is_in_use() -> None:
    busy = room(usageByNode={HEX: TWO_BUSY})
    expected = Outlook(starts_now=False, reason="2 of 2 GPUs of Ray are in use")
    assert outlook({"CPU": 1, "GPU": 1}, busy) == expected


def test_job_waits_behind_those_that_wait() -> None:
    waiting = room(resourceDemand=[[{"TPU": 1.0}, 1]])
    assert outlook({"CPU": 1}, waiting) == Outlook(starts_now=False, reason="1 job waits on Ray already")


def test_what_was_handed_over_lately_is_reckoned_with() -> None:
    assert outlook({"GPU": 1}, room(), [{"GPU": 1}]).starts_now
    assert not outlook({"GPU": 1}, room(), [{"GPU": 1}, {"GPU": 0.5}]).starts_now


def test_nothing_is_said_to_be_in_use_where_it_is_not_short() -> None:
    assert in_use({"CPU": 1, "GPU": 1}, room()) == ""


def test_requests_read_well() -> None:
    assert spoken_request({"CPU": 2, "GPU": 0.5, "memory": 8 * 1024**3}) == (
        "2 CPU cores, 0.5 GPU and 8.0 GiB of memory"
    )
    assert spoken_request({"CPU": 1}) == "1 CPU core"
