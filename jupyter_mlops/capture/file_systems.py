"""What kind of file system a folder lies on: on some of them locks and shared memory mean little."""

from __future__ import annotations

from pathlib import Path

MOUNTS = Path("/proc/mounts")

_NETWORK = {
    "9p", "afs", "beegfs", "ceph", "cifs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
    "ocfs2", "orangefs", "panfs", "pvfs2", "smb3", "smbfs", "virtiofs", "vboxsf", "wekafs",
}  # fmt: skip
_LOCAL_FUSE = {"fuse.fuse-overlayfs", "fuseblk", "fuse.ntfs-3g"}


def mounts_here() -> str:
    """This machine's mounts in the form of /proc/mounts; made up from psutil where that is missing."""
    try:
        return MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return "\n".join(_elsewhere())


def _elsewhere() -> list[str]:
    import psutil

    parts = psutil.disk_partitions(all=True)
    return [f"{part.device or '-'} {_escape(part.mountpoint)} {part.fstype.lower()}" for part in parts]


def file_system(path: Path, mounts: str) -> str:
    """The type of the file system that ``path`` lies on; empty when no line says so."""
    found, depth = "", -1
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(_unescape(fields[1]))
        # of two mounts on one point the later hides the earlier
        if path.is_relative_to(point) and len(point.parts) >= depth:
            found, depth = fields[2], len(point.parts)
    return found


def is_network(kind: str) -> bool:
    """Whether files of this file system may be changed by another host, or locks on them mean little."""
    return kind in _NETWORK or (kind.startswith("fuse") and kind not in _LOCAL_FUSE)


def _escape(text: str) -> str:
    return text.replace(" ", "\\040")


def _unescape(text: str) -> str:
    """Mount points with spaces are written with octal escapes (fstab(5))."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
