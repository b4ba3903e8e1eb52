"""From cells or a notebook, parameters and resources to jobs in the queue."""
