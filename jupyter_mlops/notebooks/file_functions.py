"""Functions that read, write, move or list files, by their names; and texts that may name a file."""

from __future__ import annotations

import re
from functools import lru_cache

from ..capture.reads import points

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
LONGEST = 1024
_ARGUMENTS = (
    "filepath_or_buffer path path_or_buf path_or_buffer filepath file filename fname io source root fp"
)
FILE_ARGUMENTS = frozenset(_ARGUMENTS.split())
_MORE_READERS = (
    "PIL.Image.open cv2.imread matplotlib.pyplot.imread matplotlib.image.imread imageio.imread "
    "imageio.v2.imread imageio.v3.imread skimage.io.imread scipy.io.loadmat xarray.open_dataset librosa.load "
    "soundfile.read geopandas.read_file"
)
MORE_READERS = frozenset(_MORE_READERS.split())
ONLY_READING_MODE = frozenset({"open", "io.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open"})
BY_MODE = ONLY_READING_MODE | {"h5py.File", "zipfile.ZipFile", "tarfile.open"}
READS_PERHAPS = re.compile(r"(read|scan|open|load|imread|from)(_\w+)?|fromfile|loadtxt|genfromtxt|\w*Folder")
WRITES = re.compile(
    r"(to|save|write|dump|sink|make|create|export|download)_\w+|save\w*|dump|write|tofile|mkdir|makedirs|touch"
    r"|unlink|remove|rmtree|urlretrieve|imsave|imwrite"
)
MOVES = frozenset({"copy", "copy2", "copyfile", "copytree", "move", "rename", "replace"})
LISTS = frozenset({"os.listdir", "os.scandir", "os.walk"})
GLOBS = frozenset({"glob.glob", "glob.iglob"})
CHANGES_FOLDER = frozenset({"os.chdir", "os.fchdir", "contextlib.chdir"})
HARMLESS = frozenset({"print", "len", "str", "int", "float", "display", "range", "list", "dict", "sorted"})
RUNS_LINE = frozenset({"time", "timeit", "prun", "memit"})
SHELL = frozenset({"system", "getoutput", "run_cell_magic"})
LOADS_MODULES = frozenset({"importlib.import_module", "__import__"})
STANDS_FOR = {"Path": "pathlib.Path", "open": "open"}


def is_file_name(text: str) -> bool:
    """Whether a text may name a file at all: no URL, no document."""
    return bool(text) and len(text) <= LONGEST and not URL.match(text) and not re.search(r"[\n\0{}<>|]", text)


@lru_cache(maxsize=1)
def known_readers() -> frozenset[str]:
    """Full names of functions whose first argument is a file that has to be there."""
    listed = (point for module in points.modules() for point in points.points_of(module))
    return MORE_READERS | {point.reader for point in listed if point.kind == points.READ}
