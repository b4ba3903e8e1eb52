"""Model cards: what is known of a model version, and what people add to it."""
