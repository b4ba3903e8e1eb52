"""Jobs on a Slurm cluster, spoken to through its own programs."""
