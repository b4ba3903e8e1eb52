"""Jobs that are queued again and again."""
