"""What people read of runs, outputs and comparisons, as text and HTML: entities in, texts out."""
