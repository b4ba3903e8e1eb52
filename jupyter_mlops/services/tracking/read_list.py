"""The files and folders that a run has read: listed one by one, until they are too many."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

from .read_entries import FileEntry, FolderEntry

MAX_ENTRIES = 1000
"""So many files of a run are listed one by one."""
FILES_A_FOLDER = 100
"""More files of one folder become one entry: the folder's."""
MAX_FOLDERS = 50


class ReadList:
    """Who uses it from several threads takes a lock."""

    def __init__(self) -> None:
        self.files: dict[str, FileEntry] = {}
        self.folders: dict[str, FolderEntry] = {}
        self._in_folder: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self.files) + len(self.folders)

    def __contains__(self, path: str) -> bool:
        folder = self.folder_of(path)
        return path in self.files or (folder is not None and path in folder)

    def entry_of(self, path: str) -> FileEntry | FolderEntry | None:
        return self.files.get(path) or self.folders.get(path)

    def folder_of(self, path: str) -> FolderEntry | None:
        """The entry of a folder somewhere above."""
        if not self.folders:
            return None
        above = os.path.dirname(path)
        while above not in self.folders:
            above, below = os.path.dirname(above), above
            if above == below:
                return None
        return self.folders[above]

    def add(self, entry: FileEntry) -> None:
        """List a file; with too many of them, it and others become a folder's entry and are left out."""
        self.files[entry.path] = entry
        parent = os.path.dirname(entry.path)
        self._in_folder[parent] += 1
        if self._in_folder[parent] > FILES_A_FOLDER and parent != os.sep:
            self.fold(FolderEntry(parent, entry.reader))
        elif len(self.files) > MAX_ENTRIES:
            self.fold(FolderEntry(_crowded(list(self.files)), entry.reader))
        if len(self.folders) > MAX_FOLDERS:
            self.fold(FolderEntry(_crowded(list(self.folders)), entry.reader))

    def fold(self, folder: FolderEntry) -> None:
        """From now on the files below the folder count as one entry."""
        for path in [each for each in self.files if _is_below(each, folder.path)]:
            entry = self.files.pop(path)
            entry.left_out = True
            folder.add(path, entry.stamp)
        for path in [each for each in self.folders if _is_below(each, folder.path)]:
            folder.take(self.folders.pop(path))
        self.folders[folder.path] = folder


def _crowded(paths: Sequence[str]) -> str:
    """The deepest folder with a good part of these paths somewhere below it."""
    above = list(paths)
    while True:
        above = [os.path.dirname(path) for path in above]
        ((folder, count),) = Counter(above).most_common(1)
        if count * 4 >= len(paths) or folder == os.sep:
            return folder


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)
