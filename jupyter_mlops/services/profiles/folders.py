"""Folders, and files that are no tables: what kinds of files there are, and what images and texts among them
are like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ...entities import FileSummary, Profile, ProfileStatus
from .images import IMAGES, summarize_images
from .ranking import commonest
from .texts import TEXTS, summarize_texts

LARGEST = 10
MOST_SUFFIXES = 50
NO_SUFFIX = "(none)"


def profile_files(digest: str, root: Path, files: Sequence[Path]) -> Profile:
    """UNSUPPORTED where nothing is known of the files but their sizes."""
    images = [path for path in files if path.suffix.lower() in IMAGES]
    texts = [path for path in files if path.suffix.lower() in TEXTS]
    return Profile(
        digest=digest,
        status=ProfileStatus.READY if images or texts or len(files) != 1 else ProfileStatus.UNSUPPORTED,
        files=_summary(root, files),
        images=summarize_images(root, images) if images else None,
        texts=summarize_texts(texts) if texts else None,
    )


def _summary(root: Path, files: Sequence[Path]) -> FileSummary:
    sizes = {str(path.relative_to(root)): path.stat().st_size for path in files}
    counts: Counter[str] = Counter()
    stored: Counter[str] = Counter()
    for name, size in sizes.items():
        suffix = Path(name).suffix.lower() or NO_SUFFIX
        counts[suffix] += 1
        stored[suffix] += size
    return FileSummary(
        count=len(files),
        size_bytes=sum(sizes.values()),
        suffixes=commonest(counts, MOST_SUFFIXES),
        suffix_bytes=commonest(stored, MOST_SUFFIXES),
        largest=dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:LARGEST]),
    )
