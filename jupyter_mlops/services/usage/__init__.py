"""What jobs have used: measured in the worker, summed up for people, learned from for the next ones."""
