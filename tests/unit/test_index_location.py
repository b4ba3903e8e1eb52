"""Where the index of a home lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.capture.file_systems import file_system, is_network
from jupyter_mlops.store.index_location import IndexLocation, cache_folder, index_location, index_path

MOUNTS = """\
/dev/vda1 / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/export/home /home nfs4 rw,vers=4.2 0 0
/dev/vdb1 /home/scratch xfs rw 0 0
//server/share /mnt/my\\040share cifs rw 0 0
store /lustre lustre rw 0 0
sshfs#host: /mnt/ssh fuse.sshfs rw 0 0
tmpfs /mnt/ssh/local tmpfs rw 0 0
old /data ext4 rw 0 0
new:/x /data nfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/data", "ext4"),
        ("/home/ada/mlops", "nfs4"),
        ("/home/scratch/mlops", "xfs"),
        ("/homework", "ext4"),
        ("/mnt/my share/mlops", "cifs"),
        ("/mnt/ssh/x", "fuse.sshfs"),
        ("/mnt/ssh/local/x", "tmpfs"),
        ("/data/mlops", "nfs"),
    ],
)
def test_file_system_is_that_of_the_deepest_and_last_mount(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "ceph", "fuse.sshfs", "9p"]
)
def test_network_file_systems(kind: str) -> None:
    assert is_network(kind)


@pytest.mark.parametrize(
    "kind", ["", "ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "fuse.fuse-overlayfs"]
)
def test_local_file_systems(kind: str) -> None:
    assert not is_network(kind)


def test_index_lies_in_a_local_home() -> None:
    location = index_location(Path("/var/mlops"), mounts=MOUNTS, cache=Path("/cache"))
    assert location == IndexLocation(Path("/var/mlops/index.sqlite"), aside=False)


def test_index_of_a_home_on_the_network_lies_in_the_cache_by_the_homes_path() -> None:
    places = [
        index_location(Path(home), mounts=MOUNTS, cache=Path("/cache"))
        for home in ("/home/ada/mlops", "/home/bea/mlops", "/home/ada/mlops")
    ]
    assert all(place.aside and place.path.parent == Path("/cache") for place in places)
    assert places[0] == places[2]
    assert places[0] != places[1]


def test_without_a_list_of_mounts_the_home_counts_as_local() -> None:
    assert not index_location(Path("/var/mlops"), mounts="", cache=Path("/cache")).aside


def test_cache_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/jupyter-mlops")
    assert cache_folder({}) == Path.home() / ".cache" / "jupyter-mlops"


def test_this_machines_temporary_home_has_its_index_in_it(tmp_path: Path) -> None:
    assert index_path(tmp_path).name.endswith("index.sqlite")
