"""``python -m jupyter_mlops.cli``, where the console script is not on PATH."""

import sys

from . import main

sys.exit(main())
