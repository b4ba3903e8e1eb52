"""The seams: what services ask of stores, executors and clocks. Contracts are written here, once."""
