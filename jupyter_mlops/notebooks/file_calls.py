"""Calls that open, write, read, copy and list files."""

from __future__ import annotations

import re
from collections.abc import Sequence

from . import purity
from .disk import Disk
from .file_functions import FILE_ARGUMENTS, MOVES
from .interpreter import Interpreter
from .seen import Seen, objects_of
from .steps import NOTHING, Call

MODES = frozenset("rwabtx+U")
OPENS_BY_MODE = re.compile(
    r"((io|codecs|gzip|bz2|lzma|tarfile|wave)\.)?open$|zipfile\.\w*ZipFile$|h5py\.File$"
)
OPENS = re.compile(
    r"(sqlite3|duckdb)\.connect$|(shelve|dbm|zarr)\.open\w*$|pandas\.(ExcelWriter|HDFStore)$|sqlalchemy\.create_engine$"
    r"|numpy\.(memmap|lib\.format\.open_memmap)$|logging\.(handlers\.)?\w*FileHandler$|netCDF4\.Dataset$|tables\.open_file$"
)
"""What gives an object that writes a file whenever it is changed."""
IN_MEMORY = ":memory:"
PATHS = re.compile(r"pathlib\.(Pure)?(Posix|Windows)?Path$")
PATH_METHODS = frozenset(
    (
        *("write_text", "write_bytes", "read_text", "read_bytes", "touch", "mkdir", "unlink", "rmdir"),
        *("exists", "is_file", "is_dir", "open", "stat", "symlink_to", "hardlink_to", "iterdir"),
    )
)
"""Methods of a path that are about the file which it names."""
SECOND = re.compile(r".*\.(dump|save|save_file|urlretrieve)$")
"""Functions whose second argument is the file."""
MAKES_FOLDERS = frozenset({"mkdir", "makedirs", "mkdtemp"})
READS_ALL = frozenset({"copytree", "make_archive", "listdir", "scandir", "walk", "iterdir", "rglob"})
WRITES_ANY = re.compile(r"make_archive|unpack_archive|extract|copytree")
FROM_REGISTRY = re.compile(r"jupyter_mlops\.load_\w+$")
"""What gives registered versions, whatever is written to files."""
LOGS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log"})


class FileCalls:
    """Notes for a flow what a call does to files."""

    def __init__(self, flow: Interpreter) -> None:
        self._flow = flow

    @property
    def _disk(self) -> Disk:
        return self._flow.disk

    # ------------------------------------------------------------ functions
    def function(self, value: Call, path: str, arguments: Sequence[Seen], result: Seen) -> None:
        """A function of a module, or ``open``."""
        last = path.rpartition(".")[2]
        if self._flow.of_data and FROM_REGISTRY.match(path):
            return
        if OPENS.match(path) or OPENS_BY_MODE.match(path):
            self._open(value, _names(value, path), result, bool(OPENS.match(path)))
        elif path.startswith("logging."):
            self._log(value, last, arguments)
        elif last in MOVES and path.startswith(("shutil.", "os.")):
            self._move(value)
        elif path == "os.chdir":
            self._read(_names(value, path))
        elif PATHS.match(path):
            if value.texts and len(value.texts) == len(value.arguments):
                self._disk.name(result.objects, "/".join(value.texts))
        elif last not in purity.SAFE_WRITERS or path.startswith(("shutil.", "os.")):
            self._by_name(value, last, _names(value, path), arguments)

    def method(self, value: Call, base: Seen, name: str, arguments: Sequence[Seen], result: Seen) -> None:
        """A method of a path, of what is open, or of what is written to a file."""
        if base.objects & self._disk.opened:
            if name.startswith("extract"):
                self._flow.write_files(())
            if purity.READS_FILE.match(name) or name.startswith("extract"):
                self._read(self._disk.names_opened(base.objects))
            return
        if name in ("rename", "replace") and self._disk.names_of(base.objects):
            self._read(self._disk.names_of(base.objects))
            self._flow.write_files(value.texts)
            return
        names = self._disk.names_of(base.objects) if name in PATH_METHODS else _names(value, name)
        if name == "open":
            self._open(value, names, result, False)
        elif name not in purity.SAFE_WRITERS:
            self._by_name(value, name, names, arguments)
        elif purity.READS_FILE.match(name):
            self._read(names)

    # ------------------------------------------------------------ what they do
    def _by_name(self, value: Call, name: str, names: Sequence[str], arguments: Sequence[Seen]) -> None:
        opened = self._flow.heap.reach(objects_of(arguments)) & self._disk.opened
        if purity.WRITES_FILE.match(name):
            if not opened:
                given = () if WRITES_ANY.match(name) else names
                self._flow.write_files(given, folders=name in MAKES_FOLDERS)
            for each in arguments:  # whoever uses the same path depends on what is written there
                self._flow.change(each, f"{value.title} writes a file", deep=False)
            self._flow.change(Seen(opened, None), f"{value.title} writes a file", deep=False)
        if name in READS_ALL:
            self._read(())
        elif purity.READS_FILE.match(name):
            self._read(self._disk.names_opened(opened) if opened else names)

    def _open(self, value: Call, names: Sequence[str], result: Seen, writable: bool) -> None:
        if IN_MEMORY in names:
            return
        given = [mode for mode in value.texts if mode and set(mode) <= MODES]
        computed = len(value.arguments) > 1 and value.arguments[1] != NOTHING
        names = [each for each in names if each not in given]
        self._read(names)
        if not writable and (computed or set("".join(given)) & set("wax+")):
            writable = True
            self._flow.write_files(names)
        self._disk.open(result.objects, names, writable=writable)

    def _log(self, value: Call, last: str, arguments: Sequence[Seen]) -> None:
        """Once logging writes a file, each message does."""
        disk, flow = self._disk, self._flow
        keywords = {keyword for keyword, _ in value.keywords}
        if last == "basicConfig" and "filename" in keywords:
            disk.log = disk.log or flow.heap.new()
            flow.write_files(value.texts)
            disk.open(disk.log, value.texts, writable=True)
        elif last == "addHandler":
            disk.log = disk.log or flow.heap.new()
            flow.heap.hold(disk.log, objects_of(arguments))
        elif last in LOGS and disk.log:
            flow.change(Seen(disk.log, None), f"{value.title} writes a file")

    def _move(self, value: Call) -> None:
        """A file is there under another name, or in another folder."""
        if len(value.texts) < 2 or value.arguments[:2] != (NOTHING, NOTHING):
            self._read(())
            self._flow.write_files(())
            return
        source, target = value.texts[:2]
        self._read([source] if "." in source else ())
        self._flow.write_files([source, target], folders=True)

    def _read(self, names: Sequence[str]) -> None:
        flow = self._flow
        self._disk.read(names, flow.account, flow.heap, flow.bit)


def _names(value: Call, path: str) -> list[str]:
    """The texts in a call, where the file's name is among them; else none."""
    place = 1 if SECOND.match(path) and len(value.arguments) > 1 else 0
    if value.arguments:
        return list(value.texts) if value.arguments[place] == NOTHING else []
    named = [
        each == NOTHING
        for keyword, each in value.keywords
        if keyword in FILE_ARGUMENTS or keyword == "database"
    ]
    return list(value.texts) if named and all(named) else []
