"""Writing runs: the tracker, the writer of one run, and what ends them."""
