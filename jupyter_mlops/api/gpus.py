"""The GPUs of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..workspace import current

if TYPE_CHECKING:
    import pandas as pd


def gpus() -> pd.DataFrame:
    """The GPUs that jobs here may lease, and who has them: jobs of all users, and kernels that hold memory.

    ``free_share`` is 1.0 where the whole GPU can be leased; ``free_bytes`` is its memory, less what is
    promised to jobs and what others hold. Raises Unavailable where leases cannot be read.
    """
    import pandas as pd

    from ..services.sharing import GPU_COLUMNS, gpus_of

    return pd.DataFrame(gpus_of(current().machine), columns=list(GPU_COLUMNS))
