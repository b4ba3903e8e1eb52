"""Copying a file's content, without copying its bytes where the file system can share them."""

from __future__ import annotations

import errno
import os
import sys

FICLONE = 0x40049409
"""ioctl_ficlone(2): Btrfs, XFS, bcachefs, OCFS2, and ZFS since 2.2."""
PIECE_BYTES = 64 * 1024 * 1024

_CANNOT = {
    errno.EXDEV, errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EBADF, errno.EPERM, errno.EACCES,
    errno.ENOSYS, errno.ETXTBSY,
}  # fmt: skip


def copy_content(source: int, target: int, size: int) -> None:
    """Give an empty file the content of another, both of them open. Raises OSError, such as of a full disk.

    A clone is a snapshot, made at once. A hard link is never made of a user's file: it would be the same
    file still, and who writes into it in place, as most libraries do, would change the stored version with
    it. That would be noticed, by its digest, but the content would be lost.
    """
    if not cloned(source, target):
        _copied(source, target, size)


def cloned(source: int, target: int) -> bool:
    """Whether the two files share their content now, each to be written to by itself."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError as error:
        if error.errno in _CANNOT:
            return False
        raise
    return True


def _copied(source: int, target: int, size: int) -> None:
    """By the kernel where it can: on NFS the server copies, and holes of sparse files may stay holes."""
    done = 0
    while hasattr(os, "copy_file_range"):
        try:
            count = os.copy_file_range(source, target, min(PIECE_BYTES, max(1, size - done)), done, done)
        except OSError as error:
            if error.errno in _CANNOT and not done:
                break
            raise
        done += count
        if not count:
            return
    os.lseek(source, 0, os.SEEK_SET)
    while piece := os.read(source, 1024 * 1024):
        _write(target, piece)


def _write(target: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(target, rest) :]
